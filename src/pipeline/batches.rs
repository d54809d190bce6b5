//! Second stage: keyframes are translated batch by batch, each written at once and found again after a crash.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::analyse::Source;
use super::anchors::Anchors;
use super::batch::{BatchContext, BatchFrames};
use super::compat::Choices;
use super::conditions::{PromptStates, prompt_of};
use super::control::{ControlKey, ControlSource, annotators};
use super::depth;
use super::engine::Engine;
use super::error::Error;
use super::helpers::{Helpers, HelpersKey};
use super::job::{Consistency, ControlSettings, Job, SamplingSettings};
use super::journal::Journal;
use super::locks::Kept;
use super::memory::NetworkSizes;
use super::memory_meter::MemoryMeter;
use super::model_folders::ModelFolders;
use super::observer::{Observer, Progress, Unit};
use super::plan::{Batch, Plan, SMALLEST_BATCH, repack};
use super::preview::find_decoder;
use super::warnings::{shrunk, warn_of_fallback, warn_of_unused};
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx};
use crate::models::library::Places;
use crate::tensor::Device;
use crate::tensor::read::ReadError;
use crate::video::{Ffmpeg, FrameStore};

/// What outlives a stage and every stage works with.
pub struct Tools<'a> {
    /// Device and networks.
    pub engine: &'a mut Engine,
    /// Reads and writes video.
    pub ffmpeg: &'a Ffmpeg,
    /// Remembers finished products.
    pub journal: &'a mut Journal,
}

/// All that determines the pictures of one batch.
#[derive(Serialize)]
struct BatchKey<'a> {
    version: u32,
    source: &'a ContentHash,
    models: &'a ContentHash,
    batch: &'a Batch,
    prompts: Vec<String>,
    negative: &'a str,
    compat: bool,
    consistency: &'a Consistency,
    helpers: Option<HelpersKey<'a>>,
    control: &'a ControlSettings,
    controlnets: Vec<ControlKey<'a>>,
    sampling: &'a SamplingSettings,
    previous: Option<&'a ContentHash>,
}

/// Raised when the same settings come to mean other pictures.
const VERSION: u32 = 4;

/// What the stage has made.
pub struct Keyframes {
    /// The pictures.
    pub pictures: FrameStore,
    /// What is worth knowing about how, one sentence each.
    pub notes: Vec<String>,
    /// What found motion, if anything had to: in-betweens follow it too.
    pub helpers: Option<Helpers>,
}

/// Translates every batch of `plan` that is not in the journal.
///
/// # Errors
/// Whatever loading the model, denoising or writing gives, and [`Error::Cancelled`]; finished batches are kept.
pub fn translate(
    job: &Job,
    networks: (ModelFolders, NetworkSizes),
    (source, plan): (&Source, &Plan),
    tools: &mut Tools<'_>,
    observer: &dyn Observer,
) -> Result<Keyframes, Error> {
    let context = prepare(job, networks, source, tools, observer)?;
    let pass = Pass {
        models: context.networks_key()?,
        results: FrameStore::open_alone(&job.work.join("keyframes"))?,
        steps: StepCount::new(context.executed_steps()),
        context,
        source,
        observer,
    };
    let mut batches = plan.batches().to_vec();
    let mut previous = None;
    let mut i = 0;
    while i < batches.len() {
        observer.checkpoint()?;
        match pass.batch(&batches, i, previous.as_ref(), tools)? {
            Outcome::Finished(link) => {
                previous = Some(link);
                i += 1;
            }
            Outcome::TooLarge(smaller) => {
                batches.truncate(i);
                batches.extend(smaller);
            }
        }
    }
    observer.progress(pass.steps.progress(i, 0, i));
    let Pass {
        context, results, ..
    } = pass;
    let helpers = context.helpers.iter();
    let finds_background = job.consistency.background_smoothing;
    Ok(Keyframes {
        pictures: results,
        notes: helpers
            .flat_map(|helpers| helpers.notes(finds_background))
            .chain(context.control.notes())
            .collect(),
        helpers: context.helpers,
    })
}

/// One pass over the batches of a plan.
struct Pass<'a> {
    context: BatchContext<'a>,
    source: &'a Source,
    /// Identity of all networks, and of how they compute.
    models: ContentHash,
    results: FrameStore,
    steps: StepCount,
    observer: &'a dyn Observer,
}

/// What a finished batch leaves for the next: its identity, and where its anchors are.
type Link = (ContentHash, PathBuf);

/// What became of a batch.
enum Outcome {
    /// Its pictures are there.
    Finished(Link),
    /// There was no memory for it: smaller batches in place of it and those after it.
    TooLarge(Vec<Batch>),
}

impl Pass<'_> {
    /// Translates batch `i`, unless it is in the journal.
    fn batch(
        &self,
        batches: &[Batch],
        i: usize,
        previous: Option<&Link>,
        tools: &mut Tools<'_>,
    ) -> Result<Outcome, Error> {
        let Self {
            context,
            source,
            results,
            observer,
            ..
        } = self;
        let (batch, job) = (&batches[i], context.job);
        let product = format!("keyframes/batch-{i:04}");
        let chain = previous.filter(|_| !batch.anchors.is_empty());
        let identity = (&source.key, &self.models);
        let key = key(context, identity, batch, chain.map(|(key, _)| key));
        let file = format!("batch-{i:04}.safetensors");
        let anchors = job.work.join("anchors").join(file);
        let kept = Kept::of(&job.locked, batch, results, source.analysis.size, *observer);
        let finished = kept.key(&key);
        let is_there = |key| tools.journal.find(&product, key).is_some();
        if !is_there(&key) && !is_there(&finished) {
            observer.interlude(&mut |sample, observer| sample.make(tools.engine, observer));
            let restored = chain.filter(|_| self.steps.executed > 0);
            let restored = restored.map(|(_, path)| Anchors::read(path)).transpose()?;
            let frames = read(batch, source, restored.as_ref())?;
            let progress = |done| observer.progress(self.steps.progress(i, done, batches.len()));
            progress(0);
            let (pictures, recorded) = match context.translate(tools.engine, &frames, &progress) {
                Ok(translated) => translated,
                Err(error) => {
                    let (n, rest) = smaller_batches(&batches[i..], &error)
                        .ok_or_else(|| context.explained(error, &frames))?;
                    observer.warning(shrunk(batch.frames().len(), n));
                    context.meter.reset();
                    return Ok(Outcome::TooLarge(rest));
                }
            };
            let load = context.load(&frames, context.dtype());
            let measure = |load| context.meter.read(&context.networks, &load);
            if let Some(memory) = load.and_then(measure) {
                observer.memory(memory);
            }
            let recorded = recorded.as_ref().map(|recorded| (recorded, &*anchors));
            let files = write((batch, &kept), &pictures, results, recorded)?;
            tools.journal.record(&product, &finished, &files)?;
        }
        for &frame in &batch.new {
            observer.keyframe(frame, &results.path(frame));
        }
        Ok(Outcome::Finished((key, anchors)))
    }
}

/// Device, prompts, control images: what all batches share.
fn prepare<'a>(
    job: &'a Job,
    (folders, networks): (ModelFolders, NetworkSizes),
    source: &Source,
    tools: &mut Tools<'_>,
    observer: &'a dyn Observer,
) -> Result<BatchContext<'a>, Error> {
    let device = tools.engine.device_of(job)?;
    warn_of_fallback(&device, observer);
    let text = Engine::text_model(&folders, &device.device)?;
    let choices = Choices::of(job.compat);
    let prompts = PromptStates::new(job, &choices, &text, &device.device);
    drop(text);
    device.release_memory();
    observer.checkpoint()?;
    let dtype = job.precision.dtype(device.network_dtype);
    let free_u = job.sampling.free_u;
    let denoiser = tools.engine.denoiser(&folders, &device, dtype, free_u)?;
    warn_of_unused(denoiser, observer);
    let n_nets = folders.controlnets.len();
    let samples = || depth::samples(source);
    let annotators = annotators(job, tools.engine, &device.device, &samples)?;
    let (control, io) = ((annotators, n_nets), (tools.ffmpeg, &mut *tools.journal));
    let control = ControlSource::new(job, control, source, io, observer)?;
    let places = tools.engine.places();
    let helpers = helpers(job, &choices, places, &device.device, observer);
    let preview_decoder = find_decoder(places, &folders.vae, &device.device, observer);
    let anchors = job.work.join("anchors");
    std::fs::create_dir_all(&anchors).map_err(|source| Error::Io {
        what: "create the folder",
        path: anchors,
        source,
    })?;
    Ok(BatchContext {
        job,
        networks,
        folders,
        device,
        choices,
        prompts,
        control,
        helpers,
        preview_decoder,
        meter: MemoryMeter::default(),
        observer,
    })
}

/// What finds motion and, if it is wanted, the background; nothing without guidance.
fn helpers(
    job: &Job,
    choices: &Choices,
    places: &Places,
    device: &Device,
    observer: &dyn Observer,
) -> Option<Helpers> {
    if job.consistency.is_off() {
        return None;
    }
    let helpers = Helpers::find(places, device, observer);
    Some(if job.consistency.background_smoothing {
        helpers.with_saliency(places, choices, device, observer)
    } else {
        helpers
    })
}

fn key(
    context: &BatchContext<'_>,
    (source, models): (&ContentHash, &ContentHash),
    batch: &Batch,
    previous: Option<&ContentHash>,
) -> ContentHash {
    let job = context.job;
    let prompt = |&frame: &FrameIdx| prompt_of(&job.prompt, frame, &context.choices);
    ContentHash::of_value(&BatchKey {
        version: VERSION,
        source,
        models,
        batch,
        prompts: batch.frames().iter().map(prompt).collect(),
        negative: &job.prompt.negative,
        compat: job.compat.is_some(),
        consistency: &job.consistency,
        helpers: context.helpers.as_ref().map(Helpers::key),
        control: &job.control,
        controlnets: context.control.keys(),
        sampling: &job.sampling,
        previous,
    })
}

fn read<'a>(
    batch: &Batch,
    source: &Source,
    anchors: Option<&'a Anchors>,
) -> Result<BatchFrames<'a>, Error> {
    let frames = batch.frames();
    let sources = frames.iter().map(|&frame| source.frames.read(frame));
    let sources = sources.collect::<Result<Vec<Frame>, _>>()?;
    Ok(BatchFrames {
        frames,
        sources,
        anchors,
    })
}

/// Writes the new pictures of a batch that are not kept and, last, what the next batch restores.
fn write(
    (batch, kept): (&Batch, &Kept),
    pictures: &[Frame],
    results: &FrameStore,
    anchors: Option<(&Anchors, &Path)>,
) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for (&frame, picture) in batch.new.iter().zip(&pictures[batch.anchors.len()..]) {
        if !kept.contains(frame) {
            results.write(frame, picture)?;
        }
        files.push(results.path(frame));
    }
    if let Some((anchors, path)) = anchors {
        anchors.write(path)?;
        files.push(path.to_owned());
    }
    Ok(files)
}

/// What to go on with after `error`: smaller batches, and how many frames they hold at most. Only if memory was too
/// short, and the first of `batches` can be halved.
fn smaller_batches(batches: &[Batch], error: &Error) -> Option<(usize, Vec<Batch>)> {
    let n_frames = batches[0].frames().len();
    let is_full = matches!(error, Error::Values(ReadError::OutOfMemory));
    let smaller = (n_frames / 2).max(SMALLEST_BATCH);
    (is_full && smaller < n_frames).then(|| (smaller, repack(batches, smaller)))
}

/// Counts denoising steps over all batches.
struct StepCount {
    /// Steps that run in a batch; none at strength 0.
    executed: usize,
    per_batch: usize,
}

impl StepCount {
    fn new(executed: usize) -> Self {
        let per_batch = executed.max(1);
        Self {
            executed,
            per_batch,
        }
    }

    /// After `in_batch` steps of batch `batch` of `n_batches`.
    fn progress(&self, batch: usize, in_batch: usize, n_batches: usize) -> Progress {
        Progress {
            done: self.per_batch * batch + in_batch,
            total: self.per_batch * n_batches,
            unit: Unit::Steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_memory_halves_batches_down_to_the_smallest() {
        let full = Error::Values(ReadError::OutOfMemory);
        let frames = |range: std::ops::Range<usize>| range.map(FrameIdx).collect();
        let mut batches = vec![Batch {
            shot: 0,
            anchors: Vec::new(),
            new: frames(0..8),
        }];
        let mut sizes = Vec::new();
        while let Some((size, smaller)) = smaller_batches(&batches, &full) {
            assert!(smaller.iter().all(|batch| batch.frames().len() <= size));
            sizes.push(size);
            batches = smaller;
        }
        assert_eq!(sizes, [4, 3]);
        let broken = Error::Values(ReadError::NotFinite);
        assert_eq!(smaller_batches(&batches, &broken), None);
    }
}
