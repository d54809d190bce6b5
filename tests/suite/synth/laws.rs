//! What holds for every synthesis, on pictures made here.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use fresco_studio::frame::{Frame, Size};
use fresco_studio::synth::{Chain, Guides, Preset, Source, SynthError, Synthesis, Synthesiser};

const SIZE: Size = Size {
    width: 61,
    height: 47,
};

/// Shapes with some grain; another picture for each seed.
pub fn picture(size: Size, seed: u32) -> Frame {
    Frame::from_fn(size, |x, y| {
        let grain = (x.wrapping_mul(73) ^ y.wrapping_mul(151) ^ seed).wrapping_mul(2_654_435_761);
        let wave = |scale: u32| ((x * scale + y * 3 + seed * 17) % 200) as u8;
        [0, 1, 2].map(|c| wave(c + 2).saturating_add((grain >> (27 - c)) as u8))
    })
}

/// A keyframe and a frame that is it moved by two pixels.
pub struct Toy {
    style: Frame,
    pictures: [[Frame; 4]; 2],
}

impl Toy {
    pub fn new(size: Size) -> Self {
        let moved = |seed| {
            let still = picture(size, seed);
            let shifted = |x: u32, y: u32| still.at((x + 2).min(size.width - 1), y);
            [Frame::from_fn(size, shifted), still]
        };
        let [to, from] = [1, 2, 3, 4].map(moved).into_iter().fold(
            [Vec::new(), Vec::new()],
            |[mut a, mut b], [x, y]| {
                a.push(x);
                b.push(y);
                [a, b]
            },
        );
        Self {
            style: picture(size, 5),
            pictures: [from, to].map(|side| side.try_into().unwrap()),
        }
    }

    pub fn source(&self) -> Source {
        Source::new(&self.style, &self.guides(0)).unwrap()
    }

    pub fn guides(&self, side: usize) -> Guides<'_> {
        let [colour, edge, temporal, position] = &self.pictures[side];
        Guides {
            colour,
            edge,
            temporal,
            position,
        }
    }
}

fn synthesise(chains: &[Chain<'_>], preset: Preset) -> Vec<Synthesis> {
    Synthesiser::Cpu
        .synthesise(chains, preset, &|| ControlFlow::Continue(()))
        .unwrap()
}

#[test]
fn one_thread_and_several_give_the_same_and_so_do_chains_side_by_side() {
    let size = Size {
        width: 128,
        height: 97,
    };
    let toy = Toy::new(size);
    let source = toy.source();
    let chain = |seed| Chain {
        source: &source,
        target: toy.guides(1),
        start: None,
        seed,
    };
    let on = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| synthesise(&[chain(1), chain(2)], Preset::Fast))
    };
    let (one, three) = (on(1), on(3));
    assert!(one == three, "the number of threads shows");
    assert!(
        one[1] == synthesise(&[chain(2)], Preset::Fast)[0],
        "another chain shows"
    );
    assert!(one[0].nnf != one[1].nnf, "the seed does not show");
}

#[test]
fn a_keyframe_of_one_colour_returns_itself() {
    let flat = Frame::from_fn(SIZE, |_, _| [200, 3, 77]);
    let toy = Toy::new(SIZE);
    let source = Source::new(&flat, &toy.guides(0)).unwrap();
    let target = toy.guides(1);
    for preset in Preset::ALL {
        let chain = Chain {
            source: &source,
            target,
            start: None,
            seed: 0,
        };
        assert!(
            synthesise(&[chain], preset)[0].picture == flat,
            "{preset:?}"
        );
    }
}

#[test]
fn a_frame_like_the_keyframes_own_gets_its_style_back() {
    let toy = Toy::new(SIZE);
    let source = toy.source();
    let place: Vec<[f32; 2]> = (0..SIZE.area())
        .map(|i| [(i % 61) as f32, (i / 61) as f32])
        .collect();
    let chain = Chain {
        source: &source,
        target: toy.guides(0),
        start: Some(&place),
        seed: 0,
    };
    let done = synthesise(&[chain], Preset::Default).remove(0);
    let inside = |x: u32, y: u32| (4..57).contains(&x) && (4..43).contains(&y);
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            if inside(x, y) {
                assert_eq!(done.nnf.at(x, y), [x, y]);
                assert_eq!(done.picture.at(x, y), toy.style.at(x, y));
            }
        }
    }
}

#[test]
fn the_smallest_pictures_work_and_smaller_ones_are_refused() {
    for (width, height) in [(5, 5), (5, 40), (11, 6), (22, 23)] {
        let size = Size { width, height };
        let toy = Toy::new(size);
        let source = toy.source();
        // Positions far outside, and some that are no numbers.
        let start = vec![[f32::NAN, 1e9]; size.area()];
        for preset in [Preset::Default, Preset::Parity] {
            let chain = Chain {
                source: &source,
                target: toy.guides(1),
                start: Some(&start),
                seed: 0,
            };
            assert_eq!(synthesise(&[chain], preset)[0].picture.size(), size);
        }
    }
    let toy = Toy::new(Size {
        width: 4,
        height: 100,
    });
    let refused = Source::new(&toy.style, &toy.guides(0));
    assert!(matches!(refused, Err(SynthError::TooSmall(_))));
}

#[test]
fn guides_of_another_size_are_refused() {
    let toy = Toy::new(SIZE);
    let other = Toy::new(Size {
        width: 60,
        height: 47,
    });
    let source = toy.source();
    let mut target = toy.guides(1);
    target.temporal = &other.pictures[0][2];
    let chain = Chain {
        source: &source,
        target,
        start: None,
        seed: 0,
    };
    let done = Synthesiser::Cpu.synthesise(&[chain], Preset::Draft, &|| ControlFlow::Continue(()));
    assert!(matches!(
        done,
        Err(SynthError::Size {
            what: "temporal guide",
            ..
        })
    ));
}

#[test]
fn a_synthesis_stops_when_it_is_told_to() {
    let toy = Toy::new(SIZE);
    let source = toy.source();
    let chain = Chain {
        source: &source,
        target: toy.guides(1),
        start: None,
        seed: 0,
    };
    let asked = AtomicUsize::new(0);
    let stop_at_the_third = || match asked.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let done = Synthesiser::Cpu.synthesise(&[chain], Preset::Default, &stop_at_the_third);
    assert!(matches!(done, Err(SynthError::Cancelled)));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}
