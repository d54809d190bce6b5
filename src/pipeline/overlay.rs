//! What can be laid over a frame in the viewer: its motion towards another frame, what of it has no counterpart there,
//! and what stands out in it. Made by the helpers that also serve a translation, at its working size.

use std::sync::Arc;

use super::compat::Choices;
use super::engine::Engine;
use super::error::Error;
use super::helpers::Helpers;
use super::job::{Compat, DeviceChoice};
use super::observer::Observer;
use crate::flow::{FlowField, FlowRing};
use crate::frame::{Frame, FrameIdx, Size, resize, working_size};
use crate::tensor::Device;
use crate::tensor::read::host_values;
use crate::video::{TimestampIndex, VideoInfo, frame_at};

/// Colour of what has no counterpart.
pub const UNMATCHED: [u8; 3] = [255, 64, 64];

/// Part of the picture's short side that a pixel moves in full colour.
const FULL_PART: f32 = 1.0 / 16.0;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OverlayKind {
    /// Where each pixel goes.
    Flow,
    /// Which pixels cannot be found in the other frame.
    Occlusion,
    /// What people look at; the rest is background.
    Saliency,
}

/// All that the picture of an overlay depends on, besides the video and the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OverlayKey {
    /// What is shown.
    pub kind: OverlayKind,
    /// The frame that it lies over.
    pub frame: FrameIdx,
    /// The frame that it is compared with; itself for what needs no other.
    pub other: FrameIdx,
    /// Short side at which it is made.
    pub short_side: u32,
    /// Whose choices are followed.
    pub compat: Option<Compat>,
}

/// An overlay, and what it is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct OverlaySpec {
    /// Which.
    pub key: OverlayKey,
    /// The source.
    pub info: Arc<VideoInfo>,
    /// When its frames are shown.
    pub times: Arc<TimestampIndex>,
    /// Where networks run.
    pub device: DeviceChoice,
}

/// Makes the picture of an overlay, with the helpers from the models folder or what stands in for them. Nothing of it is
/// kept.
///
/// # Errors
/// [`Error::Video`] if a frame cannot be read, [`Error::Device`], [`Error::Model`] or [`Error::Values`] for a network that
/// cannot be used, [`Error::Cancelled`].
pub fn overlay(
    spec: &OverlaySpec,
    engine: &mut Engine,
    observer: &dyn Observer,
) -> Result<Frame, Error> {
    let OverlayKey {
        kind,
        frame,
        other,
        short_side,
        compat,
    } = spec.key;
    let ffmpeg = engine.ffmpeg()?;
    let size = working_size(spec.info.display_size, short_side).size();
    let read = |frame| -> Result<Frame, Error> {
        observer.checkpoint()?;
        let picture = frame_at(&ffmpeg, &spec.info, &spec.times, frame)?;
        Ok(resize(&picture, size))
    };
    let mut frames = vec![read(frame)?];
    if kind != OverlayKind::Saliency {
        frames.push(read(other)?);
    }
    observer.checkpoint()?;
    let device = engine.device(&spec.device)?.device;
    let places = engine.places();
    let mut helpers = Helpers::find(places, &device, observer);
    if kind == OverlayKind::Saliency {
        let choices = Choices::of(compat);
        helpers = helpers.with_saliency(places, &choices, &device, observer);
    }
    observer.checkpoint()?;
    draw(kind, &frames, &helpers, &device)
}

/// Draws an overlay of the first frame; the second one is the other.
fn draw(
    kind: OverlayKind,
    frames: &[Frame],
    helpers: &Helpers,
    device: &Device,
) -> Result<Frame, Error> {
    if kind == OverlayKind::Saliency {
        return salient(&frames[0], helpers, device);
    }
    let pairs = helpers.flow.consecutive(frames, device)?;
    let [there, back] = &pairs[0];
    if kind == OverlayKind::Flow {
        return Ok(coloured(there));
    }
    // In a ring of two, each frame is the other's successor.
    let (forward, backward) = ([there.clone(), back.clone()], [back.clone(), there.clone()]);
    let ring = FlowRing::from_fields(frames, &forward, &backward, device);
    let hidden = host_values(ring.forward_occlusion)?;
    let size = frames[0].size();
    Ok(Frame::from_fn(size, |x, y| {
        let is_hidden = hidden[index(size, x, y)] > 0.5;
        if is_hidden { UNMATCHED } else { [0; 3] }
    }))
}

fn index(size: Size, x: u32, y: u32) -> usize {
    y as usize * size.width as usize + x as usize
}

/// Bright where people look, at the size of the frame.
fn salient(frame: &Frame, helpers: &Helpers, device: &Device) -> Result<Frame, Error> {
    let masks = helpers
        .saliency(device)?
        .masks(std::slice::from_ref(frame), device)?;
    let [_, _, height, width] = masks.dims();
    let size = Size {
        width: width as u32,
        height: height as u32,
    };
    let values = host_values(masks)?;
    let mask = Frame::from_fn(size, |x, y| {
        let value = values[index(size, x, y)];
        [(value * 255.0).round().clamp(0.0, 255.0) as u8; 3]
    });
    Ok(resize(&mask, frame.size()))
}

fn coloured(flow: &FlowField) -> Frame {
    let size = flow.size();
    let full = full_colour(size.width.min(size.height));
    Frame::from_fn(size, |x, y| flow_colour(flow.at(x, y), full))
}

/// How far a pixel moves in full colour, in pixels of a picture with this short side.
#[must_use]
pub fn full_colour(short_side: u32) -> f32 {
    short_side as f32 * FULL_PART
}

/// The colour of a motion, of which a length of `full` pixels has full strength: black is still, red goes right, green
/// down, cyan left and violet up. The strength is the root of the length, so that slow motion is seen beside fast.
#[must_use]
pub fn flow_colour([x, y]: [f32; 2], full: f32) -> [u8; 3] {
    let strength = (x.hypot(y) / full.max(f32::MIN_POSITIVE))
        .sqrt()
        .clamp(0.0, 1.0);
    let sixths = y.atan2(x).rem_euclid(std::f32::consts::TAU) / std::f32::consts::TAU * 6.0;
    // Distance of the hue from red, green and blue on the circle, where a third is two sixths.
    [0.0, 2.0, 4.0].map(|primary: f32| {
        let apart = (sixths - primary).abs();
        let apart = apart.min(6.0 - apart);
        ((2.0 - apart).clamp(0.0, 1.0) * strength * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::library::Places;
    use crate::pipeline::observer::{Cancelled, Progress, Stage, Warning};
    use crate::pipeline::plan::Plan;

    struct Nobody;

    impl Observer for Nobody {
        fn checkpoint(&self) -> Result<(), Cancelled> {
            Ok(())
        }
        fn started(&self, _: &Plan) {}
        fn stage(&self, _: Stage) {}
        fn progress(&self, _: Progress) {}
        fn keyframe(&self, _: FrameIdx, _: &std::path::Path) {}
        fn preview_wanted(&self) -> bool {
            false
        }
        fn preview(&self, _: FrameIdx, _: Arc<Frame>) {}
        fn warning(&self, _: Warning) {}
    }

    const SIZE: Size = Size {
        width: 128,
        height: 64,
    };
    const SHIFT: u32 = 6;

    /// A texture without repetition, moved to the right by some pixels.
    fn texture(shift: u32) -> Frame {
        Frame::from_fn(SIZE, |x, y| {
            let (x, y) = (f64::from(x) - f64::from(shift), f64::from(y));
            let wave = |a: f64, b: f64| ((x * a + y * b).sin() * 60.0 + 128.0) as u8;
            [wave(0.21, 0.13), wave(0.11, -0.29), wave(0.07, 0.19)]
        })
    }

    fn drawn(kind: OverlayKind, frames: &[Frame]) -> Frame {
        let device = Device::flex();
        let helpers = Helpers::find(&Places::default(), &device, &Nobody);
        draw(kind, frames, &helpers, &device).unwrap()
    }

    fn mean(frame: &Frame, columns: std::ops::Range<u32>) -> [f64; 3] {
        let rows = 8..SIZE.height - 8;
        let n = f64::from(columns.end - columns.start) * f64::from(rows.end - rows.start);
        let mut sum = [0.0; 3];
        for y in rows {
            for x in columns.clone() {
                for (sum, value) in sum.iter_mut().zip(frame.at(x, y)) {
                    *sum += f64::from(value) / n;
                }
            }
        }
        sum
    }

    #[test]
    fn motion_to_the_right_is_red_and_none_is_black() {
        let moved = drawn(OverlayKind::Flow, &[texture(0), texture(SHIFT)]);
        let [r, g, b] = mean(&moved, 16..112);
        // Six pixels are more than a sixteenth of 64.
        assert!(r > 230.0 && g < 60.0 && b < 60.0, "{r} {g} {b}");
        let back = drawn(OverlayKind::Flow, &[texture(SHIFT), texture(0)]);
        let [r, g, b] = mean(&back, 16..112);
        assert!(r < 60.0 && g > 200.0 && b > 200.0, "{r} {g} {b}");
        let still = drawn(OverlayKind::Flow, &[texture(0), texture(0)]);
        assert!(mean(&still, 0..128).iter().all(|value| *value < 10.0));
    }

    #[test]
    fn what_leaves_the_picture_has_no_counterpart() {
        let hidden = drawn(OverlayKind::Occlusion, &[texture(0), texture(SHIFT)]);
        let at_the_edge = mean(&hidden, 128 - SHIFT + 1..128)[0];
        let inside = mean(&hidden, 16..112)[0];
        assert!(
            at_the_edge > 200.0 && inside < 10.0,
            "{at_the_edge} {inside}"
        );
    }

    #[test]
    fn a_thing_on_plain_ground_stands_out() {
        let inside = |x: u32, y: u32| (44..84).contains(&x) && (16..48).contains(&y);
        let thing = Frame::from_fn(SIZE, |x, y| {
            if inside(x, y) {
                [220, 60, 40]
            } else {
                [90, 120, 90]
            }
        });
        let mask = drawn(OverlayKind::Saliency, &[thing]);
        assert_eq!(mask.size(), SIZE);
        assert!(mean(&mask, 52..76)[0] > 150.0);
        assert!(mean(&mask, 0..32)[0] < 60.0);
    }

    #[test]
    fn the_four_directions_have_the_colours_of_the_legend() {
        let full = full_colour(512);
        assert!((full - 32.0).abs() < f32::EPSILON);
        assert_eq!(flow_colour([full, 0.0], full), [255, 0, 0]);
        assert_eq!(flow_colour([0.0, 2.0 * full], full), [128, 255, 0]);
        assert_eq!(flow_colour([-full, 0.0], full), [0, 255, 255]);
        assert_eq!(flow_colour([0.0, -full], full), [128, 0, 255]);
        assert_eq!(flow_colour([0.0, 0.0], full), [0; 3]);
        assert_eq!(flow_colour([full / 4.0, 0.0], full), [128, 0, 0]);
    }
}
