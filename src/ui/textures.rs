//! Pictures on the window's graphics device: those that the media thread decoded, and those that
//! the state holds.
//!
//! Panels ask for what they draw in this frame; what is missing is gathered into one request, the
//! most wanted first. What was not drawn for longest leaves when room is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{ColorImage, Context, TextureHandle, TextureId, TextureOptions};

use crate::frame::{Frame, Size};
use crate::worker::message::{
    MediaPicture, MediaRequest, OverlayKey, OverlayPicture, PictureKey, Report,
};

/// Room for pictures, in bytes.
const ROOM: usize = 384 << 20;
/// Bytes of a pixel: four on the device and three in memory.
const PIXEL_BYTES: usize = 7;

/// A picture on the device.
struct Entry {
    texture: TextureHandle,
    frame: Arc<Frame>,
    used_at: u64,
    /// Whether the picture proper is still to come.
    is_stand_in: bool,
}

impl Entry {
    fn n_bytes(&self) -> usize {
        self.frame.size().area() * PIXEL_BYTES
    }
}

/// Names what another thread makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Picture(PictureKey),
    Overlay(OverlayKey),
}

/// Names what is made on the spot: pictures that the state holds, and differences of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    /// By its address, which cannot be used again as long as the picture is kept here.
    Shared(usize),
    Difference(usize, usize, u8),
}

/// The cache.
#[derive(Default)]
pub struct Textures {
    pictures: BTreeMap<Name, Entry>,
    failures: BTreeMap<Name, Report>,
    local: BTreeMap<Local, (Entry, Vec<Arc<Frame>>)>,
    wanted: Vec<PictureKey>,
    ahead: usize,
    asked: MediaRequest,
    overlay_wanted: Option<OverlayKey>,
    /// The overlay that is being made.
    overlay_asked: Option<OverlayKey>,
    clock: u64,
}

impl Textures {
    /// A frame of the window begins.
    pub fn begin_frame(&mut self) {
        self.clock += 1;
        self.wanted.clear();
        self.overlay_wanted = None;
        self.ahead = 0;
    }

    /// Forgets everything: another video is opened.
    pub fn clear(&mut self) {
        *self = Self {
            clock: self.clock,
            ..Self::default()
        };
    }

    /// A picture by name, or what stands in for it; wanted from now on if it is not here.
    pub fn get(&mut self, key: &PictureKey) -> Option<(TextureId, Arc<Frame>)> {
        let name = Name::Picture(key.clone());
        let is_here = self.pictures.get(&name).is_some_and(|it| !it.is_stand_in);
        if !is_here && !self.failures.contains_key(&name) && !self.wanted.contains(key) {
            self.wanted.push(key.clone());
        }
        self.use_entry(&name)
    }

    /// An overlay; wanted from now on if it is not here, or why there is none.
    ///
    /// # Errors
    /// What was told of it in place of a picture.
    pub fn overlay(&mut self, key: OverlayKey) -> Result<Option<TextureId>, &Report> {
        let name = Name::Overlay(key);
        if let Some((texture, _)) = self.use_entry(&name) {
            return Ok(Some(texture));
        }
        if let Some(report) = self.failures.get(&name) {
            return Err(report);
        }
        self.overlay_wanted = Some(key);
        Ok(None)
    }

    fn use_entry(&mut self, name: &Name) -> Option<(TextureId, Arc<Frame>)> {
        let entry = self.pictures.get_mut(name)?;
        entry.used_at = self.clock;
        Some((entry.texture.id(), Arc::clone(&entry.frame)))
    }

    /// Why a picture cannot be shown.
    #[must_use]
    pub fn failure(&self, key: &PictureKey) -> Option<&Report> {
        self.failures.get(&Name::Picture(key.clone()))
    }

    /// Frames that playing will want next.
    pub fn look_ahead(&mut self, n_frames: usize) {
        self.ahead = n_frames;
    }

    /// A picture that the state holds.
    pub fn shared(&mut self, ctx: &Context, frame: &Arc<Frame>) -> TextureId {
        let key = Local::Shared(address(frame));
        self.local(ctx, key, &[frame], |frames| Arc::clone(frames[0]))
    }

    /// How a result differs from its source, `gain` times as strong.
    pub fn difference(
        &mut self,
        ctx: &Context,
        source: &Arc<Frame>,
        result: &Arc<Frame>,
        gain: u8,
    ) -> TextureId {
        let key = Local::Difference(address(source), address(result), gain);
        self.local(ctx, key, &[source, result], |frames| {
            Arc::new(difference(frames[0], frames[1], gain))
        })
    }

    fn local(
        &mut self,
        ctx: &Context,
        key: Local,
        of: &[&Arc<Frame>],
        make: impl FnOnce(&[&Arc<Frame>]) -> Arc<Frame>,
    ) -> TextureId {
        let clock = self.clock;
        let (entry, _) = self.local.entry(key).or_insert_with(|| {
            let kept = of.iter().map(|frame| Arc::clone(frame)).collect();
            (upload(ctx, &make(of), clock), kept)
        });
        entry.used_at = clock;
        entry.texture.id()
    }

    /// Takes in an answer of the media thread.
    pub fn answer(&mut self, ctx: &Context, answer: MediaPicture) {
        let name = Name::Picture(answer.key);
        if !(answer.is_stand_in && self.pictures.contains_key(&name)) {
            self.keep(ctx, name, answer.picture, answer.is_stand_in);
        }
    }

    /// Takes in an overlay that was asked for.
    pub fn answer_overlay(&mut self, ctx: &Context, answer: OverlayPicture) {
        if self.overlay_asked == Some(answer.key) {
            self.overlay_asked = None;
        }
        self.keep(ctx, Name::Overlay(answer.key), answer.picture, false);
    }

    fn keep(
        &mut self,
        ctx: &Context,
        name: Name,
        picture: Result<Arc<Frame>, Report>,
        is_stand_in: bool,
    ) {
        match picture {
            Ok(frame) => {
                let mut entry = upload(ctx, &frame, self.clock);
                entry.is_stand_in = is_stand_in;
                self.pictures.insert(name, entry);
            }
            Err(report) => {
                self.failures.insert(name, report);
            }
        }
    }

    /// The frame is drawn: makes room, and gives a request if another than the last is needed.
    pub fn end_frame(&mut self) -> Option<MediaRequest> {
        self.make_room();
        let request = MediaRequest {
            wanted: self.wanted.clone(),
            ahead: self.ahead,
        };
        if request == self.asked {
            return None;
        }
        self.asked = request.clone();
        (!request.wanted.is_empty()).then_some(request)
    }

    /// The overlay that is to be asked for, unless it is being made.
    pub fn overlay_to_ask(&mut self) -> Option<OverlayKey> {
        let wanted = self
            .overlay_wanted
            .filter(|key| self.overlay_asked != Some(*key));
        self.overlay_asked = wanted.or(self.overlay_asked);
        wanted
    }

    fn make_room(&mut self) {
        // What the state holds no longer comes back under another name: one pass is enough.
        let clock = self.clock;
        self.local
            .retain(|_, (entry, _)| clock - entry.used_at < 600);
        let mut n_bytes: usize = self.pictures.values().map(Entry::n_bytes).sum();
        if n_bytes <= ROOM {
            return;
        }
        let mut oldest: Vec<(u64, Name)> = self
            .pictures
            .iter()
            .filter(|(_, entry)| entry.used_at < clock)
            .map(|(key, entry)| (entry.used_at, key.clone()))
            .collect();
        oldest.sort();
        for (_, key) in oldest {
            if n_bytes <= ROOM {
                break;
            }
            n_bytes -= self
                .pictures
                .remove(&key)
                .map_or(0, |entry| entry.n_bytes());
        }
    }
}

fn address(frame: &Arc<Frame>) -> usize {
    Arc::as_ptr(frame).addr()
}

fn upload(ctx: &Context, frame: &Arc<Frame>, clock: u64) -> Entry {
    let max_side = ctx.input(|input| input.max_texture_side).max(1);
    let image = image(frame, max_side);
    Entry {
        texture: ctx.load_texture("picture", image, TextureOptions::LINEAR),
        frame: Arc::clone(frame),
        used_at: clock,
        is_stand_in: false,
    }
}

/// The picture, with every n-th pixel left out where the device cannot hold it whole.
fn image(frame: &Frame, max_side: usize) -> ColorImage {
    let Size { width, height } = frame.size();
    let (width, height) = (width as usize, height as usize);
    let stride = width.max(height).div_ceil(max_side).max(1);
    if stride == 1 {
        return ColorImage::from_rgb([width, height], frame.pixels());
    }
    let small = Size {
        width: width.div_ceil(stride) as u32,
        height: height.div_ceil(stride) as u32,
    };
    let thinned = Frame::from_fn(small, |x, y| frame.at(x * stride as u32, y * stride as u32));
    let size = [small.width as usize, small.height as usize];
    ColorImage::from_rgb(size, thinned.pixels())
}

/// Absolute difference on the grid of the result, `gain` times as strong.
fn difference(source: &Frame, result: &Frame, gain: u8) -> Frame {
    let size = result.size();
    let at = |position: u32, of: u32, in_source: u32| {
        let scaled = u64::from(position) * u64::from(in_source) / u64::from(of.max(1));
        scaled as u32
    };
    Frame::from_fn(size, |x, y| {
        let source_x = at(x, size.width, source.size().width);
        let source_y = at(y, size.height, source.size().height);
        let (a, b) = (source.at(source_x, source_y), result.at(x, y));
        std::array::from_fn(|channel| a[channel].abs_diff(b[channel]).saturating_mul(gain))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(side: u32, value: u8) -> Frame {
        let size = Size {
            width: side,
            height: side,
        };
        Frame::from_fn(size, |_, _| [value; 3])
    }

    fn key(n: usize) -> PictureKey {
        PictureKey::Source(crate::frame::FrameIdx(n))
    }

    fn picture(n: usize, side: u32) -> MediaPicture {
        MediaPicture {
            key: key(n),
            picture: Ok(Arc::new(plain(side, 7))),
            is_stand_in: false,
        }
    }

    #[test]
    fn what_is_missing_is_asked_for_once_and_in_order() {
        let mut textures = Textures::default();
        textures.begin_frame();
        assert!(textures.get(&key(3)).is_none() && textures.get(&key(1)).is_none());
        let asked = textures.end_frame().map(|request| request.wanted);
        assert_eq!(asked, Some(vec![key(3), key(1)]));
        textures.begin_frame();
        assert!(textures.get(&key(3)).is_none() && textures.get(&key(1)).is_none());
        assert_eq!(textures.end_frame(), None, "the same was asked for already");
    }

    #[test]
    fn answers_are_kept_and_failures_are_not_asked_for_again() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        textures.begin_frame();
        textures.answer(&ctx, picture(0, 4));
        assert!(textures.get(&key(0)).is_some());
        let report = Report {
            summary: "no such frame".to_owned(),
            ..Report::default()
        };
        textures.answer(
            &ctx,
            MediaPicture {
                key: key(1),
                picture: Err(report),
                is_stand_in: false,
            },
        );
        assert!(textures.get(&key(1)).is_none() && textures.failure(&key(1)).is_some());
        assert_eq!(textures.end_frame(), None);
    }

    #[test]
    fn a_stand_in_is_shown_until_the_picture_proper_comes_and_not_after() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let stand_in = MediaPicture {
            is_stand_in: true,
            ..picture(0, 2)
        };
        let mut shown_after = |answer: MediaPicture| {
            textures.begin_frame();
            textures.answer(&ctx, answer);
            let (_, frame) = textures.get(&key(0)).unwrap();
            textures.end_frame();
            (frame.size().width, textures.wanted.len())
        };
        assert_eq!(shown_after(stand_in.clone()), (2, 1));
        assert_eq!(shown_after(picture(0, 4)), (4, 0));
        assert_eq!(shown_after(stand_in), (4, 0));
    }

    #[test]
    fn large_pictures_are_thinned() {
        let image = image(&plain(10, 9), 4);
        assert_eq!(image.size, [4, 4]);
    }

    #[test]
    fn a_difference_is_on_the_grid_of_the_result() {
        let differs = difference(&plain(8, 20), &plain(2, 30), 4);
        assert_eq!((differs.size().width, differs.at(1, 1)), (2, [40; 3]));
        assert_eq!(
            difference(&plain(2, 0), &plain(2, 255), 16).at(0, 0),
            [255; 3]
        );
    }
}
