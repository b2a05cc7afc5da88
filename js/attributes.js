// Converts HTML attributes to options, and callbacks to events.

/** The options whose attribute is text. All others are JSON: numbers, `true` and `false`, lists and objects. */
const TEXT_OPTIONS = /^(appId|host|appHost|userPoolId|tenantId|requestFrom|extIdpConnId|lang|logo|render|theme)$/;

/**
 * The value of an option whose attribute is `text`. Text that is not JSON is returned unchanged, so that the error names the
 * option.
 */
export function optionOf(name, text) {
  if (TEXT_OPTIONS.test(name)) return text;
  let value;
  try {
    value = JSON.parse(text || "true");
  } catch (_) {
    return text;
  }
  // One number for a size stands for a square.
  return /size$/i.test(name) && typeof value === "number" ? { width: value, height: value } : value;
}

/** Callbacks that dispatch events with `dispatch(type, detail)`. */
export function callbacks(dispatch) {
  return {
    onScanned: (userInfo) => dispatch("scanned", { userInfo }),
    onSuccess: (userInfo, ticket) => dispatch("success", { userInfo, ticket }),
    onCancel: () => dispatch("cancel"),
    onExpired: () => dispatch("expired"),
    onError: (message, error) => {
      // A page without scripts of its own has no other place for the message.
      if (error.fatal) console.warn(`scanlogin: ${message}`);
      dispatch("error", { message, error });
    },
  };
}
