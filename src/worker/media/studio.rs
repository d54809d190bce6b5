//! Finds the pictures of source and result: in memory, in files, or by decoding.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::{CACHE_BYTES, Cache};
use super::stream::{Stream, Turn};
use crate::frame::{Frame, FrameIdx, Size, resize, working_size};
use crate::pipeline::error::Error;
use crate::pipeline::job::{CannyThresholds, ControlKind};
use crate::video::{Decoder, Ffmpeg, TimestampIndex, VideoError, VideoInfo};
use crate::worker::message::{ControlLook, MediaRequest, PictureKey};
use crate::worker::proxies::Proxies;

/// Farthest jump forwards that is decoded through: farther ones seek.
const NEAR: usize = 24;

/// Frames before the wanted one that are decoded with it when scrubbing backwards begins.
const BACKWARDS: usize = 12;

/// Shortest time between two searches in the video: while the playhead is dragged, most would be given up.
const BETWEEN_SEARCHES: Duration = Duration::from_millis(100);

/// The video that pictures are taken from.
#[derive(Clone, Debug)]
pub(in crate::worker) struct OpenSource {
    pub ffmpeg: Ffmpeg,
    pub info: Arc<VideoInfo>,
    pub times: Arc<TimestampIndex>,
    pub proxies: Arc<Proxies>,
}

/// Decoders at work and pictures that may be wanted again.
#[derive(Default)]
pub(super) struct Studio {
    number: u64,
    source: Option<OpenSource>,
    /// A decoder whose next frame is the one that follows the last it gave.
    stream: Option<Stream>,
    /// When a place in the video was last searched for.
    searched_at: Option<Instant>,
    cache: Cache,
    /// The frame that was asked for last, whether or not it had to be decoded.
    last: usize,
    /// Frames that were decoded before the wanted one, the last time that one was searched for.
    lead: usize,
}

impl Studio {
    pub fn look_at(&mut self, (number, source): &(u64, Option<OpenSource>)) {
        if *number != self.number {
            *self = Self {
                number: *number,
                source: source.clone(),
                ..Self::default()
            };
        }
    }

    /// A small picture of a frame that still has to be decoded.
    pub fn stand_in(&self, key: &PictureKey) -> Option<Arc<Frame>> {
        let PictureKey::Source(frame) = key else {
            return None;
        };
        if self.cache.contains(key) {
            return None;
        }
        self.source.as_ref()?.proxies.get(*frame).map(Arc::new)
    }

    /// A picture. [`Error::Cancelled`] if the turn ended before it was there.
    pub fn picture(&mut self, key: &PictureKey, turn: Turn<'_>) -> Result<Arc<Frame>, Error> {
        let mut came_from = self.last;
        if let PictureKey::Source(frame) = key {
            came_from = std::mem::replace(&mut self.last, frame.0);
        }
        if let Some(picture) = self.cache.get(key) {
            return Ok(picture);
        }
        let picture = match key {
            PictureKey::Source(frame) => self.source_frame(*frame, came_from, turn)?,
            PictureKey::File(path, _) => Arc::new(Frame::read(path)?),
            PictureKey::Control(frame, look) => self.control(*frame, *look, turn)?,
        };
        self.cache.put(key.clone(), Arc::clone(&picture));
        Ok(picture)
    }

    fn control(
        &mut self,
        frame: FrameIdx,
        look: ControlLook,
        turn: Turn<'_>,
    ) -> Result<Arc<Frame>, Error> {
        let source = match self.cache.get(&PictureKey::Source(frame)) {
            Some(source) => source,
            None => self.source_frame(frame, frame.0, turn)?,
        };
        let size = working_size(source.size(), look.short_side).size();
        Ok(Arc::new(control_image(&resize(&source, size), look)))
    }

    fn source_frame(
        &mut self,
        frame: FrameIdx,
        came_from: usize,
        turn: Turn<'_>,
    ) -> Result<Arc<Frame>, Error> {
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
        let is_ahead = |stream: &Stream| {
            let next = stream.position();
            (next..=next + NEAR).contains(&frame.0)
        };
        if let Some(stream) = self.stream.take().filter(is_ahead)
            && let Some(read) = self.try_to_read(stream, frame, turn)
        {
            return read;
        }
        if let Some(last) = self.searched_at {
            turn.wait_until(last + BETWEEN_SEARCHES)?;
        }
        self.searched_at = Some(Instant::now());
        let picture_bytes = source.info.display_size.area() * 3;
        self.lead = lead(frame.0, came_from, self.lead, picture_bytes);
        let range = frame.0 - self.lead..n_frames;
        let OpenSource {
            ffmpeg,
            info,
            times,
            ..
        } = &source;
        if let Some(decoder) = Decoder::seek(ffmpeg, info, times, range.clone())?
            && let Some(read) = self.try_to_read(start(decoder, ffmpeg)?, frame, turn)
        {
            return read;
        }
        // Near the beginning, or where a file cannot be searched by time.
        let decoder = Decoder::open(ffmpeg, info, range)?;
        self.read_to(start(decoder, ffmpeg)?, frame, turn)
    }

    /// As [`Self::read_to`]; nothing if the stream broke off, so that another way may be tried.
    fn try_to_read(
        &mut self,
        stream: Stream,
        frame: FrameIdx,
        turn: Turn<'_>,
    ) -> Option<Result<Arc<Frame>, Error>> {
        match self.read_to(stream, frame, turn) {
            read @ (Ok(_) | Err(Error::Cancelled)) => Some(read),
            Err(error) => {
                tracing::debug!(%error, %frame, "searching again");
                None
            }
        }
    }

    /// Reads on to a frame; those before it are kept, since they may be wanted next. If the turn ends before, reading
    /// can go on in another.
    fn read_to(
        &mut self,
        mut stream: Stream,
        frame: FrameIdx,
        turn: Turn<'_>,
    ) -> Result<Arc<Frame>, Error> {
        loop {
            let at = FrameIdx(stream.position());
            let picture = match stream.next_frame(turn) {
                Ok(picture) => Arc::new(picture),
                Err(error) => {
                    self.stream = matches!(error, Error::Cancelled).then_some(stream);
                    return Err(error);
                }
            };
            self.cache.put(PictureKey::Source(at), Arc::clone(&picture));
            if at == frame {
                self.stream = Some(stream);
                return Ok(picture);
            }
        }
    }

    /// Decodes the frames that playing will want, as long as nothing newer is asked for.
    pub fn decode_ahead(&mut self, request: &MediaRequest, turn: Turn<'_>) {
        let source = request.wanted.iter().find_map(|key| match key {
            PictureKey::Source(frame) => Some(frame.0),
            _ => None,
        });
        let (Some(from), Some(open)) = (source, &self.source) else {
            return;
        };
        let end = (from + 1 + request.ahead).min(open.times.len());
        for frame in (from + 1..end).map(FrameIdx) {
            if turn.is_over() {
                return;
            }
            let known = self.cache.contains(&PictureKey::Source(frame));
            if !known && self.source_frame(frame, frame.0, turn).is_err() {
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

fn start(decoder: Decoder, ffmpeg: &Ffmpeg) -> Result<Stream, VideoError> {
    Stream::start(decoder).map_err(|source| VideoError::Run {
        path: ffmpeg.path().to_owned(),
        source,
    })
}

fn control_image(source: &Frame, look: ControlLook) -> Frame {
    let (kind, (low, high)) = match look.canny {
        Some(thresholds) => (ControlKind::Canny, thresholds),
        None => (ControlKind::SoftEdges, (1, 1)),
    };
    let annotator = kind.annotator(CannyThresholds { low, high });
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
