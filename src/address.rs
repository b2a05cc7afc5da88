//! Addresses of pages and servers.

/// The maximum length of an address in bytes.
const MAX_LENGTH: usize = 2048;

/// Whether `address` is `http://` or `https://` with a rest that is not empty and has no forbidden byte.
pub(crate) fn is_http(address: &str, is_forbidden: fn(u8) -> bool) -> bool {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.bytes().any(is_forbidden))
}

/// Whether the widget may show `address` as a link: `http` or `https`, printable ASCII without spaces, and not too long.
/// `isLink` in `js/same_device.js` does the same.
pub fn is_link(address: &str) -> bool {
    address.len() <= MAX_LENGTH && is_http(address, |byte| !byte.is_ascii_graphic())
}

/// Whether `address` may be that of a page to which an approver returns: a link without a fragment.
pub(crate) fn is_return_url(address: &str) -> bool {
    is_link(address) && !address.bytes().any(|byte| byte == b'#')
}
