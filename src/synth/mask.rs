//! A yes or no for each pixel.

use crate::frame::Size;

/// A yes or no for each pixel, row by row: what is occluded, or what is taken from the backward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    values: Vec<bool>,
}

impl Mask {
    /// Wraps one value a pixel.
    ///
    /// # Panics
    /// If `values` does not hold exactly one for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, values: Vec<bool>) -> Self {
        assert_eq!(values.len(), size.area(), "one value a pixel");
        Self { size, values }
    }

    /// A mask in which no pixel is set.
    #[must_use]
    pub fn none(size: Size) -> Self {
        Self::new(size, vec![false; size.area()])
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// One value a pixel, row by row.
    #[must_use]
    pub fn values(&self) -> &[bool] {
        &self.values
    }

    /// Number of pixels that are set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.iter().filter(|set| **set).count()
    }
}
