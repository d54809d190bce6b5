//! Memory does not grow with the number of batches, and with their size as the estimate says.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use clap::ValueEnum as _;
use fresco_studio::diffusion::noise_schedule::{
    NoiseSchedule, SchedulerConfig, StepRounding, warmup_steps,
};
use fresco_studio::diffusion::samplers::Sampler;
use fresco_studio::frame::Size;
use fresco_studio::fresco::schedule::{ScheduleConfig, Step, StepGuidance, schedule};
use fresco_studio::models::library::Places;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::foretold::ForetoldMemory;
use fresco_studio::pipeline::job::{
    Consistency, ConsistencySpec, ControlKind, Job, JobSpec, Preset, model_files,
};
use fresco_studio::pipeline::memory::{BatchLoad, NetworkSizes, batch_bytes};
use fresco_studio::pipeline::model_folders::ModelFolders;
use fresco_studio::pipeline::observer::{Cancelled, Observer, Warning};
use fresco_studio::pipeline::translate::translate;

use crate::support::{MOVING, Program, Studio, set};

/// The fewest steps, all of which run, in which every guidance is on: attentions and the optimiser in the first, the
/// picture's background smoothed in the second.
const STEPS: usize = 2;
const STRENGTH: f64 = 1.0;

/// Shares of the estimated growth that may be measured on the processor. The estimate is of a graphics card: here attention
/// stores no scores and a layer's input is freed at once, so it is a bound and not a likeness; batches that need more than
/// it are what a user would suffer from.
const SHARES: std::ops::Range<f64> = 0.15..1.25;

/// The same for what an adapter's allocator took in all. The estimate counts scores of attention in case a driver has only the
/// kernel that stores them; most have one that does not.
#[cfg(feature = "gpu")]
const SHARES_OF_ADAPTER: std::ops::Range<f64> = 0.2..1.25;

/// Peak memory in KiB of a job of so many batches under full guidance, in a process of its own. The least of two runs:
/// how much the allocator keeps, and which pages of the program are counted, varies from run to run.
fn peak_of_batches(studio: &Studio, n_batches: usize) -> f64 {
    // Three frames in the first batch and one new frame in each later one.
    let clip = studio.clip(&format!("{n_batches}.mp4"), MOVING, n_batches + 2);
    let run = |attempt: usize| {
        let mut flags = studio.flags(&clip, &format!("{n_batches}-{attempt}.mp4"));
        set(&mut flags, "--size", "128");
        set_guided_steps(&mut flags);
        peak(&flags, n_batches + 2)
    };
    (0..2).map(run).fold(f64::MAX, f64::min)
}

fn set_guided_steps(flags: &mut Vec<String>) {
    set(flags, "--steps", &STEPS.to_string());
    flags.extend(["--strength".to_owned(), STRENGTH.to_string()]);
}

#[test]
fn every_guidance_is_on_in_the_steps_of_these_jobs() {
    let noise = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let steps = Sampler::Ddpm.steps(&noise, STEPS).unwrap();
    let rules = ScheduleConfig::of_steps(STEPS);
    let first = warmup_steps(STEPS, STRENGTH, StepRounding::Nearest);
    let guided: Vec<StepGuidance> = (first..STEPS)
        .map(|k| Step {
            k,
            executed: k - first,
            timestep: steps.timestep(k),
        })
        .map(|step| schedule(step, &rules))
        .collect();
    let some = |is_on: fn(&StepGuidance) -> bool| guided.iter().any(is_on);
    assert!(some(|g| g.attentions.spatial && g.attentions.cross_frame));
    assert!(some(|g| g.attentions.temporal), "{guided:?}");
    assert!(some(|g| g.features), "{guided:?}");
    assert!(some(|g| g.pixels), "{guided:?}");
}

/// Peak memory in KiB of a process that makes so many keyframes.
fn peak(flags: &[String], n_keyframes: usize) -> f64 {
    let mut program = Program::start(flags);
    let status = format!("/proc/{}/status", program.id());
    let (latest, found) = (Cell::new(None), Cell::new(0));
    program.until(|event| {
        latest.set(high_water_mark(&status).or(latest.get()));
        if event["event"] == "keyframe" {
            found.set(found.get() + 1);
        }
        found.get() == n_keyframes
    });
    program.finish().assert_finished();
    latest.get().expect("a process has a status while it runs")
}

fn high_water_mark(status: &str) -> Option<f64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// A batch of frames of the demo model.
#[derive(Clone, Copy)]
struct Load {
    side: u32,
    frames: usize,
    guidance: Preset,
}

impl Load {
    fn light(side: u32, frames: usize) -> Self {
        Self {
            side,
            frames,
            guidance: Preset::Light,
        }
    }

    fn guidance(self) -> ConsistencySpec {
        ConsistencySpec {
            consistency: self.guidance,
            ..ConsistencySpec::default()
        }
    }

    /// Bytes by the estimate.
    fn estimated(self) -> f64 {
        let folders = ModelFolders::resolve(
            &model_files(&JobSpec::default()),
            ControlKind::SoftEdges,
            &Places::default(),
        )
        .unwrap();
        let load = BatchLoad {
            frames: self.frames,
            size: Size {
                width: self.side,
                height: self.side,
            },
            half: false,
            consistency: Consistency::from(&self.guidance()),
        };
        batch_bytes(
            &NetworkSizes::of(&folders, Vec::new(), &Places::default()).unwrap(),
            &load,
        ) as f64
    }

    fn flags(self, studio: &Studio, clip: &Path, device: &str) -> Vec<String> {
        let Self {
            side,
            frames,
            guidance,
        } = self;
        let mut flags = studio.flags(clip, &format!("{side}-{frames}.mp4"));
        set(&mut flags, "--size", &side.to_string());
        set(&mut flags, "--batch-size", &frames.to_string());
        set_guided_steps(&mut flags);
        set(&mut flags, "--device", device);
        let guidance = guidance.to_possible_value().unwrap();
        let guidance = guidance.get_name();
        flags.extend(["--consistency", guidance, "--no-fill"].map(ToOwned::to_owned));
        flags
    }

    /// Bytes of a process on the processor.
    fn measured(self, studio: &Studio) -> f64 {
        let clip = studio.clip(&format!("{}.mp4", self.frames), MOVING, self.frames);
        peak(&self.flags(studio, &clip, "cpu"), self.frames) * 1024.0
    }
}

/// Listens until it was told what memory batches will take, and a little longer.
#[derive(Default)]
struct Listener {
    foretold: Mutex<Vec<ForetoldMemory>>,
    warnings: Mutex<Vec<Warning>>,
}

impl Observer for Listener {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        match self.foretold.lock().unwrap().len() {
            0 => Ok(()),
            _ => Err(Cancelled),
        }
    }

    fn memory_foretold(&self, memory: ForetoldMemory) {
        self.foretold.lock().unwrap().push(memory);
    }

    fn warning(&self, warning: Warning) {
        self.warnings.lock().unwrap().push(warning);
    }
}

#[test]
fn what_batches_take_is_told_before_networks_are_loaded() {
    let Some(studio) = Studio::new() else { return };
    let load = Load::light(64, 3);
    let clip = studio.clip("5.mp4", MOVING, 5);
    let spec = JobSpec {
        guidance: load.guidance(),
        ..studio.spec(&clip, "5.mp4")
    };
    let job = Job::new(&spec).unwrap();
    let told = |limit| {
        let (listener, places) = (Listener::default(), Places::default());
        let mut engine = Engine::new(places).with_memory_limit(limit);
        let ended = translate(&job, &mut engine, &listener);
        assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
        let foretold = listener.foretold.into_inner().unwrap();
        let [memory] = foretold[..] else {
            panic!("{foretold:?}")
        };
        let warnings = listener.warnings.into_inner().unwrap().into_iter();
        let of_memory = warnings.filter(|warning| warning.summary.contains("memory"));
        (memory, of_memory.count())
    };
    let estimated = load.estimated() as u64;
    for (limit, n_warnings) in [(estimated, 0), (estimated - 1, 1)] {
        let memory = ForetoldMemory {
            estimated,
            available: Some(limit),
        };
        assert_eq!(told(Some(limit)), (memory, n_warnings));
    }
    // The processor's memory is the machine's.
    let (memory, _) = told(None);
    let is_known = memory.available.is_some_and(|bytes| bytes > 100_000_000);
    assert_eq!(is_known, cfg!(target_os = "linux"), "{memory:?}");
}

#[test]
fn twelve_batches_need_no_more_than_three() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: peak memory is read from /proc");
        return;
    }
    let Some(studio) = Studio::new() else { return };
    let (few, many) = (peak_of_batches(&studio, 3), peak_of_batches(&studio, 12));
    eprintln!("3 batches: {few} KiB, 12 batches: {many} KiB");
    assert!(many <= few * 1.05, "{many} KiB for 12, {few} KiB for 3");
}

/// Growth, as the program itself is no part of the estimate.
#[test]
fn larger_pictures_and_batches_need_no_more_than_is_estimated() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: peak memory is read from /proc");
        return;
    }
    let Some(studio) = Studio::new() else { return };
    let small = Load::light(128, 3);
    let (base, of_base) = (small.measured(&studio), small.estimated());
    for frames in [3, 8] {
        let larger = Load::light(256, frames);
        let measured = larger.measured(&studio) - base;
        let estimated = larger.estimated() - of_base;
        eprintln!(
            "{frames} frames of 256: {:.0} MB more, estimated {:.0} MB more",
            measured / 1e6,
            estimated / 1e6
        );
        let ratio = measured / estimated;
        assert!(SHARES.contains(&ratio), "{frames}: {ratio}");
    }
}

/// Of whole jobs on a graphics adapter, by its own allocator's figures.
#[cfg(feature = "gpu")]
fn assert_taken_about_as_estimated(loads: &[Load]) {
    if std::env::var_os("FRESCO_TEST_GPU").is_none_or(|value| value != "full") {
        eprintln!("skipped: whole networks run with FRESCO_TEST_GPU=full");
        return;
    }
    let Some(studio) = Studio::new() else { return };
    for load in loads {
        let clip = studio.clip(&format!("{}.mp4", load.frames), MOVING, load.frames);
        let mut program = Program::start(&load.flags(&studio, &clip, "gpu"));
        let told = Cell::new((0.0, 0.0));
        program.until(|event| {
            if event["event"] == "memory" {
                let bytes = |name: &str| event[name].as_f64().unwrap();
                told.set((bytes("measured"), bytes("estimated")));
            }
            event["event"] == "finished"
        });
        program.finish().assert_finished();
        let (measured, estimated) = told.get();
        eprintln!(
            "{} frames of {}, {:?}: {:.0} MB, estimated {:.0} MB",
            load.frames,
            load.side,
            load.guidance,
            measured / 1e6,
            estimated / 1e6
        );
        let ratio = measured / estimated;
        assert!(SHARES_OF_ADAPTER.contains(&ratio), "{ratio}");
    }
}

#[test]
#[cfg(feature = "gpu")]
fn an_adapter_s_allocator_takes_about_what_is_estimated() {
    let loads = [(256, 3), (256, 6), (384, 3)];
    assert_taken_about_as_estimated(&loads.map(|(side, frames)| Load::light(side, frames)));
}

/// The spatial loss holds likenesses of all cells, which is the peak of larger networks.
#[test]
#[cfg(feature = "gpu")]
fn an_adapter_s_allocator_takes_about_what_is_estimated_of_all_constraints() {
    assert_taken_about_as_estimated(&[Load {
        guidance: Preset::Full,
        ..Load::light(256, 3)
    }]);
}
