//! One channel of a picture in f32 on the host, for the classical flow methods.

use super::field::FlowField;
use crate::frame::{Frame, Size, bilinear};

/// One value a pixel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// The brightness of a picture in `[0, 255]`, weighted as in BT.601.
    pub fn brightness(frame: &Frame) -> Self {
        let pixels = frame.pixels().as_chunks::<3>().0;
        let grey = |[r, g, b]: &[u8; 3]| {
            0.299 * f32::from(*r) + 0.587 * f32::from(*g) + 0.114 * f32::from(*b)
        };
        Self {
            width: frame.size().width as usize,
            height: frame.size().height as usize,
            values: pixels.iter().map(grey).collect(),
        }
    }

    pub fn size(&self) -> Size {
        Size {
            width: self.width as u32,
            height: self.height as u32,
        }
    }

    /// A plane of the same size from a function of the pixel's number.
    pub fn like(&self, value: impl FnMut(usize) -> f32) -> Self {
        Self {
            width: self.width,
            height: self.height,
            values: (0..self.values.len()).map(value).collect(),
        }
    }

    pub fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..][..self.width]
    }

    /// Half the resolution: means of two by two pixels, an odd last row or column counted twice.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let top = self.row(2 * y);
            let bottom = self.row((2 * y + 1).min(self.height - 1));
            values.extend((0..width).map(|x| {
                let (left, right) = (2 * x, (2 * x + 1).min(self.width - 1));
                (top[left] + top[right] + bottom[left] + bottom[right]) / 4.0
            }));
        }
        Self {
            width,
            height,
            values,
        }
    }

    /// The picture and its halvings, finest first, `n_levels` in all.
    pub fn pyramid(self, n_levels: usize) -> Vec<Self> {
        let mut levels = vec![self];
        while levels.len() < n_levels {
            levels.push(levels[levels.len() - 1].halved());
        }
        levels
    }

    /// Bilinear sample; positions outside take the nearest edge.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let [value] = bilinear(self.size(), self.values.as_chunks::<1>().0, x, y);
        value
    }

    /// Whether a position lies between the centres of the outermost pixels.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        (0.0..=(self.width - 1) as f32).contains(&x)
            && (0.0..=(self.height - 1) as f32).contains(&y)
    }

    /// The picture fetched along `flow`; positions outside take the nearest edge.
    pub fn warped(&self, flow: &[[f32; 2]]) -> Self {
        let width = self.width;
        self.like(|i| {
            let [u, v] = flow[i];
            self.sample((i % width) as f32 + u, (i / width) as f32 + v)
        })
    }

    /// Central differences along x; the edge pixels are repeated.
    pub fn dx(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        let last = self.width - 1;
        for y in 0..self.height {
            let row = self.row(y);
            let slope = |x: usize| (row[(x + 1).min(last)] - row[x.saturating_sub(1)]) / 2.0;
            values.extend((0..self.width).map(slope));
        }
        Self { values, ..*self }
    }

    /// Central differences along y; the edge pixels are repeated.
    pub fn dy(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for y in 0..self.height {
            let above = self.row(y.saturating_sub(1));
            let below = self.row((y + 1).min(self.height - 1));
            values.extend(
                below
                    .iter()
                    .zip(above)
                    .map(|(below, above)| (below - above) / 2.0),
            );
        }
        Self { values, ..*self }
    }
}

/// Flow from one pyramid to another: from the coarsest level on, `step` improves the flow of the level before.
///
/// # Panics
/// If the pyramids differ in size or have no levels.
pub(super) fn coarse_to_fine(
    first: &[Plane],
    second: &[Plane],
    step: impl Fn(&Plane, &Plane, FlowField) -> FlowField,
) -> FlowField {
    assert_eq!(first[0].size(), second[0].size(), "one size");
    let mut flow = FlowField::constant(first[first.len() - 1].size(), [0.0; 2]);
    for (first, second) in first.iter().zip(second).rev() {
        if flow.size() != first.size() {
            flow = flow.doubled(first.size());
        }
        flow = step(first, second, flow);
    }
    flow
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Plane {
        let values = (0..width * height).map(|i| (3 * (i % width) + 5 * (i / width)) as f32);
        Plane {
            width,
            height,
            values: values.collect(),
        }
    }

    #[test]
    fn samples_and_slopes_of_a_ramp_are_exact() {
        let ramp = ramp(7, 5);
        assert!((ramp.sample(2.25, 3.5) - (3.0 * 2.25 + 5.0 * 3.5)).abs() < 1e-5);
        assert!((ramp.sample(-4.0, 9.0) - 20.0).abs() < 1e-5);
        assert!((ramp.dx().row(2)[3] - 3.0).abs() < 1e-5);
        assert!((ramp.dy().row(2)[3] - 5.0).abs() < 1e-5);
    }

    #[test]
    fn halving_keeps_cell_centres() {
        let half = ramp(7, 5).halved();
        assert_eq!((half.width, half.height), (4, 3));
        assert!((half.row(1)[2] - (3.0 * 4.5 + 5.0 * 2.5)).abs() < 1e-5);
    }
}
