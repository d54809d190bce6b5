//! Values between pixels.

use super::Size;

/// The values at `(x, y)`, in pixels from the centre of the first one: bilinear, the border repeated.
///
/// A coordinate that is no number counts as 0.
///
/// # Panics
/// If `values` does not hold one for each pixel of `size`, and at least one.
#[must_use]
#[inline]
pub fn bilinear<const N: usize>(size: Size, values: &[[f32; N]], x: f32, y: f32) -> [f32; N] {
    let (left, right, across) = axis(x, size.width as usize);
    let (top, bottom, down) = axis(y, size.height as usize);
    let row = |y: usize| &values[y * size.width as usize..][..size.width as usize];
    let (top, bottom) = (row(top), row(bottom));
    std::array::from_fn(|c| {
        let above = top[left][c] + across * (top[right][c] - top[left][c]);
        let below = bottom[left][c] + across * (bottom[right][c] - bottom[left][c]);
        above + down * (below - above)
    })
}

/// The two pixels around a coordinate, and how far it is from the first to the second.
#[inline]
fn axis(at: f32, length: usize) -> (usize, usize, f32) {
    let last = length - 1;
    let at = at.max(0.0).min(last as f32);
    let low = at as usize;
    (low, (low + 1).min(last), at - low as f32)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 5,
        height: 3,
    };

    #[test]
    fn a_plane_is_met_between_pixels_and_repeated_outside() {
        let values: Vec<[f32; 2]> = (0..15)
            .map(|i| [(i % 5) as f32, 10.0 * (i / 5) as f32])
            .collect();
        let at = |x, y| bilinear(SIZE, &values, x, y);
        assert_eq!(at(1.25, 0.5), [1.25, 5.0]);
        assert_eq!(at(4.0, 2.0), [4.0, 20.0]);
        assert_eq!(at(-3.0, 1e9), [0.0, 20.0]);
        assert_eq!(at(f32::INFINITY, -0.5), [4.0, 0.0]);
        assert_eq!(at(f32::NAN, 1.5), [0.0, 15.0]);
    }

    #[test]
    fn a_single_pixel_is_everywhere() {
        let size = Size {
            width: 1,
            height: 1,
        };
        assert_eq!(bilinear(size, &[[7.0]], 0.6, -2.0), [7.0]);
    }
}
