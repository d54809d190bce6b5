//! The control images that a job's `ControlNets` look at: drawn from the source, or from a clip of their own.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::analyse::{Clip, Source, content_hash, store_frames, usable_timestamps};
use super::annotator::ReadyAnnotator;
use super::compat::Choices;
use super::denoise::Control;
use super::depth::{DepthSamples, DepthStyle};
use super::engine::{Denoiser, Engine};
use super::error::Error;
use super::job::{ControlNetSpec, Job};
use super::journal::Journal;
use super::observer::Observer;
use crate::annotators::Annotator;
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx, WorkingSize};
use crate::tensor::image::unit_from_frames;
use crate::tensor::{Device, Tensor};
use crate::video::{self, Ffmpeg, FrameStore};

/// How every `ControlNet` of a job is fed, in the order of the job.
pub struct ControlSource {
    nets: Vec<ControlNetInput>,
    /// Those that draw, each once for all the networks that it draws for.
    annotators: Vec<ReadyAnnotator>,
    /// What draws where a network has no control of its own.
    usual: Option<Annotator>,
    strength: f32,
}

/// What draws the control images of a job, made ready. `samples` are of the clip.
///
/// # Errors
/// As [`ReadyAnnotator::new`].
pub fn annotators(
    job: &Job,
    engine: &Engine,
    device: &Device,
    samples: DepthSamples<'_>,
) -> Result<Vec<ReadyAnnotator>, Error> {
    let choices = Choices::of(job.compat);
    let depth = DepthStyle {
        preferred: choices.depth_network,
        scale: choices.depth_scale,
        samples,
    };
    let ready = |annotator| ReadyAnnotator::new(annotator, engine.places(), depth, device);
    let wanted = ReadyAnnotator::wanted(&job.models, &job.control);
    wanted.into_iter().map(ready).collect()
}

struct ControlNetInput {
    spec: ControlNetSpec,
    shown: Shown,
}

/// What a `ControlNet` looks at.
enum Shown {
    /// What the annotator at this place draws.
    Drawn(usize),
    Clip(ControlClip),
}

struct ControlClip {
    frames: FrameStore,
    key: ContentHash,
}

/// All that determines what one `ControlNet` adds, its weights apart.
#[derive(Serialize)]
pub struct ControlKey<'a> {
    weight: f32,
    start: f32,
    end: f32,
    clip: Option<&'a ContentHash>,
    /// What draws for it, where that is not the control of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn_by: Option<Annotator>,
    /// Weights of the network that draws for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    annotator: Option<&'a ContentHash>,
}

impl ControlSource {
    /// Prepares `n_nets` networks: those the job names, or the model's own, and the [`annotators`] that draw for them.
    /// Clips of control images are decoded, or found from an earlier run.
    ///
    /// # Errors
    /// [`Error::NoControlImage`] for a network with nothing to look at, [`Error::ControlClipTooShort`], and
    /// whatever decoding gives.
    pub fn new(
        job: &Job,
        control: (Vec<ReadyAnnotator>, usize),
        source: &Source,
        tools: (&Ffmpeg, &mut Journal),
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let (ffmpeg, journal) = tools;
        Self::fed(job, control, |net, path| {
            let folder = job.work.join(format!("control-{net}"));
            let clip = (path, folder.as_path());
            ControlClip::decode(clip, source, (ffmpeg, &mut *journal), observer)
        })
    }

    /// Prepares `n_nets` networks for one frame alone.
    ///
    /// # Errors
    /// [`Error::NoControlImage`] for a network with nothing to look at, and whatever reading a clip gives.
    pub fn of_frame(
        job: &Job,
        control: (Vec<ReadyAnnotator>, usize),
        (frame, size): (FrameIdx, WorkingSize),
        ffmpeg: &Ffmpeg,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        Self::fed(job, control, |net, path| {
            let info = video::probe(ffmpeg, path)?;
            let clip = Clip {
                ffmpeg,
                info: &info,
                range: frame.0..frame.0 + 1,
                size: size.size(),
            };
            let frames = FrameStore::open(&job.work.join(format!("trial-control-{net}")))?;
            store_frames(&clip, &frames, observer, |_| {})?;
            let key = ContentHash::of_value(&frame);
            Ok(ControlClip { frames, key })
        })
    }

    /// `n_nets` networks, with `clip` of those that have a clip of their own.
    fn fed(
        job: &Job,
        (annotators, n_nets): (Vec<ReadyAnnotator>, usize),
        mut clip: impl FnMut(usize, &Path) -> Result<ControlClip, Error>,
    ) -> Result<Self, Error> {
        let named = |net: usize| job.models.controlnets.get(net).cloned();
        let place = |annotator: Annotator| {
            let mut ready = annotators.iter();
            ready.position(|ready| ready.annotator() == annotator)
        };
        let net = |net: usize| {
            let spec = named(net).unwrap_or_default();
            let shown = if let Some(path) = &spec.clip {
                Shown::Clip(clip(net, path)?)
            } else {
                let place = job.control.annotator(&spec).and_then(place);
                Shown::Drawn(place.ok_or(Error::NoControlImage)?)
            };
            Ok::<_, Error>(ControlNetInput { spec, shown })
        };
        Ok(Self {
            nets: (0..n_nets).map(net).collect::<Result<_, _>>()?,
            annotators,
            usual: job.control.annotator(&ControlNetSpec::default()),
            strength: job.control.strength,
        })
    }

    /// What the pictures of a batch depend on.
    #[must_use]
    pub fn keys(&self) -> Vec<ControlKey<'_>> {
        self.nets.iter().map(|net| self.key(net)).collect()
    }

    fn key<'a>(&'a self, net: &'a ControlNetInput) -> ControlKey<'a> {
        let (clip, annotator) = match &net.shown {
            Shown::Clip(clip) => (Some(&clip.key), None),
            Shown::Drawn(place) => (None, Some(&self.annotators[*place])),
        };
        let drawn_by = annotator.map(ReadyAnnotator::annotator);
        ControlKey {
            weight: net.spec.weight,
            start: net.spec.start,
            end: net.spec.end,
            clip,
            drawn_by: drawn_by.filter(|_| drawn_by != self.usual),
            annotator: annotator.and_then(ReadyAnnotator::weights),
        }
    }

    /// Which networks draw, for people.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.annotators.iter().filter_map(ReadyAnnotator::note)
    }

    /// Embeds the control images of a batch for every network. Each annotator draws once.
    ///
    /// # Errors
    /// [`Error::Video`] if a frame of a clip cannot be read, [`Error::Values`] if a network draws what is no picture.
    pub fn controls(
        &self,
        frames: &[FrameIdx],
        sources: &[Frame],
        denoiser: &Denoiser,
        device: &Device,
    ) -> Result<Vec<Control>, Error> {
        let draw = |annotator: &ReadyAnnotator| annotator.draw(sources, device);
        let drawn = self.annotators.iter().map(draw);
        let drawn = drawn.collect::<Result<Vec<_>, _>>()?;
        let mut controls = Vec::new();
        for (net, input) in denoiser.controlnets.iter().zip(&self.nets) {
            let images = match &input.shown {
                Shown::Clip(clip) => clip.images(frames, device)?,
                Shown::Drawn(place) => drawn[*place].clone(),
            };
            let ControlNetSpec {
                weight, start, end, ..
            } = input.spec;
            controls.push(Control {
                embedded: net.embed(images.cast(denoiser.dtype)),
                conditioning_scale: weight * self.strength,
                start,
                end,
            });
        }
        Ok(controls)
    }
}

impl ControlClip {
    /// Decodes `(clip, folder)`'s clip into the folder, for the frames that the job covers.
    fn decode(
        (path, folder): (&Path, &Path),
        source: &Source,
        (ffmpeg, journal): (&Ffmpeg, &mut Journal),
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let (range, size) = (source.analysis.range.clone(), source.analysis.size);
        let key = ContentHash::of_value(&(content_hash(path)?, &range, size));
        let product = folder.file_name().unwrap_or_default().to_string_lossy();
        let frames = FrameStore::open(folder)?;
        if journal.find(&product, &key).is_none() {
            let info = video::probe(ffmpeg, path)?;
            let n_frames = usable_timestamps(ffmpeg, &info, Some(range.end), observer)?.len();
            if n_frames < range.end {
                let (clip, needed) = (path.to_owned(), range.end);
                return Err(Error::ControlClipTooShort {
                    clip,
                    n_frames,
                    needed,
                });
            }
            let clip = Clip {
                ffmpeg,
                info: &info,
                range: range.clone(),
                size,
            };
            store_frames(&clip, &frames, observer, |_| {})?;
            let files: Vec<PathBuf> = range.map(|i| frames.path(FrameIdx(i))).collect();
            journal.record(&product, &key, &files)?;
        }
        Ok(Self { frames, key })
    }

    /// `[n, 3, height, width]` in `[0, 1]`.
    fn images(&self, frames: &[FrameIdx], device: &Device) -> Result<Tensor<4>, Error> {
        let read = frames.iter().map(|&frame| self.frames.read(frame));
        let pictures = read.collect::<Result<Vec<Frame>, _>>()?;
        Ok(unit_from_frames(
            &pictures.iter().collect::<Vec<_>>(),
            device,
        ))
    }
}
