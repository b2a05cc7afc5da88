// From HTML to options: what an attribute's text means, and which events tell of what callbacks would.

/** The options that are text as it stands. All others are JSON: numbers, `true` and `false`, lists and objects. */
const TEXTS = /^(appId|host|appHost|userPoolId|tenantId|requestFrom|extIdpConnId|lang|logo|render|theme)$/;

/** The value of an option that was written as an attribute. What can't be read is left for the widget to complain of. */
export function optionOf(name, text) {
  if (TEXTS.test(name)) return text;
  let value;
  try {
    value = JSON.parse(text || "true");
  } catch (_) {
    return text;
  }
  // A code is square as a rule.
  return /size$/i.test(name) && typeof value === "number" ? { width: value, height: value } : value;
}

/** Callbacks that dispatch events, by `tell(type, detail)`. */
export function callbacks(tell) {
  return {
    onScanned: (userInfo) => tell("scanned", { userInfo }),
    onSuccess: (userInfo, ticket) => tell("success", { userInfo, ticket }),
    onCancel: () => tell("cancel"),
    onExpired: () => tell("expired"),
    onError: (message, error) => {
      // Who writes no code looks into the console first.
      if (error.fatal) console.warn(`scanlogin: ${message}`);
      tell("error", { message, error });
    },
  };
}
