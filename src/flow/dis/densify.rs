//! From vectors of patches to a vector for each pixel.

use rayon::prelude::*;

use super::super::field::FlowField;
use super::super::plane::Plane;
use super::patches::{PATCH, PatchGrid};

/// Averages, at each pixel, the vectors of the patches that cover it.
///
/// A vector counts by the inverse of the difference between the pixel and where it points to, in grey levels, at
/// least one.
pub(super) fn densify(first: &Plane, second: &Plane, grid: &PatchGrid) -> FlowField {
    let width = first.width;
    let columns: Vec<(usize, usize)> = (0..width).map(|x| covering(&grid.xs, x)).collect();
    let mut values = vec![[0.0; 2]; first.values.len()];
    values
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(y, row)| {
            let (top, bottom) = covering(&grid.ys, y);
            for (x, out) in row.iter_mut().enumerate() {
                let own = first.row(y)[x];
                let (left, right) = columns[x];
                let mut sum = [0.0; 2];
                let mut total = 0.0;
                for patches in grid.flow.chunks(grid.xs.len()).take(bottom).skip(top) {
                    for &[u, v] in &patches[left..right] {
                        let other = second.sample(x as f32 + u, y as f32 + v);
                        let weight = 1.0 / (other - own).abs().max(1.0);
                        sum = [sum[0] + weight * u, sum[1] + weight * v];
                        total += weight;
                    }
                }
                *out = sum.map(|sum| sum / total);
            }
        });
    FlowField::new(first.size(), values)
}

/// The half-open range of patches whose extent along one axis holds `position`.
fn covering(edges: &[usize], position: usize) -> (usize, usize) {
    (
        edges.partition_point(|&edge| edge + PATCH <= position),
        edges.partition_point(|&edge| edge <= position),
    )
}
