//! The listener's end of the worker: start its threads, send commands, hear events, cancel and pause,
//! join on drop.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::downloads::{self, Stops};
use super::files;
use super::latest::Latest;
use super::media::{self, MediaShared};
use super::message::{
    Command, Event, FileTask, GetModel, JobEvent, JobId, JobProgress, MediaPicture, MediaRequest,
    ModelId, OverlayPicture, OverlaySpec, Preview, PreviewOf, StepOf, TryRequest,
};
use super::models;
use super::opener::{self, Newest, Question};
use super::prompts;
use super::run::{self, Work};
use super::samples::Slots;
use super::token::Tokens;
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::job::JobSpec;

/// Called from the worker's thread whenever there is something new to look at.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// More waiting commands than anybody queues by hand.
const MOST_COMMANDS: usize = 256;

/// More pictures than one frame of the window takes.
const MOST_PICTURES: usize = 16;

/// What a main thread has on common systems; other threads get less, and networks nest deeply.
const STACK_BYTES: usize = 8 << 20;

/// Frames and their pictures.
pub(super) type Pictures = Vec<(FrameIdx, Arc<Frame>)>;

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many commands wait already.
    #[error("too many jobs are waiting; let some of them finish first")]
    Full,
    /// The worker's thread has ended.
    #[error("the worker has ended; start the program again")]
    Stopped,
}

/// Where the threads put their news.
#[derive(Clone)]
pub(super) struct Outbox {
    /// Taken when the engine's thread ends: nothing comes after that.
    pub events: Arc<Mutex<Option<Sender<Event>>>>,
    pub progress: Arc<Latest<JobProgress>>,
    pub preview: Arc<Latest<Preview>>,
    pub overlay: Arc<Latest<OverlayPicture>>,
    pub wake: Wake,
    pub closing: Arc<AtomicBool>,
}

impl Outbox {
    pub fn job(&self, job: JobId, event: JobEvent) {
        self.send(Event::Job(job, event));
    }

    pub fn send(&self, event: Event) {
        // Nobody listens any more when the handle is gone, and then nobody misses the event.
        let line = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = line.as_ref() {
            let _ = events.send(event);
        }
        drop(line);
        (self.wake)();
    }

    /// Ends the line to the listener.
    fn hang_up(&self) {
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
        (self.wake)();
    }

    /// Shows pictures of unfinished frames, of a step or not.
    pub fn show(&self, of: PreviewOf, step: Option<StepOf>, pictures: Pictures) {
        self.preview.put(Preview { of, step, pictures });
        (self.wake)();
    }

    /// Whether the handle is being dropped, and everything is to stop.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }
}

/// Queues to the threads; closing one ends its thread.
struct Inboxes {
    engine: Sender<Command>,
    opener: Sender<Question>,
    models: Sender<models::Question>,
    files: Sender<FileTask>,
    downloads: Sender<(ModelId, Box<GetModel>)>,
    /// Says that a slot of samples was filled.
    samples: Sender<()>,
    /// Says that the slot of pictures was filled.
    media: Sender<()>,
    /// Says that the slot of prompts was filled.
    prompts: Sender<()>,
}

/// A running worker. Dropping it cancels every job and waits for its threads.
pub struct WorkerHandle {
    /// Absent only while being dropped.
    inboxes: Option<Inboxes>,
    events: Receiver<Event>,
    /// Absent only while being dropped.
    pictures: Option<Receiver<MediaPicture>>,
    outbox: Outbox,
    slots: Arc<Slots>,
    media_slot: Arc<Latest<MediaRequest>>,
    media: Arc<MediaShared>,
    prompts: Arc<Latest<Box<JobSpec>>>,
    newest: Arc<Newest>,
    tokens: Arc<Tokens>,
    stops: Arc<Stops>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts a worker whose engine is built by `build`, on the worker's own thread.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn<W: Work>(
    build: impl FnOnce() -> W + Send + 'static,
    wake: Wake,
) -> io::Result<WorkerHandle> {
    let (events_in, events) = event_channel();
    let outbox = Outbox {
        events: Arc::new(Mutex::new(Some(events_in))),
        progress: Arc::default(),
        preview: Arc::default(),
        overlay: Arc::default(),
        wake,
        closing: Arc::default(),
    };
    let (engine, commands) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (opener, questions) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (models, looks) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (files, tasks) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (downloads, orders) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (samples_in, samples_nudge) = crossbeam_channel::bounded(1);
    let (media_in, media_nudge) = crossbeam_channel::bounded(1);
    let (prompts_in, prompts_nudge) = crossbeam_channel::bounded(1);
    let (picture_in, pictures) = crossbeam_channel::bounded(MOST_PICTURES);
    let mut handle = WorkerHandle {
        inboxes: Some(Inboxes {
            engine,
            opener,
            models,
            files,
            downloads,
            samples: samples_in,
            media: media_in,
            prompts: prompts_in,
        }),
        events,
        pictures: Some(pictures),
        outbox: outbox.clone(),
        slots: Arc::default(),
        media_slot: Arc::default(),
        media: Arc::default(),
        prompts: Arc::default(),
        newest: Arc::default(),
        tokens: Arc::default(),
        stops: Arc::default(),
        threads: Vec::new(),
    };
    let (tokens, slots) = (Arc::clone(&handle.tokens), Arc::clone(&handle.slots));
    let inbox = run::Inbox {
        commands,
        nudge: samples_nudge,
        slots,
    };
    let to_engine = outbox.clone();
    handle.start("worker", move || {
        run::run(build, &inbox, &to_engine, &tokens);
        to_engine.hang_up();
    })?;
    let (newest, media) = (Arc::clone(&handle.newest), Arc::clone(&handle.media));
    let to_opener = outbox.clone();
    handle.start("opener", move || {
        opener::run(&questions, &to_opener, &newest, &media);
    })?;
    let to_models = outbox.clone();
    handle.start("models", move || models::run(&looks, &to_models))?;
    let to_files = outbox.clone();
    handle.start("files", move || files::run(&tasks, &to_files))?;
    let (slot, to_prompts) = (Arc::clone(&handle.prompts), outbox.clone());
    handle.start("prompts", move || {
        prompts::run(&prompts_nudge, &slot, &to_prompts);
    })?;
    let (stops, to_downloads) = (Arc::clone(&handle.stops), outbox.clone());
    handle.start("downloads", move || {
        downloads::run(&orders, &to_downloads, &stops);
    })?;
    let (slot, media) = (Arc::clone(&handle.media_slot), Arc::clone(&handle.media));
    handle.start("media", move || {
        media::run(&media_nudge, &slot, &picture_in, (&media, &outbox.wake));
    })?;
    Ok(handle)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one unbounded channel: events are about as many as frames, none may be lost, \
              and the worker must never wait for a listener"
)]
fn event_channel() -> (Sender<Event>, Receiver<Event>) {
    crossbeam_channel::unbounded()
}

impl WorkerHandle {
    fn start(&mut self, name: &str, act: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let builder = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES);
        self.threads.push(builder.spawn(act)?);
        Ok(())
    }

    /// Queues a command; never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] if too many wait, [`SendError::Stopped`] if the thread has ended. The
    /// command is then not carried out and no event answers it.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        let Some(inboxes) = &self.inboxes else {
            return Err(SendError::Stopped);
        };
        match command {
            Command::Open(path) => {
                self.media.close();
                let question = Question::Open(path, self.newest.next());
                queue(&inboxes.opener, question)
            }
            Command::CloseSource => {
                self.newest.next();
                self.media.close();
                Ok(())
            }
            Command::CheckModel(spec, places) => {
                queue(&inboxes.models, models::Question::Check(spec, places))
            }
            Command::CountTokens(spec) => {
                self.prompts.put(spec);
                // A nudge that waits already serves both.
                let _ = inboxes.prompts.try_send(());
                Ok(())
            }
            Command::ScanModels(places) => queue(&inboxes.models, models::Question::Scan(places)),
            Command::GetModel(id, how) => {
                self.stops.forget(&id);
                queue(&inboxes.downloads, (id, how))
            }
            Command::File(task) => queue(&inboxes.files, task),
            Command::UseFfmpeg(path) => {
                self.media.use_ffmpeg(path.clone());
                queue(&inboxes.opener, Question::Ffmpeg)?;
                queue(&inboxes.engine, Command::UseFfmpeg(path))
            }
            command => self.send_to_engine(inboxes, command),
        }
    }

    fn send_to_engine(&self, inboxes: &Inboxes, command: Command) -> Result<(), SendError> {
        let job = command.job();
        // The token exists before the worker can see the command, so that a cancel cannot come too
        // early.
        job.inspect(|job| drop(self.tokens.get(*job)));
        queue(&inboxes.engine, command).inspect_err(|_| {
            job.inspect(|job| self.tokens.remove(*job));
        })
    }

    /// Asks for one frame with other settings. It replaces a request that waits or is being answered.
    pub fn try_frame(&self, request: TryRequest) {
        self.slots.tries.put(request);
        self.nudge_for_samples();
    }

    /// Asks for what is laid over a frame. It replaces a request that waits or is being answered; the answer is
    /// [`WorkerHandle::overlay`].
    pub fn request_overlay(&self, spec: OverlaySpec) {
        self.slots.overlays.put(spec);
        self.nudge_for_samples();
    }

    fn nudge_for_samples(&self) {
        if let Some(inboxes) = &self.inboxes {
            // A nudge that waits already serves all.
            let _ = inboxes.samples.try_send(());
        }
    }

    /// Asks for pictures. It replaces the request before; pictures that are there already come at once.
    pub fn request_pictures(&self, request: MediaRequest) {
        self.media_slot.put(request);
        if let Some(inboxes) = &self.inboxes {
            let _ = inboxes.media.try_send(());
        }
    }

    /// The next picture that was asked for, if one is there.
    #[must_use]
    pub fn next_picture(&self) -> Option<MediaPicture> {
        self.pictures.as_ref()?.try_recv().ok()
    }

    /// Everything that happened, in order; disconnected when the thread has ended.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// How far the running job is.
    #[must_use]
    pub fn progress(&self) -> &Latest<JobProgress> {
        &self.outbox.progress
    }

    /// The newest picture of an unfinished keyframe; taking it asks for the next.
    #[must_use]
    pub fn preview(&self) -> &Latest<Preview> {
        &self.outbox.preview
    }

    /// The newest overlay that was made.
    #[must_use]
    pub fn overlay(&self) -> &Latest<OverlayPicture> {
        &self.outbox.overlay
    }

    /// Stops a job, waiting or running, at its next checkpoint. A job that has ended is left alone.
    pub fn cancel(&self, job: JobId) {
        self.canceller(job)();
    }

    /// A function that does what [`WorkerHandle::cancel`] does, for another thread.
    pub fn canceller(&self, job: JobId) -> impl Fn() + Send + Sync + 'static {
        let tokens = Arc::clone(&self.tokens);
        move || tokens.with(job, super::token::Token::cancel)
    }

    /// Stops a download, waiting or running; what came in is kept for the next time.
    pub fn stop_download(&self, id: &ModelId) {
        self.download_stopper(id.clone())();
    }

    /// A function that does what [`WorkerHandle::stop_download`] does, for another thread.
    pub fn download_stopper(&self, id: ModelId) -> impl Fn() + Send + Sync + 'static {
        let stops = Arc::clone(&self.stops);
        move || stops.stop(&id)
    }

    /// Makes a job wait at its next checkpoint.
    pub fn pause(&self, job: JobId) {
        self.tokens.with(job, |token| token.pause(true));
    }

    /// Lets a paused job go on.
    pub fn resume(&self, job: JobId) {
        self.tokens.with(job, |token| token.pause(false));
    }
}

fn queue<T>(inbox: &Sender<T>, item: T) -> Result<(), SendError> {
    inbox.try_send(item).map_err(|error| match error {
        TrySendError::Full(_) => SendError::Full,
        TrySendError::Disconnected(_) => SendError::Stopped,
    })
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.outbox.closing.store(true, Ordering::SeqCst);
        self.tokens.cancel_all();
        self.inboxes = None;
        self.pictures = None;
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(name, "a thread ended with a panic");
            }
        }
    }
}
