//! CPU seconds of one synthesis by each preset, and how many times less that is than `parity` on one thread, in the same
//! run: `cargo bench --bench synthesis`.
//!
//! Then wall seconds of the default preset on the graphics card, for one chain and for eight side by side.
//! Golden cases only. Arguments choose presets and cases by name.
#![allow(
    dead_code,
    missing_docs,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, may panic, and uses a part of the suite's helpers"
)]

#[path = "../suite/synth/case.rs"]
mod case;

use std::ops::ControlFlow;

use case::{Case, Step};
use fresco_studio::synth::{Chain, Preset, Source, Synthesiser};

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let chosen = |name: &str, all: &[String]| {
        let mut known = wanted.iter().filter(|w| all.contains(w)).peekable();
        known.peek().is_none() || known.any(|w| w == name)
    };
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let presets: Vec<Preset> = Preset::ALL.into_iter().rev().collect();
    let names: Vec<String> = presets
        .iter()
        .map(|p| format!("{p:?}").to_lowercase())
        .collect();
    let cases = case::cases();
    let folders: Vec<String> = cases.iter().map(|c| c.name.clone()).collect();
    println!(
        "{:<34} {:>8} {:>12} {:>12} {:>7}",
        "one synthesis", "preset", "1 thread, s", "all cores, s", "ratio"
    );
    for case in cases.iter().filter(|c| chosen(&c.name, &folders)) {
        let Some(step) = hardest(case) else {
            continue;
        };
        let mut parity = None;
        for (preset, name) in presets
            .iter()
            .zip(&names)
            .filter(|(_, n)| chosen(n, &names))
        {
            let single = one.install(|| seconds(case, &step, *preset));
            let all = seconds(case, &step, *preset);
            if *preset == Preset::Parity {
                parity = Some(single);
            }
            let what = format!("{} {} {}", case.name, step.direction, step.frame);
            let ratio = parity.map_or(String::new(), |p| format!("{:.2}", p / all.max(single)));
            println!("{what:<34} {name:>8} {single:>12.3} {all:>12.3} {ratio:>7}");
        }
        #[cfg(feature = "gpu")]
        on_the_graphics_card(case, &step);
    }
}

/// Wall seconds on the fastest adapter, with the one-time compilation of kernels left out.
#[cfg(feature = "gpu")]
fn on_the_graphics_card(case: &Case, step: &Step) {
    use std::sync::Arc;
    use std::time::Instant;

    use fresco_studio::gpu::{AdapterChoice, Context};
    use fresco_studio::synth::gpu::GpuSynthesiser;

    let context = match Context::open(&AdapterChoice::Any) {
        Ok(context) => context,
        Err(error) => return println!("skipped: {error}"),
    };
    let (name, is_software) = (context.name().to_owned(), context.is_software());
    let gpu = Synthesiser::Gpu(Arc::new(GpuSynthesiser::new(context).unwrap()));
    let pictures = case.pictures(step);
    let source = pictures.source();
    let start = case.start(step);
    // A software adapter is only there to be correct.
    let side_by_side: &[u32] = if is_software { &[1] } else { &[1, 8] };
    for &n_chains in side_by_side {
        let chain = |seed| Chain {
            source: &source,
            target: pictures.target(),
            start: Some(start.values()),
            seed,
        };
        let chains: Vec<Chain<'_>> = (0..n_chains).map(chain).collect();
        let once = || {
            let began = Instant::now();
            let done = gpu.synthesise(&chains, Preset::Default, &|| ControlFlow::Continue(()));
            assert_eq!(done.unwrap().len(), chains.len());
            began.elapsed().as_secs_f64()
        };
        let seconds = (0..2).map(|_| once()).fold(f64::MAX, f64::min);
        println!(
            "{name}, default, {n_chains} chains: {seconds:.3} s, {:.3} s a chain",
            seconds / f64::from(n_chains)
        );
    }
}

/// The second step where there are several: the first hardly differs from the key.
fn hardest(case: &Case) -> Option<Step> {
    let mut steps = case.steps();
    steps.truncate(2);
    steps.pop()
}

/// CPU seconds of all threads for one synthesis; the least of a few runs, since other load only ever adds.
fn seconds(case: &Case, step: &Step, preset: Preset) -> f64 {
    let pictures = case.pictures(step);
    let source: Source = pictures.source();
    let start = case.start(step);
    let chain = Chain {
        source: &source,
        target: pictures.target(),
        start: Some(start.values()),
        seed: 1,
    };
    let once = || {
        let began = cpu_seconds();
        let done = Synthesiser::Cpu.synthesise(&[chain], preset, &|| ControlFlow::Continue(()));
        assert_eq!(done.unwrap().len(), 1);
        cpu_seconds() - began
    };
    (0..3).map(|_| once()).fold(f64::MAX, f64::min)
}

/// Time that all threads of this process have run, from the kernel's own count in nanoseconds.
fn cpu_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}
