//! The name and the photo of the user who scanned a code, filtered for display.
//!
//! The name and the photo of a user come from a stranger: anybody can scan a code that is on a screen. So a page shows a
//! short line of visible characters, and loads a photo only from an absolute `https` address. The address may still name any
//! host, the page's own included: a request with `GET` must change nothing there.
//!
//! The server applies this to `userInfo`. The widget also talks to other servers, so `js/shell.js` does the same.

/// The maximum number of characters of [`display_name`].
pub const MAX_NAME_CHARACTERS: usize = 64;
/// The maximum number of combining marks on one character. Vietnamese, Thai and Hebrew need up to three.
const MAX_MARKS: usize = 3;
/// The maximum number of characters of a photo address.
const MAX_ADDRESS_CHARACTERS: usize = 2_048;

/// The name of a user for display: one line of at most [`MAX_NAME_CHARACTERS`] characters, and empty if nothing visible is
/// left.
///
/// Control, format, private and unassigned characters are dropped, and so are invisible letters, combining marks without
/// a character, and marks beyond three. A joiner stays between two characters outside ASCII: Persian words and composed emoji
/// need it. White space, line separators included, becomes one space.
pub fn display_name(name: &str) -> String {
    display_text(name, MAX_NAME_CHARACTERS)
}

/// Any text of a stranger for display: as [`display_name`], with at most `max_characters` characters.
pub fn display_text(text: &str, max_characters: usize) -> String {
    let mut shown = String::new();
    let (mut characters, mut marks, mut has_space, mut joiner) = (0, MAX_MARKS, false, None);
    for c in text.chars() {
        if c.is_whitespace() {
            (has_space, marks, joiner) = (characters > 0, MAX_MARKS, None);
            continue;
        }
        if matches!(c, '\u{200c}' | '\u{200d}') {
            joiner = Some(c).filter(|_| !has_space && shown.ends_with(|before: char| !before.is_ascii()));
            continue;
        }
        match kind(c) {
            Kind::Invisible => continue,
            Kind::Mark => {
                joiner = None;
                if marks == MAX_MARKS {
                    continue;
                }
                marks += 1;
            }
            Kind::Visible => marks = 0,
        }
        let joiner = joiner.take().filter(|_| !c.is_ascii());
        characters += 1 + usize::from(has_space || joiner.is_some());
        if characters > max_characters {
            break;
        }
        shown.extend(joiner);
        if core::mem::take(&mut has_space) {
            shown.push(' ');
        }
        shown.push(c);
    }
    shown
}

/// Whether a page may load `address` as the photo of a user: an absolute URL with `https`, or with `http` on the loopback
/// host of a test, without user name and password.
pub fn is_photo_address(address: &str) -> bool {
    // Browsers read `\` as `/`, and remove line breaks and tabs.
    let is_ambiguous = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if address.chars().count() > MAX_ADDRESS_CHARACTERS || address.contains(is_ambiguous) {
        return false;
    }
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('@') {
        return false;
    }
    let is_loopback = || {
        let is = |name| host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':'));
        ["localhost", "127.0.0.1", "[::1]"].into_iter().any(is)
    };
    scheme.eq_ignore_ascii_case("https") || (scheme.eq_ignore_ascii_case("http") && is_loopback())
}

enum Kind {
    /// Nothing to see, or an effect on other characters.
    Invisible,
    /// Drawn onto the character before it.
    Mark,
    Visible,
}

fn kind(c: char) -> Kind {
    if c.is_ascii() {
        return if c.is_ascii_graphic() { Kind::Visible } else { Kind::Invisible };
    }
    // Letters and marks that show nothing: the grapheme joiner, Hangul fillers, Khmer and Mongolian selectors, the empty
    // Braille pattern and the empty note head.
    if matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{ffa0}' | '\u{1d159}' | '\u{e0000}'..='\u{e0fff}'
    ) {
        return Kind::Invisible;
    }
    // The standard library has the tables of Unicode for `Debug`. It escapes characters of the categories Cc, Cf, Cn, Co,
    // Zl, Zp and Zs, and a combining mark unless it follows another character.
    let escapes = |text: &[char]| text.iter().collect::<String>().escape_debug().nth(text.len()).is_some();
    if escapes(&['a', c]) {
        Kind::Invisible
    } else if escapes(&[c]) {
        Kind::Mark
    } else {
        Kind::Visible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_stay_as_they_are() {
        for name in [
            "Alice <i>",
            "O’Brien \"O'B\" \\ 2",
            "Nguyễn Văn A",
            "Nguye\u{302}\u{303}n",
            "王小明",
            "やまだ たろう",
            "ﾊﾞ",
            "김철수",
            "สมชาย น้ำ",
            "शर्मा",
            "محمد",
            "שָׁלוֹם",
            "❤\u{fe0f} 👍🏽 🇨🇭",
            "نامه\u{200c}ها",
            "👨\u{200d}👩\u{200d}👧",
        ] {
            assert_eq!(display_name(name), name);
        }
    }

    #[test]
    fn invisible_characters_are_dropped() {
        // Control, soft hyphen, Arabic letter mark, Mongolian vowel separator, zero width, bidirectional, invisible operators,
        // byte order mark, annotation, tags, Hangul fillers, Braille blank, private, unassigned, noncharacter.
        let characters = "\0\u{7}\u{1b}\u{7f}\u{9b}\u{ad}\u{61c}\u{180e}\u{200b}\u{200d}\u{200f}\u{202a}\u{202e}\u{2061}\u{2066}\
            \u{206f}\u{feff}\u{fff9}\u{e0001}\u{e0061}\u{e007f}\u{e0100}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}\u{34f}\
            \u{e000}\u{f0000}\u{378}\u{2065}\u{ffff}\u{10ffff}";
        for c in characters.chars() {
            assert_eq!(display_name(&format!("Al{c}ice")), "Alice", "{c:?}");
            assert_eq!(display_name(&c.to_string()), "", "{c:?}");
        }
    }

    #[test]
    fn joiner_without_a_character_outside_ascii_on_both_sides_is_dropped() {
        for name in ["\u{200d}é", "é\u{200c}", "é\u{200d} é", "é \u{200d}é", "é\u{200d}a", "a\u{200d}é"] {
            assert!(!display_name(name).contains(['\u{200c}', '\u{200d}']), "{name:?}");
        }
        assert_eq!(display_name("é\u{200d}\u{200d}\u{200c}é"), "é\u{200c}é");
        assert_eq!(display_name(&"é\u{200d}".repeat(100)).chars().count(), 63);
    }

    #[test]
    fn white_space_becomes_one_space() {
        assert_eq!(display_name("\n Al\r\n\u{2028}\u{2029}\u{85}\t\u{a0}\u{3000}ice \u{202e} "), "Al ice");
        assert_eq!(display_name(" \u{2003} "), "");
    }

    #[test]
    fn name_has_64_characters_at_most() {
        assert_eq!(display_name(&"x".repeat(4_620)), "x".repeat(64));
        assert_eq!(display_name(&"x ".repeat(64)).chars().count(), 63, "no space at the end");
        assert_eq!(display_name(&"\u{202e}é".repeat(100)), "é".repeat(64));
    }

    #[test]
    fn runs_of_combining_marks_are_cut() {
        assert_eq!(display_name(&format!("\u{301}a{}b", "\u{301}".repeat(50))), "a\u{301}\u{301}\u{301}b");
        assert_eq!(display_name("\u{301} \u{20e3}"), "");
    }

    #[test]
    fn photo_address_is_absolute_https_or_http_on_loopback() {
        for address in [
            "https://photos.example/a.png?size=2#x",
            "HTTPS://photos.example",
            "https://photos.example:8443/a",
            "https://照片.example/头像.png",
            "http://localhost:8080/photos/alice.svg",
            "http://127.0.0.1/a",
            "http://[::1]:80/a",
        ] {
            assert!(is_photo_address(address), "{address}");
        }
        for address in [
            "",
            "/demo/logout",
            "//photos.example/a.png",
            "https:/photos.example",
            "https:///photos.example",
            "https:a",
            "http://192.168.0.1/reboot",
            "http://photos.example/a.png",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://localhost:1@192.168.0.1/",
            "https://user:password@photos.example/",
            "https://photos.example\\@192.168.0.1/",
            "https:\\\\photos.example",
            " https://photos.example/",
            "https://photos.example/\n",
            "ht\ttps://photos.example/",
            "data:image/png;base64,AA",
            "javascript://photos.example/%0aalert(1)",
            "blob:https://photos.example/1",
        ] {
            assert!(!is_photo_address(address), "{address}");
        }
        let long = format!("https://photos.example/{}", "x".repeat(2_100));
        assert!(!is_photo_address(&long));
    }
}
