//! How much work a translation is, and how long that takes at a pace that was measured.
//!
//! Work is counted in units that do not depend on the machine: operations of the networks for keyframes, painted pixels
//! for the frames between them. A pace, seconds for such a unit, is measured while a job runs and holds for other
//! settings and models on the same device.
//!
//! Source: the networks' operations are those of SD 1.5 at 512×512 shared out over its weights; those of the spatial
//! loss are three products of `[cells, channels]` matrices for each map.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compat::Choices;
use super::job::{Consistency, FillPreset, JobSpec, SamplingSettings};
use super::memory::NetworkSizes;
use super::plan::Batch;
use crate::frame::Size;

/// Operations of one evaluation of U-Net or `ControlNet`, for each weight and cell of the latents.
const EVALUATION: f64 = 0.2;
/// Operations of encoding and decoding a picture, for each weight and pixel.
const CODING: f64 = 0.16;
/// Iterations of the feature optimisation in a step that has it.
const ITERATIONS: f64 = 20.0;

/// Work in units of a pace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Translating keyframes, in 10¹² operations.
    pub keyframes: f64,
    /// Painting the frames between, in 10⁶ pixels of the default preset.
    pub in_betweens: f64,
}

/// Seconds for each unit of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Pace {
    /// For each of [`Work::keyframes`], if it was measured.
    pub keyframes: Option<f64>,
    /// For each of [`Work::in_betweens`], if it was measured.
    pub in_betweens: Option<f64>,
}

/// How long work takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeNeeded {
    /// Nothing but a guess where it was not measured.
    pub time: Duration,
    /// Whether all of it follows from a measured pace.
    pub is_measured: bool,
}

impl Work {
    /// The work of translating these batches at a working size, and of painting so many frames between keyframes.
    #[must_use]
    pub fn new(
        spec: &JobSpec,
        networks: &NetworkSizes,
        size: Size,
        batches: &[&Batch],
        n_in_betweens: usize,
    ) -> Self {
        let pixels = f64::from(size.width) * f64::from(size.height);
        let n_frames = batches
            .iter()
            .map(|batch| batch.frames().len())
            .sum::<usize>();
        let per_frame = operations_per_frame(spec, networks, pixels);
        let painted = n_in_betweens as f64 * pixels / 1e6;
        Self {
            keyframes: n_frames as f64 * per_frame / 1e12,
            in_betweens: painted * preset_factor(spec.in_betweens.fill_preset),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.keyframes <= 0.0 && self.in_betweens <= 0.0
    }

    /// How long it takes, at what was measured on this device, or else at what is usual for its kind.
    #[must_use]
    pub fn time(&self, measured: Pace, usual: Pace) -> TimeNeeded {
        let part = |work: f64, measured: Option<f64>, usual: Option<f64>| {
            let pace = measured.or(usual).unwrap_or_default();
            (work * pace, work <= 0.0 || measured.is_some())
        };
        let (keyframes, first) = part(self.keyframes, measured.keyframes, usual.keyframes);
        let (between, second) = part(self.in_betweens, measured.in_betweens, usual.in_betweens);
        let time = Duration::try_from_secs_f64(keyframes + between);
        TimeNeeded {
            time: time.unwrap_or(Duration::MAX),
            is_measured: first && second,
        }
    }
}

impl Pace {
    /// What a graphics card of the middle class needs.
    pub const USUAL_CARD: Self = Self {
        keyframes: Some(0.25),
        in_betweens: Some(1.0),
    };

    /// What a processor needs.
    pub const USUAL_PROCESSOR: Self = Self {
        keyframes: Some(20.0),
        in_betweens: Some(12.0),
    };
}

/// Bytes that a translation leaves in its working folder, for each pixel of a frame: its picture.
const STORED: u64 = 2;
/// The same, where the frames between keyframes are painted: their pictures, and flow both ways.
const STORED_BETWEEN: u64 = 10;

/// About how many bytes of disk a translation of so many frames takes.
#[must_use]
pub fn disk_bytes(n_frames: usize, size: Size, fills: bool) -> u64 {
    let per_pixel = STORED + if fills { STORED_BETWEEN } else { 0 };
    n_frames as u64 * size.area() as u64 * per_pixel
}

/// Operations for one keyframe.
fn operations_per_frame(spec: &JobSpec, networks: &NetworkSizes, pixels: f64) -> f64 {
    let cells = pixels / 64.0;
    let choices = Choices::of(spec.compat);
    let executed = spec
        .steps
        .saturating_sub(choices.skipped_steps(&SamplingSettings::of(spec)));
    // With the prompt and with the negative prompt.
    let evaluation = 2.0 * EVALUATION * (networks.unet + networks.controlnets) as f64 * cells;
    let coding = CODING * networks.vae as f64 * pixels;
    let optimised = executed.min(spec.steps / 2) as f64;
    let consistency = Consistency::from(&spec.guidance);
    let loss = if consistency.spatial_loss {
        2.0 * ITERATIONS * likenesses(networks, cells) * optimised
    } else {
        0.0
    };
    evaluation * executed as f64 + coding + loss
}

/// Operations of one look at the likenesses within a map, on all levels.
fn likenesses(networks: &NetworkSizes, cells: f64) -> f64 {
    let below = networks
        .channels
        .iter()
        .skip(1)
        .chain(networks.channels.last());
    let at_level = |(level, &channels): (i32, &usize)| {
        let cells = cells / 4.0_f64.powi(level);
        6.0 * cells * cells * channels as f64
    };
    (0..).zip(below).map(at_level).sum()
}

/// Work of a preset, compared with the default.
fn preset_factor(preset: FillPreset) -> f64 {
    match preset {
        FillPreset::Best => 2.0,
        FillPreset::Default => 1.0,
        FillPreset::Fast => 0.5,
        FillPreset::Draft => 0.25,
        FillPreset::Parity => 4.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameIdx;
    use crate::pipeline::job::Preset;
    use crate::pipeline::memory::sd15;
    use crate::pipeline::plan::{Partition, plan_batches};

    fn networks() -> NetworkSizes {
        NetworkSizes {
            controlnets: 0,
            n_controlnets: 0,
            motion: 0,
            saliency: 0,
            ..sd15()
        }
    }

    fn work(change: impl FnOnce(&mut JobSpec)) -> Work {
        let mut spec = JobSpec::default();
        change(&mut spec);
        let keyframes: Vec<FrameIdx> = (0..12).map(|i| FrameIdx(i * 5)).collect();
        let batches = plan_batches(&keyframes, 8, Partition::Filled).unwrap();
        let size = Size {
            width: 512,
            height: 512,
        };
        let batches: Vec<&Batch> = batches.iter().collect();
        Work::new(&spec, &networks(), size, &batches, 44)
    }

    #[test]
    fn work_grows_with_what_costs() {
        let base = work(|_| ()).keyframes;
        assert!((work(|spec| spec.steps = 40).keyframes / base - 2.0).abs() < 0.1);
        assert!(work(|spec| spec.strength = 0.4).keyframes < base);
        assert!(work(|spec| spec.guidance.consistency = Preset::Light).keyframes < base / 2.0);
        let drafted = work(|spec| spec.in_betweens.fill_preset = FillPreset::Draft);
        assert!(drafted.in_betweens < work(|_| ()).in_betweens / 2.0);
    }

    #[test]
    fn a_step_of_the_whole_network_is_about_as_much_as_is_published() {
        let [one, two] = [10, 11].map(|steps| {
            let of = |spec: &mut JobSpec| {
                spec.steps = steps;
                spec.from_noise = true;
                spec.guidance.consistency = Preset::Off;
            };
            work(of).keyframes
        });
        // Fourteen frames, anchors included, and 0.7 · 10¹² operations for each prompt.
        let a_frame = (two - one) / 14.0;
        assert!((1.2..1.6).contains(&a_frame), "{a_frame}");
    }

    #[test]
    fn in_betweens_take_most_of_the_disk() {
        let size = Size {
            width: 512,
            height: 512,
        };
        let [keyframes, all] = [false, true].map(|fills| disk_bytes(100, size, fills));
        assert!(all > 3 * keyframes);
        assert_eq!(disk_bytes(200, size, true), 2 * all);
    }

    #[test]
    fn a_measured_pace_replaces_the_usual_one() {
        let work = Work {
            keyframes: 10.0,
            in_betweens: 4.0,
        };
        let usual = Pace {
            keyframes: Some(1.0),
            in_betweens: Some(2.0),
        };
        let guessed = work.time(Pace::default(), usual);
        assert_eq!((guessed.time.as_secs(), guessed.is_measured), (18, false));
        let half = Pace {
            keyframes: Some(3.0),
            in_betweens: None,
        };
        let time = work.time(half, usual);
        assert_eq!((time.time.as_secs(), time.is_measured), (38, false));
        let no_fill = Work {
            in_betweens: 0.0,
            ..work
        };
        let time = no_fill.time(half, usual);
        assert_eq!((time.time.as_secs(), time.is_measured), (30, true));
        assert!(Work::default().is_none());
    }
}
