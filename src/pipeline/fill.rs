//! Third stage: the frames between keyframes are painted in their style, segment by segment.
//!
//! A segment has a pass from each of its keyframes. Passes do not depend on each other, so a few of them advance side by
//! side, one frame at a time; those of the segments to come wait. When both passes of a segment have ended they are
//! blended and written, and the segment counts as finished: a killed job repeats the segments that it was in.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::compat::Choices;
use super::error::Error;
use super::fill_count::Count;
use super::flows::{FlowFolder, Flows};
use super::job::FillSettings;
use super::journal::Journal;
use super::observer::Observer;
use super::pictures::Pictures;
use super::plan::{Plan, Segment};
use super::spool::Spool;
use crate::files::ContentHash;
use crate::flow::FlowField;
use crate::frame::{Frame, FrameIdx, Size};
use crate::synth::blend::{BlendConfig, Gradients};
use crate::synth::segment::{Pass, Step};
use crate::synth::{Mask, Painted, SegmentBlender, Synthesiser};
use crate::video::FrameStore;

/// The frames of a source.
#[derive(Clone, Copy)]
pub struct SourceFrames<'a> {
    /// Their files.
    pub pictures: &'a Pictures,
    /// Size at which they are worked on.
    pub size: Size,
    /// Identity of all of them.
    pub key: &'a ContentHash,
}

impl SourceFrames<'_> {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`Error::Frame`] if it is missing or damaged.
    pub fn read(&self, frame: FrameIdx) -> Result<Frame, Error> {
        self.pictures.read(frame, self.size)
    }
}

/// What filling works from.
pub struct FillInput<'a> {
    /// Keyframes, and the frames between them.
    pub plan: &'a Plan,
    /// The source.
    pub source: SourceFrames<'a>,
    /// The painted keyframes; those of another size are resized.
    pub keyframes: &'a Pictures,
    /// How frames are made.
    pub settings: &'a FillSettings,
    /// Folder for results.
    pub work: &'a Path,
}

/// What filling works with.
pub struct FillTools<'a> {
    /// Flow between the source's frames.
    pub flows: &'a Flows,
    /// What paints.
    pub synthesiser: &'a Synthesiser,
    /// Remembers finished products.
    pub journal: &'a mut Journal,
}

/// All that determines the frames of one segment.
#[derive(Serialize)]
struct SegmentKey<'a> {
    version: u32,
    source: &'a ContentHash,
    size: Size,
    flow: ContentHash,
    segment: &'a Segment,
    keyframes: [Option<ContentHash>; 2],
    settings: &'a FillSettings,
}

/// Raised when the same settings come to mean other pictures.
const VERSION: u32 = 1;

/// Memory for passes that advance side by side, and what one of them needs for each pixel.
const PASSES_BYTES: usize = 1 << 30;
const PASS_BYTES_PER_PIXEL: usize = 160;

/// Paints every frame of `input.plan` that is no keyframe and is not in the journal. Returns where they are.
///
/// # Errors
/// [`Error::Synth`], [`Error::Flow`], [`Error::Frame`] or whatever writing gives, and [`Error::Cancelled`]; finished
/// segments are kept.
pub fn fill(
    input: &FillInput<'_>,
    tools: &mut FillTools<'_>,
    observer: &dyn Observer,
) -> Result<FrameStore, Error> {
    let FillTools {
        flows,
        synthesiser,
        journal,
    } = tools;
    let results = FrameStore::open_alone(&input.work.join("filled"))?;
    let mut count = Count::new(input.plan, observer);
    let mut segments = Vec::new();
    for segment in input.plan.segments() {
        let key = key(input, &segment, flows.key(&segment)?)?;
        if journal.find(&product(&segment), &key).is_some() {
            count.found(&segment);
        } else {
            segments.push(Filling::new(segment, key));
        }
    }
    count.tell();
    let mut waiting: VecDeque<(usize, Side)> = passes(&segments).collect();
    let mut running: Vec<Runner> = Vec::new();
    loop {
        while running.len() < most_passes(input.source.size)
            && let Some((index, side)) = waiting.pop_front()
        {
            let segment = &segments[index].segment;
            flows.prepare(segment, &input.source, journal, observer)?;
            running.push(Runner::start(input, segment, (index, side), &results)?);
        }
        if running.is_empty() {
            return Ok(results);
        }
        advance(input, (&flows.folder, synthesiser), &mut running, observer)?;
        for runner in &running {
            count.painted(&segments[runner.segment].segment);
        }
        count.tell();
        for runner in running.extract_if(.., |runner| runner.todo.is_empty()) {
            let filling = &mut segments[runner.segment];
            filling.painted[runner.side as usize] = Some(runner.spool);
            if filling.is_painted() {
                let tools = (&flows.folder, *synthesiser);
                let files = filling.write(input, tools, &results, observer)?;
                journal.record(&product(&filling.segment), &filling.key, &files)?;
            }
        }
    }
}

/// Where a pass comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A segment that is not finished.
struct Filling {
    segment: Segment,
    key: ContentHash,
    /// What the passes that have ended painted, from the left and from the right.
    painted: [Option<Spool>; 2],
}

/// A pass that has not ended.
struct Runner {
    segment: usize,
    side: Side,
    pass: Pass,
    /// The frame that was painted last.
    last: FrameIdx,
    todo: VecDeque<FrameIdx>,
    spool: Spool,
}

fn passes(segments: &[Filling]) -> impl Iterator<Item = (usize, Side)> {
    let sides = |segment: &Segment| {
        let left = segment.left.map(|_| Side::Left);
        left.into_iter().chain(segment.right.map(|_| Side::Right))
    };
    let segments = segments.iter().enumerate();
    segments.flat_map(move |(i, filling)| sides(&filling.segment).map(move |side| (i, side)))
}

/// As many passes as keep every core busy and fit into memory; two at least, as a segment has two.
fn most_passes(size: Size) -> usize {
    let fit = PASSES_BYTES / (size.area() * PASS_BYTES_PER_PIXEL).max(1);
    fit.min(rayon::current_num_threads()).max(2)
}

impl Runner {
    fn start(
        input: &FillInput<'_>,
        segment: &Segment,
        (index, side): (usize, Side),
        results: &FrameStore,
    ) -> Result<Self, Error> {
        let keyframe = match side {
            Side::Left => segment.left,
            Side::Right => segment.right,
        };
        let Some(keyframe) = keyframe else {
            unreachable!("a pass begins at a keyframe");
        };
        let mut todo: VecDeque<FrameIdx> = segment.frames.clone().map(FrameIdx).collect();
        if side == Side::Right {
            todo = todo.into_iter().rev().collect();
        }
        let style = input.keyframes.read(keyframe, input.source.size)?;
        let frame = input.source.read(keyframe)?;
        let carrying = Choices::of(input.settings.compat).carrying;
        Ok(Self {
            segment: index,
            side,
            pass: Pass::new(&style, &frame, carrying)?,
            last: keyframe,
            todo,
            spool: Spool::new(results.folder(), input.source.size)?,
        })
    }

    /// The guides of its next frame.
    fn step(&self, source: &SourceFrames<'_>, flows: &FlowFolder) -> Result<Step, Error> {
        let cur = self.todo[0];
        let flow = flows.read(cur, self.last, source.size)?;
        let occluded = Mask::new(source.size, flow.occluded);
        let frame = source.read(cur)?;
        Ok(self.pass.step(frame, &flow.flow, &occluded))
    }
}

/// Paints the next frame of every pass.
fn advance(
    input: &FillInput<'_>,
    (flows, synthesiser): (&FlowFolder, &Synthesiser),
    running: &mut [Runner],
    observer: &dyn Observer,
) -> Result<(), Error> {
    observer.checkpoint()?;
    let source = &input.source;
    let steps = running.par_iter().map(|runner| runner.step(source, flows));
    let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
    let both = running.iter().zip(&steps);
    let chains: Vec<_> = both.map(|(runner, step)| runner.pass.chain(step)).collect();
    let go_on = || match observer.checkpoint() {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let made = synthesiser.synthesise(&chains, input.settings.preset, &go_on)?;
    for ((runner, step), made) in running.iter_mut().zip(steps).zip(made) {
        runner.spool.push(&made.picture, &made.error)?;
        runner.pass.advance(step, made.picture);
        if let Some(frame) = runner.todo.pop_front() {
            runner.last = frame;
        }
    }
    Ok(())
}

impl Filling {
    fn new(segment: Segment, key: ContentHash) -> Self {
        Self {
            segment,
            key,
            painted: [None, None],
        }
    }

    fn is_painted(&self) -> bool {
        let wanted = [self.segment.left, self.segment.right];
        let mut sides = wanted.iter().zip(&self.painted);
        sides.all(|(keyframe, painted)| keyframe.is_some() == painted.is_some())
    }

    /// Writes the frames of the segment, blended if there are two passes.
    fn write(
        &mut self,
        input: &FillInput<'_>,
        (flows, synthesiser): (&FlowFolder, &Synthesiser),
        results: &FrameStore,
        observer: &dyn Observer,
    ) -> Result<Vec<PathBuf>, Error> {
        let n = self.segment.frames.len();
        let config = blend_config(*input.settings);
        let mut blender = synthesiser.blender(config, input.source.size, n)?;
        let mut files = Vec::with_capacity(n);
        let mut painted = std::mem::take(&mut self.painted);
        for (i, frame) in self.segment.frames.clone().enumerate() {
            observer.checkpoint()?;
            let frame = FrameIdx(frame);
            let picture = match &mut painted {
                [Some(left), Some(right)] => {
                    let judge = config.backward_error_index(i, n);
                    let flow = flows.read(frame, FrameIdx(frame.0 - 1), input.source.size)?;
                    blend(&mut blender, (left, right), (i, n, judge), &flow.flow)?
                }
                [Some(left), None] => left.read(i)?.0,
                [None, Some(right)] => right.read(n - 1 - i)?.0,
                [None, None] => unreachable!("a segment has a keyframe"),
            };
            results.write(frame, &picture)?;
            files.push(results.path(frame));
        }
        Ok(files)
    }
}

/// Frame `i` of the `n` between two keyframes, judged by the backward error of frame `judge`.
fn blend(
    blender: &mut SegmentBlender<'_>,
    (left, right): (&mut Spool, &mut Spool),
    (i, n, judge): (usize, usize, usize),
    cur_from_prev: &FlowField,
) -> Result<Frame, Error> {
    let (forward, forward_error) = left.read(i)?;
    // The backward pass painted the last frame first.
    let (backward, backward_error) = right.read(n - 1 - i)?;
    let backward_error = if judge == i {
        backward_error
    } else {
        right.read(n - 1 - judge)?.1
    };
    let painted = [
        Painted {
            picture: &forward,
            error: &forward_error,
        },
        Painted {
            picture: &backward,
            error: &backward_error,
        },
    ];
    Ok(blender(painted, cur_from_prev)?)
}

fn blend_config(settings: FillSettings) -> BlendConfig {
    let config = Choices::of(settings.compat).blend;
    if settings.gradient_blending {
        config
    } else {
        BlendConfig {
            gradients: Gradients::Ignored,
            ..config
        }
    }
}

fn product(segment: &Segment) -> String {
    let frames = &segment.frames;
    format!("filled/{:06}-{:06}", frames.start, frames.end - 1)
}

fn key(input: &FillInput<'_>, segment: &Segment, flow: ContentHash) -> Result<ContentHash, Error> {
    let hash = |frame: Option<FrameIdx>| {
        let hash = frame.map(|frame| input.keyframes.content_hash(frame));
        hash.transpose()
    };
    Ok(ContentHash::of_value(&SegmentKey {
        version: VERSION,
        source: input.source.key,
        size: input.source.size,
        flow,
        segment,
        keyframes: [hash(segment.left)?, hash(segment.right)?],
        settings: input.settings,
    }))
}
