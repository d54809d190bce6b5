//! A worker and a desktop that do what a test tells them to and remember what they were asked.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use fresco_studio::app::actions::FilePick;
use fresco_studio::frame::{Frame, Size};
use fresco_studio::ui::backend::Backend;
use fresco_studio::ui::desktop::Desktop;
use fresco_studio::ui::dialogs::Answer;
use fresco_studio::worker::handle::{SendError, Wake};
use fresco_studio::worker::message::{
    Command, Event, JobId, JobProgress, MediaPicture, MediaRequest, ModelId, OverlayPicture,
    OverlaySpec, PictureKey, Preview, TryRequest, flow_colour,
};

/// What was asked, in order.
#[derive(Clone, Debug)]
pub enum Asked {
    Sent(Command),
    Tried(Box<TryRequest>),
    LaidOver(Box<OverlaySpec>),
    Cancelled(JobId),
    Paused(JobId),
    Resumed(JobId),
    StoppedDownload(ModelId),
}

/// A worker that answers only with what is put into it; pictures it makes up.
#[derive(Default)]
pub struct Script {
    pub asked: RefCell<Vec<Asked>>,
    pub events: RefCell<VecDeque<Event>>,
    pub progress: RefCell<Option<JobProgress>>,
    pub preview: RefCell<Option<Preview>>,
    pub overlay: RefCell<Option<OverlayPicture>>,
    pub previews_taken: Cell<usize>,
    pictures: RefCell<VecDeque<PictureKey>>,
}

impl Script {
    /// Forgets and gives what was asked so far.
    pub fn take_asked(&self) -> Vec<Asked> {
        self.asked.take()
    }

    fn note(&self, asked: Asked) {
        self.asked.borrow_mut().push(asked);
    }
}

impl Backend for Script {
    fn send(&self, command: Command) -> Result<(), SendError> {
        self.note(Asked::Sent(command));
        Ok(())
    }

    fn try_frame(&self, request: TryRequest) {
        self.note(Asked::Tried(Box::new(request)));
    }

    fn cancel(&self, job: JobId) {
        self.note(Asked::Cancelled(job));
    }

    fn pause(&self, job: JobId) {
        self.note(Asked::Paused(job));
    }

    fn resume(&self, job: JobId) {
        self.note(Asked::Resumed(job));
    }

    fn stop_download(&self, id: &ModelId) {
        self.note(Asked::StoppedDownload(id.clone()));
    }

    fn next_event(&self) -> Option<Event> {
        self.events.borrow_mut().pop_front()
    }

    fn progress(&self) -> Option<JobProgress> {
        self.progress.take()
    }

    fn preview(&self) -> Option<Preview> {
        let preview = self.preview.take();
        if preview.is_some() {
            self.previews_taken.set(self.previews_taken.get() + 1);
        }
        preview
    }

    fn request_pictures(&self, request: MediaRequest) {
        self.pictures.borrow_mut().extend(request.wanted);
    }

    fn next_picture(&self) -> Option<MediaPicture> {
        let key = self.pictures.borrow_mut().pop_front()?;
        let picture = match &key {
            PictureKey::Source(frame) => source_picture(frame.0),
            PictureKey::Control(..) => striped(8),
            PictureKey::File(..) => result_picture(),
        };
        Some(MediaPicture {
            key,
            picture: Ok(Arc::new(picture)),
            is_stand_in: false,
        })
    }

    fn request_overlay(&self, spec: OverlaySpec) {
        self.note(Asked::LaidOver(Box::new(spec)));
    }

    fn overlay(&self) -> Option<OverlayPicture> {
        self.overlay.take()
    }
}

/// Small, so that snapshots need no large pictures.
const SIZE: Size = Size {
    width: 64,
    height: 36,
};

/// A slope that moves with the frame.
pub fn source_picture(frame: usize) -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        let moved = (x as usize + frame) % 64;
        [(moved * 3) as u8, (y * 5) as u8, 90]
    })
}

/// The slope with its colours exchanged.
pub fn result_picture() -> Frame {
    Frame::from_fn(SIZE, |x, y| [90, (x * 3) as u8, (y * 5) as u8 + 60])
}

/// A wheel of colours, as a flow may look.
pub fn overlay_picture() -> Frame {
    Frame::from_fn(SIZE, |x, y| {
        let from_middle = [x as f32 - 32.0, y as f32 - 18.0];
        flow_colour(from_middle, 32.0)
    })
}

fn striped(width: u32) -> Frame {
    Frame::from_fn(SIZE, |x, _| if x % width == 0 { [255; 3] } else { [0; 3] })
}

/// A desktop whose dialogs are answered by the test.
#[derive(Clone, Default)]
pub struct ScriptedDesktop {
    pub picks: Rc<RefCell<Vec<FilePick>>>,
    pub answer: Rc<RefCell<Option<Answer>>>,
    pub opened: Rc<RefCell<Vec<PathBuf>>>,
    written: Rc<RefCell<Option<io::Result<()>>>>,
}

impl Desktop for ScriptedDesktop {
    fn pick(&mut self, pick: FilePick, _: Option<PathBuf>, _: Wake) {
        self.picks.borrow_mut().push(pick);
    }

    fn picked(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    fn open(&self, path: &Path) {
        self.opened.borrow_mut().push(path.to_owned());
    }

    fn write_demo(&mut self, _: PathBuf, _: Wake) {
        *self.written.borrow_mut() = Some(Ok(()));
    }

    fn demo_written(&mut self) -> Option<io::Result<()>> {
        self.written.take()
    }
}
