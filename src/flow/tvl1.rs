//! Optical flow that minimises total variation and an absolute difference of brightness.
//!
//! Measures results only: another method than the one that guides, so that guidance cannot flatter itself.
//!
//! # Source
//! C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; names of the
//! parameters as there.

use super::field::FlowField;
use super::plane::{Plane, coarse_to_fine};
use crate::frame::Frame;

/// Weight of the data term.
const LAMBDA: f32 = 0.15;
/// How tightly the two halves of the problem are coupled.
const THETA: f32 = 0.3;
/// Step of the dual variables.
const TAU: f32 = 0.25;
/// Times that the second picture is fetched anew at each level.
const WARPS: usize = 5;
/// Dual steps after each.
const ITERATIONS: usize = 30;
/// No level's short side is below this.
const SHORTEST_SIDE: u32 = 16;
/// Squared slope below which a pixel says nothing.
const FLAT: f32 = 1e-6;

/// Flow from `first` to `second`: pixel `p` of `first` is found at `p + flow(p)` in `second`.
///
/// # Panics
/// If the pictures differ in size or have no pixels.
#[must_use]
pub fn tvl1(first: &Frame, second: &Frame) -> FlowField {
    let size = first.size();
    assert!(size.area() > 0, "pixels");
    let short_side = size.width.min(size.height);
    let n_levels = 1
        + (1..u32::BITS)
            .take_while(|level| short_side >> level >= SHORTEST_SIDE)
            .count();
    let first = Plane::brightness(first).pyramid(n_levels);
    let second = Plane::brightness(second).pyramid(n_levels);
    coarse_to_fine(&first, &second, minimized)
}

/// A dual variable of one component of the flow: a vector a pixel.
type Dual = Vec<[f32; 2]>;

fn minimized(first: &Plane, second: &Plane, flow: FlowField) -> FlowField {
    let size = flow.size();
    let mut flow = flow.values().to_vec();
    let slopes = [second.dx(), second.dy()];
    let mut duals: [Dual; 2] = [vec![[0.0; 2]; flow.len()], vec![[0.0; 2]; flow.len()]];
    for _ in 0..WARPS {
        let data = DataTerm::new(first, second, &slopes, &flow);
        for _ in 0..ITERATIONS {
            primal_step(&data, first.width, &duals, &mut flow);
            for (axis, dual) in duals.iter_mut().enumerate() {
                dual_step(dual, &flow, axis, first.width);
            }
        }
    }
    FlowField::new(size, flow)
}

/// The difference of brightness, linear around the flow it was built for; flat where that leaves the picture.
struct DataTerm {
    /// Difference that a flow of zero would have.
    constant: Vec<f32>,
    slopes: Vec<[f32; 2]>,
}

impl DataTerm {
    fn new(first: &Plane, second: &Plane, slopes: &[Plane; 2], flow: &[[f32; 2]]) -> Self {
        let warped = second.warped(flow);
        let [x, y] = [&slopes[0], &slopes[1]].map(|slope| slope.warped(flow));
        let width = first.width;
        let inside = |i: usize| {
            let [u, v] = flow[i];
            second.contains((i % width) as f32 + u, (i / width) as f32 + v)
        };
        let slope = |i: usize| {
            if inside(i) {
                [x.values[i], y.values[i]]
            } else {
                [0.0; 2]
            }
        };
        let slopes: Vec<[f32; 2]> = (0..flow.len()).map(slope).collect();
        let constant = (0..flow.len()).map(|i| {
            let [gx, gy] = slopes[i];
            warped.values[i] - first.values[i] - gx * flow[i][0] - gy * flow[i][1]
        });
        Self {
            constant: constant.collect(),
            slopes,
        }
    }

    /// The step at pixel `i` that makes the difference as small as its weight allows.
    fn step(&self, i: usize, [u, v]: [f32; 2]) -> [f32; 2] {
        let [gx, gy] = self.slopes[i];
        let square = gx * gx + gy * gy;
        if square < FLAT {
            return [0.0; 2];
        }
        let difference = self.constant[i] + gx * u + gy * v;
        let most = LAMBDA * THETA;
        let scale = (-difference / square).clamp(-most, most);
        [scale * gx, scale * gy]
    }
}

fn primal_step(data: &DataTerm, width: usize, duals: &[Dual; 2], flow: &mut [[f32; 2]]) {
    for (i, vector) in flow.iter_mut().enumerate() {
        let step = data.step(i, *vector);
        for axis in 0..2 {
            vector[axis] += step[axis] + THETA * divergence(&duals[axis], i, width);
        }
    }
}

/// Backward differences, the negative adjoint of the forward ones below.
fn divergence(dual: &[[f32; 2]], i: usize, width: usize) -> f32 {
    let left = if i.is_multiple_of(width) {
        0.0
    } else {
        dual[i - 1][0]
    };
    let above = if i >= width { dual[i - width][1] } else { 0.0 };
    dual[i][0] - left + dual[i][1] - above
}

fn dual_step(dual: &mut [[f32; 2]], flow: &[[f32; 2]], axis: usize, width: usize) {
    const STEP: f32 = TAU / THETA;
    for i in 0..dual.len() {
        let own = flow[i][axis];
        let across = if i % width + 1 < width {
            flow[i + 1][axis] - own
        } else {
            0.0
        };
        let down = flow.get(i + width).map_or(0.0, |below| below[axis] - own);
        let scale = 1.0 / (1.0 + STEP * across.hypot(down));
        let [px, py] = dual[i];
        dual[i] = [(px + STEP * across) * scale, (py + STEP * down) * scale];
    }
}
