//! The kernels of blending, over the frames of a segment.

use std::sync::Arc;

use fresco_studio::gpu::grid::packed;
use fresco_studio::gpu::{Buffer, Context};
use fresco_studio::synth::blend::gpu::{BlendKernels, DeviceBlender, DeviceCandidates, Stages};
use fresco_studio::synth::blend::lab::{self, Lab};
use fresco_studio::synth::blend::{
    BlendConfig, Candidates, GradientField, Gradients, error_mask, histogram, poisson,
};

use fresco_studio::synth::gpu::GpuSynthesiser;
use fresco_studio::synth::{Mask, Painted, Synthesiser};

use super::{SIZE, context, flow, picture};

const N_BETWEEN: usize = 3;

/// Pictures of both passes are alike but not the same; each is better somewhere.
fn errors(seed: u32) -> Vec<u32> {
    let hash = |i: u32| (i / 7 + seed * 13).wrapping_mul(2_654_435_761) >> 3;
    (0..SIZE.area() as u32).map(hash).collect()
}

#[test]
fn the_default_blend() {
    compare(BlendConfig::default());
}

#[test]
fn the_references_blend() {
    compare(BlendConfig::reference());
}

#[test]
fn the_blend_without_gradients() {
    compare(BlendConfig {
        gradients: Gradients::Ignored,
        ..BlendConfig::default()
    });
}

#[test]
fn a_segment_is_blended_alike_on_both_devices() {
    let Some(context) = context() else { return };
    let gpu = Synthesiser::Gpu(Arc::new(GpuSynthesiser::new(context).unwrap()));
    let mut own = Synthesiser::Cpu
        .blender(BlendConfig::default(), SIZE, N_BETWEEN)
        .unwrap();
    let mut cards = gpu
        .blender(BlendConfig::default(), SIZE, N_BETWEEN)
        .unwrap();
    for index in 0..N_BETWEEN {
        let seed = index as u32;
        let pictures = [picture(seed), picture(seed + 10)];
        let errors = [errors(seed), errors(seed + 40)];
        let painted = [0, 1].map(|i| Painted {
            picture: &pictures[i],
            error: &errors[i],
        });
        let [own, card] = [&mut own, &mut cards].map(|blend| blend(painted, &flow(seed)).unwrap());
        let both = own.pixels().iter().zip(card.pixels());
        let off: Vec<u8> = both.map(|(a, b)| a.abs_diff(*b)).collect();
        let sum: usize = off.iter().map(|v| usize::from(*v)).sum();
        eprintln!(
            "frame {index}: {} of {} levels, {:?} at most",
            sum,
            off.len(),
            off.iter().max()
        );
        // A level of Lab can be a few of RGB.
        assert!(off.iter().max() <= Some(&4) && sum * 50 < off.len());
    }
}

fn compare(config: BlendConfig) {
    let Some(context) = context() else { return };
    let kernels = BlendKernels::new(&context).unwrap();
    let mut blender = DeviceBlender::new(&context, &kernels, config, SIZE, N_BETWEEN).unwrap();
    let mut previous: Option<Mask> = None;
    for index in 0..N_BETWEEN {
        let seed = index as u32;
        let (forward, backward, flow) = (picture(seed), picture(seed + 10), flow(seed));
        let (forward_error, backward_error) = (errors(seed), errors(seed + 40));
        let found = blender
            .next(&DeviceCandidates {
                forward: &Buffer::new(&context, &packed(&forward)).unwrap(),
                backward: &Buffer::new(&context, &packed(&backward)).unwrap(),
                forward_error: &Buffer::new(&context, &forward_error).unwrap(),
                backward_error: &Buffer::new(&context, &backward_error).unwrap(),
                cur_from_prev: &Buffer::new(&context, flow.values()).unwrap(),
            })
            .unwrap();
        let u = config.weights.backward_weight(index, N_BETWEEN);
        let [forward_error, backward_error] = [forward_error, backward_error]
            .map(|errors| errors.into_iter().map(|e| e as f32).collect::<Vec<_>>());
        let candidates = Candidates {
            forward: &forward,
            backward: &backward,
            forward_error: &forward_error,
            backward_error: &backward_error,
        };
        let mask = error_mask::select(u, &candidates, previous.as_ref().map(|m| (m, &flow)));
        let (forward, backward) = (lab::from_rgb(&forward), lab::from_rgb(&backward));
        check_stages(
            &context,
            blender.stages(),
            config,
            (u, &mask, &forward, &backward),
        );
        assert_eq!(found.size(), SIZE);
        previous = Some(mask);
    }
}

/// Each stage against its twin, from what the stage before left on the device.
fn check_stages(
    context: &Context,
    stages: &Stages,
    config: BlendConfig,
    (u, mask, forward, backward): (f32, &Mask, &Lab, &Lab),
) {
    let words = |buffer: &Buffer<u32>| buffer.read(context).unwrap();
    let colours = |buffer: &Buffer<u32>| {
        let bytes = words(buffer).into_iter().map(u32::to_le_bytes);
        Lab::new(SIZE, bytes.map(|[a, b, c, _]| [a, b, c]).collect())
    };
    let set: Vec<bool> = words(&stages.mask).iter().map(|w| *w > 0).collect();
    assert_eq!(set, mask.values(), "mask");
    assert_eq!(&colours(&stages.forward), forward, "Lab");
    assert_eq!(&colours(&stages.backward), backward, "Lab");
    let chosen = error_mask::chosen(mask, forward, backward);
    let contrast = histogram::blend(u, forward, backward, &chosen, config.tone);
    let found = colours(&stages.contrast);
    let off = found
        .pixels()
        .iter()
        .flatten()
        .zip(contrast.pixels().iter().flatten());
    assert!(
        off.clone().all(|(a, b)| a.abs_diff(*b) <= 1),
        "contrast within a level"
    );
    if config.gradients == Gradients::Ignored {
        let picture = lab::to_rgb(&found);
        assert_eq!(words(&stages.picture), packed(&picture), "RGB");
        return;
    }
    let start = lab::from_rgb(&lab::to_rgb(&found));
    let divergence = GradientField::of(mask, forward, backward).divergence();
    let planes = poisson::solve(&start, &divergence);
    let solution = stages.solution.read(context).unwrap();
    for (i, found) in solution.iter().enumerate() {
        for c in 0..3 {
            assert!((found[c] - planes[c][i]).abs() < 0.01, "{found:?} at {i}");
        }
    }
    let exactly: [Vec<f32>; 3] = [0, 1, 2].map(|c| solution.iter().map(|v| v[c]).collect());
    let picture = lab::to_rgb(&poisson::quantised(SIZE, &exactly, config.rounding));
    assert_eq!(words(&stages.picture), packed(&picture), "bytes and RGB");
}
