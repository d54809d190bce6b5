//! Optical flow of one pair of pictures on the host.

use crate::frame::{Size, bilinear};

/// Where each pixel of one picture is found in another: pixel `p` there lies at `p + flow(p)`.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowField {
    size: Size,
    values: Vec<[f32; 2]>,
}

impl FlowField {
    /// Wraps one vector `[x, y]` a pixel, in pixels of this grid, row by row.
    ///
    /// # Panics
    /// If `values` does not hold exactly one vector for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, values: Vec<[f32; 2]>) -> Self {
        assert_eq!(values.len(), size.area(), "one vector a pixel");
        Self { size, values }
    }

    /// Builds a field from a function of `(x, y)`.
    #[must_use]
    pub fn from_fn(size: Size, vector: impl Fn(u32, u32) -> [f32; 2]) -> Self {
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        Self::new(size, pixels.map(|(x, y)| vector(x, y)).collect())
    }

    /// A field of the same vector everywhere.
    #[must_use]
    pub fn constant(size: Size, vector: [f32; 2]) -> Self {
        Self::new(size, vec![vector; size.area()])
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// One vector `[x, y]` a pixel, row by row.
    #[must_use]
    pub fn values(&self) -> &[[f32; 2]] {
        &self.values
    }

    /// The vector at `(x, y)`.
    ///
    /// # Panics
    /// If the position is outside the field.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> [f32; 2] {
        assert!(x < self.size.width, "inside the row");
        self.values[y as usize * self.size.width as usize + x as usize]
    }

    /// The same motion on a grid of twice the resolution: bilinear between cell centres, vectors doubled.
    ///
    /// `size` may be one less than twice this one's, where a picture with an odd side was halved.
    pub(super) fn doubled(&self, size: Size) -> Self {
        let centre = |i: u32| (i as f32 - 0.5) / 2.0;
        Self::from_fn(size, |x, y| {
            bilinear(self.size, &self.values, centre(x), centre(y)).map(|v| 2.0 * v)
        })
    }
}
