//! What the window needs of the worker. Tests put a script in its place.

use crate::worker::handle::{SendError, WorkerHandle};
use crate::worker::message::{
    Command, Event, JobId, JobProgress, MediaPicture, MediaRequest, ModelId, OverlayPicture,
    OverlaySpec, Preview, TryRequest,
};

/// The worker as the window sees it; nothing here waits.
pub trait Backend {
    /// Queues a command.
    ///
    /// # Errors
    /// If too many wait, or the worker has ended.
    fn send(&self, command: Command) -> Result<(), SendError>;

    /// Asks for a frame in the current settings; the newest request wins.
    fn try_frame(&self, request: TryRequest);

    /// Stops a job at its next checkpoint.
    fn cancel(&self, job: JobId);

    /// Makes a job wait at its next checkpoint.
    fn pause(&self, job: JobId);

    /// Lets a paused job go on.
    fn resume(&self, job: JobId);

    /// Stops a download; what came in is kept.
    fn stop_download(&self, id: &ModelId);

    /// The next event, if there is one.
    fn next_event(&self) -> Option<Event>;

    /// How far the running job is, if that is news.
    fn progress(&self) -> Option<JobProgress>;

    /// The newest pictures of unfinished keyframes; taking them asks for the next.
    fn preview(&self) -> Option<Preview>;

    /// Says which pictures are wanted now.
    fn request_pictures(&self, request: MediaRequest);

    /// A picture that was asked for.
    fn next_picture(&self) -> Option<MediaPicture>;

    /// Asks for what is laid over a frame; the newest request wins.
    fn request_overlay(&self, spec: OverlaySpec);

    /// The newest overlay that was made.
    fn overlay(&self) -> Option<OverlayPicture>;
}

impl Backend for WorkerHandle {
    fn send(&self, command: Command) -> Result<(), SendError> {
        Self::send(self, command)
    }

    fn try_frame(&self, request: TryRequest) {
        Self::try_frame(self, request);
    }

    fn cancel(&self, job: JobId) {
        Self::cancel(self, job);
    }

    fn pause(&self, job: JobId) {
        Self::pause(self, job);
    }

    fn resume(&self, job: JobId) {
        Self::resume(self, job);
    }

    fn stop_download(&self, id: &ModelId) {
        Self::stop_download(self, id);
    }

    fn next_event(&self) -> Option<Event> {
        self.events().try_recv().ok()
    }

    fn progress(&self) -> Option<JobProgress> {
        Self::progress(self).take()
    }

    fn preview(&self) -> Option<Preview> {
        Self::preview(self).take()
    }

    fn request_pictures(&self, request: MediaRequest) {
        Self::request_pictures(self, request);
    }

    fn next_picture(&self) -> Option<MediaPicture> {
        Self::next_picture(self)
    }

    fn request_overlay(&self, spec: OverlaySpec) {
        Self::request_overlay(self, spec);
    }

    fn overlay(&self) -> Option<OverlayPicture> {
        Self::overlay(self).take()
    }
}
