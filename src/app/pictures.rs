//! Which pictures the viewer shows, and which the media thread is asked for.

use std::sync::Arc;

use super::state::{AppState, KeyframePreview, Project, TrialState};
use super::view::{Overlay, ViewerMode};
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::job::ControlKind;
use crate::worker::message::{
    ControlLook, MediaRequest, OverlayKey, OverlayKind, OverlaySpec, PictureKey, Plan,
};

/// Frames that are decoded ahead while playing.
const AHEAD: usize = 24;

/// What stands for the result of a frame.
#[derive(Clone, Debug)]
pub enum ResultPicture {
    /// A finished picture.
    Finished(PictureKey),
    /// How an unfinished keyframe looks now.
    Preview(KeyframePreview),
    /// The answer to a *try*.
    Trial(Arc<Frame>),
    /// Nothing: the source is shown, dimmed.
    None,
}

impl ResultPicture {
    /// What the tag on the picture says; nothing for a finished one.
    #[must_use]
    pub fn tag(&self) -> Option<String> {
        match self {
            Self::Finished(_) => None,
            Self::Preview(preview) if preview.n_steps == 0 => Some("working".to_owned()),
            Self::Preview(preview) => Some(format!("step {} of {}", preview.step, preview.n_steps)),
            Self::Trial(_) => Some("try".to_owned()),
            Self::None => Some("source".to_owned()),
        }
    }
}

impl Project {
    /// What stands for the result of a frame: a *try* of it, else its preview, else its finished picture.
    #[must_use]
    pub fn result_picture(&self, frame: FrameIdx) -> ResultPicture {
        let trial = self.trial.as_ref().filter(|trial| trial.frame == frame);
        match trial.map(|trial| &trial.state) {
            Some(TrialState::Done(picture)) => return ResultPicture::Trial(Arc::clone(picture)),
            Some(TrialState::Working(Some(preview))) => {
                return ResultPicture::Preview(preview.clone());
            }
            _ => {}
        }
        if let Some(preview) = self.results.previews.get(&frame) {
            return ResultPicture::Preview(preview.clone());
        }
        match self.result_key(frame) {
            Some(key) => ResultPicture::Finished(key),
            None => ResultPicture::None,
        }
    }

    /// The finished picture of a frame.
    #[must_use]
    pub fn result_key(&self, frame: FrameIdx) -> Option<PictureKey> {
        if let Some(result) = self.results.keyframes.get(&frame) {
            return Some(PictureKey::File(result.path.clone(), result.version));
        }
        let path = self.results.filled.get(&frame)?;
        Some(PictureKey::File(path.clone(), self.results.version))
    }

    /// The control image of a frame with the settings as they are; nothing if there is none, or only a network can draw it.
    #[must_use]
    pub fn control_key(&self, frame: FrameIdx) -> Option<PictureKey> {
        let spec = &self.edits.spec;
        let canny = match spec.control {
            ControlKind::SoftEdges => None,
            ControlKind::Canny => Some((spec.canny.low, spec.canny.high)),
            // A network would be too slow to look at while a slider moves.
            ControlKind::Hed | ControlKind::Depth | ControlKind::None => return None,
        };
        let short_side = super::settings::short_side(spec);
        Some(PictureKey::Control(
            frame,
            ControlLook { canny, short_side },
        ))
    }
}

impl Project {
    /// The overlay of a frame that the engine makes, if one is chosen and there is something to compare the frame with.
    #[must_use]
    pub fn overlay_key(&self, frame: FrameIdx, plan: Option<&Plan>) -> Option<OverlayKey> {
        let kind = self.view.overlay.kind()?;
        let other = match kind {
            OverlayKind::Saliency => frame,
            OverlayKind::Flow | OverlayKind::Occlusion => counterpart(frame, plan?)?,
        };
        let spec = &self.edits.spec;
        Some(OverlayKey {
            kind,
            frame,
            other,
            short_side: super::settings::short_side(spec),
            compat: spec.compat,
        })
    }

    /// What the engine needs for an overlay; nothing before the source is known.
    #[must_use]
    pub fn overlay_spec(&self, key: OverlayKey) -> Option<OverlaySpec> {
        Some(OverlaySpec {
            key,
            info: self.source.info.clone()?,
            times: self.source.times.clone()?,
            device: self.edits.spec.device.clone(),
        })
    }
}

/// The frame of the same shot that a frame is compared with: of a keyframe the next keyframe, as guidance does it, else the
/// next frame, as in-betweens follow it; at the end of a shot the one before.
fn counterpart(frame: FrameIdx, plan: &Plan) -> Option<FrameIdx> {
    let shot = plan.shots().iter().find(|shot| shot.contains(frame))?;
    let keyframes = plan.keyframes();
    let (next, before) = match keyframes.binary_search(&frame) {
        Ok(at) => (
            keyframes.get(at + 1).copied(),
            at.checked_sub(1).map(|at| keyframes[at]),
        ),
        Err(_) => (
            Some(FrameIdx(frame.0 + 1)),
            frame.0.checked_sub(1).map(FrameIdx),
        ),
    };
    let found = [next, before].into_iter().flatten();
    found.into_iter().find(|other| shot.contains(*other))
}

/// Whether the source is shown in place of the result.
#[must_use]
pub fn shows_source_only(project: &Project) -> bool {
    project.view.hold_source || project.view.mode == ViewerMode::Source
}

/// The pictures that are to be shown now, most wanted first; the one at the playhead leads.
#[must_use]
pub fn wanted(state: &AppState) -> MediaRequest {
    let Some(project) = &state.project else {
        return MediaRequest::default();
    };
    if project.source.times.is_none() {
        return MediaRequest::default();
    }
    let frame = project.view.playhead;
    let source = PictureKey::Source(frame);
    let result = match project.result_picture(frame) {
        ResultPicture::Finished(key) => Some(key),
        _ => None,
    };
    let mut keys = match (shows_source_only(project), project.view.mode, result) {
        (true, ..) | (_, _, None) => vec![source],
        (false, ViewerMode::Result, Some(key)) => vec![key],
        (false, _, Some(key)) => vec![source, key],
    };
    if project.view.overlay == Overlay::Control {
        keys.extend(project.control_key(frame));
    }
    let forwards = project.view.playback.speed > 0.0;
    MediaRequest {
        wanted: keys,
        ahead: if forwards { AHEAD } else { 0 },
    }
}
