//! The link in a QR code, and the address that leads back to the page: docs/protocol.md, "Text of the code" and "Same device".
//!
//! The id of the code and the response code are in the fragment, which a browser does not send to a server.

/// The end of a link for the device that shows the page.
const SAME_DEVICE: &str = ".return";
/// The begin of the fragment that hands the response code back to the page.
const RETURN: &str = "#scanlogin-response=";
/// The maximum length of the id of a code in a link. Those of the server have 32 characters.
const MAX_RANDOM_LENGTH: usize = 128;

/// The content of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// The id of the code.
    pub random: &'a str,
    /// The device that opens the link.
    pub device: Device,
}

/// The device that a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// Another device than the one that shows the page: the link is in a QR code.
    Other,
    /// The device that shows the page: docs/protocol.md, "Same device".
    Same,
}

impl Link<'_> {
    /// The text of the link below `code_url`, the address of the approver.
    pub fn text(self, code_url: &str) -> String {
        let end = match self.device {
            Device::Other => "",
            Device::Same => SAME_DEVICE,
        };
        [code_url, "#", self.random, end].concat()
    }
}

/// The address that an approver opens after a confirm on the device of the page: `return_url`, the address of the page, with
/// the response code in its fragment.
pub fn return_address(return_url: &str, random: &str, response_code: &str) -> String {
    [return_url, RETURN, random, ".", response_code].concat()
}

/// Reads `text` as a link below one of `code_urls`, the addresses of the approver. The part before `#` has to be exactly one
/// of them. `None` for any other text, such as a link to somewhere else.
pub fn read_link<'a>(text: &'a str, code_urls: &[impl AsRef<str>]) -> Option<Link<'a>> {
    let fragment = code_urls.iter().find_map(|code_url| text.strip_prefix(code_url.as_ref())?.strip_prefix('#'))?;
    let (random, device) = match fragment.strip_suffix(SAME_DEVICE) {
        Some(random) => (random, Device::Same),
        None => (fragment, Device::Other),
    };
    is_random(random).then_some(Link { random, device })
}

/// Whether `text` may be the id of a code in a link.
fn is_random(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_RANDOM_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
    const ADDRESSES: [&str; 2] = ["https://pass.example.com/s", "http://localhost:8787/s"];

    #[test]
    fn link_for_each_device_round_trips_below_each_address() {
        for address in ADDRESSES {
            for (device, end) in [(Device::Other, ""), (Device::Same, ".return")] {
                let link = Link { random: RANDOM, device };
                let text = link.text(address);
                assert_eq!(text, format!("{address}#{RANDOM}{end}"));
                assert_eq!(read_link(&text, &ADDRESSES), Some(link));
            }
        }
    }

    #[test]
    fn return_address_keeps_the_query_of_the_page() {
        let address = return_address("https://www.example.com/login?app=7", RANDOM, "the-code");
        assert_eq!(address, format!("https://www.example.com/login?app=7#scanlogin-response={RANDOM}.the-code"));
    }

    #[test]
    fn other_addresses_are_no_links() {
        for address in [
            "",
            "https://pass.example.com",
            "https://pass.example.com/",
            "https://pass.example.com/s/",
            "https://pass.example.com/s?a=b",
            "https://pass.example.com/S",
            "http://pass.example.com/s",
            "https://pass.example.com:8443/s",
            "https://pass.example.com.attacker.example/s",
            "https://pass.example.com@attacker.example/s",
            "https://attacker.example/https://pass.example.com/s",
            " https://pass.example.com/s",
        ] {
            assert_eq!(read_link(&format!("{address}#{RANDOM}"), &ADDRESSES), None, "{address}");
        }
        assert_eq!(read_link(&format!("https://pass.example.com/s#{RANDOM}"), &[] as &[&str]), None);
    }

    #[test]
    fn fragment_is_the_id_of_a_code_and_nothing_else() {
        let read = |fragment: &str| read_link(&format!("{}#{fragment}", ADDRESSES[0]), &ADDRESSES).is_some();
        assert!(read("5e05f0c57fde537d950f7da5"));
        assert!(read(&"x".repeat(128)));
        for fragment in [
            "",
            ".return",
            "a.return.return",
            "a.RETURN",
            "a.other",
            "a/b",
            "a b",
            "a#b",
            "a%41",
            "\u{e9}",
            "\"",
            &"x".repeat(129),
        ] {
            assert!(!read(fragment), "{fragment}");
        }
        assert_eq!(read_link(ADDRESSES[0], &ADDRESSES), None, "no fragment");
    }
}
