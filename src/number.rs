//! Numbers as text.

/// Writes a number in decimal. `to_string` would bring the machinery of `core::fmt` into the wasm, which nothing else
/// there needs.
pub(crate) fn decimal(mut number: u64) -> String {
    let mut text = String::new();
    loop {
        text.insert(0, char::from(b'0' + (number % 10) as u8));
        number /= 10;
        if number == 0 {
            return text;
        }
    }
}
