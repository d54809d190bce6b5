//! Rough pictures of a batch while it is denoised: by a small decoder if there is one, else the colours of the latents.

use std::sync::Arc;

use super::error::Error;
use super::observer::{Observer, StepOf, Warning};
use crate::diffusion::latents::LatentColours;
use crate::frame::{Frame, FrameIdx, Size};
use crate::models::catalog::ModelFolder;
use crate::models::library::{Helper, Places};
use crate::models::tiny_vae::TinyDecoder;
use crate::tensor::image::frames_from_signed;
use crate::tensor::read::host_values;
use crate::tensor::{Device, Tensor};

/// Shows a batch's keyframes after each step, if anybody looks.
pub struct Previewer<'a> {
    /// Places of the frames in the video, anchors first.
    frames: &'a [FrameIdx],
    /// How many of them are anchors, which are finished.
    n_anchors: usize,
    sources: &'a [Frame],
    /// Latents of the sources `[n, 4, h, w]`.
    source: Tensor<4>,
    /// Fitted when first looked at.
    colours: Option<LatentColours>,
    decoder: Option<&'a TinyDecoder>,
}

/// The small decoder, where its weights are there and it speaks the model's latents: the demo model has its own. Weights that
/// cannot be used are warned of.
pub fn find_decoder(
    places: &Places,
    vae: &ModelFolder,
    device: &Device,
    observer: &dyn Observer,
) -> Option<TinyDecoder> {
    let is_own = matches!(vae, ModelFolder::Bundled(_));
    if is_own {
        return None;
    }
    let file = places.helper(Helper::TinyVae)?;
    let warn = |error| {
        observer.warning(Warning {
            summary: format!("previews stay rough: {error}"),
            hint: None,
        });
    };
    TinyDecoder::load(&file, device)
        .map(|(decoder, _)| decoder)
        .map_err(warn)
        .ok()
}

impl<'a> Previewer<'a> {
    /// Of the frames of a batch, whose pictures and latents `[n, 4, h, w]` are `sources` and `source`.
    #[must_use]
    pub fn new(
        frames: &'a [FrameIdx],
        n_anchors: usize,
        (sources, source): (&'a [Frame], Tensor<4>),
    ) -> Self {
        Self {
            frames,
            n_anchors,
            sources,
            source,
            colours: None,
            decoder: None,
        }
    }

    /// The same, with pictures made by a small decoder.
    #[must_use]
    pub fn with_decoder(self, decoder: Option<&'a TinyDecoder>) -> Self {
        Self { decoder, ..self }
    }

    /// Shows predicted clean latents `[n, 4, h, w]`.
    ///
    /// # Errors
    /// [`Error::Values`] if they are infinite or not a number.
    pub fn show(
        &mut self,
        step: StepOf,
        latents: &Tensor<4>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let [n, channels, ..] = latents.dims();
        if !observer.preview_wanted() || channels != 4 {
            return Ok(());
        }
        let latents = latents
            .clone()
            .narrow(0, self.n_anchors, n - self.n_anchors);
        let pictures = match self.decoder {
            Some(decoder) => decoded(&latents, decoder)?,
            None => self.coloured(latents)?,
        };
        let frames = self.frames[self.n_anchors..].iter().copied();
        observer.batch_preview(
            step,
            frames.zip(pictures.into_iter().map(Arc::new)).collect(),
        );
        Ok(())
    }

    /// Pictures of an eighth of the size.
    fn coloured(&mut self, latents: Tensor<4>) -> Result<Vec<Frame>, Error> {
        let [_, channels, height, width] = latents.dims();
        let size = Size {
            width: width as u32,
            height: height as u32,
        };
        let colours = if let Some(colours) = self.colours.take() {
            colours
        } else {
            let pictures: Vec<&Frame> = self.sources.iter().collect();
            let values = host_values(self.source.clone())?;
            LatentColours::fit(&pictures, &values, size)
        };
        let values = host_values(latents)?;
        let of_each = values.chunks_exact(channels * size.area());
        let pictures = of_each.map(|latents| colours.view(latents, size)).collect();
        self.colours = Some(colours);
        Ok(pictures)
    }
}

/// One picture at a time, as that is little memory.
fn decoded(latents: &Tensor<4>, decoder: &TinyDecoder) -> Result<Vec<Frame>, Error> {
    let decode = |latents: Tensor<4>| frames_from_signed(decoder.forward(latents));
    let pictures: Vec<Vec<Frame>> = latents
        .clone()
        .split(1, 0)
        .into_iter()
        .map(decode)
        .collect::<Result<_, _>>()?;
    Ok(pictures.concat())
}
