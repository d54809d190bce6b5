//! The window with a scripted worker: found by accessible name, pressed, and asked what it sent.

mod announcements;
mod button;
mod controlnets;
mod device_page;
mod downloads;
mod helpers;
mod keyframes;
mod keys;
mod load;
mod loras;
mod model_notices;
mod models;
mod names;
mod notices;
mod overlays;
mod panels;
mod preferences;
mod prompt;
mod script;
mod settings;
mod snapshots;
mod start;
mod viewer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fresco_studio::app::actions::{Effect, Gesture};
use fresco_studio::app::preferences::ThemeChoice;
use fresco_studio::app::settings::Setting;
use fresco_studio::app::state::{AppState, Project};
use fresco_studio::app::{self, Action};
use fresco_studio::frame::{FrameIdx, Size};
use fresco_studio::pipeline::job::JobSpec;
use fresco_studio::ui::app::Studio;
use fresco_studio::worker::message::{
    Command, Event, JobEvent, JobId, ModelSources, Ratio, SourceEvent, SourceState, Summary,
    Survey, TimestampIndex,
};

use crate::facts;
use script::{Asked, Script, ScriptedDesktop};

const N_FRAMES: usize = 48;
const CLIP: &str = "/clips/beach.mp4";

/// A window in a test.
pub struct Window {
    start: Option<(AppState, Vec<Effect>)>,
    desktop: ScriptedDesktop,
    studio: Option<Studio<Script>>,
}

type Bench = Harness<'static, Window>;

impl Window {
    fn frame(ui: &mut egui::Ui, window: &mut Self) {
        if let Some(start) = window.start.take() {
            let desktop = Box::new(window.desktop.clone());
            window.studio = Some(Studio::new(ui.ctx(), Script::default(), start, desktop));
        }
        let studio = window.studio.as_mut().unwrap();
        studio.take_news(ui.ctx());
        studio.show(ui);
    }

    fn studio(&self) -> &Studio<Script> {
        self.studio.as_ref().unwrap()
    }

    fn state(&self) -> &AppState {
        self.studio().state()
    }

    fn project(&self) -> &Project {
        self.state().project.as_ref().unwrap()
    }

    fn script(&self) -> &Script {
        self.studio().backend()
    }

    fn perform(&mut self, ctx: &egui::Context, action: Action) {
        self.studio.as_mut().unwrap().perform(ctx, action);
    }
}

/// A window of the usual size on the start screen.
fn start_screen() -> Bench {
    window(Vec2::new(1440.0, 900.0), egui::Theme::Dark, None)
}

fn window(size: Vec2, theme: egui::Theme, file: Option<PathBuf>) -> Bench {
    window_with(ModelSources::default(), (size, theme), file)
}

fn window_with(
    sources: ModelSources,
    (size, theme): (Vec2, egui::Theme),
    file: Option<PathBuf>,
) -> Bench {
    let window = Window {
        start: Some(app::start(facts::folders("/studio"), sources, file)),
        desktop: ScriptedDesktop::default(),
        studio: None,
    };
    let mut bench = Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_max_steps(24)
        .with_step_dt(1.0 / 60.0)
        .build_ui_state(Window::frame, window);
    let mut preferences = Box::new(bench.state().state().preferences.clone());
    preferences.theme = match theme {
        egui::Theme::Dark => ThemeChoice::Dark,
        egui::Theme::Light => ThemeChoice::Light,
    };
    ask(&mut bench, Action::SetPreferences(preferences));
    tell(&mut bench, facts::everything_ready().into());
    bench
}

/// A window with a clip of 48 frames and two shots open, and nothing translated.
fn open_clip() -> Bench {
    let mut bench = window(
        Vec2::new(1440.0, 900.0),
        egui::Theme::Dark,
        Some(CLIP.into()),
    );
    tell(&mut bench, clip_known());
    write_prompt(&mut bench);
    bench.state().script().take_asked();
    bench
}

fn write_prompt(bench: &mut Bench) {
    change(bench, Setting::Prompt, |spec| {
        "a watercolour".clone_into(&mut spec.prompt);
        // Keyframes alone: the scripted worker fills nothing.
        spec.no_fill = true;
    });
}

/// Changes settings as a control does that is let go.
fn change(bench: &mut Bench, what: Setting, change: impl FnOnce(&mut JobSpec)) {
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    change(&mut spec);
    let gesture = Gesture::Finished;
    ask(
        bench,
        Action::Change {
            what,
            spec,
            gesture,
        },
    );
}

/// Does an action and draws until nothing moves.
fn ask(bench: &mut Bench, action: Action) {
    let ctx = bench.ctx.clone();
    bench.state_mut().perform(&ctx, action);
    settle(bench);
}

/// Gives news to the window and draws until nothing moves.
fn tell(bench: &mut Bench, news: Vec<Event>) {
    bench.state().script().events.borrow_mut().extend(news);
    settle(bench);
}

/// Enough frames for news to arrive, pictures to be asked for and shown, and menus to open.
fn settle(bench: &mut Bench) {
    bench.run_steps(6);
}

/// Presses the largest button of this name: a menu may have the name, too.
fn press(bench: &mut Bench, name: &str) {
    button(bench, name).click();
    settle(bench);
}

fn button<'a>(bench: &'a Bench, name: &'a str) -> egui_kittest::Node<'a> {
    let found = bench.query_all_by_role_and_label(Role::Button, name);
    let largest = found.max_by(|a, b| a.rect().area().total_cmp(&b.rect().area()));
    largest.unwrap_or_else(|| panic!("no button {name:?} in {:?}", names(bench)))
}

fn key(bench: &mut Bench, modifiers: Modifiers, key: egui::Key) {
    bench.key_press_modifiers(modifiers, key);
    settle(bench);
}

fn survey() -> Survey {
    let motion = (0..N_FRAMES)
        .map(|i| f64::from(u8::from(i > 0)) * (1.0 + (i % 5) as f64))
        .collect();
    Survey::new(&[FrameIdx(20)], motion)
}

/// What is told of a clip, up to the point where it can be translated.
fn clip_known() -> Vec<Event> {
    let source = |event| Event::Source(CLIP.into(), event);
    let state = SourceState {
        bytes: 1000,
        modified_secs: 1,
    };
    let size = Size {
        width: 1920,
        height: 1080,
    };
    let info = facts::info(Path::new(CLIP), size, 24, N_FRAMES);
    let rate = Ratio { num: 24, den: 1 };
    let times = Arc::new(TimestampIndex::constant(rate, N_FRAMES));
    let small = (0..N_FRAMES).step_by(6);
    let thumbnails = small
        .map(|i| (FrameIdx(i), Arc::new(script::source_picture(i))))
        .collect();
    vec![
        source(SourceEvent::Info(Arc::new(info), state)),
        source(SourceEvent::Times(times, None)),
        source(SourceEvent::Thumbnails(thumbnails)),
        source(SourceEvent::Done(Arc::new(survey()))),
    ]
}

/// The job that was sent, if one was.
fn sent_job(asked: &[Asked]) -> Option<JobId> {
    asked.iter().find_map(|asked| match asked {
        Asked::Sent(Command::Translate(job, _)) => Some(*job),
        _ => None,
    })
}

/// Presses the one button and plays the worker that begins.
fn start_job(bench: &mut Bench) -> JobId {
    press(bench, "Translate");
    let asked = bench.state().script().take_asked();
    let job = sent_job(&asked).expect("the button translates");
    let plan = app::marks::plan(bench.state().project()).unwrap();
    tell(bench, vec![Event::Job(job, JobEvent::Started(plan))]);
    job
}

/// Plays the worker up to the end of a translation.
fn translate_all(bench: &mut Bench) {
    let job = start_job(bench);
    let plan = app::marks::plan(bench.state().project()).unwrap();
    let mut news: Vec<Event> = Vec::new();
    for &frame in plan.keyframes() {
        let path = PathBuf::from(format!("/studio/work/keyframes/{frame:06}.png"));
        news.push(Event::Job(job, JobEvent::Keyframe { frame, path }));
    }
    news.push(Event::Job(job, JobEvent::Finished(summary())));
    tell(bench, news);
}

fn summary() -> Summary {
    facts::summary("/studio/work/result.mp4", N_FRAMES, 6)
}

/// Names of everything that can be found, for failures.
fn names(bench: &Bench) -> Vec<String> {
    let nodes = bench.root().children_recursive();
    let name = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value())
    };
    nodes.filter_map(name).collect()
}
