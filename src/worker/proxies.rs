//! A small picture of every frame of the source, compressed, in memory: what is shown of a frame while it is decoded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::frame::{Frame, FrameIdx, resize};

/// Memory for all of them.
const ROOM: usize = 256 << 20;

/// What a pixel takes on average, with some reserve: photographs take about 0.2.
const BYTES_A_PIXEL: f64 = 0.3;

/// Of JPEG: artefacts are hard to see in motion.
const QUALITY: u8 = 80;

/// The pictures, added in order by the thread that opens videos and fetched by the one that shows them.
#[derive(Debug)]
pub(super) struct Proxies {
    /// Most pixels of each.
    most_pixels: f64,
    room: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pictures: Vec<Arc<[u8]>>,
    n_bytes: usize,
    is_full: bool,
}

impl Proxies {
    /// None yet, of a video of so many frames: the more, the smaller they are.
    pub fn new(n_frames: usize) -> Self {
        Self::within(ROOM, n_frames)
    }

    fn within(room: usize, n_frames: usize) -> Self {
        Self {
            most_pixels: room as f64 / BYTES_A_PIXEL / n_frames.max(1) as f64,
            room,
            kept: Mutex::default(),
        }
    }

    /// Adds the next frame. Where memory is used up, or a picture cannot be compressed, there are no more from there on.
    pub fn push(&self, picture: &Frame) {
        if self.kept().is_full {
            return;
        }
        let scale = (self.most_pixels / picture.size().area() as f64).sqrt();
        let small = (scale < 1.0).then(|| resize(picture, picture.size().scaled(scale)));
        let bytes = small.as_ref().unwrap_or(picture).to_jpeg(QUALITY);
        let mut kept = self.kept();
        match bytes {
            Ok(bytes) if kept.n_bytes + bytes.len() <= self.room => {
                kept.n_bytes += bytes.len();
                kept.pictures.push(bytes.into());
            }
            _ => kept.is_full = true,
        }
    }

    /// The picture of a frame, if it is there.
    pub fn get(&self, frame: FrameIdx) -> Option<Frame> {
        let bytes = self.kept().pictures.get(frame.0).cloned()?;
        Frame::from_jpeg(&bytes).ok()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in it is ever half written.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn slope(blue: u8) -> Frame {
        let size = Size {
            width: 160,
            height: 90,
        };
        Frame::from_fn(size, |x, y| [x as u8, y as u8, blue])
    }

    #[test]
    fn each_frame_has_its_own_picture() {
        let proxies = Proxies::new(2);
        proxies.push(&slope(20));
        proxies.push(&slope(200));
        let blue = |n| {
            proxies
                .get(FrameIdx(n))
                .map(|picture| picture.at(80, 45)[2])
        };
        assert!(
            blue(0).is_some_and(|blue| blue.abs_diff(20) < 8),
            "{:?}",
            blue(0)
        );
        assert!(
            blue(1).is_some_and(|blue| blue.abs_diff(200) < 8),
            "{:?}",
            blue(1)
        );
        assert_eq!(blue(2), None);
    }

    #[test]
    fn many_frames_are_small_and_those_beyond_the_room_are_left_out() {
        let n_frames = 64;
        let proxies = Proxies::within(64 << 10, n_frames);
        let n_kept = |proxies: &Proxies| {
            let is_there = |&n: &usize| proxies.get(FrameIdx(n)).is_some();
            (0..n_frames).filter(is_there).count()
        };
        (0..n_frames).for_each(|_| proxies.push(&slope(0)));
        let size = proxies.get(FrameIdx(0)).map(|picture| picture.size());
        assert!(size.is_some_and(|size| size.width < 100), "{size:?}");
        assert!(proxies.kept().n_bytes <= 64 << 10);
        let tiny = Proxies::within(2 << 10, 1);
        (0..n_frames).for_each(|_| tiny.push(&slope(0)));
        assert!((1..n_frames).contains(&n_kept(&tiny)), "{}", n_kept(&tiny));
    }
}
