//! Gray pixels, and how they are scaled, cut and inverted.

/// The difference between the darkest and the brightest pixels from which a picture is not stretched.
const FULL_CONTRAST: usize = 64;

/// Gray pixels, row by row from the top. Invariant: there are `width * height`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gray {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Gray {
    /// `luma` is cut or filled with white to the size.
    pub(crate) fn new(width: usize, height: usize, mut luma: Vec<u8>) -> Self {
        luma.resize(width * height, u8::MAX);
        Self { width, height, luma }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn into_luma(self) -> Vec<u8> {
        self.luma
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        // A picture that was halved too often has no columns, and no rows either.
        self.luma.chunks_exact(self.width.max(1))
    }

    /// Scales to half the size. Each new pixel is the mean of four. An odd last row or column is dropped.
    pub(crate) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut luma = Vec::with_capacity(width * height);
        let rows: Vec<&[u8]> = self.rows().collect();
        for [upper, lower] in rows.as_chunks::<2>().0 {
            let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
            luma.extend(upper.iter().zip(lower).map(|([a, b], [c, d])| {
                let sum = [a, b, c, d].into_iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
                ((sum + 2) / 4) as u8
            }));
        }
        Self::new(width, height, luma)
    }

    /// Scales to double the size, with linear interpolation.
    pub(crate) fn doubled(&self) -> Self {
        let mut luma = Vec::with_capacity(4 * self.luma.len());
        let rows: Vec<Vec<u8>> = self.rows().map(doubled_row).collect();
        for (y, row) in rows.iter().enumerate() {
            let above = y.checked_sub(1).and_then(|y| rows.get(y)).unwrap_or(row);
            let below = rows.get(y + 1).unwrap_or(row);
            for neighbor in [above, below] {
                luma.extend(row.iter().zip(neighbor).map(|(pixel, neighbor)| mixed(*pixel, *neighbor)));
            }
        }
        Self::new(2 * self.width, 2 * self.height, luma)
    }

    /// Stretches the gray values to the whole range from black to white. Otherwise the decoder sees no edges in a dark frame.
    /// The darkest and the brightest hundredth of the pixels are left out: noise and lamps.
    pub(crate) fn stretched(mut self) -> Self {
        let mut counts = [0usize; 256];
        for pixel in &self.luma {
            if let Some(count) = counts.get_mut(usize::from(*pixel)) {
                *count += 1;
            }
        }
        let ignored = self.luma.len() / 100;
        let values = || (0..counts.len()).zip(counts);
        let (Some(darkest), Some(brightest)) = (end(values(), ignored), end(values().rev(), ignored)) else {
            return self;
        };
        let range = brightest.saturating_sub(darkest);
        if !(1..FULL_CONTRAST).contains(&range) {
            return self;
        }
        let stretch = |value: usize| (value.saturating_sub(darkest) * 255 / range).min(255) as u8;
        let stretched: Vec<u8> = (0..256).map(stretch).collect();
        for pixel in &mut self.luma {
            *pixel = stretched.get(usize::from(*pixel)).copied().unwrap_or(*pixel);
        }
        self
    }

    /// Swaps black and white.
    pub(crate) fn inverted(mut self) -> Self {
        for pixel in &mut self.luma {
            *pixel = u8::MAX - *pixel;
        }
        self
    }

    /// The part of this size that begins at `left` and `top`. It is smaller at the edge of the picture.
    pub(crate) fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let width = width.min(self.width.saturating_sub(left));
        let height = height.min(self.height.saturating_sub(top));
        let luma = self.rows().skip(top).take(height).flat_map(|row| row.iter().skip(left).take(width)).copied();
        Self { width, height, luma: luma.collect() }
    }

    /// Adds a white border of `border` pixels on each side.
    pub(crate) fn with_border(&self, border: usize) -> Self {
        let (width, height) = (self.width + 2 * border, self.height + 2 * border);
        let mut luma = vec![u8::MAX; border * width];
        for row in self.rows() {
            luma.extend(std::iter::repeat_n(u8::MAX, border));
            luma.extend(row);
            luma.extend(std::iter::repeat_n(u8::MAX, border));
        }
        Self::new(width, height, luma)
    }
}

/// The first gray value after those of `ignored` pixels. `values` are the gray values with their numbers of pixels.
fn end(mut values: impl Iterator<Item = (usize, usize)>, ignored: usize) -> Option<usize> {
    let mut pixels = 0;
    let (value, _) = values.find(|(_, count)| {
        pixels += count;
        pixels > ignored
    })?;
    Some(value)
}

fn doubled_row(row: &[u8]) -> Vec<u8> {
    let mut doubled = Vec::with_capacity(2 * row.len());
    for (x, pixel) in row.iter().enumerate() {
        let left = x.checked_sub(1).and_then(|x| row.get(x)).unwrap_or(pixel);
        let right = row.get(x + 1).unwrap_or(pixel);
        doubled.extend([mixed(*pixel, *left), mixed(*pixel, *right)]);
    }
    doubled
}

/// A point between two pixels, nearer to the first.
fn mixed(near: u8, far: u8) -> u8 {
    ((3 * u32::from(near) + u32::from(far) + 2) / 4) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Gray {
        Gray::new(4, 2, vec![0, 4, 8, 12, 4, 8, 12, 16])
    }

    #[test]
    fn halved_pixels_are_the_means_of_four() {
        assert_eq!(ramp().halved(), Gray::new(2, 1, vec![4, 12]));
        assert_eq!(ramp().part(0, 0, 3, 2).halved(), Gray::new(1, 1, vec![4]));
    }

    #[test]
    fn doubled_pixels_are_between_their_neighbors() {
        let doubled = ramp().doubled();
        assert_eq!((doubled.width, doubled.height), (8, 4));
        assert_eq!(doubled.luma.get(..8), Some(&[0, 1, 3, 5, 7, 9, 11, 12][..]));
    }

    #[test]
    fn part_ends_at_the_edge() {
        assert_eq!(ramp().part(3, 1, 9, 9), Gray::new(1, 1, vec![16]));
        assert_eq!(ramp().part(9, 9, 1, 1).width, 0);
    }

    #[test]
    fn border_is_white() {
        let bordered = Gray::new(1, 1, vec![7]).with_border(1);
        assert_eq!(bordered, Gray::new(3, 3, vec![255, 255, 255, 255, 7, 255, 255, 255, 255]));
    }

    #[test]
    fn dark_picture_is_stretched_and_a_picture_with_full_contrast_is_not() {
        assert_eq!(Gray::new(3, 1, vec![20, 30, 40]).stretched(), Gray::new(3, 1, vec![0, 127, 255]));
        for luma in [vec![0, 70, 100], vec![9, 9, 9], Vec::new()] {
            let gray = Gray::new(luma.len(), 1, luma);
            assert_eq!(gray.clone().stretched(), gray);
        }
        // Single pixels are noise.
        let mut luma: Vec<u8> = (0..400).map(|x| if x % 2 == 0 { 20 } else { 40 }).collect();
        luma.extend([0, 255]);
        let stretched = Gray::new(402, 1, luma).stretched();
        assert_eq!(stretched.luma.get(..2), Some(&[0, 255][..]));
    }

    #[test]
    fn inverted_swaps_black_and_white() {
        assert_eq!(Gray::new(2, 1, vec![0, 255]).inverted(), Gray::new(2, 1, vec![255, 0]));
    }
}
