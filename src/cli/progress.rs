//! A job's events and samples as bars, as lines now and then, or as one JSON object per line.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::console::{Console, Style};
use crate::app::format::{about, bytes};
use crate::frame::FrameIdx;
use crate::worker::message::{
    ForetoldMemory, MeasuredMemory, Measures, Plan, Progress, Stage, Summary,
};
use crate::worker::{JobEvent, JobProgress, Report};

/// What `--json` prints: one of these per line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Line<'a> {
    Note {
        text: &'a str,
    },
    Started(&'a Plan),
    Stage {
        stage: Stage,
    },
    Progress {
        stage: Stage,
        #[serde(flatten)]
        progress: Progress,
        left_secs: Option<f64>,
    },
    Keyframe {
        frame: FrameIdx,
        path: &'a Path,
    },
    MemoryForetold(&'a ForetoldMemory),
    Memory(&'a MeasuredMemory),
    Warning(&'a Report),
    Finished(&'a Summary),
    Evaluated(&'a Measures),
    Cancelled,
    Failed(&'a Report),
}

impl<'a> From<&'a JobEvent> for Line<'a> {
    fn from(event: &'a JobEvent) -> Self {
        match event {
            JobEvent::Started(plan) => Self::Started(plan),
            JobEvent::Stage(stage) => Self::Stage { stage: *stage },
            JobEvent::Keyframe { frame, path } => Self::Keyframe {
                frame: *frame,
                path,
            },
            JobEvent::MemoryForetold(memory) => Self::MemoryForetold(memory),
            JobEvent::Memory(memory) => Self::Memory(memory),
            JobEvent::Warning(report) => Self::Warning(report),
            JobEvent::Finished(summary) => Self::Finished(summary),
            JobEvent::Evaluated(measures) => Self::Evaluated(measures),
            JobEvent::Cancelled => Self::Cancelled,
            JobEvent::Failed(report) => Self::Failed(report),
        }
    }
}

/// Shows one job while it runs.
#[derive(Default)]
pub(super) struct JobView {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    planned_keyframes: usize,
    finished_keyframes: usize,
    /// Tenths of the current stage that a line was written for.
    said_tenths: usize,
}

impl JobView {
    /// Shows an event.
    pub fn event(&mut self, event: &JobEvent, console: &mut Console) {
        if event.is_last() || matches!(event, JobEvent::Stage(_)) {
            self.end_stage(event);
        }
        if let JobEvent::Stage(stage) = event {
            self.stage = Some(*stage);
        }
        console.tell(&Line::from(event));
        match self.bar.clone() {
            Some(bar) => bar.suspend(|| self.show(event, console)),
            None => self.show(event, console),
        }
    }

    /// Shows how far the job is, unless that stage is over.
    pub fn sample(&mut self, sample: &JobProgress, console: &mut Console) {
        let JobProgress {
            stage,
            progress,
            left,
            ..
        } = *sample;
        if self.stage != Some(stage) {
            return;
        }
        console.tell(&Line::Progress {
            stage,
            progress,
            left_secs: left.map(|left| left.as_secs_f64()),
        });
        let Progress { done, total, unit } = progress;
        let left = left.map_or_else(
            || "measuring".to_owned(),
            |left| format!("{} left", about(left)),
        );
        if let Some(bar) = &self.bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(format!("{unit}, {left}"));
            return;
        }
        let tenths = (done * 10).checked_div(total).unwrap_or(0);
        if tenths > self.said_tenths {
            self.said_tenths = tenths;
            console.say(format_args!("{stage}: {done} of {total} {unit}, {left}"));
        }
    }

    fn show(&mut self, event: &JobEvent, console: &mut Console) {
        match event {
            JobEvent::Started(plan) => self.planned_keyframes = plan.keyframes().len(),
            JobEvent::Stage(stage) if console.style == Style::Bars => {
                self.bar = Some(stage_bar(*stage));
            }
            JobEvent::Stage(stage) => console.say(stage),
            JobEvent::Keyframe { .. } => self.finished_keyframes += 1,
            JobEvent::MemoryForetold(memory) => show_foretold(memory, console),
            // The log has it, and so have programs that read our lines.
            JobEvent::Memory(_) => {}
            JobEvent::Warning(report) => console.complain("warning", report),
            JobEvent::Failed(report) => console.complain("error", report),
            JobEvent::Cancelled => console.say(self.what_is_kept()),
            JobEvent::Finished(summary) => show_summary(summary, console),
            JobEvent::Evaluated(measures) => show_measures(measures, console),
        }
    }

    fn what_is_kept(&self) -> String {
        match (self.finished_keyframes, self.planned_keyframes) {
            (_, 0) => "Stopped.".to_owned(),
            (done, all) => {
                format!("Stopped. {done} of {all} keyframes kept. The same command continues.")
            }
        }
    }

    fn end_stage(&mut self, event: &JobEvent) {
        self.said_tenths = 0;
        match (self.bar.take(), event) {
            (Some(bar), JobEvent::Cancelled | JobEvent::Failed(_)) => bar.abandon(),
            (Some(bar), _) => {
                bar.set_message(String::new());
                bar.finish();
            }
            (None, _) => {}
        }
    }
}

fn show_foretold(memory: &ForetoldMemory, console: &mut Console) {
    let estimated = bytes(memory.estimated);
    match memory.available {
        Some(available) => console.say(format_args!(
            "A batch takes about {estimated} of {} of memory.",
            bytes(available)
        )),
        None => console.say(format_args!("A batch takes about {estimated} of memory.")),
    }
}

fn show_summary(summary: &Summary, console: &mut Console) {
    for note in &summary.notes {
        console.say(note);
    }
    let took: f64 = summary.stage_secs.iter().map(|(_, secs)| secs).sum();
    let took = about(Duration::try_from_secs_f64(took).unwrap_or_default());
    let Summary {
        out,
        frames,
        keyframes,
        duration_secs,
        stage_secs,
        ..
    } = summary;
    let stages: Vec<String> = stage_secs
        .iter()
        .map(|(stage, secs)| format!("{stage} {secs:.0} s"))
        .collect();
    console.say(format_args!(
        "Done in {took} ({}): {frames} frames, {keyframes} of them keyframes, {duration_secs:.1} s: {}",
        stages.join(", "),
        out.display()
    ));
}

fn show_measures(measures: &Measures, console: &mut Console) {
    let Measures {
        pixel_mse,
        colour_drift,
        frames,
        duration_s,
    } = measures;
    let nothing = || "no pixel is seen in two frames".to_owned();
    let pixel_mse = pixel_mse.map_or_else(nothing, |mse| format!("{mse:.6}"));
    console.say(format_args!("Pixel-MSE     {pixel_mse}"));
    console.say(format_args!("Colour drift  {colour_drift:.3}"));
    console.say(format_args!("{frames} frames, {duration_s:.3} s"));
}

fn stage_bar(stage: Stage) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix:<11} {bar:30} {pos:>6} of {len} {msg}")
    {
        bar.set_style(style);
    }
    bar.set_prefix(stage.to_string());
    bar
}
