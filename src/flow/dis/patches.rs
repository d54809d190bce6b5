//! Patches of the first picture look for their place in the second.

use rayon::prelude::*;

use super::super::field::FlowField;
use super::super::plane::Plane;

/// Side of a patch in pixels.
pub(super) const PATCH: usize = 8;
/// Pixels from a patch to the next.
const STRIDE: usize = 4;
/// Most steps of a descent.
const MAX_STEPS: usize = 12;
/// A step shorter than this, in pixels, ends the descent.
const SHORT_STEP: f32 = 0.01;
/// Rows of patches that share what they find: a constant, so that threads do not change the result.
const BAND: usize = 8;
/// Pixels by which a picture is continued on each side.
const BORDER: usize = 2 * PATCH;

type Pixels = [[f32; PATCH]; PATCH];

/// The vectors of all patches of a picture.
pub(super) struct PatchGrid {
    /// Left edges of the columns of patches.
    pub xs: Vec<usize>,
    /// Upper edges of the rows of patches.
    pub ys: Vec<usize>,
    /// One vector a patch, row by row.
    pub flow: Vec<[f32; 2]>,
}

/// Finds the vector of each patch, from a dense estimate and from what its neighbours found.
pub(super) fn search(first: &Plane, second: &Plane, start: &FlowField) -> PatchGrid {
    let (xs, ys) = (edges(first.width), edges(first.height));
    let picture = Padded::new(first);
    let slopes = [Padded::new(&first.dx()), Padded::new(&first.dy())];
    let target = Padded::new(second);
    let centre = |edge: usize, length: usize| (edge + PATCH / 2).min(length - 1);
    let bands: Vec<Vec<[f32; 2]>> = ys
        .par_chunks(BAND)
        .map(|ys| {
            let patch_at = |&y: &usize| {
                let slopes = &slopes;
                let picture = &picture;
                xs.iter().map(move |&x| Patch::new(picture, slopes, x, y))
            };
            let patches: Vec<Patch> = ys.iter().flat_map(patch_at).collect();
            let mut found: Vec<Match> = patches
                .iter()
                .map(|patch| {
                    let (x, y) = (centre(patch.x, first.width), centre(patch.y, first.height));
                    let vector = start.at(x as u32, y as u32);
                    patch.matched(&target, vector)
                })
                .collect();
            let n = xs.len();
            for i in 0..found.len() {
                let left = (i % n > 0).then(|| i - 1);
                let above = i.checked_sub(n);
                improve(&patches, &mut found, &target, i, [left, above]);
            }
            for i in (0..found.len()).rev() {
                let right = (i % n + 1 < n).then(|| i + 1);
                let below = (i + n < patches.len()).then_some(i + n);
                improve(&patches, &mut found, &target, i, [right, below]);
            }
            found.into_iter().map(|found| found.vector).collect()
        })
        .collect();
    PatchGrid {
        xs,
        ys,
        flow: bands.concat(),
    }
}

/// Takes over a neighbour's vector if it suits better, then descends from there.
fn improve(
    patches: &[Patch],
    found: &mut [Match],
    target: &Padded,
    i: usize,
    neighbours: [Option<usize>; 2],
) {
    for neighbour in neighbours.into_iter().flatten() {
        let vector = found[neighbour].vector;
        let other = patches[i].matched(target, vector);
        if other.error < found[i].error {
            found[i] = other;
        }
    }
    found[i] = patches[i].descended(target, found[i]);
}

fn edges(length: usize) -> Vec<usize> {
    let last = length.saturating_sub(PATCH);
    let mut edges: Vec<usize> = (0..last).step_by(STRIDE).collect();
    edges.push(last);
    edges
}

/// A vector, and how badly the patch fits there.
#[derive(Clone, Copy)]
struct Match {
    vector: [f32; 2],
    /// Sum of squared differences, less the difference of means.
    error: f32,
}

/// A patch with all that its descent needs; slopes are taken less their mean, so that a change of brightness of the
/// whole patch has no effect.
struct Patch {
    x: usize,
    y: usize,
    pixels: Pixels,
    slopes: [Pixels; 2],
    /// Inverse of the matrix of products of slopes; nothing for a patch without structure.
    inverse: Option<[f32; 3]>,
}

impl Patch {
    fn new(picture: &Padded, slopes: &[Padded; 2], x: usize, y: usize) -> Self {
        let at = |padded: &Padded| padded.patch(x as f32, y as f32);
        let mut slopes = [at(&slopes[0]), at(&slopes[1])];
        for slope in &mut slopes {
            let mean = sum(slope) / (PATCH * PATCH) as f32;
            slope.as_flattened_mut().iter_mut().for_each(|v| *v -= mean);
        }
        let [xx, xy, yy] = [(0, 0), (0, 1), (1, 1)].map(|(a, b)| product(&slopes[a], &slopes[b]));
        let determinant = xx * yy - xy * xy;
        // Relative to the trace: a patch with one straight edge has no certain vector along it.
        let is_certain = determinant > 1e-3 * (xx + yy).powi(2) && xx + yy > 1.0;
        Self {
            x,
            y,
            pixels: at(picture),
            slopes,
            inverse: is_certain.then(|| [yy, -xy, xx].map(|v| v / determinant)),
        }
    }

    fn difference(&self, target: &Padded, [u, v]: [f32; 2]) -> Pixels {
        let mut pixels = target.patch(self.x as f32 + u, self.y as f32 + v);
        for (row, own) in pixels.iter_mut().zip(&self.pixels) {
            for (value, own) in row.iter_mut().zip(own) {
                *value -= own;
            }
        }
        pixels
    }

    fn matched(&self, target: &Padded, vector: [f32; 2]) -> Match {
        Match {
            vector,
            error: error(&self.difference(target, vector)),
        }
    }

    /// Follows the slope until steps are short or the fit gets worse.
    fn descended(&self, target: &Padded, start: Match) -> Match {
        let Some([xx, xy, yy]) = self.inverse else {
            return start;
        };
        let mut best = start;
        let mut vector = start.vector;
        for _ in 0..MAX_STEPS {
            let difference = self.difference(target, vector);
            let error = error(&difference);
            if error > best.error {
                break;
            }
            best = Match { vector, error };
            let [gx, gy] = [0, 1].map(|axis| product(&self.slopes[axis], &difference));
            let step = [xx * gx + xy * gy, xy * gx + yy * gy];
            vector = [vector[0] - step[0], vector[1] - step[1]];
            let strayed = (vector[0] - start.vector[0]).hypot(vector[1] - start.vector[1]);
            if step[0].hypot(step[1]) < SHORT_STEP || strayed > PATCH as f32 {
                break;
            }
        }
        best
    }
}

fn error(difference: &Pixels) -> f32 {
    let mean_part = sum(difference).powi(2) / (PATCH * PATCH) as f32;
    product(difference, difference) - mean_part
}

/// Sums by columns first, which the compiler turns into wide additions.
fn sum(pixels: &Pixels) -> f32 {
    let mut sums = [0.0; PATCH];
    for row in pixels {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums.iter().sum()
}

fn product(a: &Pixels, b: &Pixels) -> f32 {
    let mut sums = [0.0; PATCH];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// A picture continued by its edge pixels.
struct Padded {
    width: usize,
    height: usize,
    stride: usize,
    values: Vec<f32>,
}

impl Padded {
    fn new(plane: &Plane) -> Self {
        let stride = plane.width + 2 * BORDER;
        let mut values = Vec::with_capacity(stride * (plane.height + 2 * BORDER));
        for y in 0..plane.height + 2 * BORDER {
            let row = plane.row(y.saturating_sub(BORDER).min(plane.height - 1));
            values.extend([row[0]; BORDER]);
            values.extend_from_slice(row);
            values.extend([row[plane.width - 1]; BORDER]);
        }
        Self {
            width: plane.width,
            height: plane.height,
            stride,
            values,
        }
    }

    /// The bilinear patch whose upper left pixel is at `(x, y)`, kept within the border.
    fn patch(&self, x: f32, y: f32) -> Pixels {
        let inside = |at: f32, length: usize| {
            let last = (length + 2 * BORDER - PATCH - 2) as f32;
            (at + BORDER as f32).clamp(0.0, last)
        };
        let (x, y) = (inside(x, self.width), inside(y, self.height));
        let (left, top) = (x as usize, y as usize);
        let (across, down) = (x - left as f32, y - top as f32);
        let weights = [
            (1.0 - across) * (1.0 - down),
            across * (1.0 - down),
            (1.0 - across) * down,
            across * down,
        ];
        let row_at = |y: usize| &self.values[y * self.stride + left..][..=PATCH];
        let mut pixels = [[0.0; PATCH]; PATCH];
        for (i, out) in pixels.iter_mut().enumerate() {
            let (upper, lower) = (row_at(top + i), row_at(top + i + 1));
            for (j, out) in out.iter_mut().enumerate() {
                *out = weights[0] * upper[j]
                    + weights[1] * upper[j + 1]
                    + weights[2] * lower[j]
                    + weights[3] * lower[j + 1];
            }
        }
        pixels
    }
}
