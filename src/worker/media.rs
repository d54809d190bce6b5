//! The second thread, without a GPU: pictures of source and result for the window, the newest request first, also while
//! a job runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};

use super::handle::Wake;
use super::latest::Latest;
use super::message::{MediaPicture, MediaRequest, PictureKey, Report};
use super::report::guarded;
use crate::frame::Frame;
use crate::pipeline::error::Error;
use stream::Turn;
use studio::Studio;

mod cache;
mod stream;
mod studio;

pub(super) use studio::OpenSource;

/// How long a picture waits for the window before it is looked whether the window still wants it.
const PATIENCE: Duration = Duration::from_millis(50);

/// What this thread shares with the one that opens videos.
#[derive(Debug, Default)]
pub(super) struct MediaShared {
    source: Mutex<(u64, Option<OpenSource>)>,
    ffmpeg: Mutex<Option<PathBuf>>,
}

impl MediaShared {
    /// Takes pictures from another video from now on.
    pub fn open(&self, source: OpenSource) {
        let mut place = lock(&self.source);
        *place = (place.0 + 1, Some(source));
    }

    /// There is no video any more.
    pub fn close(&self) {
        let mut place = lock(&self.source);
        *place = (place.0 + 1, None);
    }

    /// Uses another FFmpeg for what is opened from now on.
    pub fn use_ffmpeg(&self, path: Option<PathBuf>) {
        *lock(&self.ffmpeg) = path;
    }

    /// The FFmpeg that is used, if not the one on `PATH`.
    pub fn ffmpeg_path(&self) -> Option<PathBuf> {
        lock(&self.ffmpeg).clone()
    }
}

/// Nothing behind these locks is ever half written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers requests until the queue of nudges is closed: first with what takes milliseconds, then with the rest.
pub(super) fn run(
    nudges: &Receiver<()>,
    slot: &Latest<MediaRequest>,
    pictures: &Sender<MediaPicture>,
    (shared, wake): (&MediaShared, &Wake),
) {
    let mut studio = Studio::default();
    let turn = Turn { nudges, slot };
    let counter = Counter {
        pictures,
        wake,
        turn,
    };
    while let Some(request) = next_request(turn) {
        studio.look_at(&lock(&shared.source));
        if counter.answer(&mut studio, &request) {
            studio.decode_ahead(&request, turn);
        }
    }
}

/// The newest request, when there is one.
fn next_request(turn: Turn<'_>) -> Option<MediaRequest> {
    loop {
        // Its nudge may have been taken where the end of a turn was waited for.
        if let Some(request) = turn.slot.take() {
            return Some(request);
        }
        turn.nudges.recv().ok()?;
    }
}

/// Where pictures are handed over during one turn.
struct Counter<'a> {
    pictures: &'a Sender<MediaPicture>,
    wake: &'a Wake,
    turn: Turn<'a>,
}

impl Counter<'_> {
    /// Gives what is wanted; whether the turn lasted.
    fn answer(&self, studio: &mut Studio, request: &MediaRequest) -> bool {
        for key in &request.wanted {
            let stand_in = guarded(|| studio.stand_in(key)).ok().flatten();
            if stand_in.is_some_and(|picture| !self.give(key, Ok(picture), true)) {
                return false;
            }
        }
        for key in &request.wanted {
            let picture = match guarded(|| studio.picture(key, self.turn)) {
                Ok(Err(Error::Cancelled)) => return false,
                Ok(picture) => picture.map_err(|error| Report::from(&error)),
                Err(panic) => {
                    *studio = Studio::default();
                    Err(panic)
                }
            };
            if !self.give(key, picture, false) {
                return false;
            }
        }
        true
    }

    /// Hands a picture over, unless a newer request comes while nobody takes it.
    fn give(
        &self,
        key: &PictureKey,
        picture: Result<Arc<Frame>, Report>,
        is_stand_in: bool,
    ) -> bool {
        let mut answer = MediaPicture {
            key: key.clone(),
            picture,
            is_stand_in,
        };
        while !self.turn.is_over() {
            match self.pictures.send_timeout(answer, PATIENCE) {
                Ok(()) => {
                    (self.wake)();
                    return true;
                }
                Err(SendTimeoutError::Timeout(back)) => answer = back,
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
        }
        false
    }
}
