//! How long a frame of the window takes while a job runs, and how soon a scrubbed frame is there.
//!
//! Both with the real worker: the job is the demo model on the CPU, the clip is 1080p H.264 made with FFmpeg's `testsrc2`.
//! Frames are drawn by whatever adapter there is, a software one included; reading the picture back is part of the time.
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
const N_FRAMES: usize = 240;
/// Places that are scrubbed to.
const N_PLACES: usize = 60;
const FRAMES_OF_CLIP: usize = 250;

/// The worker, and the source frames that it has delivered.
struct Watched {
    worker: WorkerHandle,
    delivered: Rc<RefCell<Vec<FrameIdx>>>,
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
        Backend::request_pictures(&self.worker, request);
    }

    fn next_picture(&self) -> Option<MediaPicture> {
        let picture = Backend::next_picture(&self.worker)?;
        if let PictureKey::Source(frame) = picture.key {
            self.delivered.borrow_mut().push(frame);
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
    delivered: Rc<RefCell<Vec<FrameIdx>>>,
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
                delivered: Rc::clone(&window.delivered),
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

/// Draws until something is so.
fn until(bench: &mut Bench, is_so: impl Fn(&Studio<Watched>) -> bool) {
    let began = Instant::now();
    while !bench.state().studio.as_ref().is_some_and(&is_so) {
        assert!(began.elapsed() < Duration::from_mins(3), "it never came");
        bench.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn share(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn print(what: &str, mut millis: Vec<f64>) {
    millis.sort_by(f64::total_cmp);
    let (p50, p95) = (share(&millis, 0.5), share(&millis, 0.95));
    let worst = share(&millis, 1.0);
    println!(
        "{what}: p50 {p50:.1} ms, p95 {p95:.1} ms, worst {worst:.1} ms, {} samples",
        millis.len()
    );
}

fn frame_times(bench: &mut Bench, what: &str) {
    let (mut layout, mut whole) = (Vec::new(), Vec::new());
    for i in 0..N_FRAMES {
        ask(bench, Action::Seek(FrameIdx(i % FRAMES_OF_CLIP)));
        let began = Instant::now();
        bench.step();
        layout.push(began.elapsed().as_secs_f64() * 1000.0);
        bench.render().unwrap();
        whole.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    print(&format!("{what}, layout and uploads"), layout);
    print(&format!("{what}, with drawing and reading back"), whole);
}

fn scrubbing(bench: &mut Bench, what: &str) {
    let mut millis = Vec::new();
    for i in 0..N_PLACES {
        // Far apart, each once: nothing is in the cache.
        let frame = FrameIdx((i * 97 + 31) % FRAMES_OF_CLIP);
        bench.state().delivered.borrow_mut().clear();
        let began = Instant::now();
        ask(bench, Action::Seek(frame));
        loop {
            bench.step();
            if bench.state().delivered.borrow().contains(&frame) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "frame {frame} never came"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        millis.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    print(&format!("{what}, request to texture"), millis);
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
        delivered: Rc::default(),
        home: folder.path().to_owned(),
        clip,
    };
    let mut bench = Harness::builder()
        .with_size([1440.0, 900.0])
        .with_step_dt(1.0 / 60.0)
        .build_ui_state(Window::frame, window);
    until(&mut bench, |studio| {
        let project = studio.state().project.as_ref();
        project.is_some_and(|project| project.source.survey.is_some())
    });
    scrubbing(&mut bench, "scrubbing, nothing runs");
    frame_times(&mut bench, "frame, nothing runs");
    let project = bench
        .state()
        .studio
        .as_ref()
        .unwrap()
        .state()
        .project
        .as_ref()
        .unwrap();
    let mut spec = Box::new(project.edits.spec.clone());
    "neon outlines".clone_into(&mut spec.prompt);
    spec.no_fill = true;
    let gesture = app::actions::Gesture::Finished;
    let what = app::settings::Setting::Prompt;
    ask(
        &mut bench,
        Action::Change {
            what,
            spec,
            gesture,
        },
    );
    ask(&mut bench, Action::Translate(TranslateScope::KeyframesOnly));
    until(&mut bench, |studio| {
        let job = studio.state().job.as_ref();
        job.is_some_and(|job| job.progress.is_some_and(|sample| sample.progress.done > 0))
    });
    scrubbing(&mut bench, "scrubbing while a job runs");
    frame_times(&mut bench, "frame while a job runs");
    ask(&mut bench, Action::Cancel);
}
