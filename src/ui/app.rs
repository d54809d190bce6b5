//! The window: takes in news, lays out the panels, and does what they ask.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{Context, Id, Ui, ViewportCommand};

use super::announcer::Announcer;
use super::backend::Backend;
use super::desktop::Desktop;
use super::dialogs::Chosen;
use super::effects::Outside;
use super::keys::KeyTaker;
use super::layout::{Arrangement, PanelName};
use super::news::{self, Noticed};
use super::scene::{Derived, Scene};
use super::textures::Textures;
use super::theme;
use crate::app::actions::{Action, Effect};
use crate::app::preferences::{Preferences, ThemeChoice};
use crate::app::state::{AppState, JobKind};
use crate::app::{perform, preview, progress, update};

mod keyboard;
mod show;
mod wake;

/// Longest time that news may take of a frame.
const NEWS_TIME: Duration = Duration::from_millis(4);

/// The window.
pub struct Studio<B> {
    state: AppState,
    derived: Derived,
    is_stale: bool,
    outside: Outside<B>,
    textures: Textures,
    arrangement: Arrangement,
    panel: Option<PanelName>,
    open_list: Option<List>,
    shown_preferences: Option<Preferences>,
    shown_title: String,
    /// The video that the textures are of.
    shown_source: Option<PathBuf>,
    is_full_screen: bool,
    /// What had the keyboard before dialogs were open.
    focus_before: FocusBefore,
    /// What gets the keyboard back in this frame.
    focus_again: Option<Id>,
    announcer: Announcer,
    noticed: Noticed,
}

/// What had the keyboard before a dialog was opened.
#[derive(Clone, Copy, Debug)]
enum FocusBefore {
    NoDialog,
    Was(Option<Id>),
}

/// A list that the status bar opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Jobs,
    Messages,
}

impl<B: Backend> Studio<B> {
    /// A window with this state, and what is asked for first.
    pub fn new(
        ctx: &Context,
        backend: B,
        (state, effects): (AppState, Vec<Effect>),
        desktop: Box<dyn Desktop>,
    ) -> Self {
        ctx.add_plugin(KeyTaker::default());
        let mut studio = Self {
            state,
            derived: Derived::default(),
            is_stale: true,
            outside: Outside::new(backend, desktop),
            textures: Textures::default(),
            arrangement: Arrangement::default(),
            panel: None,
            open_list: None,
            shown_preferences: None,
            shown_title: String::new(),
            shown_source: None,
            is_full_screen: false,
            focus_before: FocusBefore::NoDialog,
            focus_again: None,
            announcer: Announcer::default(),
            noticed: Noticed::default(),
        };
        studio.outside.run(ctx, &mut studio.state, effects);
        studio.apply_preferences(ctx);
        studio
    }

    /// What the window remembers.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The worker.
    #[must_use]
    pub fn backend(&self) -> &B {
        &self.outside.backend
    }

    /// Does what was asked, here or outside.
    pub fn perform(&mut self, ctx: &Context, action: Action) {
        self.is_stale |= changes_marks(&action);
        let effects = perform(&mut self.state, action);
        self.outside.run(ctx, &mut self.state, effects);
    }

    /// Takes in news; also while the window is hidden.
    pub fn take_news(&mut self, ctx: &Context) {
        let began = Instant::now();
        while began.elapsed() < NEWS_TIME {
            let Some(event) = self.outside.backend.next_event() else {
                break;
            };
            self.is_stale = true;
            news::log(&event);
            let effects = update(&mut self.state, event);
            self.outside.run(ctx, &mut self.state, effects);
        }
        if began.elapsed() >= NEWS_TIME {
            // The rest comes with the next frame.
            ctx.request_repaint();
        }
        self.outside.demo_written(ctx, &mut self.state);
        if let Some((pick, chosen)) = self.outside.picked() {
            self.perform(
                ctx,
                match chosen {
                    Chosen::File(path) => Action::Picked(pick, Some(path)),
                    Chosen::Nothing => Action::Picked(pick, None),
                    Chosen::NoDialog => Action::NoFileDialog(pick),
                },
            );
        }
        self.close_requested(ctx);
        self.title(ctx);
    }

    /// Takes in what is shown only: a hidden window takes none, so that none is made.
    fn take_samples(&mut self, ctx: &Context) {
        if let Some(sample) = self.outside.backend.progress() {
            progress(&mut self.state, sample);
        }
        if let Some(pictures) = self.outside.backend.preview() {
            preview(&mut self.state, pictures);
            self.is_stale = true;
        }
        while let Some(picture) = self.outside.backend.next_picture() {
            self.textures.answer(ctx, picture);
        }
        let overlay = self.outside.backend.overlay();
        if let Some(picture) = overlay.filter(|picture| self.is_of_source(&picture.source)) {
            self.textures.answer_overlay(ctx, picture);
        }
    }

    fn close_requested(&mut self, ctx: &Context) {
        if ctx.input(|input| input.viewport().close_requested()) && !self.state.quitting {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.perform(ctx, Action::Close);
        }
    }

    fn title(&mut self, ctx: &Context) {
        let title = title(&self.state);
        if title != self.shown_title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.shown_title = title;
        }
        let wanted = self
            .state
            .project
            .as_ref()
            .is_some_and(|project| project.view.full_screen);
        if wanted != self.is_full_screen {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(wanted));
            self.is_full_screen = wanted;
        }
    }

    fn apply_preferences(&mut self, ctx: &Context) {
        let preferences = &self.state.preferences;
        if self.shown_preferences.as_ref() == Some(preferences) {
            return;
        }
        theme::install(ctx, preferences.reduced_motion);
        ctx.set_theme(match preferences.theme {
            ThemeChoice::System => egui::ThemePreference::System,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
            ThemeChoice::Light => egui::ThemePreference::Light,
        });
        ctx.set_zoom_factor(preferences.scale_percent as f32 / 100.0);
        self.arrangement = Arrangement::of(preferences);
        self.shown_preferences = Some(preferences.clone());
    }

    /// What was dragged is remembered when it is let go.
    fn keep_arrangement(&mut self, ctx: &Context) {
        let is_held = ctx.input(|input| input.pointer.any_down());
        // Preferences that have just been changed are taken over first, in the next frame.
        let is_news = self.shown_preferences.as_ref() != Some(&self.state.preferences);
        if is_held || is_news || self.arrangement == Arrangement::of(&self.state.preferences) {
            return;
        }
        let mut preferences = Box::new(self.state.preferences.clone());
        self.arrangement.note(&mut preferences);
        self.perform(ctx, Action::SetPreferences(preferences));
        self.arrangement = Arrangement::of(&self.state.preferences);
    }

    /// Draws the window.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.apply_preferences(&ctx);
        let now = Duration::from_secs_f64(ctx.time().max(0.0));
        self.perform(&ctx, Action::Tick(now));
        self.take_samples(&ctx);
        self.take_keys(&ctx);
        self.take_dropped(&ctx);
        self.keep_focus(&ctx);
        if std::mem::take(&mut self.is_stale) {
            self.derived = Derived::of(&self.state);
        }
        let source = self
            .state
            .project
            .as_ref()
            .map(|project| &project.edits.spec.source);
        if source != self.shown_source.as_ref() {
            self.shown_source = source.cloned();
            self.textures.clear();
        }
        self.textures.begin_frame();
        let asked = self.layout(ui);
        for action in asked {
            self.perform(&ctx, action);
        }
        self.keep_arrangement(&ctx);
        if let Some(request) = self.textures.end_frame() {
            self.outside.backend.request_pictures(request);
        }
        self.ask_for_overlay();
        self.noticed.look(&ctx, self.state.dialogs.last());
        self.plan_next_frame(&ctx);
    }

    fn ask_for_overlay(&mut self) {
        let project = self.state.project.as_ref();
        let key = self.textures.overlay_to_ask();
        if let Some(spec) = project
            .zip(key)
            .and_then(|(project, key)| project.overlay_spec(key))
        {
            self.outside.backend.request_overlay(spec);
        }
    }

    /// Whether a video is the one that is open.
    fn is_of_source(&self, path: &Path) -> bool {
        let project = self.state.project.as_ref();
        project.is_some_and(|project| project.edits.spec.source == path)
    }

    fn take_dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        if let Some(file) = dropped.last() {
            self.perform(ctx, Action::Open(file.path().to_owned()));
        }
    }

    fn scene(&self) -> Option<Scene<'_>> {
        let project = self.state.project.as_ref()?;
        Some(Scene {
            state: &self.state,
            project,
            derived: &self.derived,
        })
    }
}

impl<B: Backend> eframe::App for Studio<B> {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.take_news(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }
}

/// Name of the project, whether it has unsaved changes, and how far the work is.
fn title(state: &AppState) -> String {
    let mut parts = Vec::new();
    if let Some(job) = state
        .job
        .as_ref()
        .filter(|job| job.kind == JobKind::Translate)
    {
        parts.push(format!("{:.0} %", super::panels::jobs::share(job) * 100.0));
    }
    parts.push("FRESCO Studio".to_owned());
    if let Some(project) = &state.project {
        let mark = if project.unsaved { " •" } else { "" };
        parts.push(format!("{}{mark}", project.name()));
    }
    parts.join(" – ")
}

/// Whether marks and plan may be others after an action.
fn changes_marks(action: &Action) -> bool {
    !matches!(
        action,
        Action::Tick(_)
            | Action::Seek(_)
            | Action::Step(_)
            | Action::SetWipe(_)
            | Action::SetZoom(_)
            | Action::SetTimeline(_)
            | Action::ZoomTimeline(_)
            | Action::SetMode(_)
            | Action::HoldSource(_)
            | Action::DismissMessage(_)
    )
}
