// Parses the text of a QR code.

/** Returns `{ random }`, the id of the code, or `{ problem }`, a message for the person. */
export function parseCode(text) {
  let code;
  try {
    code = JSON.parse(text);
  } catch {
    return { problem: 'This is not the text of a sign-in code. Copy all of it, from the first { to the last }.' };
  }
  if (typeof code?.random !== 'string' || !code.random) {
    return { problem: 'This is not a sign-in code. Use the code on the sign-in page.' };
  }
  if (code.scene !== undefined && code.scene !== 'APP_AUTH') {
    return { problem: 'This code is for another app. Use the code on the sign-in page.' };
  }
  return { random: code.random };
}
