//! Refines a dense field by a robust energy of brightness, gradient and smoothness.
//!
//! # Source
//! T. Brox, A. Bruhn, N. Papenberg, J. Weickert, "High Accuracy Optical Flow Estimation Based on a Theory for
//! Warping", ECCV 2004, with the data terms normalised by their slopes as in H. Zimmer et al., "Optic Flow in
//! Harmony", IJCV 2011: a strong edge then counts no more than a weak one.

use super::super::field::FlowField;
use super::super::plane::Plane;

/// Weight of a field's smoothness.
const SMOOTHNESS: f32 = 20.0;
/// Weight of equal brightness.
const BRIGHTNESS: f32 = 5.0;
/// Weight of equal gradients, which do not change with the light.
const GRADIENT: f32 = 10.0;
/// Squared, where the robust penalty turns from square to absolute.
const ROBUST: f32 = 1e-6;
/// Squared slope that counts as noise.
const NOISE: f32 = 0.01;
/// Times that the robust weights are brought up to date.
const ROUNDS: usize = 5;
/// Sweeps of the linear solver for each.
const SWEEPS: usize = 5;
/// Over-relaxation of the linear solver.
const RELAXATION: f32 = 1.6;

/// Improves `flow` from `first` to `second` in place.
pub(super) fn refine(first: &Plane, second: &Plane, flow: &mut FlowField) {
    let data = DataTerm::new(first, second, flow);
    let mut change = vec![[0.0_f32; 2]; flow.values().len()];
    let mut system = System::new(first.width);
    for _ in 0..ROUNDS {
        system.assemble(&data, flow.values(), &change);
        for _ in 0..SWEEPS {
            system.sweep(&mut change);
        }
    }
    let sum = flow.values().iter().zip(&change);
    let values = sum.map(|(old, change)| [old[0] + change[0], old[1] + change[1]]);
    *flow = FlowField::new(flow.size(), values.collect());
}

/// One linearised constraint a pixel: `t + x · du + y · dv ≈ 0`, already divided by the length of its slope.
type Constraint = [f32; 3];

/// Brightness and both gradient constraints of every pixel; all zero where the flow leaves the picture.
struct DataTerm {
    constraints: Vec<[Constraint; 3]>,
}

impl DataTerm {
    fn new(first: &Plane, second: &Plane, flow: &FlowField) -> Self {
        let warped = second.warped(flow.values());
        let mean = first.like(|i| first.values[i].midpoint(warped.values[i]));
        let difference = first.like(|i| warped.values[i] - first.values[i]);
        let (x, y) = (mean.dx(), mean.dy());
        let (xx, xy, yy) = (x.dx(), x.dy(), y.dy());
        let (tx, ty) = (difference.dx(), difference.dy());
        let width = first.width;
        let constraint = |t: &Plane, x: &Plane, y: &Plane, i: usize| {
            let (t, x, y) = (t.values[i], x.values[i], y.values[i]);
            let scale = 1.0 / (x * x + y * y + NOISE).sqrt();
            [t * scale, x * scale, y * scale]
        };
        let at = |(i, [u, v]): (usize, &[f32; 2])| {
            if !second.contains((i % width) as f32 + u, (i / width) as f32 + v) {
                return [[0.0; 3]; 3];
            }
            [
                constraint(&difference, &x, &y, i),
                constraint(&tx, &xx, &xy, i),
                constraint(&ty, &xy, &yy, i),
            ]
        };
        Self {
            constraints: flow.values().iter().enumerate().map(at).collect(),
        }
    }
}

/// Derivative of the robust penalty with respect to the square that it is given.
fn robust(square: f32) -> f32 {
    1.0 / (square + ROBUST).sqrt()
}

/// The linear equations for the change of flow, two a pixel.
struct System {
    width: usize,
    /// Of each pixel: the symmetric matrix and the right-hand side of the data terms.
    data: Vec<[f32; 5]>,
    /// Flow without the change.
    flow: Vec<[f32; 2]>,
    /// Weight of the link from each pixel to the one on its right; 0 in the last column.
    right: Vec<f32>,
    /// Weight of the link from each pixel to the one below; 0 in the last row.
    below: Vec<f32>,
}

impl System {
    fn new(width: usize) -> Self {
        Self {
            width,
            data: Vec::new(),
            flow: Vec::new(),
            right: Vec::new(),
            below: Vec::new(),
        }
    }

    /// Brings the robust weights up to date with the present change.
    fn assemble(&mut self, data: &DataTerm, flow: &[[f32; 2]], change: &[[f32; 2]]) {
        let pixels = data.constraints.iter().zip(change);
        self.data = pixels
            .map(|(pixel, change)| equations(pixel, *change))
            .collect();
        self.flow = flow.to_vec();
        let sum = |i: usize| [flow[i][0] + change[i][0], flow[i][1] + change[i][1]];
        let n = flow.len();
        let width = self.width;
        let square = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        let has_right = |i: usize| i % width + 1 < width;
        let has_below = |i: usize| i + width < n;
        let weight = |i: usize| {
            let own = sum(i);
            let across = if has_right(i) {
                square(sum(i + 1), own)
            } else {
                0.0
            };
            let down = if has_below(i) {
                square(sum(i + width), own)
            } else {
                0.0
            };
            SMOOTHNESS * robust(across + down)
        };
        let weights: Vec<f32> = (0..n).map(weight).collect();
        let link = |i: usize, other: usize| weights[i].midpoint(weights[other]);
        self.right = (0..n)
            .map(|i| if has_right(i) { link(i, i + 1) } else { 0.0 })
            .collect();
        self.below = (0..n)
            .map(|i| {
                if has_below(i) {
                    link(i, i + width)
                } else {
                    0.0
                }
            })
            .collect();
    }

    /// One sweep of successive over-relaxation, in reading order.
    fn sweep(&self, change: &mut [[f32; 2]]) {
        let width = self.width;
        for i in 0..change.len() {
            let own = self.flow[i];
            let mut total = 0.0;
            let mut pull = [0.0; 2];
            let mut add = |weight: f32, other: usize, change: &[[f32; 2]]| {
                total += weight;
                for c in 0..2 {
                    pull[c] += weight * (self.flow[other][c] + change[other][c] - own[c]);
                }
            };
            if i % width > 0 {
                add(self.right[i - 1], i - 1, change);
            }
            if i % width + 1 < width {
                add(self.right[i], i + 1, change);
            }
            if i >= width {
                add(self.below[i - width], i - width, change);
            }
            if i + width < change.len() {
                add(self.below[i], i + width, change);
            }
            let [xx, xy, yy, x, y] = self.data[i];
            let [du, dv] = change[i];
            // A lone pixel without structure has no equation.
            let (a, b) = (xx + total + 1e-9, yy + total + 1e-9);
            let du = du + RELAXATION * ((pull[0] - x - xy * dv) / a - du);
            let dv = dv + RELAXATION * ((pull[1] - y - xy * du) / b - dv);
            change[i] = [du, dv];
        }
    }
}

fn equations([brightness, along_x, along_y]: &[Constraint; 3], change: [f32; 2]) -> [f32; 5] {
    let rest = |[t, x, y]: &Constraint| (t + x * change[0] + y * change[1]).powi(2);
    let of_brightness = BRIGHTNESS * robust(rest(brightness));
    let of_gradient = GRADIENT * robust(rest(along_x) + rest(along_y));
    let mut sums = [0.0; 5];
    for (weight, [t, x, y]) in [
        (of_brightness, brightness),
        (of_gradient, along_x),
        (of_gradient, along_y),
    ] {
        for (sum, product) in sums.iter_mut().zip([x * x, x * y, y * y, x * t, y * t]) {
            *sum += weight * product;
        }
    }
    sums
}
