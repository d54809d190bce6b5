//! A quick look at latents: their colours, without the decoder.
//!
//! Latents of Stable Diffusion are nearly a linear function of the colours of the eight by eight pixels that they stand
//! for. The function differs from model to model, so it is fitted to a picture whose latents are known: the source's.

use crate::frame::{Frame, Size, resize};

/// Channels of latents that are looked at, and one for a constant.
const CHANNELS: usize = 4;
const TERMS: usize = CHANNELS + 1;

/// Keeps the fit from inventing strong colours where pictures hardly have any; a share of the mean square.
const RIDGE: f64 = 1e-3;

/// From latents to colours: `colour = latents · weights + constant`, in grey levels.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentColours {
    /// For each term the weight of red, green and blue; the constant comes last.
    weights: [[f64; 3]; TERMS],
}

impl LatentColours {
    /// Fits the function to pictures and their latents.
    ///
    /// # Shapes
    /// `latents` holds `[4, h, w]` of each picture, one after the other; `size` is `w × h`.
    ///
    /// # Panics
    /// If there are not as many latents as pictures.
    #[must_use]
    pub fn fit(pictures: &[&Frame], latents: &[f32], size: Size) -> Self {
        let area = size.area();
        assert_eq!(
            latents.len(),
            pictures.len() * CHANNELS * area,
            "latents of each picture"
        );
        let mut normal = [[0.0; TERMS]; TERMS];
        let mut right = [[0.0; 3]; TERMS];
        for (picture, latents) in pictures.iter().zip(latents.chunks_exact(CHANNELS * area)) {
            let small = resize(picture, size);
            for (i, pixel) in small.pixels().chunks_exact(3).enumerate() {
                let terms = terms_at(latents, area, i);
                for (row, a) in terms.iter().enumerate() {
                    for (column, b) in terms.iter().enumerate() {
                        normal[row][column] += a * b;
                    }
                    for channel in 0..3 {
                        right[row][channel] += a * f64::from(pixel[channel]);
                    }
                }
            }
        }
        // The constant is not held back: a grey picture is grey.
        let n_samples = normal[CHANNELS][CHANNELS];
        for (term, row) in normal.iter_mut().enumerate() {
            row[term] += if term < CHANNELS {
                RIDGE * n_samples
            } else {
                1e-9
            };
        }
        Self {
            weights: solve(normal, right),
        }
    }

    /// The picture of latents `[4, h, w]`, at their own size: an eighth of the picture's.
    ///
    /// # Panics
    /// If there are not four latents for each pixel.
    #[must_use]
    pub fn view(&self, latents: &[f32], size: Size) -> Frame {
        let area = size.area();
        assert_eq!(latents.len(), CHANNELS * area, "four latents a pixel");
        let mut pixels = Vec::with_capacity(area * 3);
        for i in 0..area {
            let terms = terms_at(latents, area, i);
            for channel in 0..3 {
                let weighted = terms.iter().zip(&self.weights).map(|(a, w)| a * w[channel]);
                // Not a number becomes black.
                pixels.push(weighted.sum::<f64>().round().clamp(0.0, 255.0) as u8);
            }
        }
        Frame::new(size, pixels)
    }
}

fn terms_at(latents: &[f32], area: usize, i: usize) -> [f64; TERMS] {
    let latent = |channel: usize| f64::from(latents[channel * area + i]);
    [latent(0), latent(1), latent(2), latent(3), 1.0]
}

/// Gaussian elimination with partial pivoting; the ridge keeps every pivot from 0.
fn solve(mut a: [[f64; TERMS]; TERMS], mut b: [[f64; 3]; TERMS]) -> [[f64; 3]; TERMS] {
    for column in 0..TERMS {
        let better = |i: &usize, j: &usize| a[*i][column].abs().total_cmp(&a[*j][column].abs());
        let pivot = (column..TERMS).max_by(better).unwrap_or(column);
        a.swap(column, pivot);
        b.swap(column, pivot);
        let (top, right) = (a[column], b[column]);
        for row in column + 1..TERMS {
            let factor = a[row][column] / top[column];
            for (value, above) in a[row].iter_mut().zip(top) {
                *value -= factor * above;
            }
            for (value, above) in b[row].iter_mut().zip(right) {
                *value -= factor * above;
            }
        }
    }
    let mut x = [[0.0; 3]; TERMS];
    for row in (0..TERMS).rev() {
        for channel in 0..3 {
            let known: f64 = (row + 1..TERMS).map(|i| a[row][i] * x[i][channel]).sum();
            x[row][channel] = (b[row][channel] - known) / a[row][row];
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 6,
        height: 4,
    };

    fn latent(channel: usize, i: usize) -> f32 {
        let step = [7, 5, 11, 3][channel];
        ((i * step + channel) % 13) as f32 / 6.0 - 1.0
    }

    fn latents() -> Vec<f32> {
        let of = |channel| (0..SIZE.area()).map(move |i| latent(channel, i));
        (0..CHANNELS).flat_map(of).collect()
    }

    /// Colours that are a linear function of the latents.
    fn picture() -> Frame {
        Frame::from_fn(SIZE, |x, y| {
            let i = (y * SIZE.width + x) as usize;
            let of = |w: [f32; 4]| {
                let sum: f32 = (0..4).map(|c| w[c] * latent(c, i)).sum();
                (128.0 + sum).round() as u8
            };
            [
                of([40.0, 10.0, -5.0, 0.0]),
                of([30.0, -20.0, 5.0, 10.0]),
                of([20.0, 0.0, 25.0, -30.0]),
            ]
        })
    }

    #[test]
    fn a_linear_function_is_found_again() {
        let (picture, latents) = (picture(), latents());
        let colours = LatentColours::fit(
            &[&picture, &picture],
            &[latents.clone(), latents.clone()].concat(),
            SIZE,
        );
        let view = colours.view(&latents, SIZE);
        let worst = view
            .pixels()
            .iter()
            .zip(picture.pixels())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst <= Some(1), "{worst:?}");
    }

    #[test]
    fn a_grey_picture_gives_grey_and_nothing_is_infinite() {
        let grey = Frame::from_fn(SIZE, |_, _| [90; 3]);
        let colours = LatentColours::fit(&[&grey], &vec![0.0; 4 * SIZE.area()], SIZE);
        let strange = vec![f32::NAN; 4 * SIZE.area()];
        assert_eq!(colours.view(&vec![1.0; 4 * SIZE.area()], SIZE), grey);
        assert_eq!(colours.view(&strange, SIZE).at(0, 0), [0; 3]);
    }
}
