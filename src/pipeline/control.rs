//! The control images that a job's `ControlNets` look at: drawn from the source, or from a clip of their own.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::analyse::{Clip, Source, content_hash, store_frames, usable_timestamps};
use super::denoise::Control;
use super::engine::Denoiser;
use super::error::Error;
use super::job::{ControlNetSpec, Job};
use super::journal::Journal;
use super::observer::Observer;
use crate::annotators::{Annotator, ControlImage};
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx, WorkingSize};
use crate::tensor::image::{unit_from_frames, unit_from_maps};
use crate::tensor::{Device, Tensor};
use crate::video::{self, Ffmpeg, FrameStore};

/// How every `ControlNet` of a job is fed, in the order of the job.
pub struct ControlSource {
    nets: Vec<ControlNetInput>,
    annotator: Option<Annotator>,
    strength: f32,
}

struct ControlNetInput {
    spec: ControlNetSpec,
    clip: Option<ControlClip>,
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
}

impl ControlSource {
    /// Prepares `n_nets` networks: those the job names, or the model's own. Clips of control images are decoded, or found
    /// from an earlier run.
    ///
    /// # Errors
    /// [`Error::NoControlImage`] for a network with neither clip nor annotator, [`Error::ControlClipTooShort`], and
    /// whatever decoding gives.
    pub fn new(
        job: &Job,
        n_nets: usize,
        source: &Source,
        tools: (&Ffmpeg, &mut Journal),
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let (ffmpeg, journal) = tools;
        let annotator = job.control.annotator();
        let mut nets = Vec::new();
        for net in 0..n_nets {
            let spec = job.models.controlnets.get(net).cloned().unwrap_or_default();
            let clip = match &spec.clip {
                None if annotator.is_none() => return Err(Error::NoControlImage),
                None => None,
                Some(path) => {
                    let folder = job.work.join(format!("control-{net}"));
                    let clip = (path.as_path(), folder.as_path());
                    Some(ControlClip::decode(
                        clip,
                        source,
                        (ffmpeg, &mut *journal),
                        observer,
                    )?)
                }
            };
            nets.push(ControlNetInput { spec, clip });
        }
        Ok(Self {
            nets,
            annotator,
            strength: job.control.strength,
        })
    }

    /// Prepares `n_nets` networks for one frame alone.
    ///
    /// # Errors
    /// [`Error::NoControlImage`] for a network with neither clip nor annotator, and whatever reading a clip gives.
    pub fn of_frame(
        job: &Job,
        n_nets: usize,
        (frame, size): (FrameIdx, WorkingSize),
        ffmpeg: &Ffmpeg,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let annotator = job.control.annotator();
        let mut nets = Vec::new();
        for net in 0..n_nets {
            let spec = job.models.controlnets.get(net).cloned().unwrap_or_default();
            let clip = match &spec.clip {
                None if annotator.is_none() => return Err(Error::NoControlImage),
                None => None,
                Some(path) => {
                    let info = video::probe(ffmpeg, path)?;
                    let range = frame.0..frame.0 + 1;
                    let clip = Clip {
                        ffmpeg,
                        info: &info,
                        range,
                        size: size.size(),
                    };
                    let frames = FrameStore::open(&job.work.join(format!("trial-control-{net}")))?;
                    store_frames(&clip, &frames, observer, |_| {})?;
                    let key = ContentHash::of_value(&frame);
                    Some(ControlClip { frames, key })
                }
            };
            nets.push(ControlNetInput { spec, clip });
        }
        Ok(Self {
            nets,
            annotator,
            strength: job.control.strength,
        })
    }

    /// What the pictures of a batch depend on.
    #[must_use]
    pub fn keys(&self) -> Vec<ControlKey<'_>> {
        self.nets.iter().map(ControlNetInput::key).collect()
    }

    /// Embeds the control images of a batch for every network.
    ///
    /// # Errors
    /// [`Error::Video`] if a frame of a clip cannot be read.
    pub fn controls(
        &self,
        frames: &[FrameIdx],
        sources: &[Frame],
        denoiser: &Denoiser,
        device: &Device,
    ) -> Result<Vec<Control>, Error> {
        let drawn = self
            .annotator
            .map(|annotator| annotate(sources, annotator, device));
        let mut controls = Vec::new();
        for (net, input) in denoiser.controlnets.iter().zip(&self.nets) {
            let images = match (&input.clip, &drawn) {
                (Some(clip), _) => clip.images(frames, device)?,
                (None, Some(drawn)) => drawn.clone(),
                (None, None) => return Err(Error::NoControlImage),
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

impl ControlNetInput {
    fn key(&self) -> ControlKey<'_> {
        ControlKey {
            weight: self.spec.weight,
            start: self.spec.start,
            end: self.spec.end,
            clip: self.clip.as_ref().map(|clip| &clip.key),
        }
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

/// Control images of frames in `[0, 1]`: `[n, 3, height, width]`.
fn annotate(frames: &[Frame], annotator: Annotator, device: &Device) -> Tensor<4> {
    let images: Vec<ControlImage> = frames
        .iter()
        .map(|frame| annotator.annotate(frame))
        .collect();
    let maps: Vec<&[f32]> = images.iter().map(ControlImage::values).collect();
    unit_from_maps(&maps, frames[0].size(), device)
}
