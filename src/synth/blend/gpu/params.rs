//! What the kernels of blending are told at each dispatch.

crate::gpu::params! {
    /// Mirrors `SelectParams` of `shaders/blend/select.wgsl`.
    pub(super) struct SelectParams {
        pub(super) width: u32,
        pub(super) height: u32,
        pub(super) forward_weight: f32,
        pub(super) backward_weight: f32,
        pub(super) has_previous: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `SumsParams` of `shaders/blend/sums.wgsl`.
    pub(super) struct SumsParams {
        pub(super) n_pixels: u32,
    }
}

crate::gpu::params! {
    /// Mirrors `ContrastParams` of `shaders/blend/contrast.wgsl`.
    pub(super) struct ContrastParams {
        pub(super) width: u32,
        pub(super) height: u32,
        pub(super) forward_0: f32,
        pub(super) forward_1: f32,
        pub(super) forward_2: f32,
        pub(super) backward_0: f32,
        pub(super) backward_1: f32,
        pub(super) backward_2: f32,
        pub(super) offset_0: f32,
        pub(super) offset_1: f32,
        pub(super) offset_2: f32,
    }
}

crate::gpu::params! {
    /// Mirrors `ChebyshevParams` of `shaders/blend/chebyshev.wgsl`.
    pub(super) struct ChebyshevParams {
        pub(super) width: u32,
        pub(super) height: u32,
        pub(super) is_first: u32,
        pub(super) weight_0: f32,
        pub(super) weight_1: f32,
        pub(super) weight_2: f32,
        pub(super) keep_0: f32,
        pub(super) keep_1: f32,
        pub(super) keep_2: f32,
        pub(super) turn_0: f32,
        pub(super) turn_1: f32,
        pub(super) turn_2: f32,
    }
}

crate::gpu::params! {
    /// Mirrors `QuantiseParams` of `shaders/blend/quantise.wgsl`.
    pub(super) struct QuantiseParams {
        pub(super) width: u32,
        pub(super) height: u32,
        pub(super) rounds_down: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::assert_mirrored;

    #[test]
    fn the_shaders_know_the_same_parameters() {
        assert_mirrored::<SelectParams>("blend/select");
        assert_mirrored::<SumsParams>("blend/sums");
        assert_mirrored::<ContrastParams>("blend/contrast");
        assert_mirrored::<ChebyshevParams>("blend/chebyshev");
        assert_mirrored::<QuantiseParams>("blend/quantise");
    }
}
