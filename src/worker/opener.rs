//! The thread that looks at videos and FFmpeg for the window, beside any job.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::media::{MediaShared, OpenSource};
use super::message::{Event, FfmpegStatus, Report, SourceEvent, SourceState, VideoCodec};
use super::proxies::Proxies;
use super::report::guarded;
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::error::Error;
use crate::pipeline::export::ExportQuality;
use crate::pipeline::observer::Cancelled;
use crate::pipeline::survey::{Look, survey};
use crate::video::{self, Ffmpeg, TimestampIndex, VideoError};

/// Shortest time between two looks at how far a survey is.
const BETWEEN_NEWS: Duration = Duration::from_millis(100);

/// What it is asked.
pub(super) enum Question {
    /// Look at a video; the number tells whether it is still the newest.
    Open(PathBuf, u64),
    /// Look at FFmpeg.
    Ffmpeg,
}

/// Numbers of the videos that were asked for: an older one is given up.
#[derive(Debug, Default)]
pub(super) struct Newest(AtomicU64);

impl Newest {
    /// A newer video is asked for, or none any more.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn is(&self, number: u64) -> bool {
        self.0.load(Ordering::SeqCst) == number
    }
}

/// Answers questions until the queue is closed.
pub(super) fn run(
    inbox: &Receiver<Question>,
    outbox: &Outbox,
    newest: &Newest,
    media: &MediaShared,
) {
    for question in inbox {
        match question {
            Question::Ffmpeg => outbox.send(Event::Ffmpeg(ffmpeg_status(media))),
            Question::Open(path, number) => open(&path, number, outbox, (newest, media)),
        }
    }
}

fn ffmpeg_status(media: &MediaShared) -> Result<FfmpegStatus, Report> {
    let path = media.ffmpeg_path();
    let ffmpeg =
        Ffmpeg::find(path.as_deref()).map_err(|error| Report::from(&Error::from(error)))?;
    let codecs = [
        VideoCodec::H264,
        VideoCodec::H265,
        VideoCodec::ProRes,
        VideoCodec::Ffv1,
        VideoCodec::Png,
    ];
    let possible = |codec: &VideoCodec| {
        let compression = codec.compression(ExportQuality::default());
        compression.is_none_or(|compression| compression.is_possible(&ffmpeg))
    };
    Ok(FfmpegStatus {
        version: ffmpeg.version().to_string(),
        codecs: codecs.into_iter().filter(possible).collect(),
        path,
    })
}

fn open(path: &Path, number: u64, outbox: &Outbox, (newest, media): (&Newest, &MediaShared)) {
    let watcher = Watcher {
        path,
        number,
        newest,
        outbox,
    };
    if watcher.checkpoint().is_err() {
        return;
    }
    let last = match guarded(|| look(&watcher, media)) {
        Ok(Ok(()) | Err(Error::Cancelled)) => return,
        Ok(Err(Error::Video(VideoError::MissingFile { .. }))) => SourceEvent::Missing,
        Ok(Err(error)) => SourceEvent::Failed(Report::from(&error)),
        Err(panic) => SourceEvent::Failed(panic),
    };
    watcher.tell(last);
}

/// Tells of a video that is looked at, until another is asked for.
struct Watcher<'a> {
    path: &'a Path,
    number: u64,
    newest: &'a Newest,
    outbox: &'a Outbox,
}

impl Watcher<'_> {
    fn tell(&self, event: SourceEvent) {
        if self.newest.is(self.number) {
            let path = self.path.to_owned();
            self.outbox.send(Event::Source(path, event));
        }
    }

    fn checkpoint(&self) -> Result<(), Cancelled> {
        let goes_on = self.newest.is(self.number) && !self.outbox.is_closing();
        goes_on.then_some(()).ok_or(Cancelled)
    }
}

/// Facts, times, then every frame.
fn look(watcher: &Watcher<'_>, media: &MediaShared) -> Result<(), Error> {
    let path = watcher.path;
    let state = source_state(path)?;
    let ffmpeg = Ffmpeg::find(media.ffmpeg_path().as_deref())?;
    let info = Arc::new(video::probe(&ffmpeg, path)?);
    watcher.tell(SourceEvent::Info(Arc::clone(&info), state));
    let checkpoint = || watcher.checkpoint().map_err(Error::from);
    let (times, damage) = TimestampIndex::read_stoppable(&ffmpeg, &info, checkpoint)?;
    if times.len() < 2 {
        let path = path.to_owned();
        return Err(damage.unwrap_or(VideoError::TooShort { path }).into());
    }
    let times = Arc::new(times);
    let proxies = Arc::new(Proxies::new(times.len()));
    media.open(OpenSource {
        ffmpeg: ffmpeg.clone(),
        info: Arc::clone(&info),
        times: Arc::clone(&times),
        proxies: Arc::clone(&proxies),
    });
    let damage = damage.map(|damage| Report::from(&Error::from(damage)));
    watcher.tell(SourceEvent::Times(Arc::clone(&times), damage));
    let mut news = News {
        watcher,
        small: Vec::new(),
        since: Instant::now(),
    };
    let survey = survey(&ffmpeg, &info, &times, &mut |look| {
        proxies.push(&look.picture);
        news.look(look);
        watcher.checkpoint()
    })?;
    news.tell_pictures();
    watcher.tell(SourceEvent::Done(Arc::new(survey)));
    Ok(())
}

/// What is told of a survey, now and then.
struct News<'a> {
    watcher: &'a Watcher<'a>,
    small: Vec<(FrameIdx, Arc<Frame>)>,
    since: Instant,
}

impl News<'_> {
    fn look(&mut self, look: Look) {
        let Look {
            frame, thumbnail, ..
        } = look;
        self.small
            .extend(thumbnail.map(|small| (frame, Arc::new(small))));
        if self.since.elapsed() >= BETWEEN_NEWS {
            self.since = Instant::now();
            self.tell_pictures();
            self.watcher.tell(SourceEvent::Surveyed(frame.0 + 1));
        }
    }

    fn tell_pictures(&mut self) {
        let small = std::mem::take(&mut self.small);
        if !small.is_empty() {
            self.watcher.tell(SourceEvent::Thumbnails(small));
        }
    }
}

fn source_state(path: &Path) -> Result<SourceState, Error> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => VideoError::MissingFile {
            path: path.to_owned(),
        },
        _ => VideoError::Unreadable {
            path: path.to_owned(),
            source,
        },
    };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    let modified = about.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(SourceState {
        bytes: about.len(),
        modified_secs: since.map_or(0, |since| since.as_secs()),
    })
}
