//! Seconds of each stage of `fresco-studio demo`, beside those of the plainest job on the same keyframes, with no guidance
//! and nothing filled: `cargo bench --bench demo`. The target is 180 seconds on two cores.
//!
//! Seconds of the processors, those of ffmpeg included, tell more than the clock where other programs run as well.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may fail"
)]

use std::fs;
use std::sync::Mutex;
use std::time::Instant;

use fresco_studio::cli::{ComputeArguments, DemoArguments, demo_spec};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::job::{DeviceChoice, Job, JobSpec, Precision, Preset};
use fresco_studio::pipeline::observer::{Cancelled, Observer, Stage, Warning};
use fresco_studio::pipeline::translate::translate;

const CLIP: &[u8] = include_bytes!("../../assets/demo/clip.mp4");

const TARGET_SECS: f64 = 180.0;

/// What one stage, or all of them, took.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall_secs: f64,
    cpu_secs: f64,
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    fs::write(&clip, CLIP).unwrap();
    let demo = demo_spec(
        clip,
        &DemoArguments {
            out: folder.path().join("demo.mp4"),
            prompt: None,
            look: None,
            device: DeviceChoice::Cpu,
            precision: Precision::Auto,
            compute: ComputeArguments::default(),
            json: false,
        },
    );
    let mut plain = JobSpec {
        out: folder.path().join("plain.mp4"),
        no_fill: true,
        ..demo.clone()
    };
    plain.guidance.consistency = Preset::Off;

    // One after the other with the networks loaded in each, as the program does.
    let plain = run(&plain);
    let demo = run(&demo);
    println!(
        "{:<12} {:>16} {:>16} {:>8}",
        "s (of CPU)", "plain keyframes", "demo", "ratio"
    );
    for (stage, cost) in &demo {
        let before = plain.iter().find(|(it, _)| it == stage);
        row(&stage.to_string(), before.map(|(_, cost)| *cost), *cost);
    }
    row("all", Some(sum(&plain)), sum(&demo));
    let share = sum(&demo).wall_secs / TARGET_SECS;
    println!(
        "{share:.2} of the {TARGET_SECS} s that were aimed at; {}",
        load()
    );
}

fn run(spec: &JobSpec) -> Vec<(Stage, Cost)> {
    let watch = Watch::default();
    translate(&Job::new(spec).unwrap(), &mut Engine::default(), &watch).unwrap();
    watch.finish()
}

fn row(name: &str, before: Option<Cost>, after: Cost) {
    let show = |cost: Cost| format!("{:.1} ({:.1})", cost.wall_secs, cost.cpu_secs);
    let ratio = before.map(|before| format!("{:.2}", after.cpu_secs / before.cpu_secs));
    println!(
        "{name:<12} {:>16} {:>16} {:>8}",
        before.map(show).unwrap_or_default(),
        show(after),
        ratio.unwrap_or_default()
    );
}

fn sum(stages: &[(Stage, Cost)]) -> Cost {
    Cost {
        wall_secs: stages.iter().map(|(_, cost)| cost.wall_secs).sum(),
        cpu_secs: stages.iter().map(|(_, cost)| cost.cpu_secs).sum(),
    }
}

/// Reads the clocks where stages begin.
#[derive(Default)]
struct Watch {
    began: Mutex<Vec<(Stage, Instant, f64)>>,
}

impl Watch {
    fn finish(self) -> Vec<(Stage, Cost)> {
        let began = self.began.into_inner().unwrap();
        let mut stages = Vec::new();
        let mut end = (Instant::now(), cpu_secs());
        for (stage, wall, cpu) in began.into_iter().rev() {
            let cost = Cost {
                wall_secs: end.0.duration_since(wall).as_secs_f64(),
                cpu_secs: end.1 - cpu,
            };
            stages.push((stage, cost));
            end = (wall, cpu);
        }
        stages.reverse();
        stages
    }
}

impl Observer for Watch {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Ok(())
    }

    fn stage(&self, stage: Stage) {
        let now = (stage, Instant::now(), cpu_secs());
        self.began.lock().unwrap().push(now);
    }

    fn warning(&self, warning: Warning) {
        println!("warning: {}", warning.summary);
    }
}

/// Seconds that processors have worked for this process and its ended children, where the system tells.
fn cpu_secs() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before the last bracket may hold blanks; user and system time are the 12th to 15th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// How busy the machine is, where the system tells.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minutes: Vec<_> = load.split_whitespace().take(3).collect();
    format!("load averages {}", minutes.join(", "))
}
