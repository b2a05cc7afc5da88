//! Numbers as text.

/// Writes a number in decimal. `to_string` would bring the machinery of `core::fmt` into the wasm, which nothing else
/// there needs.
pub(crate) fn decimal(number: u64) -> String {
    let mut text = if number < 10 { String::new() } else { decimal(number / 10) };
    text.push(char::from(b'0' + (number % 10) as u8));
    text
}
