//! The second thread, without a GPU: pictures of source and result for the window, the newest request first, also while
//! a job runs.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};

use super::handle::Wake;
use super::latest::Latest;
use super::message::{ControlLook, MediaPicture, MediaRequest, PictureKey, Report};
use super::report::guarded;
use crate::frame::{Frame, FrameIdx, Size, resize, working_size};
use crate::pipeline::error::Error;
use crate::pipeline::job::{CannyThresholds, ControlKind, ControlSettings};
use crate::video::{Decoder, Ffmpeg, TimestampIndex, VideoError, VideoInfo};

/// Memory for decoded pictures.
const CACHE_BYTES: usize = 384 << 20;

/// Farthest jump forwards that is decoded through: farther ones seek.
const NEAR: usize = 24;

/// Frames before the wanted one that are decoded with it when scrubbing backwards begins.
const BACKWARDS: usize = 12;

/// How long a picture waits for the window before it is looked whether the window still wants it.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// What this thread shares with the one that opens videos.
#[derive(Debug, Default)]
pub(super) struct MediaShared {
    source: Mutex<(u64, Option<OpenSource>)>,
    ffmpeg: Mutex<Option<PathBuf>>,
}

/// The video that pictures are taken from.
#[derive(Clone, Debug)]
pub(super) struct OpenSource {
    pub ffmpeg: Ffmpeg,
    pub info: Arc<VideoInfo>,
    pub times: Arc<TimestampIndex>,
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

/// Answers requests until the queue of nudges is closed.
pub(super) fn run(
    nudges: &Receiver<()>,
    slot: &Latest<MediaRequest>,
    pictures: &Sender<MediaPicture>,
    (shared, wake): (&MediaShared, &Wake),
) {
    let mut studio = Studio::default();
    let mut request = MediaRequest::default();
    while nudges.recv().is_ok() {
        request = slot.take().unwrap_or(request);
        studio.look_at(&lock(&shared.source));
        for key in &request.wanted {
            let is_newest = || slot.is_taken();
            if !is_newest() {
                break;
            }
            let picture = guarded(|| studio.picture(key)).unwrap_or_else(|panic| {
                studio = Studio::default();
                Err(panic)
            });
            let answer = MediaPicture {
                key: key.clone(),
                picture,
            };
            if !deliver(pictures, answer, &is_newest) {
                break;
            }
            wake();
        }
        studio.decode_ahead(&request, &|| slot.is_taken());
    }
}

/// Hands a picture over, unless a newer request comes while nobody takes it.
fn deliver(
    pictures: &Sender<MediaPicture>,
    mut answer: MediaPicture,
    is_newest: &dyn Fn() -> bool,
) -> bool {
    while is_newest() {
        match pictures.send_timeout(answer, PATIENCE) {
            Ok(()) => return true,
            Err(SendTimeoutError::Timeout(back)) => answer = back,
            Err(SendTimeoutError::Disconnected(_)) => return false,
        }
    }
    false
}

/// Decoders at work and pictures that may be wanted again.
#[derive(Default)]
struct Studio {
    number: u64,
    source: Option<OpenSource>,
    /// A decoder whose next frame is the one that follows the last it gave.
    stream: Option<Decoder>,
    cache: Cache,
    /// The frame that was asked for last, whether or not it had to be decoded.
    last: usize,
    /// Frames that were decoded before the wanted one, the last time that one was searched for.
    lead: usize,
}

impl Studio {
    fn look_at(&mut self, (number, source): &(u64, Option<OpenSource>)) {
        if *number != self.number {
            *self = Self {
                number: *number,
                source: source.clone(),
                ..Self::default()
            };
        }
    }

    fn picture(&mut self, key: &PictureKey) -> Result<Arc<Frame>, Report> {
        let mut came_from = self.last;
        if let PictureKey::Source(frame) = key {
            came_from = std::mem::replace(&mut self.last, frame.0);
        }
        if let Some(picture) = self.cache.get(key) {
            return Ok(picture);
        }
        let picture = match key {
            PictureKey::Source(frame) => self.source_frame(*frame, came_from),
            PictureKey::File(path, _) => read(path),
            PictureKey::Control(frame, look) => self.control(*frame, *look),
        };
        let picture = picture.map_err(|error| Report::from(&error))?;
        self.cache.put(key.clone(), Arc::clone(&picture));
        Ok(picture)
    }

    fn control(&mut self, frame: FrameIdx, look: ControlLook) -> Result<Arc<Frame>, Error> {
        let source = match self.cache.get(&PictureKey::Source(frame)) {
            Some(source) => source,
            None => self.source_frame(frame, frame.0)?,
        };
        let size = working_size(source.size(), look.short_side).size();
        Ok(Arc::new(control_image(&resize(&source, size), look)))
    }

    fn source_frame(&mut self, frame: FrameIdx, came_from: usize) -> Result<Arc<Frame>, Error> {
        let Some(source) = self.source.clone() else {
            return Err(Error::NoVideo);
        };
        let n_frames = source.times.len();
        if frame.0 >= n_frames {
            let (range, path) = (frame.0..frame.0 + 1, source.info.path.clone());
            let error = VideoError::NoSuchFrames {
                range,
                n_frames,
                path,
            };
            return Err(error.into());
        }
        let is_ahead = |stream: &Decoder| {
            let next = stream.position().0;
            (next..=next + NEAR).contains(&frame.0)
        };
        if let Some(stream) = self.stream.take().filter(is_ahead)
            && let Ok(picture) = self.read_to(stream, frame)
        {
            return Ok(picture);
        }
        let picture_bytes = source.info.display_size.area() * 3;
        self.lead = lead(frame.0, came_from, self.lead, picture_bytes);
        let range = frame.0 - self.lead..n_frames;
        let OpenSource {
            ffmpeg,
            info,
            times,
        } = &source;
        if let Some(stream) = Decoder::seek(ffmpeg, info, times, range.clone())?
            && let Ok(picture) = self.read_to(stream, frame)
        {
            return Ok(picture);
        }
        // Near the beginning, or where a file cannot be searched by time.
        self.read_to(Decoder::open(ffmpeg, info, range)?, frame)
    }

    /// Reads on to a frame; those before it are kept, since they may be wanted next.
    fn read_to(&mut self, mut stream: Decoder, frame: FrameIdx) -> Result<Arc<Frame>, Error> {
        loop {
            let at = stream.position();
            let Some(picture) = stream.next_frame()? else {
                return Err(Error::NoVideo);
            };
            let picture = Arc::new(picture);
            self.cache.put(PictureKey::Source(at), Arc::clone(&picture));
            if at == frame {
                self.stream = Some(stream);
                return Ok(picture);
            }
        }
    }

    /// Decodes the frames that playing will want, as long as nothing newer is asked for.
    fn decode_ahead(&mut self, request: &MediaRequest, is_newest: &dyn Fn() -> bool) {
        let source = request.wanted.iter().find_map(|key| match key {
            PictureKey::Source(frame) => Some(frame.0),
            _ => None,
        });
        let (Some(from), Some(open)) = (source, &self.source) else {
            return;
        };
        let end = (from + 1 + request.ahead).min(open.times.len());
        for frame in (from + 1..end).map(FrameIdx) {
            if !is_newest() {
                return;
            }
            let known = self.cache.contains(&PictureKey::Source(frame));
            if !known && self.source_frame(frame, frame.0).is_err() {
                return;
            }
        }
    }
}

/// How many frames before the wanted one are decoded with it: none unless scrubbing backwards, and then twice as many
/// each time, since finding the place costs more than another frame does.
fn lead(frame: usize, came_from: usize, before: usize, picture_bytes: usize) -> usize {
    if !(frame + 1..=frame + BACKWARDS).contains(&came_from) {
        return 0;
    }
    let fit = CACHE_BYTES / 2 / picture_bytes.max(1);
    (before * 2).max(BACKWARDS).min(fit).min(frame)
}

fn read(path: &Path) -> Result<Arc<Frame>, Error> {
    Ok(Arc::new(Frame::read(path)?))
}

fn control_image(source: &Frame, look: ControlLook) -> Frame {
    let (kind, (low, high)) = match look.canny {
        Some(thresholds) => (ControlKind::Canny, thresholds),
        None => (ControlKind::SoftEdges, (1, 1)),
    };
    let settings = ControlSettings {
        kind,
        canny: CannyThresholds { low, high },
        strength: 1.0,
    };
    let annotator = settings.annotator();
    let Some(image) = annotator.and_then(|annotator| annotator.annotate(source)) else {
        return source.clone();
    };
    let grey = |value: &f32| [(value * 255.0).round().clamp(0.0, 255.0) as u8; 3];
    let Size { width, height } = source.size();
    Frame::new(
        Size { width, height },
        image.values().iter().flat_map(grey).collect(),
    )
}

/// Pictures by name, those used last at the end.
#[derive(Default)]
struct Cache {
    pictures: VecDeque<(PictureKey, Arc<Frame>)>,
    bytes: usize,
}

impl Cache {
    fn contains(&self, key: &PictureKey) -> bool {
        self.pictures.iter().any(|(kept, _)| kept == key)
    }

    fn get(&mut self, key: &PictureKey) -> Option<Arc<Frame>> {
        let place = self.pictures.iter().position(|(kept, _)| kept == key)?;
        let found = self.pictures.remove(place)?;
        let picture = Arc::clone(&found.1);
        self.pictures.push_back(found);
        Some(picture)
    }

    fn put(&mut self, key: PictureKey, picture: Arc<Frame>) {
        if self.get(&key).is_some() {
            return;
        }
        self.bytes += picture.pixels().len();
        self.pictures.push_back((key, picture));
        while self.bytes > CACHE_BYTES && self.pictures.len() > 1 {
            if let Some((_, old)) = self.pictures.pop_front() {
                self.bytes -= old.pixels().len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL_HD: usize = 1920 * 1080 * 3;

    #[test]
    fn scrubbing_backwards_decodes_more_each_time_and_never_more_than_half_the_cache() {
        let mut leads = vec![0];
        let mut frame = 500;
        for _ in 0..4 {
            leads.push(lead(frame - 1, frame, leads[leads.len() - 1], FULL_HD));
            frame -= 1 + leads[leads.len() - 1];
        }
        let fit = CACHE_BYTES / 2 / FULL_HD;
        assert_eq!(leads, [0, BACKWARDS, 2 * BACKWARDS, fit, fit]);
    }

    #[test]
    fn jumps_and_the_beginning_of_a_video_have_no_frames_before_them() {
        assert_eq!(lead(100, 99, 24, FULL_HD), 0);
        assert_eq!(lead(100, 100, 24, FULL_HD), 0);
        assert_eq!(lead(100, 101 + BACKWARDS, 24, FULL_HD), 0);
        assert_eq!(lead(3, 4, 24, FULL_HD), 3);
        assert_eq!(lead(0, 1, 24, FULL_HD), 0);
    }
}
