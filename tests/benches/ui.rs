//! How long a frame of the window takes, and how soon a scrubbed frame is there, idle and while a job runs:
//! `cargo bench --bench ui`.
//!
//! Both with the real worker: the job is the demo model on the CPU, the clip is 1080p H.264 made with FFmpeg's `testsrc2`.
//! Layout is what the window's own code does; frames are drawn by whatever adapter there is, a software one included, and
//! reading the picture back is part of the time. On a slow machine it takes longer, and says what did not come in time.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench is read by its author, and prints"
)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use fresco_studio::app::actions::TranslateScope;
use fresco_studio::app::{self, Action};
use fresco_studio::files::UserFolders;
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::ui::app::Studio;
use fresco_studio::ui::backend::Backend;
use fresco_studio::ui::desktop::SystemDesktop;
use fresco_studio::worker::handle::SendError;
use fresco_studio::worker::message::{
    Command, Event, JobId, JobProgress, MediaPicture, MediaRequest, ModelId, ModelSources,
    OverlayPicture, OverlaySpec, PictureKey, Preview, TryRequest,
};
use fresco_studio::worker::{WorkerHandle, spawn};

/// Frames of the window that are measured.
const N_FRAMES: usize = 120;
/// Places that are scrubbed to.
const N_PLACES: usize = 40;
const FRAMES_OF_CLIP: usize = 250;
/// What a frame may take at 60 a second.
const FRAME_MILLIS: f64 = 1000.0 / 60.0;
/// What is not there after this is left out.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// What went between window and worker since a place was scrubbed to.
#[derive(Default)]
struct Traffic {
    asked: Vec<PictureKey>,
    /// Frames of the source, and whether it is only what stands in for them.
    came: Vec<(FrameIdx, bool)>,
}

/// The worker, watched.
struct Watched {
    worker: WorkerHandle,
    traffic: Rc<RefCell<Traffic>>,
}

impl Backend for Watched {
    fn send(&self, command: Command) -> Result<(), SendError> {
        Backend::send(&self.worker, command)
    }

    fn try_frame(&self, request: TryRequest) {
        Backend::try_frame(&self.worker, request);
    }

    fn cancel(&self, job: JobId) {
        Backend::cancel(&self.worker, job);
    }

    fn pause(&self, job: JobId) {
        Backend::pause(&self.worker, job);
    }

    fn resume(&self, job: JobId) {
        Backend::resume(&self.worker, job);
    }

    fn stop_download(&self, id: &ModelId) {
        Backend::stop_download(&self.worker, id);
    }

    fn next_event(&self) -> Option<Event> {
        Backend::next_event(&self.worker)
    }

    fn progress(&self) -> Option<JobProgress> {
        Backend::progress(&self.worker)
    }

    fn preview(&self) -> Option<Preview> {
        Backend::preview(&self.worker)
    }

    fn request_pictures(&self, request: MediaRequest) {
        let mut traffic = self.traffic.borrow_mut();
        traffic.asked.extend_from_slice(&request.wanted);
        Backend::request_pictures(&self.worker, request);
    }

    fn next_picture(&self) -> Option<MediaPicture> {
        let picture = Backend::next_picture(&self.worker)?;
        if let PictureKey::Source(frame) = picture.key {
            let came = &mut self.traffic.borrow_mut().came;
            came.push((frame, picture.is_stand_in));
        }
        Some(picture)
    }

    fn request_overlay(&self, spec: OverlaySpec) {
        Backend::request_overlay(&self.worker, spec);
    }

    fn overlay(&self) -> Option<OverlayPicture> {
        Backend::overlay(&self.worker)
    }
}

struct Window {
    studio: Option<Studio<Watched>>,
    traffic: Rc<RefCell<Traffic>>,
    home: PathBuf,
    clip: PathBuf,
}

impl Window {
    fn frame(ui: &mut egui::Ui, window: &mut Self) {
        let studio = window.studio.get_or_insert_with(|| {
            let folder = |name: &str| window.home.join(name);
            let folders = UserFolders {
                config: folder("config"),
                data: folder("data"),
                models: folder("models"),
                videos: folder("videos"),
            };
            let start = app::start(folders, ModelSources::default(), Some(window.clip.clone()));
            let worker = Watched {
                worker: spawn(Engine::default, Arc::new(|| {})).unwrap(),
                traffic: Rc::clone(&window.traffic),
            };
            let desktop = Box::new(SystemDesktop::new(Arc::new(|_: &Path| Ok(()))));
            Studio::new(ui.ctx(), worker, start, desktop)
        });
        studio.take_news(ui.ctx());
        studio.show(ui);
    }
}

type Bench = Harness<'static, Window>;

fn ask(bench: &mut Bench, action: Action) {
    let ctx = bench.ctx.clone();
    bench
        .state_mut()
        .studio
        .as_mut()
        .unwrap()
        .perform(&ctx, action);
}

/// Draws until something is so; whether it came to that.
fn until(bench: &mut Bench, what: &str, is_so: impl Fn(&Studio<Watched>) -> bool) -> bool {
    let began = Instant::now();
    while !bench.state().studio.as_ref().is_some_and(&is_so) {
        if began.elapsed() > LONGEST_WAIT {
            println!("skipped: {what} took longer than {LONGEST_WAIT:?}");
            return false;
        }
        bench.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn print(what: &str, mut millis: Vec<f64>) {
    if millis.is_empty() {
        return println!("{what:<44} nothing to measure");
    }
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share).round() as usize];
    let n_late = millis
        .iter()
        .filter(|&&millis| millis > FRAME_MILLIS)
        .count();
    println!(
        "{what:<44} p50 {:>7.1}  p95 {:>7.1}  worst {:>7.1} ms  {:>3.0} % over {FRAME_MILLIS:.1} ms  of {}",
        at(0.5),
        at(0.95),
        at(1.0),
        n_late as f64 * 100.0 / millis.len() as f64,
        millis.len()
    );
}

/// Frames with the playhead still, and with another picture of the source in each.
fn frame_times(bench: &mut Bench, when: &str) {
    for (playhead, step) in [("playhead still", 0), ("playhead dragged", 1)] {
        let (mut layout, mut whole) = (Vec::new(), Vec::new());
        for i in 0..N_FRAMES {
            ask(bench, Action::Seek(FrameIdx(i * step % FRAMES_OF_CLIP)));
            let began = Instant::now();
            bench.step();
            layout.push(began.elapsed().as_secs_f64() * 1000.0);
            if bench.render().is_ok() {
                whole.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
        print(&format!("{when}, {playhead}: layout"), layout);
        print(&format!("{when}, {playhead}: drawn and read"), whole);
    }
}

fn scrubbing(bench: &mut Bench, when: &str) {
    let (mut first, mut whole) = (Vec::new(), Vec::new());
    for i in 0..N_PLACES {
        let frame = FrameIdx((i * 97 + 31) % FRAMES_OF_CLIP);
        *bench.state().traffic.borrow_mut() = Traffic::default();
        let began = Instant::now();
        ask(bench, Action::Seek(frame));
        bench.step();
        let is_asked = bench
            .state()
            .traffic
            .borrow()
            .asked
            .contains(&PictureKey::Source(frame));
        if !is_asked {
            // It is on the graphics device already.
            continue;
        }
        let came = |bench: &Bench, is_stand_in: bool| {
            let traffic = bench.state().traffic.borrow();
            traffic.came.contains(&(frame, is_stand_in))
        };
        let mut first_after = None;
        while !came(bench, false) && began.elapsed() < LONGEST_WAIT {
            std::thread::sleep(Duration::from_millis(1));
            bench.step();
            if first_after.is_none() && (came(bench, true) || came(bench, false)) {
                first_after = Some(began.elapsed());
            }
        }
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        first.extend(first_after.map(millis));
        if came(bench, false) {
            whole.push(millis(began.elapsed()));
        }
    }
    print(&format!("{when}, scrubbing: right frame"), first);
    print(&format!("{when}, scrubbing: full size"), whole);
}

/// Begins to translate the clip, without in-betweens.
fn translate(bench: &mut Bench) {
    let studio = bench.state().studio.as_ref();
    let Some(project) = studio.and_then(|studio| studio.state().project.as_ref()) else {
        return;
    };
    let mut spec = Box::new(project.edits.spec.clone());
    "neon outlines".clone_into(&mut spec.prompt);
    spec.no_fill = true;
    let gesture = app::actions::Gesture::Finished;
    let what = app::settings::Setting::Prompt;
    ask(
        bench,
        Action::Change {
            what,
            spec,
            gesture,
        },
    );
    ask(bench, Action::Translate(TranslateScope::KeyframesOnly));
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    let frames = FRAMES_OF_CLIP.to_string();
    let made = Process::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=1920x1080:r=25",
            "-frames:v",
            &frames,
        ])
        .args([
            "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
        ])
        .arg(&clip)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no ffmpeg to make a clip with");
        return;
    }
    let window = Window {
        studio: None,
        traffic: Rc::default(),
        home: folder.path().to_owned(),
        clip,
    };
    let mut bench = Harness::builder()
        .with_size([1440.0, 900.0])
        .with_step_dt(1.0 / 60.0)
        .build_ui_state(Window::frame, window);
    let is_open = until(&mut bench, "opening the clip", |studio| {
        let project = studio.state().project.as_ref();
        project.is_some_and(|project| project.source.survey.is_some())
    });
    if !is_open {
        return;
    }
    scrubbing(&mut bench, "idle");
    frame_times(&mut bench, "idle");
    translate(&mut bench);
    let works = until(&mut bench, "the first step of the job", |studio| {
        let job = studio.state().job.as_ref();
        job.is_some_and(|job| job.progress.is_some_and(|sample| sample.progress.done > 0))
    });
    if !works {
        return;
    }
    frame_times(&mut bench, "working");
    scrubbing(&mut bench, "working");
    let studio = bench.state().studio.as_ref();
    if studio.is_none_or(|studio| studio.state().job.is_none()) {
        println!("the job had ended before: the last figures are of an idle window");
    }
    ask(&mut bench, Action::Cancel);
}
