//! A decoder on a thread of its own, so that who waits for its frames can give up waiting.

use std::io;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::frame::Frame;
use crate::pipeline::error::Error;
use crate::pipeline::observer::Cancelled;
use crate::video::{Decoder, VideoError};
use crate::worker::latest::Latest;
use crate::worker::message::MediaRequest;

/// The turn of one request: it is over when a newer one has come.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    /// Say that the slot was filled.
    pub nudges: &'a Receiver<()>,
    pub slot: &'a Latest<MediaRequest>,
}

impl Turn<'_> {
    pub fn is_over(&self) -> bool {
        !self.slot.is_taken()
    }

    /// Waits, unless the turn is over before.
    pub fn wait_until(&self, time: Instant) -> Result<(), Cancelled> {
        while !self.is_over() {
            match self.nudges.recv_deadline(time) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(Cancelled)
    }
}

/// A running decoder; ended when dropped.
pub(super) struct Stream {
    frames: Receiver<Result<Option<Frame>, VideoError>>,
    next: usize,
    stop: Box<dyn Fn() + Send>,
}

impl Stream {
    /// Lets a decoder run one frame ahead of who asks.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(mut decoder: Decoder) -> io::Result<Self> {
        let (give, frames) = crossbeam_channel::bounded(1);
        let (next, stop) = (decoder.position().0, Box::new(decoder.stopper()));
        let read = move || {
            loop {
                let frame = decoder.next_frame();
                let is_last = !matches!(frame, Ok(Some(_)));
                if give.send(frame).is_err() || is_last {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("decoder".to_owned())
            .spawn(read)?;
        Ok(Self { frames, next, stop })
    }

    /// Position in the video of the frame that [`Self::next_frame`] gives next.
    pub fn position(&self) -> usize {
        self.next
    }

    /// The next frame. If the turn ends before it is there, it can be asked for again.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the turn is over; as [`Decoder::next_frame`], and also after the last frame.
    pub fn next_frame(&mut self, turn: Turn<'_>) -> Result<Frame, Error> {
        loop {
            crossbeam_channel::select! {
                recv(self.frames) -> frame => return match frame {
                    Ok(Ok(Some(frame))) => {
                        self.next += 1;
                        Ok(frame)
                    }
                    Ok(Err(error)) => Err(error.into()),
                    Ok(Ok(None)) | Err(_) => Err(Error::NoVideo),
                },
                recv(turn.nudges) -> nudge => if nudge.is_err() || turn.is_over() {
                    return Err(Error::Cancelled);
                },
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        (self.stop)();
    }
}
