//! A picture is looked at before it is called done.

use crate::frame::Frame;

/// Whether every channel varies by less than one level: what a network that fell silent paints.
///
/// A source that is flat itself (a fade to black) may of course stay so.
#[must_use]
pub fn fell_flat(picture: &Frame, source: &Frame) -> bool {
    is_flat(picture) && !is_flat(source)
}

fn is_flat(frame: &Frame) -> bool {
    (0..3).all(|channel| {
        let values = || {
            frame
                .pixels()
                .iter()
                .skip(channel)
                .step_by(3)
                .map(|&v| f64::from(v))
        };
        let n = frame.size().area() as f64;
        let mean = values().sum::<f64>() / n;
        values().map(|v| (v - mean).powi(2)).sum::<f64>() / n < 1.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn only_a_new_flatness_counts() {
        let size = Size {
            width: 8,
            height: 8,
        };
        let flat = Frame::from_fn(size, |_, _| [90, 91, 92]);
        let busy = Frame::from_fn(size, |x, _| [x as u8 * 30, 0, 0]);
        assert!(fell_flat(&flat, &busy));
        assert!(!fell_flat(&flat, &flat) && !fell_flat(&busy, &flat) && !fell_flat(&busy, &busy));
    }
}
