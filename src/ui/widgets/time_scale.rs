//! Where frames lie on the timeline: a straight line from frame numbers to points, and its moves.

use std::ops::RangeInclusive;

use crate::app::view::TimelineView;

/// Most points that a frame is wide.
const WIDEST_FRAME: f32 = 64.0;

/// Least distance between two labels of the ruler, in points.
const LABEL_DISTANCE: f32 = 72.0;

/// What part of a video a row of the timeline shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeScale {
    /// The frame at the left edge; a fraction while scrolling.
    first: f32,
    /// Points that a frame is wide.
    frame_width: f32,
}

/// The row that a scale is applied to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Left edge, in points.
    pub left: f32,
    /// Width, in points.
    pub width: f32,
    /// Frames of the video.
    pub n_frames: usize,
}

impl TimeScale {
    /// The whole video.
    #[must_use]
    pub fn fit(span: Span) -> Self {
        Self {
            first: 0.0,
            frame_width: narrowest(span),
        }
    }

    /// The part of a video that is remembered.
    #[must_use]
    pub fn of(view: TimelineView, span: Span) -> Self {
        let n_frames = view.n_frames.unwrap_or(span.n_frames as f64).max(1.0);
        let scale = Self {
            first: view.first as f32,
            frame_width: span.width.max(1.0) / n_frames as f32,
        };
        scale.within(span)
    }

    /// What is to be remembered of it; the whole video stays whole in a row of another width.
    #[must_use]
    pub fn view(&self, span: Span) -> TimelineView {
        let is_whole = self.frame_width <= narrowest(span) * 1.0001;
        let n_frames = f64::from(span.width / self.frame_width);
        TimelineView {
            first: f64::from(self.first),
            n_frames: (!is_whole).then_some(n_frames),
        }
    }

    /// Points that a frame is wide.
    #[must_use]
    pub fn frame_width(&self) -> f32 {
        self.frame_width
    }

    /// Left edge of a frame.
    #[must_use]
    pub fn x_of(&self, frame: usize, span: Span) -> f32 {
        span.left + (frame as f32 - self.first) * self.frame_width
    }

    /// Middle of a frame.
    #[must_use]
    pub fn middle_of(&self, frame: usize, span: Span) -> f32 {
        self.x_of(frame, span) + self.frame_width / 2.0
    }

    /// The frame under a point; the first or the last beyond the ends.
    #[must_use]
    pub fn frame_at(&self, x: f32, span: Span) -> usize {
        let frame = self.first + (x - span.left) / self.frame_width;
        // A negative value becomes 0.
        (frame.floor() as usize).min(span.n_frames.saturating_sub(1))
    }

    /// The frames that can be seen, whole or in part.
    #[must_use]
    pub fn visible(&self, span: Span) -> RangeInclusive<usize> {
        self.frame_at(span.left, span)..=self.frame_at(span.left + span.width, span)
    }

    /// Makes frames wider by `factor`; the frame under `x` stays where it is.
    #[must_use]
    pub fn zoomed(self, factor: f32, x: f32, span: Span) -> Self {
        let under = self.first + (x - span.left) / self.frame_width;
        let narrowest = narrowest(span);
        let frame_width = (self.frame_width * factor).clamp(narrowest, WIDEST_FRAME.max(narrowest));
        let zoomed = Self {
            first: under - (x - span.left) / frame_width,
            frame_width,
        };
        zoomed.within(span)
    }

    /// Moves along by a distance in points.
    #[must_use]
    pub fn scrolled(self, points: f32, span: Span) -> Self {
        let first = self.first - points / self.frame_width;
        Self { first, ..self }.within(span)
    }

    /// Moves along just as far as it takes to see a frame.
    #[must_use]
    pub fn showing(self, frame: usize, span: Span) -> Self {
        let last = frame as f32 + 1.0 - span.width / self.frame_width;
        // For a row narrower than a frame the left edge counts.
        let first = self.first.max(last).min(frame as f32);
        Self { first, ..self }.within(span)
    }

    /// No narrower than the row and not past an end; a row of another width or video is put right.
    #[must_use]
    pub fn within(self, span: Span) -> Self {
        let narrowest = narrowest(span);
        let frame_width = self
            .frame_width
            .clamp(narrowest, WIDEST_FRAME.max(narrowest));
        let n_visible = span.width / frame_width;
        let last_first = (span.n_frames as f32 - n_visible).max(0.0);
        Self {
            first: self.first.clamp(0.0, last_first),
            frame_width,
        }
    }

    /// Frames between two labels of the ruler: a round number that leaves room for them.
    #[must_use]
    pub fn label_step(&self, frames_per_sec: f32) -> usize {
        let least = LABEL_DISTANCE / self.frame_width;
        let second = frames_per_sec.max(1.0);
        let small = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .filter(|step| *step < second);
        let large = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
        ];
        let steps = small.chain(large.map(|secs| secs * second));
        let found = steps.map(f32::round).find(|step| *step >= least);
        found.unwrap_or(least.ceil()) as usize
    }
}

/// Width of a frame when the whole video is seen.
fn narrowest(span: Span) -> f32 {
    span.width.max(1.0) / span.n_frames.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span {
        left: 100.0,
        width: 500.0,
        n_frames: 1000,
    };

    #[test]
    fn a_frame_is_found_where_it_is_drawn() {
        let scales = [
            TimeScale::fit(SPAN),
            TimeScale::fit(SPAN).zoomed(8.0, 300.0, SPAN),
            TimeScale::fit(SPAN)
                .zoomed(1e6, 420.0, SPAN)
                .scrolled(-77.0, SPAN),
        ];
        for scale in scales {
            for frame in scale.visible(SPAN) {
                assert_eq!(scale.frame_at(scale.middle_of(frame, SPAN), SPAN), frame);
            }
        }
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let scale = TimeScale::fit(SPAN).zoomed(4.0, 350.0, SPAN);
        let before = scale.frame_at(350.0, SPAN);
        let after = scale.zoomed(3.0, 350.0, SPAN);
        assert_eq!(after.frame_at(350.0, SPAN), before);
        assert!((after.frame_width() / scale.frame_width() - 3.0).abs() < 1e-3);
    }

    #[test]
    fn it_never_leaves_the_video() {
        let out = TimeScale::fit(SPAN)
            .zoomed(4.0, 350.0, SPAN)
            .scrolled(1e9, SPAN);
        assert_eq!(out.frame_at(SPAN.left, SPAN), 0);
        let end = out.scrolled(-1e9, SPAN);
        assert_eq!(*end.visible(SPAN).end(), 999);
        assert!((end.x_of(1000, SPAN) - 600.0).abs() < 0.5);
        assert_eq!(end.zoomed(1e-9, 350.0, SPAN), TimeScale::fit(SPAN));
        let wider = Span {
            width: 900.0,
            ..SPAN
        };
        assert_eq!(TimeScale::fit(SPAN).within(wider), TimeScale::fit(wider));
    }

    #[test]
    fn it_is_remembered() {
        let scale = TimeScale::fit(SPAN).zoomed(4.0, 350.0, SPAN);
        let again = TimeScale::of(scale.view(SPAN), SPAN);
        assert!((again.first - scale.first).abs() < 1e-2);
        assert!((again.frame_width - scale.frame_width).abs() < 1e-3);
        assert_eq!(TimeScale::fit(SPAN).view(SPAN), TimelineView::default());
    }

    #[test]
    fn a_frame_comes_into_view_with_the_least_move() {
        let scale = TimeScale::fit(SPAN).zoomed(10.0, 100.0, SPAN);
        assert_eq!(scale.showing(50, SPAN), scale, "it was in view");
        let later = scale.showing(400, SPAN);
        assert!(
            (later.x_of(401, SPAN) - 600.0).abs() < 0.5,
            "it is the last in view"
        );
        let back = later.showing(10, SPAN);
        assert!(
            (back.x_of(10, SPAN) - 100.0).abs() < 0.5,
            "it is the first in view"
        );
    }

    #[test]
    fn labels_have_room_and_are_round() {
        assert_eq!(TimeScale::fit(SPAN).label_step(24.0), 240);
        let near = TimeScale::fit(SPAN).zoomed(1e6, 100.0, SPAN);
        assert_eq!(near.label_step(24.0), 2);
        let empty = Span {
            n_frames: 0,
            ..SPAN
        };
        assert_eq!(TimeScale::fit(empty).frame_at(300.0, empty), 0);
    }
}
