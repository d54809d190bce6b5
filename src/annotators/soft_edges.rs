//! Soft edges: gradients at two scales, normalised to an even contrast. Needs no weights.
//!
//! Formula and constants are those that the demo model was trained with.

use rayon::prelude::*;

use super::ControlImage;
use super::blur::{blur, mirrored};
use crate::frame::{Frame, Size};

/// The two scales, in pixels.
const SIGMAS: [f32; 2] = [1.2, 2.4];

/// An edge of this many times the mean strength comes out half white.
const HALF_WHITE: f32 = 2.2;

/// How much of an edge there is at each pixel of `frame`; a flat picture gives black.
#[must_use]
pub fn soft_edges(frame: &Frame) -> ControlImage {
    let picture: Vec<f32> = frame
        .pixels()
        .iter()
        .map(|&value| f32::from(value) / 255.0)
        .collect();
    let mut edges = vec![0.0; frame.size().area()];
    for sigma in SIGMAS {
        let strength = gradient_strength(
            &blur(&picture, frame.size(), &gaussian(sigma)),
            frame.size(),
        );
        add_normalised(&mut edges, &strength, sigma);
    }
    for value in &mut edges {
        *value = value.clamp(0.0, 1.0);
    }
    ControlImage::new(frame.size(), edges)
}

fn gaussian(sigma: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    // f32 scales such as 2.4 lie a little above the decimal number, which must not add a tap.
    let radius = (2.5 * sigma - 1e-4).ceil() as i32;
    let weight = |k: i32| (-f64::from(k * k) / (2.0 * sigma * sigma)).exp();
    let sum: f64 = (-radius..=radius).map(weight).sum();
    (-radius..=radius)
        .map(|k| (weight(k) / sum) as f32)
        .collect()
}

/// The largest of the channels' gradient lengths, by Sobel 3×3 divided by 8.
fn gradient_strength(picture: &[f32], size: Size) -> Vec<f32> {
    let (width, stride) = (size.width as usize, size.width as usize * 3);
    let mut out = vec![0.0; size.area()];
    out.par_chunks_exact_mut(width)
        .enumerate()
        .for_each(|(y, out)| {
            let row = |offset: isize| {
                &picture[mirrored(y as isize + offset, size.height) * stride..][..stride]
            };
            let (above, here, below) = (row(-1), row(0), row(1));
            for (x, out) in out.iter_mut().enumerate() {
                let left = mirrored(x as isize - 1, size.width) * 3;
                let right = mirrored(x as isize + 1, size.width) * 3;
                let squared = (0..3).map(|c| {
                    let (l, m, r) = (left + c, x * 3 + c, right + c);
                    let gx =
                        (above[r] - above[l]) + 2.0 * (here[r] - here[l]) + (below[r] - below[l]);
                    let gy =
                        (below[l] - above[l]) + 2.0 * (below[m] - above[m]) + (below[r] - above[r]);
                    (gx * gx + gy * gy) / 64.0
                });
                *out = (squared.fold(0.0, f32::max) + 1e-12).sqrt();
            }
        });
    out
}

/// Adds half of `m² / (m² + (2.2·mean m)² + 1e-4)`, where `m` is `sigma` times the strength.
fn add_normalised(edges: &mut [f32], strength: &[f32], sigma: f32) {
    let sum: f64 = strength.iter().map(|&g| f64::from(g)).sum();
    let mean = sigma * (sum / strength.len().max(1) as f64) as f32;
    let floor = (HALF_WHITE * mean).powi(2) + 1e-4;
    for (edge, &g) in edges.iter_mut().zip(strength) {
        let squared = (sigma * g).powi(2);
        *edge += 0.5 * squared / (squared + floor);
    }
}
