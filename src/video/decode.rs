//! Frames of a video in presentation order, one at a time.

use std::io::{self, Read as _};
use std::ops::Range;
use std::process::ChildStdout;

use ffmpeg_sidecar::command::FfmpegCommand;

use crate::frame::{Frame, FrameIdx, Size};

use super::colour::decode_filter;
use super::error::VideoError;
use super::ffmpeg::{Ffmpeg, file_url};
use super::info::VideoInfo;
use super::process::Process;
use super::timestamps::TimestampIndex;

/// Frames between the one wanted and the place to seek to.
///
/// More than a codec may hold back to reorder, so that the key frame found there precedes the one wanted in both orders.
const SEEK_MARGIN: usize = 32;

/// Yields the frames of a range, RGB, full range, upright, at display size.
///
/// One frame is held at a time. The child process ends with the decoder.
pub struct Decoder {
    process: Option<Process>,
    stdout: Option<ChildStdout>,
    size: Size,
    next: usize,
    range: Range<usize>,
    info: VideoInfo,
}

impl Decoder {
    /// Starts to decode the frames of a half-open range.
    ///
    /// The frames before the range are decoded and passed over, which keeps the count exact for every format.
    ///
    /// # Errors
    /// [`VideoError::MissingFile`] if the source has gone, [`VideoError::Run`] if FFmpeg does not start.
    pub fn open(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
        range: Range<usize>,
    ) -> Result<Self, VideoError> {
        std::fs::metadata(&info.path).map_err(|error| VideoError::opening(&info.path, error))?;
        let mut command = ffmpeg.command();
        source_args(&mut command, ffmpeg, info);
        let Range { start, end } = range;
        let filter = decode_filter(ffmpeg, info);
        command.args([
            "-vf",
            &format!("trim=start_frame={start}:end_frame={end},{filter}"),
        ]);
        command.args(["-frames:v", &range.len().max(1).to_string()]);
        Self::start(ffmpeg, info, range, &mut command)
    }

    /// Starts to decode the frames of a range, found by their times instead of decoding all before them. Nothing if
    /// the range is near the beginning or its times do not tell its frames apart: then [`Self::open`] serves.
    ///
    /// # Errors
    /// [`VideoError::NoSuchFrames`] for a range beyond the last frame, else as [`Self::open`].
    pub fn seek(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
        index: &TimestampIndex,
        range: Range<usize>,
    ) -> Result<Option<Self>, VideoError> {
        let pts = index.pts();
        let Some(times) = pts.get(range.clone()).filter(|times| !times.is_empty()) else {
            return Err(no_such(range, index, info));
        };
        // Frames of one time within the range come in their order; at its ends they could not be told apart.
        let is_apart = |at: usize| at == 0 || at == pts.len() || pts[at - 1] < pts[at];
        if range.start < SEEK_MARGIN || !is_apart(range.start) || !is_apart(range.end) {
            return Ok(None);
        }
        let tick = index.time_base().as_f64();
        let seek_to = pts[range.start - SEEK_MARGIN] as f64 * tick;
        let (first, last) = (times[0] as f64, times[times.len() - 1] as f64);
        let (from, to) = ((first - 0.4) * tick, (last + 0.4) * tick);
        let mut command = ffmpeg.command();
        let seek_to = format!("{seek_to:.6}");
        command.args(["-noaccurate_seek", "-seek_timestamp", "1", "-ss", &seek_to]);
        source_args(&mut command, ffmpeg, info);
        let filter = decode_filter(ffmpeg, info);
        let select = format!("select='between(t\\,{from:.9}\\,{to:.9})',{filter}");
        command.args(["-vf", &select, "-frames:v", &range.len().to_string()]);
        Self::start(ffmpeg, info, range, &mut command).map(Some)
    }

    fn start(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
        range: Range<usize>,
        command: &mut FfmpegCommand,
    ) -> Result<Self, VideoError> {
        command.args([
            "-fps_mode",
            "passthrough",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
            "pipe:1",
        ]);
        let mut process = Process::start(ffmpeg, command)?;
        Ok(Self {
            stdout: process.take_stdout(),
            process: Some(process),
            size: info.display_size,
            next: range.start,
            range,
            info: info.clone(),
        })
    }

    /// The next frame; nothing after the last of the range.
    ///
    /// # Errors
    /// [`VideoError::Broken`] if the video ends before the range does, after all frames that can be read;
    /// [`VideoError::Ffmpeg`] if FFmpeg failed without giving any. Nothing follows an error.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, VideoError> {
        if self.next >= self.range.end {
            self.stop();
            return Ok(None);
        }
        let Some(stdout) = &mut self.stdout else {
            return Ok(None);
        };
        let mut pixels = vec![0; self.size.area() * 3];
        match stdout.read_exact(&mut pixels) {
            Ok(()) => {
                self.next += 1;
                Ok(Some(Frame::new(self.size, pixels)))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.ended_early()),
            Err(source) => {
                self.stop();
                Err(VideoError::Unreadable {
                    path: self.info.path.clone(),
                    source,
                })
            }
        }
    }

    /// Position in the video of the frame that [`Self::next_frame`] gives next.
    #[must_use]
    pub fn position(&self) -> FrameIdx {
        FrameIdx(self.next)
    }

    /// A function that ends the decoder from another thread: who waits for a frame gets an error at once.
    pub fn stopper(&self) -> impl Fn() + Send + 'static {
        let killer = self.process.as_ref().map(Process::killer);
        move || {
            if let Some(kill) = &killer {
                kill();
            }
        }
    }

    fn stop(&mut self) {
        self.stdout = None;
        self.process = None;
    }

    fn ended_early(&mut self) -> VideoError {
        self.stdout = None;
        let path = self.info.path.clone();
        let ending = self.process.take().map(Process::finish);
        let none_came = self.next == self.range.start;
        match ending {
            Some(ending) if none_came && !ending.success && !ending.truncated() => {
                ending.error(&path)
            }
            _ => {
                let claimed = self
                    .info
                    .claimed_frames
                    .filter(|&claimed| claimed > self.next);
                let total = claimed.or(Some(self.range.end));
                VideoError::Broken {
                    path,
                    readable: self.next,
                    total,
                }
            }
        }
    }
}

/// One frame, found by its time: the same picture as from [`Decoder`], without decoding all before it.
///
/// # Errors
/// [`VideoError::NoSuchFrames`] for an index beyond the last, else as [`Decoder`].
pub fn frame_at(
    ffmpeg: &Ffmpeg,
    info: &VideoInfo,
    index: &TimestampIndex,
    frame: FrameIdx,
) -> Result<Frame, VideoError> {
    let range = frame.0..frame.0 + 1;
    if let Some(mut decoder) = Decoder::seek(ffmpeg, info, index, range.clone())? {
        match decoder.next_frame() {
            Ok(Some(found)) => return Ok(found),
            missing => {
                tracing::debug!(?missing, %frame, "not found by seeking; counting from the beginning");
            }
        }
    }
    match Decoder::open(ffmpeg, info, range.clone())?.next_frame()? {
        Some(found) => Ok(found),
        None => Err(no_such(range, index, info)),
    }
}

fn no_such(range: Range<usize>, index: &TimestampIndex, info: &VideoInfo) -> VideoError {
    VideoError::NoSuchFrames {
        range,
        n_frames: index.len(),
        path: info.path.clone(),
    }
}

/// Names the source and its picture track, the same for counting and for reading so that both see the same frames.
///
/// Damaged packets are left out. Times are those of the file.
pub(super) fn source_args(command: &mut FfmpegCommand, ffmpeg: &Ffmpeg, info: &VideoInfo) {
    command.args(["-fflags", "+discardcorrupt"]);
    // FFmpeg's own VP8 and VP9 decoders ignore the alpha picture.
    let with_alpha = match info.codec.as_str() {
        "vp9" if info.has_alpha => Some("libvpx-vp9"),
        "vp8" if info.has_alpha => Some("libvpx"),
        _ => None,
    };
    if let Some(decoder) = with_alpha.filter(|name| ffmpeg.has_decoder(name)) {
        command.args(["-c:v", decoder]);
    }
    command.arg("-i").arg(file_url(&info.path));
    command.args(["-copyts", "-map", &format!("0:{}", info.stream)]);
}
