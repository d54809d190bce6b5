//! Writes frames to a video file with the times, sound and subtitles of the source.
//!
//! The file appears under its name only when it is whole and checked; until then an earlier file of that name stays.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use ffmpeg_sidecar::command::FfmpegCommand;

use crate::files;
use crate::frame::{Frame, FrameIdx, Size};

use super::check::PacketTimes;
use super::colour::encode_filter;
use super::compression::{Compression, Picture};
use super::encode_plan::{Container, Tracks, track_args};
use super::encode_timing::{Timing, time_args};
use super::error::VideoError;
use super::ffmpeg::{Ffmpeg, file_url};
use super::info::VideoInfo;
use super::matroska;
use super::probe;
use super::process::Process;
use super::timestamps::TimestampIndex;

/// Largest difference between a timestamp asked for and the one in the file; Matroska rounds to milliseconds.
const TIME_TOLERANCE_SECS: f64 = 0.001_05;

/// What to write besides the frames.
#[derive(Clone, Debug)]
pub struct EncodeConfig {
    /// Size of every frame, kept exactly. Even sizes become 4:2:0, odd ones 4:4:4, since 4:2:0 cannot hold them.
    pub size: Size,
    /// The video whose sound, subtitles and metadata are taken over.
    pub source: Option<VideoInfo>,
    /// How pictures are compressed.
    pub compression: Compression,
    /// Which tracks of the source are kept.
    pub tracks: Tracks,
    /// Text for the comment field of the file.
    pub comment: Option<String>,
}

impl EncodeConfig {
    /// High quality, no sound.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            size,
            source: None,
            compression: Compression::H264 { crf: 16 },
            tracks: Tracks::default(),
            comment: None,
        }
    }

    /// High quality, at the source's display size, with its sound and subtitles.
    #[must_use]
    pub fn like(source: &VideoInfo) -> Self {
        Self {
            source: Some(source.clone()),
            ..Self::new(source.display_size)
        }
    }
}

/// A video file being written. Dropped before [`Self::finish`], it leaves nothing behind.
pub struct Encoder {
    process: Option<Process>,
    stdin: Option<ChildStdin>,
    ffmpeg: Ffmpeg,
    path: PathBuf,
    partial: PathBuf,
    size: Size,
    /// Times of the frames of the range, and when each ends, in nanoseconds from the first.
    times_ns: Vec<u64>,
    next: usize,
    notes: Vec<String>,
}

impl Encoder {
    /// Starts a file at `path`, whose extension chooses the container: `mp4`, `mov` or `mkv`.
    ///
    /// The frames to come are those of the half-open `range` of `index`. A range from the first frame keeps the time
    /// between the beginning of the sound and of the pictures; any other begins at 0, with the sound cut to it.
    ///
    /// # Errors
    /// [`VideoError::UnknownContainer`], [`VideoError::NoSuchFrames`], [`VideoError::NoEncoder`],
    /// [`VideoError::NotWritable`], [`VideoError::DiskFull`], or [`VideoError::Run`] if FFmpeg does not start.
    pub fn create(
        ffmpeg: &Ffmpeg,
        path: &Path,
        index: &TimestampIndex,
        range: Range<usize>,
        config: &EncodeConfig,
    ) -> Result<Self, VideoError> {
        let container = Container::of(path)?;
        if range.is_empty() || range.end > index.len() {
            return Err(VideoError::NoSuchFrames {
                range,
                n_frames: index.len(),
                path: path.to_owned(),
            });
        }
        let timing = Timing::new(index, range, config.source.as_ref());
        let (command, notes) = encode_command(ffmpeg, container, &timing, config)?;
        let partial = files::partial_path(path);
        File::create(&partial).map_err(|error| VideoError::writing(path, error))?;
        let mut encoder = Self {
            process: None,
            stdin: None,
            ffmpeg: ffmpeg.clone(),
            path: path.to_owned(),
            partial,
            size: config.size,
            times_ns: timing.frame_times_ns(),
            next: 0,
            notes,
        };
        encoder.start(command, timing.usual_ns())?;
        Ok(encoder)
    }

    fn start(&mut self, mut command: FfmpegCommand, frame_ns: u64) -> Result<(), VideoError> {
        command.args(["-y"]).arg(file_url(&self.partial));
        let mut process = Process::start(&self.ffmpeg, &mut command)?;
        self.stdin = process.take_stdin();
        self.process = Some(process);
        let size = self.size;
        self.pipe(|stdin| matroska::write_header(stdin, size, frame_ns))
    }

    /// What of the source is converted or left out, in sentences for people.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Writes the next frame of the range.
    ///
    /// # Errors
    /// [`VideoError::FrameSize`], [`VideoError::FrameCount`] beyond the end of the range, [`VideoError::DiskFull`], or
    /// [`VideoError::Ffmpeg`].
    pub fn push(&mut self, frame: &Frame) -> Result<(), VideoError> {
        if frame.size() != self.size {
            let (expected, found) = (self.size, frame.size());
            return Err(VideoError::FrameSize {
                frame: FrameIdx(self.next),
                expected,
                found,
            });
        }
        let &[time, end, ..] = &self.times_ns[self.next.min(self.n_frames())..] else {
            return Err(self.wrong_count(self.next + 1));
        };
        self.pipe(|stdin| matroska::write_frame(stdin, frame, time, end - time))?;
        self.next += 1;
        Ok(())
    }

    /// Ends the file, checks it, gives it its name, and says what it holds.
    ///
    /// # Errors
    /// [`VideoError::FrameCount`] if frames are missing, [`VideoError::WrongProduct`] if the file's frames or times
    /// are not those asked for, [`VideoError::DiskFull`], [`VideoError::Ffmpeg`].
    /// An earlier file of the name is then unchanged.
    pub fn finish(mut self) -> Result<VideoInfo, VideoError> {
        if self.next != self.n_frames() {
            return Err(self.wrong_count(self.next));
        }
        self.stdin = None;
        if let Some(ending) = self.process.take().map(Process::finish) {
            if ending.disk_full() {
                return Err(VideoError::DiskFull {
                    path: self.path.clone(),
                });
            }
            if !ending.success {
                return Err(ending.error(&self.path));
            }
        }
        let info = self.check()?;
        files::commit(&self.partial, &self.path)
            .map_err(|error| VideoError::writing(&self.path, error))?;
        Ok(info)
    }

    fn check(&self) -> Result<VideoInfo, VideoError> {
        let wrong = |what: String| VideoError::WrongProduct {
            what,
            path: self.path.clone(),
        };
        let (mut info, _) = probe::inspect(&self.ffmpeg, &self.partial)
            .map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let times = PacketTimes::read(&self.ffmpeg, &info, None)?;
        if times.len() != self.n_frames() {
            return Err(wrong(format!(
                "{} frames instead of {}",
                times.len(),
                self.n_frames()
            )));
        }
        if info.display_size != self.size {
            return Err(wrong(format!(
                "{} instead of {}",
                info.display_size, self.size
            )));
        }
        let ends = times.seconds().chain([times.duration_secs()]);
        for (n, (found, &expected)) in ends.zip(&self.times_ns).enumerate() {
            let expected = expected as f64 * 1e-9;
            if (found - expected).abs() > TIME_TOLERANCE_SECS {
                return Err(wrong(format!(
                    "frame {n} is at {found:.4} s instead of {expected:.4} s"
                )));
            }
        }
        info.path.clone_from(&self.path);
        Ok(info)
    }

    fn n_frames(&self) -> usize {
        self.times_ns.len() - 1
    }

    fn wrong_count(&self, found: usize) -> VideoError {
        VideoError::FrameCount {
            expected: self.n_frames(),
            found,
            path: self.path.clone(),
        }
    }

    /// Writes to FFmpeg; if it has gone, says why.
    fn pipe(
        &mut self,
        write: impl FnOnce(&mut ChildStdin) -> std::io::Result<()>,
    ) -> Result<(), VideoError> {
        let Some(stdin) = &mut self.stdin else {
            return Err(VideoError::Ffmpeg {
                path: self.path.clone(),
                log: "it ended early".to_owned(),
            });
        };
        let Err(source) = write(stdin) else {
            return Ok(());
        };
        self.stdin = None;
        Err(match self.process.take().map(Process::finish) {
            Some(ending) if ending.disk_full() => VideoError::DiskFull {
                path: self.path.clone(),
            },
            Some(ending) if !ending.success => ending.error(&self.path),
            _ => VideoError::writing(&self.path, source),
        })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stdin = None;
        self.process = None;
        match fs::remove_file(&self.partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.partial.display(), "cannot remove an unfinished file");
            }
            _ => {}
        }
    }
}

fn encode_command(
    ffmpeg: &Ffmpeg,
    container: Container,
    timing: &Timing,
    config: &EncodeConfig,
) -> Result<(FfmpegCommand, Vec<String>), VideoError> {
    let index = &timing.index;
    let Picture { pixel_format, args } =
        config
            .compression
            .picture(ffmpeg, config.size, index.average_rate())?;
    let mut notes = Vec::new();
    let mut command = ffmpeg.command();
    if timing.delay_secs > 1e-6 {
        command.args(["-itsoffset", &format!("{:.6}", timing.delay_secs)]);
    }
    command.args(["-f", "matroska", "-i", "pipe:0"]);
    if let Some(source) = &config.source {
        if timing.skip_secs > 1e-6 {
            command.args(["-ss", &format!("{:.6}", timing.skip_secs)]);
        }
        if let Some(seconds) = timing.sound_secs {
            command.args(["-t", &format!("{seconds:.6}")]);
        }
        command.arg("-i").arg(file_url(&source.path));
    }
    command.args(["-map", "0:v:0"]).args(&args);
    if let Some(source) = &config.source {
        let (args, lost) = track_args(container, source, config.tracks);
        let metadata = if config.tracks.metadata { "1" } else { "-1" };
        command.args(args).args(["-map_metadata", metadata]);
        notes.extend(lost);
        if timing.cut || container == Container::Matroska {
            // Copied sound would otherwise begin at the key frame before the range. Matroska has no times below 0:
            // there it is the sound that primes the decoder, for which everything else would be moved.
            command.args(["-copypriorss", "0"]);
        }
    }
    if pixel_format == "yuv444p" {
        notes.push(format!(
            "The size {} is odd, so the video is written as 4:4:4.",
            config.size
        ));
    }
    if let Some(comment) = &config.comment {
        command.args(["-metadata", &format!("comment={comment}")]);
    }
    colour_args(&mut command, pixel_format);
    time_args(&mut command, container, timing);
    command.args(["-f", container.muxer()]);
    Ok((command, notes))
}

fn colour_args(command: &mut FfmpegCommand, pixel_format: &str) {
    if pixel_format == "bgr0" {
        command.args(["-vf", "format=bgr0"]);
        return;
    }
    command.args(["-vf", &encode_filter(pixel_format)]);
    let tags = "-color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709";
    command.args(tags.split(' '));
}
