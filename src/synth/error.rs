//! Why a picture could not be synthesised.

use crate::frame::Size;

/// Why a picture could not be synthesised.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// A picture has no room for a single patch.
    #[error("a picture of {0} is too small for patches of 5×5; use a larger working size")]
    TooSmall(Size),
    /// Pixel coordinates are packed into 16 bits each.
    #[error(
        "a picture of {0} is too large, at most 32768 pixels a side; use a smaller working size"
    )]
    TooLarge(Size),
    /// The pictures of one frame differ in size.
    #[error("the {what} is {found} where {expected} is needed; resize it first")]
    Size {
        /// Which picture.
        what: &'static str,
        /// Its size.
        found: Size,
        /// Size of the other pictures.
        expected: Size,
    },
    /// The graphics card failed.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Gpu(#[from] crate::gpu::GpuError),
    /// The checkpoint asked to stop.
    #[error("cancelled")]
    Cancelled,
}
