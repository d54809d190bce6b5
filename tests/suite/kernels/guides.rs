//! The kernels of the guides.

use fresco_studio::flow::FlowField;
use fresco_studio::frame::Frame;
use fresco_studio::gpu::grid::{packed, unpacked};
use fresco_studio::gpu::{Buffer, Context, Recorder};
use fresco_studio::synth::guides::gpu::GuideKernels;
use fresco_studio::synth::{Mask, guides};

use super::{SIZE, context, flow, picture};

/// Runs one kernel and reads what it wrote, a word a pixel of two layers.
fn run(
    record: impl Fn(&Context, &GuideKernels, &mut Recorder<'_>, &Buffer<u32>),
) -> Option<Vec<u32>> {
    let context = context()?;
    let kernels = GuideKernels::new(&context).unwrap();
    let output = Buffer::zeros(&context, 2 * SIZE.area()).unwrap();
    let mut recorder = Recorder::new(&context);
    record(&context, &kernels, &mut recorder, &output);
    recorder.submit().unwrap();
    Some(output.read(&context).unwrap())
}

fn layers() -> [Frame; 2] {
    [picture(1), picture(2)]
}

fn upload(context: &Context, layers: &[Frame]) -> Buffer<u32> {
    let words: Vec<u32> = layers.iter().flat_map(packed).collect();
    Buffer::new(context, &words).unwrap()
}

fn upload_flows(context: &Context, flows: &[FlowField]) -> Buffer<[f32; 2]> {
    let vectors: Vec<[f32; 2]> = flows.iter().flat_map(|f| f.values().to_vec()).collect();
    Buffer::new(context, &vectors).unwrap()
}

#[test]
fn edge() {
    let found = run(|context, kernels, recorder, output| {
        let input = upload(context, &layers());
        kernels.edge(context, recorder, SIZE, &input, output);
    });
    let Some(found) = found else { return };
    for (words, layer) in found.chunks(SIZE.area()).zip(&layers()) {
        assert_eq!(unpacked(SIZE, words), guides::edge(layer));
    }
}

#[test]
fn warp_nearest() {
    let flows = [flow(1), flow(2)];
    let found = run(|context, kernels, recorder, output| {
        let (input, vectors) = (upload(context, &layers()), upload_flows(context, &flows));
        kernels.warp_nearest(context, recorder, SIZE, &vectors, [&input, output]);
    });
    let Some(found) = found else { return };
    for ((words, layer), flow) in found.chunks(SIZE.area()).zip(&layers()).zip(&flows) {
        assert_eq!(unpacked(SIZE, words), guides::warp_nearest(layer, flow));
    }
}

#[test]
fn occlusion() {
    let (there, back) = (
        [flow(1), flow(2)],
        [flow(3), FlowField::constant(SIZE, [0.3, -2.1])],
    );
    let found = run(|context, kernels, recorder, output| {
        let [there, back] = [&there, &back].map(|flows| upload_flows(context, flows));
        kernels.occlusion(context, recorder, SIZE, [&there, &back], output);
    });
    let Some(found) = found else { return };
    for ((words, there), back) in found.chunks(SIZE.area()).zip(&there).zip(&back) {
        let mask = guides::occlusion(there, back);
        assert!(
            mask.count() > 0 && mask.count() < SIZE.area(),
            "{}",
            mask.count()
        );
        let found: Vec<bool> = words.iter().map(|w| *w > 0).collect();
        assert_eq!(found, mask.values());
    }
}

#[test]
fn fill() {
    let Some(context) = context() else { return };
    let hole = |i: usize| (i % SIZE.width as usize) / 9 % 2 == 1 && i / SIZE.width as usize > 6;
    let mask = Mask::new(SIZE, (0..SIZE.area()).map(hole).collect());
    let colours = layers().map(|layer| {
        let pixels = layer.pixels().as_chunks::<3>().0.iter().zip(mask.values());
        let known = |([r, g, b], hidden): (&[u8; 3], &bool)| {
            [
                f32::from(*r),
                f32::from(*g),
                f32::from(*b),
                f32::from(u8::from(!hidden)),
            ]
        };
        pixels.map(known).collect::<Vec<[f32; 4]>>()
    });
    let values = Buffer::new(&context, &colours.concat()).unwrap();
    let kernels = GuideKernels::new(&context).unwrap();
    let mut recorder = Recorder::new(&context);
    kernels
        .fill(&context, &mut recorder, SIZE, &values)
        .unwrap();
    recorder.submit().unwrap();
    let found = values.read(&context).unwrap();
    for (found, layer) in found.chunks(SIZE.area()).zip(&layers()) {
        let expected = guides::fill(layer, &mask);
        for (found, expected) in found.iter().zip(expected.pixels().chunks(3)) {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - f32::from(*expected)).abs() <= 1.0,
                    "{found} {expected}"
                );
            }
        }
    }
}
