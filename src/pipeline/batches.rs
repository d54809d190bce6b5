//! Second stage: keyframes are translated batch by batch, each written at once and found again after a crash.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::analyse::{Clip, Source, content_hash, store_frames};
use super::anchors::Anchors;
use super::conditions::{self, PromptStates, prompt_of};
use super::denoise::{BatchInput, Sampling, denoise};
use super::engine::{Denoiser, Engine, ModelFolders};
use super::error::Error;
use super::job::{ControlSettings, Job, SamplingSettings, Start};
use super::journal::Journal;
use super::observer::{Observer, Progress, Unit, Warning};
use super::plan::{Batch, Plan};
use super::verify::fell_flat;
use crate::annotators::Annotator;
use crate::diffusion::noise_schedule::warmup_steps;
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx};
use crate::models::unet::NoHook;
use crate::tensor::image::unit_from_frames;
use crate::tensor::{FloatDType, OpenDevice, Tensor};
use crate::video::{self, Ffmpeg, FrameStore, TimestampIndex};

/// What the batches of one job share.
struct Batches<'a> {
    job: &'a Job,
    source: &'a Source,
    folders: ModelFolders,
    device: OpenDevice,
    prompts: PromptStates,
    annotator: Option<Annotator>,
    /// For each `ControlNet`, its own clip of control images, if it has one.
    clips: Vec<Option<(FrameStore, ContentHash)>>,
    models: ContentHash,
    results: FrameStore,
    observer: &'a dyn Observer,
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
    control: &'a ControlSettings,
    controlnets: Vec<(f32, f32, f32, Option<&'a ContentHash>)>,
    sampling: &'a SamplingSettings,
    previous: Option<&'a ContentHash>,
}

/// Raised when the same settings come to mean other pictures.
const VERSION: u32 = 1;

/// Translates every batch of `plan` that is not in the journal. Returns where the pictures are.
///
/// # Errors
/// Whatever loading the model, denoising or writing gives, and [`Error::Cancelled`]; finished batches are kept.
pub fn translate(
    job: &Job,
    source: &Source,
    plan: &Plan,
    tools: (&mut Engine, &Ffmpeg, &mut Journal),
    observer: &dyn Observer,
) -> Result<FrameStore, Error> {
    let (engine, ffmpeg, journal) = tools;
    let batches = Batches::new(job, source, ffmpeg, engine, journal, observer)?;
    let mut previous: Option<(ContentHash, PathBuf)> = None;
    let mut steps = StepCount::new(plan, job);
    for (i, batch) in plan.batches().iter().enumerate() {
        observer.checkpoint()?;
        let product = format!("keyframes/batch-{i:04}");
        let chain = previous.take().filter(|_| !batch.anchors.is_empty());
        let key = batches.key(batch, chain.as_ref().map(|(key, _)| key));
        let anchors = job
            .work
            .join("anchors")
            .join(format!("batch-{i:04}.safetensors"));
        if journal.find(&product, &key).is_none() {
            let restored = match &chain {
                Some((_, path)) if steps.executed > 0 => Some(Anchors::read(path)?),
                _ => None,
            };
            let files = batches.run(engine, batch, restored.as_ref(), &anchors, &steps)?;
            journal.record(&product, &key, &files)?;
        }
        for &frame in &batch.new {
            observer.keyframe(frame, &batches.results.path(frame));
        }
        steps.done += steps.per_batch;
        observer.progress(steps.progress(0));
        previous = Some((key, anchors));
    }
    Ok(batches.results)
}

impl<'a> Batches<'a> {
    fn new(
        job: &'a Job,
        source: &'a Source,
        ffmpeg: &Ffmpeg,
        engine: &mut Engine,
        journal: &mut Journal,
        observer: &'a dyn Observer,
    ) -> Result<Self, Error> {
        let device = engine.device(&job.device)?;
        if device.is_fallback {
            let summary = "no usable GPU: this runs on the CPU and takes much longer".to_owned();
            observer.warning(Warning {
                summary,
                hint: None,
            });
        }
        let annotator = job.control.annotator();
        let folders = ModelFolders::resolve(&job.models, annotator.is_some())?;
        let models = folders.content_hash()?;
        observer.checkpoint()?;
        let text = Engine::text_model(&folders, &device.device)?;
        let prompts = PromptStates::new(&job.prompt, job.compat, &text, &device.device);
        drop(text);
        let denoiser = engine.denoiser(&folders, &device, device.network_dtype())?;
        if !denoiser.unknown.is_empty() {
            observer.warning(unknown_tensors(&denoiser.unknown));
        }
        let mut clips = Vec::new();
        for (i, _) in folders.controlnets.iter().enumerate() {
            clips.push(control_clip(job, i, source, ffmpeg, journal, observer)?);
        }
        let results = FrameStore::open(&job.work.join("keyframes"))?;
        let anchors = job.work.join("anchors");
        std::fs::create_dir_all(&anchors).map_err(|source| Error::Io {
            what: "create the folder",
            path: anchors,
            source,
        })?;
        Ok(Self {
            job,
            source,
            folders,
            device,
            prompts,
            annotator,
            clips,
            models,
            results,
            observer,
        })
    }

    fn key(&self, batch: &Batch, previous: Option<&ContentHash>) -> ContentHash {
        let job = self.job;
        let prompt = |&frame: &FrameIdx| prompt_of(&job.prompt, frame, job.compat);
        let nets = self.clips.iter().enumerate().map(|(i, clip)| {
            let spec = job.models.controlnets.get(i).cloned().unwrap_or_default();
            (
                spec.weight,
                spec.start,
                spec.end,
                clip.as_ref().map(|(_, hash)| hash),
            )
        });
        ContentHash::of_value(&BatchKey {
            version: VERSION,
            source: &self.source.key,
            models: &self.models,
            batch,
            prompts: batch.frames().iter().map(prompt).collect(),
            negative: &job.prompt.negative,
            compat: job.compat.is_some(),
            control: &job.control,
            controlnets: nets.collect(),
            sampling: &job.sampling,
            previous,
        })
    }

    /// Translates one batch and writes its pictures and anchors. A batch that comes out broken in half precision is
    /// repeated in full precision.
    fn run(
        &self,
        engine: &mut Engine,
        batch: &Batch,
        restored: Option<&Anchors>,
        anchor_path: &Path,
        steps: &StepCount,
    ) -> Result<Vec<PathBuf>, Error> {
        let frames: Vec<FrameIdx> = batch.frames();
        let sources = frames.iter().map(|&frame| self.source.frames.read(frame));
        let sources = sources.collect::<Result<Vec<Frame>, _>>()?;
        let mut dtype = self.device.network_dtype();
        let (pictures, anchors) = loop {
            let denoiser = engine.denoiser(&self.folders, &self.device, dtype)?;
            match self.denoise(denoiser, &frames, &sources, restored, steps) {
                Err(Error::NotFinite(_) | Error::FellFlat { .. }) if dtype != FloatDType::F32 => {
                    let summary =
                        "a batch came out broken in half precision and is repeated in full"
                            .to_owned();
                    self.observer.warning(Warning {
                        summary,
                        hint: None,
                    });
                    dtype = FloatDType::F32;
                }
                result => break result?,
            }
        };
        let mut files = Vec::new();
        for (&frame, picture) in frames.iter().zip(&pictures).skip(batch.anchors.len()) {
            self.results.write(frame, picture)?;
            files.push(self.results.path(frame));
        }
        if let Some(anchors) = anchors {
            anchors.write(anchor_path)?;
            files.push(anchor_path.to_owned());
        }
        Ok(files)
    }

    fn denoise(
        &self,
        denoiser: &Denoiser,
        frames: &[FrameIdx],
        sources: &[Frame],
        restored: Option<&Anchors>,
        steps: &StepCount,
    ) -> Result<(Vec<Frame>, Option<Anchors>), Error> {
        let device = &self.device.device;
        let sampling = self.sampling(denoiser)?;
        let input = BatchInput {
            source: conditions::source_latents(sources, denoiser, sampling.seed, device),
            text: self.prompts.of_frames(frames),
            controls: conditions::controls(
                self.job,
                self.control_images(frames, sources)?,
                denoiser,
            ),
            anchors: restored,
        };
        let newest = frames.len() - 1;
        let mut view = |step: usize, x0: &Tensor<4>| {
            self.observer.progress(steps.progress(step + 1));
            if self.observer.preview_wanted() {
                let pictures = conditions::decode(&x0.clone().narrow(0, newest, 1), denoiser)?;
                for picture in pictures {
                    self.observer.preview(frames[newest], Arc::new(picture));
                }
            }
            Ok(())
        };
        let (latents, anchors) = denoise(
            &input,
            &sampling,
            denoiser,
            &mut NoHook,
            self.observer,
            &mut view,
        )?;
        let pictures = conditions::decode(&latents, denoiser)?;
        let flat =
            |((_, picture), source): &((&FrameIdx, &Frame), &Frame)| fell_flat(picture, source);
        match frames.iter().zip(&pictures).zip(sources).find(flat) {
            Some(((&frame, _), _)) => Err(Error::FellFlat { frame }),
            None => Ok((pictures, anchors)),
        }
    }

    fn sampling(&self, denoiser: &Denoiser) -> Result<Sampling, Error> {
        let settings = &self.job.sampling;
        Ok(Sampling {
            sampler: settings.sampler,
            timesteps: denoiser.schedule.timesteps(settings.steps)?,
            warmup_steps: skipped_steps(settings),
            from_noise: settings.start == Start::Noise,
            guidance_scale: f64::from(settings.guidance_scale),
            seed: u64::from(settings.seed),
        })
    }

    /// For each `ControlNet` the control images of the frames, from its clip or from the source.
    fn control_images(
        &self,
        frames: &[FrameIdx],
        sources: &[Frame],
    ) -> Result<Vec<Tensor<4>>, Error> {
        let device = &self.device.device;
        let mut images = Vec::new();
        for clip in &self.clips {
            images.push(match (clip, self.annotator) {
                (Some((store, _)), _) => {
                    let read = frames.iter().map(|&frame| store.read(frame));
                    let pictures = read.collect::<Result<Vec<Frame>, _>>()?;
                    unit_from_frames(&pictures.iter().collect::<Vec<_>>(), device)
                }
                (None, Some(annotator)) => conditions::annotate(sources, annotator, device),
                (None, None) => return Err(Error::NoControlImage),
            });
        }
        Ok(images)
    }
}

fn skipped_steps(settings: &SamplingSettings) -> usize {
    match settings.start {
        Start::Noise => 0,
        Start::Source(strength) => warmup_steps(settings.steps, f64::from(strength)),
    }
}

/// Decodes the control clip of one `ControlNet`, or finds its frames from an earlier run.
fn control_clip(
    job: &Job,
    net: usize,
    source: &Source,
    ffmpeg: &Ffmpeg,
    journal: &mut Journal,
    observer: &dyn Observer,
) -> Result<Option<(FrameStore, ContentHash)>, Error> {
    let Some(path) = job
        .models
        .controlnets
        .get(net)
        .and_then(|spec| spec.clip.as_ref())
    else {
        return Ok(None);
    };
    let (range, size) = (source.analysis.range.clone(), source.analysis.size);
    let key = ContentHash::of_value(&(content_hash(path)?, &range, size));
    let product = format!("control-{net}");
    let store = FrameStore::open(&job.work.join(&product))?;
    if journal.find(&product, &key).is_none() {
        let info = video::probe(ffmpeg, path)?;
        let n_frames = TimestampIndex::read(ffmpeg, &info)?.len();
        if n_frames < range.end {
            return Err(Error::ControlClipTooShort {
                clip: path.clone(),
                n_frames,
                needed: range.end,
            });
        }
        let clip = Clip {
            ffmpeg,
            info: &info,
            range: range.clone(),
            size,
        };
        store_frames(&clip, &store, observer, |_| {})?;
        let files: Vec<PathBuf> = range.map(|i| store.path(FrameIdx(i))).collect();
        journal.record(&product, &key, &files)?;
    }
    Ok(Some((store, key)))
}

fn unknown_tensors(names: &[String]) -> Warning {
    let some = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    Warning {
        summary: format!(
            "the model's files hold {} tensors that are not used ({some}, …)",
            names.len()
        ),
        hint: Some("this is harmless where they are training leftovers".to_owned()),
    }
}

/// Counts denoising steps over all batches.
struct StepCount {
    done: usize,
    /// Steps that run in a batch; none at strength 0.
    executed: usize,
    per_batch: usize,
    total: usize,
}

impl StepCount {
    fn new(plan: &Plan, job: &Job) -> Self {
        let executed = job.sampling.steps - skipped_steps(&job.sampling);
        let per_batch = executed.max(1);
        Self {
            done: 0,
            executed,
            per_batch,
            total: per_batch * plan.batches().len(),
        }
    }

    fn progress(&self, in_batch: usize) -> Progress {
        Progress {
            done: self.done + in_batch,
            total: self.total,
            unit: Unit::Steps,
        }
    }
}
