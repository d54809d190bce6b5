//! Finished pictures become a file: chosen frames, size, compression and sound, checked before it gets its name.

mod spec;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use spec::{ExportQuality, ExportSettings, ExportSize, ExportSpec, Missing, Sound, VideoCodec};

use super::error::Error;
use super::observer::{Observer, Progress, Stage, StageClock, Summary, Unit, Warning};
use crate::files;
use crate::frame::{Frame, FrameIdx, Size, resize};
use crate::video::{Decoder, EncodeConfig, Encoder, Ffmpeg, TimestampIndex, Tracks, VideoError};

/// How IPTC names what a model composed from a real picture.
const DIGITAL_SOURCE_TYPE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/\
                                   compositeWithTrainedAlgorithmicMedia";

/// Writes what `spec` says.
///
/// # Errors
/// [`Error::MissingResults`] if frames have no picture and nothing may stand in for them, [`Error::Video`] if reading or
/// writing fails or the file is not what was asked for, [`Error::Cancelled`]. Nothing is left behind then.
pub fn export(
    spec: &ExportSpec,
    ffmpeg: &Ffmpeg,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    let mut clock = StageClock::default();
    clock.start(Stage::Encode, observer);
    let frames = frames_of(spec)?;
    let mut pictures = Pictures::new(spec, ffmpeg)?;
    let path = if spec.settings.overwrite {
        spec.settings.path.clone()
    } else {
        free_name(&spec.settings.path)
    };
    check_place(spec, &path)?;
    let (duration_secs, notes) = match spec.settings.codec.compression(spec.settings.quality) {
        Some(_) => write_video(spec, &frames, (ffmpeg, &path), &mut pictures, observer)?,
        None => write_pictures(spec, &frames, &path, &mut pictures, observer)?,
    };
    Ok(Summary {
        out: path,
        frames: frames.len(),
        keyframes: frames.iter().filter(|f| pictures.is_result(**f)).count(),
        duration_secs,
        stage_secs: clock.stop(),
        notes,
    })
}

/// The frames to write.
fn frames_of(spec: &ExportSpec) -> Result<Vec<FrameIdx>, Error> {
    let Range { start, end } = spec.range;
    let inside = |frame: &FrameIdx| (start..end).contains(&frame.0);
    let have: Vec<FrameIdx> = spec.pictures.iter().map(|(frame, _)| *frame).collect();
    let have: Vec<FrameIdx> = have.into_iter().filter(inside).collect();
    let n_missing = (end - start) - have.len();
    match spec.settings.missing {
        Missing::Refuse if n_missing > 0 => Err(Error::MissingResults { n: n_missing }),
        Missing::Skip if have.is_empty() => Err(Error::MissingResults { n: n_missing }),
        Missing::Skip => Ok(have),
        Missing::Refuse | Missing::Source => Ok((start..end).map(FrameIdx).collect()),
    }
}

/// Where pictures come from: files, or the source where it stands in.
struct Pictures<'a> {
    files: BTreeMap<FrameIdx, &'a Path>,
    source: Option<Decoder>,
    size: Size,
}

impl<'a> Pictures<'a> {
    fn new(spec: &'a ExportSpec, ffmpeg: &Ffmpeg) -> Result<Self, Error> {
        let files: BTreeMap<FrameIdx, &Path> = spec
            .pictures
            .iter()
            .map(|(frame, path)| (*frame, path.as_path()))
            .collect();
        let lacks = spec
            .range
            .clone()
            .any(|i| !files.contains_key(&FrameIdx(i)));
        let source = (spec.settings.missing == Missing::Source && lacks)
            .then(|| Decoder::open(ffmpeg, &spec.info, spec.range.clone()))
            .transpose()?;
        let size = match (spec.settings.size, files.values().next()) {
            (ExportSize::Custom(size), _) => size,
            (ExportSize::Working, Some(path)) => Frame::read(path)?.size(),
            (ExportSize::Source | ExportSize::Working, _) => spec.info.display_size,
        };
        Ok(Self {
            files,
            source,
            size,
        })
    }

    fn is_result(&self, frame: FrameIdx) -> bool {
        self.files.contains_key(&frame)
    }

    /// Frames are asked for in order.
    fn get(&mut self, frame: FrameIdx) -> Result<Frame, Error> {
        let picture = match (self.files.get(&frame), &mut self.source) {
            (Some(path), _) => Frame::read(path)?,
            (None, Some(source)) => loop {
                let at = source.position();
                let Some(picture) = source.next_frame()? else {
                    return Err(Error::MissingResults { n: 1 });
                };
                if at == frame {
                    break picture;
                }
            },
            (None, None) => return Err(Error::MissingResults { n: 1 }),
        };
        Ok(resize(&picture, self.size))
    }
}

/// The first of `name`, `name (2)`, `name (3)` … that nothing has.
#[must_use]
pub fn free_name(path: &Path) -> PathBuf {
    if !path.exists() {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()));
    let extension = extension.unwrap_or_default();
    let named = |n: usize| path.with_file_name(format!("{stem} ({n}){extension}"));
    let mut n = 2;
    while named(n).exists() {
        n += 1;
    }
    named(n)
}

/// The source is never replaced, and a file has a folder to lie in.
fn check_place(spec: &ExportSpec, path: &Path) -> Result<(), Error> {
    let real = |path: &Path| path.canonicalize().ok();
    let same = real(path).is_some_and(|path| Some(path) == real(&spec.info.path));
    if same {
        return Err(Error::ReplacesSource(path.to_owned()));
    }
    let folder = files::parent(path);
    std::fs::create_dir_all(folder).map_err(|source| Error::Io {
        what: "create the folder",
        path: folder.to_owned(),
        source,
    })
}

fn write_video(
    spec: &ExportSpec,
    frames: &[FrameIdx],
    (ffmpeg, path): (&Ffmpeg, &Path),
    pictures: &mut Pictures<'_>,
    observer: &dyn Observer,
) -> Result<(f64, Vec<String>), Error> {
    let (times, place) = shown_times(spec, frames);
    let mut config = EncodeConfig::new(pictures.size);
    config.source = Some(spec.info.clone());
    config.tracks = Tracks {
        sound: spec.settings.sound,
        subtitles: spec.settings.keep_subtitles,
        metadata: spec.settings.keep_metadata,
    };
    config.comment = comment(spec);
    if let Some(compression) = spec.settings.codec.compression(spec.settings.quality) {
        config.compression = compression;
    }
    let mut encoder = Encoder::create(ffmpeg, path, &times, place, &config)?;
    let notes = encoder.notes().to_vec();
    for note in &notes {
        observer.warning(Warning {
            summary: note.clone(),
            hint: None,
        });
    }
    for (done, &frame) in frames.iter().enumerate() {
        observer.checkpoint()?;
        encoder.push(&pictures.get(frame)?)?;
        observer.progress(of_frames(done + 1, frames.len()));
    }
    let info = encoder.finish()?;
    let wants_sound =
        spec.settings.sound != Sound::None && spec.info.audio.iter().any(|a| !a.codec.is_empty());
    if wants_sound && info.audio.is_empty() {
        let what = "it has no sound".to_owned();
        let path = path.to_owned();
        return Err(VideoError::WrongProduct { what, path }.into());
    }
    Ok((info.duration_secs, notes))
}

/// The source's times, with those of the written frames in place of the range's, and where they lie among them.
fn shown_times(spec: &ExportSpec, frames: &[FrameIdx]) -> (TimestampIndex, Range<usize>) {
    let (all, range) = (&spec.times, &spec.range);
    let mut shown: Vec<i64> = frames.iter().map(|frame| all.pts()[frame.0]).collect();
    // A clip begins when its range does, also if its first frame comes later.
    if let (Some(first), Some(begin)) = (shown.first_mut(), all.pts().get(range.start)) {
        *first = *begin;
    }
    let place = range.start..range.start + shown.len();
    let pts = [&all.pts()[..range.start], &shown, &all.pts()[range.end..]].concat();
    (TimestampIndex::new(all.time_base(), pts, all.end()), place)
}

/// The comment field: settings, and how the file was made.
fn comment(spec: &ExportSpec) -> Option<String> {
    let mark = spec
        .settings
        .mark
        .then(|| format!("Digital source type: {DIGITAL_SOURCE_TYPE}"));
    let parts: Vec<String> = spec.comment.iter().cloned().chain(mark).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// One file a frame, named after its place in the video, in a folder that appears when it is whole.
fn write_pictures(
    spec: &ExportSpec,
    frames: &[FrameIdx],
    path: &Path,
    pictures: &mut Pictures<'_>,
    observer: &dyn Observer,
) -> Result<(f64, Vec<String>), Error> {
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { what, path, source }
    };
    let folder = tempfile::Builder::new()
        .prefix(".partial-")
        .tempdir_in(files::parent(path))
        .map_err(io("create a folder in", files::parent(path)))?;
    for (done, &frame) in frames.iter().enumerate() {
        observer.checkpoint()?;
        let file = folder.path().join(format!("{:04}.png", frame.0));
        pictures.get(frame)?.write_png(&file)?;
        observer.progress(of_frames(done + 1, frames.len()));
    }
    if let Some(text) = comment(spec) {
        let file = folder.path().join("settings.txt");
        files::write_atomic(&file, text.as_bytes()).map_err(io("write", &file))?;
    }
    let written = std::fs::read_dir(folder.path()).map_err(io("read", path))?;
    let n_written = written.flatten().filter(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "png")
    });
    let n_written = n_written.count();
    if n_written != frames.len() {
        let what = format!("{n_written} pictures instead of {}", frames.len());
        let path = path.to_owned();
        return Err(VideoError::WrongProduct { what, path }.into());
    }
    make_visible(folder.path()).map_err(io("write", path))?;
    std::fs::rename(folder.path(), path).map_err(io("write", path))?;
    // It has another name now.
    let _ = folder.keep();
    Ok((0.0, Vec::new()))
}

/// Temporary folders are private to their owner.
#[cfg(unix)]
fn make_visible(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_visible(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

fn of_frames(done: usize, total: usize) -> Progress {
    Progress {
        done,
        total,
        unit: Unit::Frames,
    }
}
