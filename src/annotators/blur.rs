//! Separable blur of interleaved pictures, in f32, with the border mirrored about the edge pixel.

use rayon::prelude::*;

use crate::frame::Size;

/// Convolves each channel with `kernel` along both axes; the border is mirrored without repeating the edge pixel.
///
/// # Shapes
/// `picture` `[H, W, C]` for any number of channels → the same.
///
/// # Panics
/// If `picture` is not a whole number of channels, or `kernel` has no middle.
#[must_use]
pub fn blur(picture: &[f32], size: Size, kernel: &[f32]) -> Vec<f32> {
    assert!(kernel.len() % 2 == 1, "a kernel has a middle");
    if picture.is_empty() {
        return Vec::new();
    }
    let stride = picture.len() / size.height as usize;
    let channels = picture.len() / size.area();
    assert_eq!(picture.len(), size.area() * channels, "whole channels");
    let rows = blur_rows(picture, stride, channels, kernel);
    let radius = kernel.len() / 2;
    let mut out = vec![0.0; picture.len()];
    out.par_chunks_exact_mut(stride)
        .enumerate()
        .for_each(|(y, out)| {
            for (tap, &weight) in kernel.iter().enumerate() {
                let row = mirrored(y as isize + tap as isize - radius as isize, size.height);
                add_scaled(out, &rows[row * stride..][..stride], weight);
            }
        });
    out
}

/// The index inside `0..length` that position `index` is mirrored to, with the edge pixels as mirrors.
#[must_use]
pub fn mirrored(index: isize, length: u32) -> usize {
    let last = length as isize - 1;
    if last <= 0 {
        return 0;
    }
    // Nearly always; saves a division.
    if (0..=last).contains(&index) {
        return index as usize;
    }
    let folded = index.rem_euclid(2 * last);
    folded.min(2 * last - folded) as usize
}

fn blur_rows(picture: &[f32], stride: usize, channels: usize, kernel: &[f32]) -> Vec<f32> {
    let radius = (kernel.len() / 2) as isize;
    let width = (stride / channels) as u32;
    let mut out = vec![0.0; picture.len()];
    out.par_chunks_exact_mut(stride)
        .zip(picture.par_chunks_exact(stride))
        .for_each(|(out, row)| {
            let padded: Vec<f32> = (-radius..width as isize + radius)
                .flat_map(|x| &row[mirrored(x, width) * channels..][..channels])
                .copied()
                .collect();
            for (tap, &weight) in kernel.iter().enumerate() {
                add_scaled(out, &padded[tap * channels..][..stride], weight);
            }
        });
    out
}

fn add_scaled(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}
