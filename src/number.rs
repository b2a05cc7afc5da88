//! Numbers as text.

/// Writes a number in decimal. `to_string` would add `core::fmt` to the wasm, where nothing else uses it.
pub(crate) fn decimal(number: u32) -> String {
    itoa::Buffer::new().format(number).to_owned()
}
