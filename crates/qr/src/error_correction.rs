//! Error correction: divides the codewords of a QR code into blocks and computes the Reed-Solomon codewords of each
//! (ISO/IEC 18004, 7.5 and 7.6).
//!
//! `qrcode` can do this too, but contains all generator polynomials as tables. These are 5 KB that do not compress, in
//! the wasm of the widget (docs/decisions/0053).

/// Divides `data` into `count` blocks. Returns the interleaved codewords of the data and of the error correction.
/// Together they are `capacity` codewords.
pub(crate) fn interleave(data: &[u8], capacity: usize, count: usize) -> (Vec<u8>, Vec<u8>) {
    let divisor = divisor(capacity.saturating_sub(data.len()) / count);
    let (mut blocks, mut corrections) = (Vec::new(), Vec::new());
    let mut rest = data;
    for at in 0..count {
        // If the blocks can't be equally long, the last ones have one codeword more.
        let (block, others) = rest.split_at((data.len() + at) / count);
        blocks.push(block.to_vec());
        corrections.push(remainder(block, &divisor));
        rest = others;
    }
    (round_robin(&blocks), round_robin(&corrections))
}

/// Interleaves the blocks: the first codeword of each, then the second of each, and so on.
fn round_robin(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut codewords = Vec::new();
    for at in 0..blocks.last().map_or(0, Vec::len) {
        for block in blocks {
            codewords.extend(block.get(at));
        }
    }
    codewords
}

/// The generator polynomial of a Reed-Solomon code: the product of all `x - 2^n` with `0 <= n < degree`. The
/// coefficients are in descending order of the powers. The first one is 1 and left out.
fn divisor(degree: usize) -> Vec<u8> {
    let mut divisor = vec![0; degree];
    let mut root = 1;
    if let Some(last) = divisor.last_mut() {
        *last = 1;
    }
    for _ in 0..degree {
        let mut below = 0;
        for coefficient in divisor.iter_mut().rev() {
            (*coefficient, below) = (multiply(*coefficient, root) ^ below, *coefficient);
        }
        root = multiply(root, 2);
    }
    divisor
}

/// The error correction codewords of a block: the remainder of the polynomial `data`, multiplied by `x` to the degree
/// of `divisor`, divided by `divisor`.
fn remainder(data: &[u8], divisor: &[u8]) -> Vec<u8> {
    let mut rest = data.to_vec();
    rest.extend_from_slice(&vec![0; divisor.len()]);
    for at in 0..data.len() {
        if let Some([factor, lower @ ..]) = rest.get_mut(at..) {
            for (coefficient, divisor) in lower.iter_mut().zip(divisor) {
                *coefficient ^= multiply(*divisor, *factor);
            }
        }
    }
    rest.split_off(data.len())
}

/// Multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
fn multiply(left: u8, right: u8) -> u8 {
    (0..8).rev().fold(0, |product, bit| {
        let doubled = (product << 1) ^ (if product >> 7 == 1 { 0x1d } else { 0 });
        doubled ^ (if right >> bit & 1 == 1 { left } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleave_puts_short_blocks_before_long_ones() {
        let (data, corrections) = interleave(b"123456789", 15, 2);
        assert_eq!(data, b"152637489");
        assert_eq!(corrections.len(), 6);
    }

    #[test]
    fn interleave_reproduces_the_example_of_iso_18004() {
        // ISO/IEC 18004, annex I: "01234567" in version 1-M.
        let data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
        let corrections = [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55];
        assert_eq!(interleave(&data, 26, 1), (data.to_vec(), corrections.to_vec()));
    }
}
