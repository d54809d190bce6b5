//! The compiled kernels and the parameters of their dispatches.

use crate::gpu::{Access, Context, GpuError, Kernel};

crate::gpu::params! {
    /// Mirrors `Downsample` of `shaders/synth/downsample.wgsl`.
    pub(super) struct Downsample {
        pub full_width: u32,
        pub full_height: u32,
        pub width: u32,
        pub height: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `InitNnf` of `shaders/synth/init_nnf.wgsl`.
    pub(super) struct InitNnf {
        pub width: u32,
        pub height: u32,
        pub moment: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `UpsampleNnf` of `shaders/synth/upsample_nnf.wgsl`.
    pub(super) struct UpsampleNnf {
        pub coarse_width: u32,
        pub coarse_height: u32,
        pub width: u32,
        pub height: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `Measure` of `shaders/synth/error.wgsl`.
    pub(super) struct Measure {
        pub width: u32,
        pub height: u32,
        pub everywhere: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `Jump` of `shaders/synth/jump.wgsl`.
    pub(super) struct Jump {
        pub width: u32,
        pub height: u32,
        pub distance: u32,
        pub uniformity: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `Random` of `shaders/synth/random.wgsl`.
    pub(super) struct Random {
        pub width: u32,
        pub height: u32,
        pub moment: u32,
        pub pair: u32,
        pub radii: u32,
        pub uniformity: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `Vote` of `shaders/synth/vote_settle.wgsl`.
    pub(super) struct Vote {
        pub width: u32,
        pub height: u32,
        pub threshold: u32,
    }
}

/// All kernels of the synthesis.
#[derive(Debug)]
pub struct Kernels {
    pub(super) pack: Kernel,
    pub(super) downsample: Kernel,
    pub(super) init_nnf: Kernel,
    pub(super) upsample_nnf: Kernel,
    pub(super) count: Kernel,
    pub(super) tent: Kernel,
    pub(super) error: Kernel,
    pub(super) jump: Kernel,
    pub(super) random: Kernel,
    pub(super) vote_settle: Kernel,
    pub(super) dilate: Kernel,
}

impl Kernels {
    /// Compiles them.
    ///
    /// # Errors
    /// If the device refuses.
    pub fn new(context: &Context) -> Result<Self, GpuError> {
        use Access::{Read, Write};
        let kernel = |name, reads: usize, writes: usize| {
            let access = [vec![Read; reads], vec![Write; writes]].concat();
            Kernel::new(context, name, &access)
        };
        Ok(Self {
            pack: kernel("synth/pack", 5, 1)?,
            downsample: kernel("synth/downsample", 1, 1)?,
            init_nnf: kernel("synth/init_nnf", 1, 1)?,
            upsample_nnf: kernel("synth/upsample_nnf", 1, 1)?,
            count: kernel("synth/count", 1, 1)?,
            tent: kernel("synth/tent", 1, 1)?,
            error: kernel("synth/error", 4, 1)?,
            jump: kernel("synth/jump", 5, 3)?,
            random: Kernel::new(
                context,
                "synth/random",
                &[Read, Read, Write, Read, Read, Write, Write, Read],
            )?,
            vote_settle: kernel("synth/vote_settle", 2, 2)?,
            dilate: kernel("synth/dilate", 1, 1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::assert_mirrored;

    #[test]
    fn the_shaders_know_the_same_parameters() {
        assert_mirrored::<Downsample>("synth/downsample");
        assert_mirrored::<InitNnf>("synth/init_nnf");
        assert_mirrored::<UpsampleNnf>("synth/upsample_nnf");
        assert_mirrored::<Measure>("synth/error");
        assert_mirrored::<Jump>("synth/jump");
        assert_mirrored::<Random>("synth/random");
        assert_mirrored::<Vote>("synth/vote_settle");
    }
}
