//! Flow between consecutive frames, which the frames between keyframes follow: given by the user, or estimated once for
//! each pair of frames and kept in the working folder, where both passes and later runs read it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::fill::SourceFrames;
use super::helpers::{FlowKey, Helpers};
use super::journal::Journal;
use super::observer::Observer;
use super::plan::Segment;
use crate::files::{self, ContentHash};
use crate::flow::FlowField;
use crate::flow::file::{FlowFileError, OccludedFlow};
use crate::frame::{Frame, FrameIdx, Size};
use crate::synth::guides::occlusion;
use crate::tensor::Device;

/// Why flow cannot be kept or used.
#[derive(Debug, thiserror::Error)]
pub enum FlowFolderError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FlowFileError),
    /// A pair of frames has no file.
    #[error(
        "no flow from frame {cur} to frame {prev}; add the file, or let the flow be estimated: {}",
        path.display()
    )]
    Missing {
        /// The frame on whose grid the flow lies.
        cur: FrameIdx,
        /// Where it points.
        prev: FrameIdx,
        /// The file that is not there.
        path: PathBuf,
    },
    /// A file is of other frames.
    #[error(
        "the flow is {found} and the frames are {expected}; make it at their size: {}",
        path.display()
    )]
    Size {
        /// Size of the frames.
        expected: Size,
        /// Size of the flow.
        found: Size,
        /// The file.
        path: PathBuf,
    },
}

/// A folder of flow files, one for each pair of neighbouring frames and direction.
#[derive(Clone, Debug)]
pub struct FlowFolder(PathBuf);

impl FlowFolder {
    /// The flow on the grid of frame `cur` to its neighbour `prev`.
    ///
    /// # Errors
    /// [`Error::Flow`] if there is none of this size.
    pub fn read(&self, cur: FrameIdx, prev: FrameIdx, size: Size) -> Result<OccludedFlow, Error> {
        let path = self.path(cur, prev);
        if !path.exists() {
            return Err(FlowFolderError::Missing { cur, prev, path }.into());
        }
        let flow = OccludedFlow::read(&path).map_err(FlowFolderError::from)?;
        let (expected, found) = (size, flow.flow.size());
        if found == expected {
            return Ok(flow);
        }
        let error = FlowFolderError::Size {
            expected,
            found,
            path,
        };
        Err(error.into())
    }

    fn path(&self, FrameIdx(cur): FrameIdx, FrameIdx(prev): FrameIdx) -> PathBuf {
        self.0.join(format!("cur_{cur:04}_prev_{prev:04}.png"))
    }
}

/// Where the flow of a job comes from.
pub struct Flows {
    /// Where it is.
    pub folder: FlowFolder,
    origin: Origin,
}

enum Origin {
    Given,
    Estimated(Box<Helpers>, Device),
}

/// All that determines the flows between two frames.
#[derive(Serialize)]
struct PairKey<'a> {
    version: u32,
    source: &'a ContentHash,
    flow: FlowKey<'a>,
    first: FrameIdx,
}

/// Raised when the same frames come to have another flow.
const VERSION: u32 = 1;

/// Pairs that are estimated between two looks at whether to go on.
const AT_ONCE: usize = 8;

impl Flows {
    /// Files that the user has.
    #[must_use]
    pub fn given(folder: &Path) -> Self {
        Self {
            folder: FlowFolder(folder.to_owned()),
            origin: Origin::Given,
        }
    }

    /// Files that are made as they are needed, by `helpers` on `device`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be created.
    pub fn estimated(folder: &Path, helpers: Helpers, device: Device) -> Result<Self, Error> {
        let ready = std::fs::create_dir_all(folder).and_then(|()| files::remove_partials(folder));
        ready.map_err(|source| Error::Io {
            what: "write in",
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: FlowFolder(folder.to_owned()),
            origin: Origin::Estimated(Box::new(helpers), device),
        })
    }

    /// Identity of the flow that the in-betweens of a segment follow, apart from the frames themselves.
    ///
    /// # Errors
    /// [`Error::Flow`] if a file that the user should have is missing.
    pub fn key(&self, segment: &Segment) -> Result<ContentHash, Error> {
        match &self.origin {
            Origin::Estimated(helpers, _) => {
                Ok(ContentHash::of_value(&(VERSION, helpers.flow_key())))
            }
            Origin::Given => {
                let hashes = needed(segment).into_iter().map(|(cur, prev)| {
                    let path = self.folder.path(cur, prev);
                    match ContentHash::of_file(&path) {
                        Ok(hash) => Ok(hash),
                        Err(_) => Err(FlowFolderError::Missing { cur, prev, path }.into()),
                    }
                });
                let hashes = hashes.collect::<Result<Vec<_>, Error>>()?;
                Ok(ContentHash::of_value(&hashes))
            }
        }
    }

    /// Estimates what a segment needs and is not there from earlier.
    ///
    /// # Errors
    /// [`Error::Frame`] if a frame cannot be read, [`Error::Flow`] if the disk is full, [`Error::Values`],
    /// [`Error::Cancelled`].
    pub fn prepare(
        &self,
        segment: &Segment,
        source: &SourceFrames<'_>,
        journal: &mut Journal,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let Origin::Estimated(helpers, device) = &self.origin else {
            return Ok(());
        };
        let key = |first| {
            ContentHash::of_value(&PairKey {
                version: VERSION,
                source: source.key,
                flow: helpers.flow_key(),
                first,
            })
        };
        let firsts: BTreeSet<FrameIdx> = needed(segment).iter().map(|(a, b)| *a.min(b)).collect();
        let is_missing = |first: &FrameIdx| journal.find(&product(*first), &key(*first)).is_none();
        let missing: Vec<FrameIdx> = firsts.into_iter().filter(is_missing).collect();
        let runs = missing.chunk_by(|a, b| a.0 + 1 == b.0);
        for run in runs.flat_map(|run| run.chunks(AT_ONCE)) {
            observer.checkpoint()?;
            let last = run[run.len() - 1].0 + 1;
            let frames = (run[0].0..=last).map(|i| source.read(FrameIdx(i)));
            let frames = frames.collect::<Result<Vec<Frame>, _>>()?;
            let pairs = helpers.flow.consecutive(&frames, device)?;
            for (&first, pair) in run.iter().zip(pairs) {
                let files = self.write(first, pair)?;
                journal.record(&product(first), &key(first), &files)?;
            }
        }
        Ok(())
    }

    /// Writes both flows between a frame and the next one, with what either does not see.
    fn write(&self, first: FrameIdx, [there, back]: [FlowField; 2]) -> Result<[PathBuf; 2], Error> {
        let second = FrameIdx(first.0 + 1);
        let hidden = [occlusion(&there, &back), occlusion(&back, &there)];
        let [in_first, in_second] = hidden.map(|mask| mask.values().to_vec());
        let write = |cur, prev, flow, occluded| -> Result<PathBuf, Error> {
            let path = self.folder.path(cur, prev);
            let file = OccludedFlow { flow, occluded };
            file.write(&path).map_err(FlowFolderError::from)?;
            Ok(path)
        };
        Ok([
            write(first, second, there, in_first)?,
            write(second, first, back, in_second)?,
        ])
    }
}

/// What the passes of a segment follow: for each in-between, the frame that its flow is on and the one it points into.
fn needed(segment: &Segment) -> Vec<(FrameIdx, FrameIdx)> {
    let frames = || segment.frames.clone().map(FrameIdx);
    let forward = frames().filter(|_| segment.left.is_some());
    let backward = frames().filter(|_| segment.right.is_some());
    let from_before = |cur: FrameIdx| (cur, FrameIdx(cur.0 - 1));
    let from_after = |cur: FrameIdx| (cur, FrameIdx(cur.0 + 1));
    forward
        .map(from_before)
        .chain(backward.map(from_after))
        .collect()
}

fn product(FrameIdx(first): FrameIdx) -> String {
    format!("flow/{first:06}")
}
