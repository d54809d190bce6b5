//! The compiled kernels of blending.

use crate::gpu::{Access, Context, GpuError, Kernel};

/// The compiled kernels.
#[derive(Debug)]
pub struct BlendKernels {
    pub(super) select: Kernel,
    pub(super) lab: Kernel,
    pub(super) sums: Kernel,
    pub(super) contrast: Kernel,
    pub(super) divergence: Kernel,
    pub(super) chebyshev: Kernel,
    pub(super) quantise: Kernel,
    pub(super) unlab: Kernel,
}

impl BlendKernels {
    /// Compiles them.
    ///
    /// # Errors
    /// If the device refuses.
    pub fn new(context: &Context) -> Result<Self, GpuError> {
        use Access::{Read, Write};
        let kernel = |name, access: &[Access]| Kernel::new(context, name, access);
        Ok(Self {
            select: kernel("blend/select", &[Read, Read, Read, Read, Write])?,
            lab: kernel("blend/lab", &[Read, Read, Write])?,
            sums: kernel("blend/sums", &[Read, Read, Read, Write])?,
            contrast: kernel("blend/contrast", &[Read, Read, Write])?,
            divergence: kernel("blend/divergence", &[Read, Read, Read, Read, Write, Write])?,
            chebyshev: kernel("blend/chebyshev", &[Read, Write, Write, Write])?,
            quantise: kernel("blend/quantise", &[Read, Write])?,
            unlab: kernel("blend/unlab", &[Read, Read, Write])?,
        })
    }
}
