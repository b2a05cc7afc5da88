// The text in the QR code: what an approver needs from it, or a sentence about what is wrong with it.

export function readCode(text) {
  let code;
  try {
    code = JSON.parse(text);
  } catch {
    return { problem: 'This is not the text of a sign-in code. Copy all of it, from the first { to the last }.' };
  }
  if (typeof code?.random !== 'string' || !code.random) {
    return { problem: 'This code is not for signing in. Use the one on the sign-in page.' };
  }
  if (code.scene !== undefined && code.scene !== 'APP_AUTH') {
    return { problem: 'This code is for another app. Use the one on the sign-in page.' };
  }
  return { random: code.random };
}
