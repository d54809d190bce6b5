//! Memory does not grow with the number of batches.

use std::cell::Cell;
use std::fs;

use crate::support::{MOVING, Program, Studio, set};

/// Peak memory in KiB of a job of so many batches under full guidance, in a process of its own. The least of two runs:
/// how much the allocator keeps, and which pages of the program are counted, varies from run to run.
fn peak(studio: &Studio, n_batches: usize) -> f64 {
    // Three frames in the first batch and one new frame in each later one.
    let clip = studio.clip(&format!("{n_batches}.mp4"), MOVING, n_batches + 2);
    let run = |attempt: usize| {
        let mut flags = studio.flags(&clip, &format!("{n_batches}-{attempt}.mp4"));
        set(&mut flags, "--size", "128");
        set(&mut flags, "--steps", "1");
        let mut program = Program::start(&flags);
        let status = format!("/proc/{}/status", program.id());
        let (latest, batches) = (Cell::new(None), Cell::new(0));
        program.until(|event| {
            latest.set(high_water_mark(&status).or(latest.get()));
            if event["event"] == "keyframe" {
                batches.set(batches.get() + 1);
            }
            batches.get() == n_batches + 2
        });
        program.finish().assert_finished();
        latest.get().expect("a process has a status while it runs")
    };
    (0..2).map(run).fold(f64::MAX, f64::min)
}

fn high_water_mark(status: &str) -> Option<f64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn twelve_batches_need_no_more_than_three() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: peak memory is read from /proc");
        return;
    }
    let Some(studio) = Studio::new() else { return };
    let (few, many) = (peak(&studio, 3), peak(&studio, 12));
    eprintln!("3 batches: {few} KiB, 12 batches: {many} KiB");
    assert!(many <= few * 1.05, "{many} KiB for 12, {few} KiB for 3");
}
