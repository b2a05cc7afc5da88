// Recognizes codes that are made for something else than signing in, so that the page can say what they are.

/** The kinds of codes and how their texts begin. The first match counts. */
const KINDS = [
  ['wifi', /^WIFI:/i],
  ['contact', /^(BEGIN:VCARD|MECARD:|BIZCARD:)/i],
  ['event', /^BEGIN:(VEVENT|VCALENDAR)/i],
  ['email', /^(mailto|MATMSG|SMTP):/i],
  ['phone-number', /^(tel|facetime|facetime-audio):/i],
  ['text-message', /^(sms|smsto|mms|mmsto):/i],
  ['place', /^geo:/i],
  ['one-time-password', /^otpauth(-migration)?:/i],
  ['passkey', /^FIDO:\//i],
  // Currencies, payment apps, transfers by EPC and by Swiss QR bill, and EMV.
  ['payment', /^(bitcoin|bitcoincash|ethereum|litecoin|dogecoin|monero|solana|lightning|upi|wxp|alipays?):/i],
  ['payment', /^(BCD|SPC)[\r\n]|^000201/],
  ['product', /^(\d{8}|\d{12,14})$/],
  ['web-address', /^(https?:|www\.)/i],
  ['app-link', /^[a-z][a-z0-9+.-]*:\/\/|^(intent|market|javascript|data|blob|file|about):/i],
];

/** The kind of a code that is made for something else, such as `wifi`. `null` if the text is none of these. */
export const foreignKind = (text) => KINDS.find(([, pattern]) => pattern.test(text))?.[0] ?? null;

/** The host of a web address, such as `www.example.com`. Empty if there is none. */
export function hostOf(address) {
  try {
    return new URL(/^www\./i.test(address) ? `https://${address}` : address).host;
  } catch {
    return '';
  }
}
