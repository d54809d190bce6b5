//! Work: the one button, the status bar, and the list of jobs.

use std::time::Duration;

use egui::{Button, ProgressBar, Ui, vec2};

use crate::app::actions::Action;
use crate::app::button::main_button;
use crate::app::format;
use crate::app::state::{AppState, Ending, FinishedJob, JobKind, JobPhase, RunningJob};
use crate::ui::shortcuts::{self, Act};
use crate::ui::theme;

/// The one button, and the menu beside it.
pub fn button_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let theme = theme::of(ui);
    let main = main_button(state);
    let mut asked = Vec::new();
    ui.horizontal(|ui| {
        let has_menu = !main.menu.is_empty();
        let width = ui.available_width() - if has_menu { 36.0 } else { 0.0 };
        let text = egui::RichText::new(&main.label)
            .strong()
            .color(theme.on_accent.colour());
        let button = Button::new(text)
            .fill(theme.accent_fill.colour())
            .min_size(vec2(width, theme::HIT_TARGET + theme::GRID * 2.0));
        let response = ui.add_enabled(main.enabled, button);
        let keys = shortcuts::keys_text(ui.ctx(), shortcuts::of(Act::Main)).unwrap_or_default();
        if response
            .on_hover_text(format!("{} ({keys})", main.label))
            .clicked()
        {
            asked.push(Action::MainButton);
        }
        if has_menu {
            let size = vec2(28.0, theme::HIT_TARGET + theme::GRID * 2.0);
            let more =
                egui::containers::menu::MenuButton::from_button(Button::new("…").min_size(size));
            let (response, _) = more.ui(ui, |ui| {
                for item in &main.menu {
                    if ui.button(item.label).clicked() {
                        asked.push(item.action.clone());
                    }
                }
            });
            response
                .on_hover_text("More ways to go on")
                .accessible_name("More ways to go on");
        }
    });
    asked
}

/// What a job is doing at a time since the window opened, in words: `Keyframes · 5 of 17 keyframes · 2:05 elapsed ·
/// about 3 min left`.
#[must_use]
pub fn progress_text(job: &RunningJob, now: Duration) -> String {
    let mut parts = Vec::new();
    match job.phase {
        JobPhase::Paused => parts.push("Paused".to_owned()),
        JobPhase::Stopping => parts.push("Stopping".to_owned()),
        JobPhase::Working => (),
    }
    parts.push(
        job.stage
            .map_or("Waiting".to_owned(), |stage| stage.to_string()),
    );
    if let Some(plan) = job.plan.as_ref().filter(|_| job.kind == JobKind::Translate) {
        let all = plan.keyframes().len();
        parts.push(format!(
            "{} of {all} keyframes",
            job.keyframes_done.min(all)
        ));
    }
    let elapsed = now.saturating_sub(job.began);
    parts.push(format!("{} elapsed", format::clock(elapsed)));
    if job.phase == JobPhase::Working {
        let left = job.progress.and_then(|progress| progress.left);
        parts.push(left.map_or("measuring".to_owned(), |left| {
            format!("{} left", format::about(left))
        }));
    }
    parts.join(" · ")
}

/// Share of the current stage that is done.
#[must_use]
pub fn share(job: &RunningJob) -> f32 {
    let progress = job.progress.map(|sample| sample.progress);
    progress.map_or(0.0, |progress| {
        (progress.done as f32 / progress.total.max(1) as f32).clamp(0.0, 1.0)
    })
}

/// What a screen reader says of it: `Keyframes, 29 percent, about 3 min left`.
#[must_use]
pub fn spoken(job: &RunningJob) -> String {
    let stage = job
        .stage
        .map_or("Job".to_owned(), |stage| stage.to_string());
    let left = job.progress.and_then(|progress| progress.left);
    let left = left.map_or(String::new(), |left| {
        format!(", {} left", format::about(left))
    });
    format!("{stage}, {:.0} percent{left}", share(job) * 100.0)
}

/// The job in the status bar.
pub fn status_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let Some(job) = &state.job else {
        ui.weak("Nothing is running.");
        return asked;
    };
    ui.label(progress_text(job, state.now));
    let percent = share(job) * 100.0;
    let bar = ProgressBar::new(share(job))
        .desired_width(160.0)
        .text(format!("{percent:.0} %"));
    let bar = ui.add(bar).accessible_name(spoken(job));
    ui.ctx().accesskit_node_builder(bar.id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(100.0);
        node.set_numeric_value(f64::from(percent.round()));
    });
    asked.extend(steer_ui(job, ui));
    asked
}

fn steer_ui(job: &RunningJob, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let (label, action) = match job.phase {
        JobPhase::Paused => ("Continue", Action::Resume),
        JobPhase::Working => ("Pause", Action::Pause),
        JobPhase::Stopping => return asked,
    };
    let name = format!("{label} job");
    if ui.button(label).accessible_name(name).clicked() {
        asked.push(action);
    }
    let hint = shortcuts::hint(ui.ctx(), Act::CancelJob);
    let cancel = ui.button("Cancel").on_hover_text(hint);
    if cancel.accessible_name("Cancel job").clicked() {
        asked.push(Action::Cancel);
    }
    asked
}

/// Jobs that run or have ended.
pub fn jobs_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    ui.label(egui::RichText::new("Jobs").strong());
    if state.job.is_none() && state.finished_jobs.is_empty() {
        ui.label("Nothing is running.");
    }
    if let Some(job) = &state.job {
        ui.horizontal(|ui| {
            ui.label(kind(job.kind));
            ui.weak(progress_text(job, state.now));
        });
    }
    for job in state.finished_jobs.iter().rev() {
        ui.push_id(job.id.0, |ui| asked.extend(finished_ui(job, ui)));
    }
    asked
}

fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Translate => "Translate",
        JobKind::Export => "Export",
    }
}

fn finished_ui(job: &FinishedJob, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let took = format::took(job.took);
    ui.horizontal_wrapped(|ui| {
        ui.label(kind(job.kind));
        match &job.ending {
            Ending::Done(summary) => {
                ui.label(format!(
                    "done in {took} · {}",
                    format::count(summary.frames, "frame")
                ));
                let name = format!("Show {} in folder", kind(job.kind));
                let show = ui.small_button("Show in folder").accessible_name(name);
                if show.clicked() {
                    asked.push(Action::Reveal(summary.out.clone()));
                }
            }
            Ending::Stopped => {
                ui.label(format!("stopped after {took}"));
            }
            Ending::Failed(report) => {
                ui.colored_label(
                    ui.visuals().error_fg_color,
                    format!("failed: {}", report.summary),
                );
                if ui.small_button("Show details").clicked() {
                    asked.push(Action::ShowDetails(report.clone()));
                }
            }
        }
        if ui.small_button("Forget").clicked() {
            asked.push(Action::ForgetJob(job.id));
        }
    });
    if let Ending::Done(summary) = &job.ending {
        for note in &summary.notes {
            ui.weak(note);
        }
    }
    asked
}
