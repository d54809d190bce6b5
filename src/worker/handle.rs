//! The listener's end of the worker: start it, send commands, hear events, cancel and pause, join
//! on drop.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::latest::Latest;
use super::message::{Command, Event, JobEvent, JobId, JobProgress, Preview};
use super::run::{self, Work};
use super::token::Tokens;

/// Called from the worker's thread whenever there is something new to look at.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// More waiting commands than anybody queues by hand.
const MOST_COMMANDS: usize = 256;

/// What a main thread has on common systems; other threads get less, and networks nest deeply.
const STACK_BYTES: usize = 8 << 20;

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

/// Where the worker puts its news.
pub(super) struct Outbox {
    pub events: Sender<Event>,
    pub progress: Arc<Latest<JobProgress>>,
    pub preview: Arc<Latest<Preview>>,
    pub wake: Wake,
}

impl Outbox {
    pub fn job(&self, job: JobId, event: JobEvent) {
        self.send(Event::Job(job, event));
    }

    pub fn send(&self, event: Event) {
        // Nobody listens any more when the handle is gone, and then nobody misses the event.
        let _ = self.events.send(event);
        (self.wake)();
    }
}

/// A running worker. Dropping it cancels every job and waits for the thread.
pub struct WorkerHandle {
    /// Absent only while being dropped: closing the queue is what ends the thread.
    commands: Option<Sender<Command>>,
    events: Receiver<Event>,
    progress: Arc<Latest<JobProgress>>,
    preview: Arc<Latest<Preview>>,
    tokens: Arc<Tokens>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a worker whose engine is built by `build`, on the worker's own thread.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn<W: Work>(
    build: impl FnOnce() -> W + Send + 'static,
    wake: Wake,
) -> io::Result<WorkerHandle> {
    let (commands, inbox) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (outbox, events) = event_channel();
    let (progress, preview) = (Arc::default(), Arc::default());
    let tokens: Arc<Tokens> = Arc::default();
    let outbox = Outbox {
        events: outbox,
        progress: Arc::clone(&progress),
        preview: Arc::clone(&preview),
        wake,
    };
    let thread = thread::Builder::new()
        .name("worker".to_owned())
        .stack_size(STACK_BYTES)
        .spawn({
            let tokens = Arc::clone(&tokens);
            move || run::run(build, &inbox, &outbox, &tokens)
        })?;
    Ok(WorkerHandle {
        commands: Some(commands),
        events,
        progress,
        preview,
        tokens,
        thread: Some(thread),
    })
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
    /// Queues a command; never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] if too many wait, [`SendError::Stopped`] if the thread has ended. The
    /// command is then not carried out and no event answers it.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        let job = command.job();
        // The token exists before the worker can see the command, so that a cancel cannot come too
        // early.
        job.inspect(|job| drop(self.tokens.get(*job)));
        let sent = match &self.commands {
            Some(commands) => commands.try_send(command),
            None => return Err(SendError::Stopped),
        };
        sent.map_err(|error| {
            job.inspect(|job| self.tokens.remove(*job));
            match error {
                TrySendError::Full(_) => SendError::Full,
                TrySendError::Disconnected(_) => SendError::Stopped,
            }
        })
    }

    /// Everything that happened, in order; disconnected when the thread has ended.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// How far the running job is.
    #[must_use]
    pub fn progress(&self) -> &Latest<JobProgress> {
        &self.progress
    }

    /// The newest picture of an unfinished keyframe; taking it asks for the next.
    #[must_use]
    pub fn preview(&self) -> &Latest<Preview> {
        &self.preview
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

    /// Makes a job wait at its next checkpoint.
    pub fn pause(&self, job: JobId) {
        self.tokens.with(job, |token| token.pause(true));
    }

    /// Lets a paused job go on.
    pub fn resume(&self, job: JobId) {
        self.tokens.with(job, |token| token.pause(false));
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.tokens.cancel_all();
        self.commands = None;
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the worker's thread ended with a panic");
        }
    }
}
