//! The kernels of the guides.

use fresco_studio::gpu::grid::{packed, unpacked};
use fresco_studio::gpu::{Buffer, Recorder};
use fresco_studio::synth::guides;
use fresco_studio::synth::guides::gpu::GuideKernels;

use super::{SIZE, context, picture};

#[test]
fn edge() {
    let Some(context) = context() else { return };
    let kernels = GuideKernels::new(&context).unwrap();
    let layers = [picture(1), picture(2)];
    let words: Vec<u32> = layers.iter().flat_map(packed).collect();
    let (input, output) = (
        Buffer::new(&context, &words).unwrap(),
        Buffer::zeros(&context, words.len()).unwrap(),
    );
    let mut recorder = Recorder::new(&context);
    kernels.edge(&context, &mut recorder, SIZE, &input, &output);
    recorder.submit().unwrap();
    let edges = output.read(&context).unwrap();
    for (words, layer) in edges.chunks(SIZE.area()).zip(&layers) {
        assert_eq!(unpacked(SIZE, words), guides::edge(layer));
    }
}
