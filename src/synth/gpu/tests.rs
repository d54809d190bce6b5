//! Each kernel against its twin, on whatever adapter there is.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::gpu::AdapterChoice;
use crate::synth::pyramid::downsample;
use crate::synth::random::pcg3d;
use crate::synth::record::pack;
use crate::synth::{Guides, Level, Randomness, Source, Synthesiser};

/// Odd, so that the last workgroups are not full and levels are not exact halves.
const SIZE: Size = Size {
    width: 53,
    height: 38,
};

/// A synthesiser, or nothing after saying why not; with `FRESCO_REQUIRE_GPU=1` nothing is a failure.
fn synthesiser() -> Option<GpuSynthesiser> {
    match Context::open(&AdapterChoice::Any) {
        Ok(context) => Some(GpuSynthesiser::new(context).unwrap()),
        Err(error) => {
            let required = std::env::var_os("FRESCO_REQUIRE_GPU").is_some_and(|v| v == "1");
            assert!(!required, "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Pictures of one chain: style, and four guides for each side, the second side moved by two pixels.
struct Toy([Frame; 9]);

impl Toy {
    fn new(seed: u32) -> Self {
        let noise = |i: u32, x: u32, y: u32| pcg3d([x / 3, y / 2, seed * 16 + i]);
        Self(std::array::from_fn(|i| {
            let (picture, by) = (i as u32 % 5, if i > 4 { 2 } else { 0 });
            Frame::from_fn(SIZE, |x, y| {
                noise(picture, x + by, y).map(|v| (v >> 24) as u8)
            })
        }))
    }

    fn source(&self) -> Source {
        Source::new(&self.0[0], &self.side(1)).unwrap()
    }

    fn side(&self, first: usize) -> Guides<'_> {
        let [colour, edge, temporal, position] = [0, 1, 2, 3].map(|i| &self.0[first + i]);
        Guides {
            colour,
            edge,
            temporal,
            position,
        }
    }

    fn chain<'a>(&'a self, source: &'a Source, start: Option<&'a [[f32; 2]]>) -> Chain<'a> {
        Chain {
            source,
            target: self.side(5),
            start,
            seed: 11,
        }
    }
}

fn records(words: &[Words]) -> Vec<Record> {
    let bytes = |w: &Words| w.map(u32::to_le_bytes).as_flattened().try_into().unwrap();
    words.iter().map(bytes).collect()
}

#[test]
fn pack_and_downsample() {
    let Some(gpu) = synthesiser() else { return };
    let toys = [Toy::new(1), Toy::new(2)];
    let sources = toys.each_ref().map(Toy::source);
    let chains = [
        toys[0].chain(&sources[0], None),
        toys[1].chain(&sources[1], None),
    ];
    let packed = gpu.pack_targets(&chains, SIZE).unwrap();
    let twins = chains.map(|chain| pack(None, &chain.target));
    assert!(records(&packed.read(&gpu.context).unwrap()) == twins.concat());
    for size in sizes(SIZE) {
        let coarse = gpu.downsample(&packed, SIZE, size).unwrap();
        let twins = twins
            .each_ref()
            .map(|records| downsample(records, SIZE, size));
        assert!(
            records(&coarse.read(&gpu.context).unwrap()) == twins.concat(),
            "{size}"
        );
    }
}

#[test]
fn every_step_of_two_levels() {
    let Some(gpu) = synthesiser() else { return };
    let (context, toy) = (&gpu.context, Toy::new(3));
    let source = toy.source();
    let chains = [toy.chain(&source, None)];
    let packed = gpu.pack_targets(&chains, SIZE).unwrap();
    let targets = Pyramid::new(SIZE, pack(None, &chains[0].target));
    let seeds = Buffer::new(context, &[11]).unwrap();
    let mut coarser: Option<(GpuLevel<'_>, Nnf)> = None;
    for (number, (layer, target)) in source
        .pyramid()
        .levels()
        .iter()
        .zip(targets.levels())
        .enumerate()
    {
        let keyframe = gpu.upload_sources(&chains, number).unwrap();
        let inputs = Inputs {
            size: target.size,
            number: number as u32,
            keyframe: &keyframe,
            canvas: gpu.downsample(&packed, SIZE, target.size).unwrap(),
            seeds: &seeds,
        };
        let mut level = GpuLevel::new(context, &gpu.kernels, inputs).unwrap();
        let mut recorder = Recorder::new(context);
        let field = if let Some((coarser, field)) = &coarser {
            level.upsample(&mut recorder, coarser);
            field.upsampled(target.size, layer.size)
        } else {
            level.init_random(&mut recorder);
            Nnf::random(target.size, layer, number as u32, 11)
        };
        level.count(&mut recorder);
        recorder.submit().unwrap();
        assert_eq!(
            level.matches().read(context).unwrap(),
            field.matches(),
            "start of {number}"
        );
        let random = Randomness {
            level: number as u32,
            seed: 11,
        };
        let mut twin = Level::new(layer, target, field, random);
        let vote = |level: &GpuLevel<'_>, twin: &mut Level<'_>, threshold| {
            let mut recorder = Recorder::new(context);
            level.vote(&mut recorder, threshold);
            level.measure(&mut recorder, true);
            recorder.submit().unwrap();
            twin.vote(threshold);
            twin.measure();
            assert_eq!(
                level.errors.read(context).unwrap(),
                twin.all_errors(),
                "{threshold:?}"
            );
            let pictures = gpu.results(level, target.size).unwrap();
            assert!(pictures[0].picture == twin.picture(), "vote of {number}");
        };
        vote(&level, &mut twin, None);
        for iteration in 0..3 {
            let mut recorder = Recorder::new(context);
            level.iterate(&mut recorder, iteration, 168);
            recorder.submit().unwrap();
            twin.iterate(iteration, 168);
            assert_eq!(
                level.matches().read(context).unwrap(),
                twin.nnf().matches(),
                "{iteration}"
            );
            vote(&level, &mut twin, Some(3));
        }
        coarser = Some((level, twin.nnf()));
    }
}

#[test]
fn whole_syntheses_are_equal_byte_for_byte() {
    let Some(gpu) = synthesiser() else { return };
    let toys = [Toy::new(4), Toy::new(5)];
    let sources = toys.each_ref().map(Toy::source);
    let place = |i: usize| [(i % 53) as f32 + 1.7, (i / 53) as f32];
    let start: Vec<[f32; 2]> = (0..SIZE.area()).map(place).collect();
    let (first, second) = (Some(&start[..]), None);
    let mut chains = vec![
        toys[0].chain(&sources[0], first),
        toys[1].chain(&sources[1], first),
        toys[1].chain(&sources[0], second),
    ];
    chains[1].seed = 12;
    let gpu = Synthesiser::Gpu(Arc::new(gpu));
    for preset in [Preset::Draft, Preset::Default, Preset::Parity] {
        let of = |device: &Synthesiser| {
            device
                .synthesise(&chains, preset, &|| ControlFlow::Continue(()))
                .unwrap()
        };
        assert!(of(&gpu) == of(&Synthesiser::Cpu), "{preset:?}");
    }
}

#[test]
fn it_stops_when_it_is_told_to() {
    let Some(gpu) = synthesiser() else { return };
    let toy = Toy::new(6);
    let source = toy.source();
    let chain = toy.chain(&source, None);
    let done = gpu.synthesise(&[chain], Preset::Draft, &|| ControlFlow::Break(()));
    assert!(matches!(done, Err(SynthError::Cancelled)));
}
