//! The edge guide: where a picture is brighter than its surroundings.

use rayon::prelude::*;

use crate::frame::Frame;

/// How much each pixel exceeds its four neighbours, by channel: `[0 −1 0; −1 4 −1; 0 −1 0]`, cut off below zero.
///
/// Beyond the border the picture is mirrored without repeating the border pixel. The negative half is lost, as it is in
/// the reference.
///
/// Twin: `shaders/synth/edge.wgsl`.
#[must_use]
pub fn edge(picture: &Frame) -> Frame {
    let size = picture.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let row_of = |y: usize| &picture.pixels()[y * width * 3..][..width * 3];
    let mut pixels = vec![0; picture.pixels().len()];
    let rows = pixels.par_chunks_mut((width * 3).max(1)).enumerate();
    rows.for_each(|(y, edges)| {
        let (above, own, below) = (
            row_of(before(y, height)),
            row_of(y),
            row_of(after(y, height)),
        );
        for x in 0..width {
            let (left, right) = (before(x, width) * 3, after(x, width) * 3);
            for channel in 0..3 {
                let at = |row: &[u8], start: usize| i32::from(row[start + channel]);
                let around = at(above, x * 3) + at(below, x * 3) + at(own, left) + at(own, right);
                let excess = 4 * at(own, x * 3) - around;
                edges[x * 3 + channel] = excess.clamp(0, 255) as u8;
            }
        }
    });
    Frame::new(size, pixels)
}

/// The neighbour before `i`, mirrored at the start.
fn before(i: usize, length: usize) -> usize {
    if i > 0 { i - 1 } else { 1.min(length - 1) }
}

/// The neighbour after `i`, mirrored at the end.
fn after(i: usize, length: usize) -> usize {
    if i + 1 < length {
        i + 1
    } else {
        length.saturating_sub(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn one_bright_pixel_is_an_edge_and_flat_parts_are_none() {
        let size = Size {
            width: 5,
            height: 4,
        };
        let picture = Frame::from_fn(size, |x, y| match (x, y) {
            (0, 1) => [30, 90, 10],
            _ => [10; 3],
        });
        let edges = edge(&picture);
        assert_eq!(edges.at(0, 1), [80, 255, 0]);
        assert_eq!(edges.at(1, 1), [0; 3], "darker than its neighbour");
        assert_eq!(edges.at(3, 3), [0; 3]);
    }

    #[test]
    fn a_single_pixel_has_no_edge() {
        let size = Size {
            width: 1,
            height: 1,
        };
        let picture = Frame::new(size, vec![200; 3]);
        assert_eq!(edge(&picture).pixels(), [0; 3]);
    }
}
