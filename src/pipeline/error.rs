//! Why a job ended without a result.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use crate::diffusion::noise_schedule::ScheduleError;
use crate::frame::{FrameError, FrameIdx, Size};
use crate::models::{ModelError, midas};
use crate::pipeline::anchors::AnchorError;
use crate::pipeline::flows::FlowFolderError;
use crate::pipeline::job::{ControlKind, JobErrors};
use crate::pipeline::journal::JournalError;
use crate::pipeline::observer::Cancelled;
use crate::pipeline::plan::PlanError;
use crate::synth::SynthError;
use crate::tensor::DeviceError;
use crate::tensor::read::ReadError;
use crate::video::{PictureFolderError, VideoError};

/// Why a job ended without a result: one variant for each stage, and [`Error::Cancelled`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used.
    #[error(transparent)]
    Job(#[from] JobErrors),
    /// The record of finished products cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A picture cannot be read or written.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The video cannot be read, or the result not be written.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The keyframes cannot be packed into batches.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device that was asked for is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Half precision is asked of a device, named here, that does not have it.
    #[error("the device {0:?} has no half precision; choose the precision \"auto\" or \"full\"")]
    NoHalf(String),
    /// The model cannot be made ready.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's noise schedule cannot be used.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The model's `scheduler_config.json` is not readable.
    #[error(
        "cannot read scheduler_config.json in {folder}; get the file again from where the model came from"
    )]
    SchedulerConfig {
        /// Where it is.
        folder: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Control is wanted, and there is no network for it.
    #[error(
        "the model has no ControlNet of its own, and none for the control \"{control}\" is installed; get one with \
         \"fresco-studio models get {get}\", name one with --controlnet, or use --control {}",
        instead.unwrap_or(ControlKind::None)
    )]
    NoControlNet {
        /// The control that was chosen.
        control: ControlKind,
        /// The model of the catalogue that would serve it.
        get: &'static str,
        /// A control that could be used as it is.
        instead: Option<ControlKind>,
    },
    /// A `ControlNet` is named, and there is nothing to show it.
    #[error("a ControlNet needs control images; choose a --control, or give it a clip")]
    NoControlImage,
    /// The control images are drawn by a network whose weights are not there.
    #[error(
        "the control \"{control}\" needs the weights {file}, from {hub}; put them into the models folder{}, or choose \
         --control soft-edges",
        folder.as_ref().map(|folder| format!(" {}", folder.display())).unwrap_or_default()
    )]
    NoAnnotatorWeights {
        /// The control that was chosen.
        control: &'static str,
        /// Name of the file.
        file: &'static str,
        /// Where it is published.
        hub: &'static str,
        /// Where it is looked for.
        folder: Option<PathBuf>,
    },
    /// A clip of control images ends before the source.
    #[error("the control clip has {n_frames} frames and {needed} are needed; use --range or another clip: {}", clip.display())]
    ControlClipTooShort {
        /// The clip.
        clip: PathBuf,
        /// Frames it has.
        n_frames: usize,
        /// Frames that the job covers, counted from the clip's first.
        needed: usize,
    },
    /// Frames are named that the source does not have.
    #[error("the video has frames 0 to {}, and {}..{} is not within; change the frames", n_frames - 1, range.start, range.end)]
    RangeOutside {
        /// The frames asked for.
        range: Range<usize>,
        /// Frames that the source has.
        n_frames: usize,
    },
    /// A result is compared with a source that it cannot be of.
    #[error("the source has {} frames in {:.3} s and the result {} in {:.3} s; compare a result with its own whole source: {}", frames[0], secs[0], frames[1], secs[1], result.display())]
    Mismatch {
        /// Frames of the source and of the result.
        frames: [usize; 2],
        /// Seconds that the source and the result last.
        secs: [f64; 2],
        /// The result.
        result: PathBuf,
    },
    /// A folder of pictures cannot be used.
    #[error(transparent)]
    Pictures(#[from] PictureFolderError),
    /// A painted keyframe is of a frame that the source does not have.
    #[error(
        "the source has frames 0 to {}, and there is a keyframe for frame {frame}; rename it after its frame, counted from 0: {}",
        n_frames - 1,
        path.display()
    )]
    KeyframeOutside {
        /// The frame in its name.
        frame: FrameIdx,
        /// Frames that the source has.
        n_frames: usize,
        /// The keyframe.
        path: PathBuf,
    },
    /// The pictures of a source differ in size.
    #[error(
        "a picture of the source is {found} and the first one is {expected}; make them equal: {}",
        path.display()
    )]
    SizeDiffers {
        /// Size of the first picture.
        expected: Size,
        /// Size of this one.
        found: Size,
        /// The picture.
        path: PathBuf,
    },
    /// Flow cannot be read, written or used.
    #[error(transparent)]
    Flow(#[from] FlowFolderError),
    /// A frame between keyframes cannot be painted.
    #[error(transparent)]
    Synth(SynthError),
    /// Anchors of an earlier batch cannot be used.
    #[error(transparent)]
    Anchors(#[from] AnchorError),
    /// Latents or pictures hold values that are no numbers, or the device failed while it made them.
    #[error(transparent)]
    Values(#[from] ReadError),
    /// There is no memory for the smallest batch.
    #[error("there is not enough memory for {} with a working size of {short_side}", n_frames(*frames))]
    NoRoom {
        /// Its frames.
        frames: usize,
        /// The working size.
        short_side: u32,
        /// The working size to try, if there is a smaller one.
        smaller: Option<u32>,
    },
    /// A picture came out in one colour.
    #[error(
        "frame {frame} came out flat, without any picture; try another model, fewer weights, or the device \"cpu\""
    )]
    FellFlat {
        /// The frame.
        frame: FrameIdx,
    },
    /// A file or folder of the job cannot be used.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried, as in "create the folder".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A picture was asked for while no video is open, or beyond its end.
    #[error("no video is open")]
    NoVideo,
    /// Frames to export have no result.
    #[error("{n} frames have no result; use the source for them, or translate them first")]
    MissingResults {
        /// How many.
        n: usize,
    },
    /// An export would replace the video that it is made from.
    #[error("the file would replace the source; choose another name: {}", .0.display())]
    ReplacesSource(PathBuf),
    /// It was asked to stop; everything finished is kept.
    #[error("cancelled")]
    Cancelled,
}

impl From<SynthError> for Error {
    fn from(error: SynthError) -> Self {
        match error {
            SynthError::Cancelled => Self::Cancelled,
            error => Self::Synth(error),
        }
    }
}

impl From<Cancelled> for Error {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl Error {
    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Journal(JournalError::Busy { .. }) => {
                "wait until the other run has ended, or choose another folder with --work"
            }
            Self::Values(ReadError::OutOfMemory) => {
                "choose a smaller working size with --size, or the device \"cpu\"; finished parts are kept"
            }
            Self::Values(ReadError::Lost(_)) => {
                "start the program again, and if memory was full choose a smaller working size with --size; finished \
                 parts are kept"
            }
            Self::NoRoom { smaller, .. } => {
                let smaller = smaller.map(|side| format!("try --size {side}, or "));
                let smaller = smaller.unwrap_or_default();
                return Some(format!(
                    "{smaller}use the device \"cpu\", which takes longer"
                ));
            }
            Self::NoAnnotatorWeights {
                control: "depth", ..
            } => {
                return Some(format!(
                    "MiDaS serves as well, as {} in the models folder",
                    midas::FILES[0]
                ));
            }
            Self::Values(_) => {
                "try a lower guidance scale, other weights, or the device \"cpu\"; finished parts are kept"
            }
            Self::Video(VideoError::Broken {
                readable: n_frames @ 2..,
                ..
            }) => {
                return Some(format!(
                    "use the frames that can be read: --range 0..{n_frames}"
                ));
            }
            Self::Video(error) => return error.hint().map(Into::into).or_else(|| io_hint(self)),
            Self::Job(_) | Self::Cancelled => return None,
            _ => return io_hint(self),
        };
        Some(hint.to_owned())
    }
}

fn n_frames(frames: usize) -> String {
    match frames {
        1 => "one frame".to_owned(),
        n => format!("{n} frames at once, the fewest,"),
    }
}

/// A hint by what the file system said, wherever in the chain of causes it said so.
fn io_hint(error: &Error) -> Option<String> {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let kind = causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .last()?;
    let hint = match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some disk space, or choose a folder on another disk with --work; \
                 finished parts are kept"
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => {
            "choose folders that you may write to with --out and --work"
        }
        io::ErrorKind::NotFound => "check that the file or folder still exists",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_follows_the_file_system() {
        let error = |kind: io::ErrorKind| Error::Io {
            what: "create the folder",
            path: "work".into(),
            source: kind.into(),
        };
        assert!(
            error(io::ErrorKind::StorageFull)
                .hint()
                .unwrap()
                .contains("disk space")
        );
        assert!(
            error(io::ErrorKind::PermissionDenied)
                .hint()
                .unwrap()
                .contains("--work")
        );
        assert_eq!(error(io::ErrorKind::BrokenPipe).hint(), None);
        assert_eq!(
            error(io::ErrorKind::NotFound).to_string(),
            "cannot create the folder work"
        );
    }

    #[test]
    fn the_hint_is_found_behind_other_causes() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::from(FrameError::Write {
            path: "0001.png".into(),
            source: full,
        });
        assert!(error.hint().unwrap().contains("disk space"));
    }
}
