//! Filling between painted keyframes: pictures in, pictures out, whatever the keyframes are.

mod edges;
mod failures;
mod resume;
mod translated;
mod video;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{DeviceChoice, FillJob, FillSpec};
use fresco_studio::pipeline::observer::{Cancelled, Observer, Progress, Stage, Summary, Warning};
use fresco_studio::pipeline::own_keyframes::fill_own;
use fresco_studio::pipeline::plan::Plan;

use crate::support::names_in;

const SIZE: Size = Size {
    width: 48,
    height: 40,
};

/// A folder with source pictures, keyframes and results.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    /// With `n_frames` source pictures.
    pub fn new(n_frames: usize, picture: impl Fn(usize) -> Frame) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["source", "keys"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        for i in 0..n_frames {
            let path = place.path("source").join(format!("{i:04}.png"));
            picture(i).write_png(&path).unwrap();
        }
        place
    }

    /// A square that moves over stripes, and a keyframe for each of `keys` in other colours.
    pub fn moving(n_frames: usize, keys: &[usize]) -> Self {
        let place = Self::new(n_frames, source);
        for &key in keys {
            place.key(&format!("{key}.png"), &painted(key));
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn key(&self, name: &str, picture: &Frame) {
        picture.write_png(&self.path("keys").join(name)).unwrap();
    }

    pub fn spec(&self) -> FillSpec {
        FillSpec {
            source: self.path("source"),
            keyframes: self.path("keys"),
            out: self.path("out"),
            device: DeviceChoice::Cpu,
            ..FillSpec::default()
        }
    }

    pub fn fill(&self) -> Vec<Frame> {
        let spec = self.spec();
        run(&spec).unwrap();
        frames_in(&spec.out)
    }
}

/// Frame `i` of the source.
pub fn source(i: usize) -> Frame {
    scene(i, [[40, 60, 80], [60, 80, 100], [200, 180, 90]])
}

/// Frame `i` as an artist would have it.
pub fn painted(i: usize) -> Frame {
    scene(i, [[150, 40, 160], [170, 70, 180], [30, 220, 60]])
}

fn scene(i: usize, [dark, light, square]: [[u8; 3]; 3]) -> Frame {
    let i = i as u32;
    Frame::from_fn(SIZE, |x, y| {
        let inside = (6 + 2 * i..20 + 2 * i).contains(&x) && (10..26).contains(&y);
        match (inside, (x / 3 + y / 5) % 2) {
            // A little texture, so that the flow has something to hold on to.
            (true, _) => square.map(|c| c - ((x - 2 * i + y) % 7) as u8 * 3),
            (false, 0) => dark,
            (false, _) => light,
        }
    })
}

/// Colour that differs at every pixel and from frame to frame.
pub fn noise(i: usize) -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        [1_u32, 2, 3].map(|c| {
            let n = (x + 977 * y + 7919 * i as u32 + 31 * c).wrapping_mul(0x9E37_79B1);
            ((n ^ (n >> 15)).wrapping_mul(0x85EB_CA77) >> 24) as u8
        })
    })
}

pub fn flat(colour: [u8; 3]) -> Frame {
    Frame::from_fn(SIZE, |_, _| colour)
}

/// Pictures of a folder of results, which are numbered without a gap.
pub fn frames_in(folder: &Path) -> Vec<Frame> {
    let names = names_in(folder);
    let expected: Vec<String> = (0..names.len()).map(|i| format!("{i:04}.png")).collect();
    assert_eq!(names, expected);
    let read = |name: &String| Frame::read(&folder.join(name)).unwrap();
    names.iter().map(read).collect()
}

/// Mean difference of two pictures, in levels.
pub fn difference(a: &Frame, b: &Frame) -> f64 {
    let pairs = a.pixels().iter().zip(b.pixels());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.pixels().len() as f64
}

/// What one run told.
#[derive(Default)]
pub struct Told {
    pub stages: Vec<Stage>,
    pub plan: Option<Plan>,
    pub progress: BTreeMap<Stage, Vec<Progress>>,
    pub keyframes: Vec<usize>,
    pub warnings: Vec<String>,
    checkpoints: usize,
}

/// Listens, and cancels at a checkpoint in a stage.
#[derive(Default)]
pub struct Listener {
    told: Mutex<Told>,
    stop_at: Option<(Stage, usize)>,
}

impl Listener {
    pub fn stopping_at(stage: Stage, checkpoint: usize) -> Self {
        Self {
            stop_at: Some((stage, checkpoint)),
            ..Self::default()
        }
    }

    pub fn told(self) -> Told {
        self.told.into_inner().unwrap()
    }
}

impl Observer for Listener {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let mut told = self.told.lock().unwrap();
        let stage = told.stages.last().copied();
        told.checkpoints += 1;
        match self.stop_at {
            Some((at, n)) if stage == Some(at) && told.checkpoints > n => Err(Cancelled),
            _ => Ok(()),
        }
    }
    fn started(&self, plan: &Plan) {
        self.told.lock().unwrap().plan = Some(plan.clone());
    }
    fn stage(&self, stage: Stage) {
        let mut told = self.told.lock().unwrap();
        told.stages.push(stage);
        told.checkpoints = 0;
    }
    fn progress(&self, progress: Progress) {
        let mut told = self.told.lock().unwrap();
        let stage = *told.stages.last().unwrap();
        told.progress.entry(stage).or_default().push(progress);
    }
    fn keyframe(&self, frame: FrameIdx, path: &Path) {
        assert!(path.is_file());
        self.told.lock().unwrap().keyframes.push(frame.0);
    }
    fn warning(&self, warning: Warning) {
        self.told.lock().unwrap().warnings.push(warning.summary);
    }
}

pub fn run_with(spec: &FillSpec, observer: &dyn Observer) -> Result<Summary, Error> {
    fill_own(&FillJob::new(spec)?, &mut Engine::default(), observer)
}

pub fn run(spec: &FillSpec) -> Result<(Summary, Told), Error> {
    let listener = Listener::default();
    let summary = run_with(spec, &listener)?;
    Ok((summary, listener.told()))
}
