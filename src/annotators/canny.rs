//! Canny edges of a colour picture: thin, binary.
//!
//! Follows OpenCV's `Canny` with aperture 3 and the L1 norm, bit for bit, since ControlNets were trained on its output.

use rayon::prelude::*;

use super::ControlImage;
use crate::frame::{Frame, Size};

/// tan 22.5° in fractions of 2¹⁵, as OpenCV rounds it.
const TAN_22_5: i32 = 13573;

/// Edges of `frame` as 0 or 1: those stronger than `high`, and those above `low` that are joined to such.
///
/// Each pixel is judged by its channel with the largest |gx| + |gy| of a 3×3 Sobel, whose values go up to 2040.
/// Thresholds in the wrong order are swapped.
///
/// # Source
/// OpenCV's `Canny` on an RGB picture.
#[must_use]
pub fn canny(frame: &Frame, low: u8, high: u8) -> ControlImage {
    let gradients = Gradients::of(frame);
    let mut marks = gradients.thinned(low.min(high), low.max(high));
    grow(&mut marks, frame.size());
    let values = marks
        .into_iter()
        .map(|mark| if mark == Mark::Edge { 1.0 } else { 0.0 })
        .collect();
    ControlImage::new(frame.size(), values)
}

/// Gradient of the strongest channel of each pixel.
struct Gradients {
    size: Size,
    dx: Vec<i32>,
    dy: Vec<i32>,
    /// |dx| + |dy| inside a frame of zeros one pixel wide.
    strength: Vec<i32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    None,
    Weak,
    Edge,
}

impl Gradients {
    fn of(frame: &Frame) -> Self {
        let size = frame.size();
        let (width, height) = (size.width as usize, size.height as usize);
        let rows: Vec<Vec<(i32, i32)>> = (0..height)
            .into_par_iter()
            .map(|y| gradient_row(frame, y))
            .collect();
        let mut strength = vec![0; (width + 2) * (height + 2)];
        for (y, row) in rows.iter().enumerate() {
            let line = &mut strength[(y + 1) * (width + 2) + 1..][..width];
            for (out, (dx, dy)) in line.iter_mut().zip(row) {
                *out = dx.abs() + dy.abs();
            }
        }
        let (dx, dy) = rows.into_iter().flatten().unzip();
        Self {
            size,
            dx,
            dy,
            strength,
        }
    }

    /// Keeps pixels that are strongest along their gradient, and sorts them by the thresholds.
    fn thinned(&self, low: u8, high: u8) -> Vec<Mark> {
        let width = self.size.width as usize;
        let mut marks = vec![Mark::None; self.size.area()];
        marks
            .par_chunks_exact_mut(width.max(1))
            .enumerate()
            .for_each(|(y, marks)| {
                for (x, mark) in marks.iter_mut().enumerate() {
                    let strength = self.strength[self.centre(x, y)];
                    if strength > i32::from(low) && self.is_ridge(x, y) {
                        *mark = if strength > i32::from(high) {
                            Mark::Edge
                        } else {
                            Mark::Weak
                        };
                    }
                }
            });
        marks
    }

    fn centre(&self, x: usize, y: usize) -> usize {
        (y + 1) * (self.size.width as usize + 2) + x + 1
    }

    /// Whether no neighbour along the gradient is stronger; which of two equal ones wins is OpenCV's choice.
    fn is_ridge(&self, x: usize, y: usize) -> bool {
        let at = self.centre(x, y);
        let line = self.size.width as usize + 2;
        let (strength, s) = (self.strength[at], &self.strength);
        let (dx, dy) = (self.dx[y * (line - 2) + x], self.dy[y * (line - 2) + x]);
        let (run, rise) = (dx.abs(), dy.abs() << 15);
        let flat = run * TAN_22_5;
        let steep = flat + (run << 16);
        if rise < flat {
            strength > s[at - 1] && strength >= s[at + 1]
        } else if rise > steep {
            strength > s[at - line] && strength >= s[at + line]
        } else if (dx ^ dy) < 0 {
            strength > s[at - line + 1] && strength > s[at + line - 1]
        } else {
            strength > s[at - line - 1] && strength > s[at + line + 1]
        }
    }
}

/// Sobel 3×3 of one row, edge pixels repeated; for each pixel the channel with the largest |dx| + |dy|, the first on ties.
fn gradient_row(frame: &Frame, y: usize) -> Vec<(i32, i32)> {
    let Size { width, height } = frame.size();
    let stride = width as usize * 3;
    let row = |y: usize| &frame.pixels()[y * stride..][..stride];
    let (above, here) = (row(y.saturating_sub(1)), row(y));
    let below = row((y + 1).min(height as usize - 1));
    let strength = |(dx, dy): (i32, i32)| dx.abs() + dy.abs();
    (0..width as usize)
        .map(|x| {
            let left = x.saturating_sub(1) * 3;
            let right = (x + 1).min(width as usize - 1) * 3;
            let mut best = (0, 0);
            for c in 0..3 {
                let (l, m, r) = (left + c, x * 3 + c, right + c);
                let at = |row: &[u8], i: usize| i32::from(row[i]);
                let dx =
                    at(above, r) - at(above, l) + 2 * (at(here, r) - at(here, l)) + at(below, r)
                        - at(below, l);
                let dy =
                    at(below, l) - at(above, l) + 2 * (at(below, m) - at(above, m)) + at(below, r)
                        - at(above, r);
                if strength((dx, dy)) > strength(best) {
                    best = (dx, dy);
                }
            }
            best
        })
        .collect()
}

/// Turns weak pixels that touch an edge into edges, until none is left.
fn grow(marks: &mut [Mark], size: Size) {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut open: Vec<usize> = (0..marks.len())
        .filter(|&i| marks[i] == Mark::Edge)
        .collect();
    while let Some(i) = open.pop() {
        let (x, y) = (i % width, i / width);
        for ny in y.saturating_sub(1)..(y + 2).min(height) {
            for nx in x.saturating_sub(1)..(x + 2).min(width) {
                let neighbour = ny * width + nx;
                if marks[neighbour] == Mark::Weak {
                    marks[neighbour] = Mark::Edge;
                    open.push(neighbour);
                }
            }
        }
    }
}
