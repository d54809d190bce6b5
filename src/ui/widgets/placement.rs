//! Where a picture lies in the viewer: fitted or zoomed, and how wheel and drag change that.

use egui::{Pos2, Rect, Vec2};

use crate::app::view::Zoom;

/// Least and most screen pixels per picture pixel.
const FACTORS: (f32, f32) = (0.05, 32.0);

/// The viewer and the picture in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// The viewer, in points.
    pub viewer: Rect,
    /// The picture, in its own pixels.
    pub picture: Vec2,
    /// Screen pixels in a point.
    pub pixels_per_point: f32,
}

impl Stage {
    /// Points per picture pixel.
    fn scale(&self, zoom: Zoom) -> f32 {
        match zoom.factor {
            Some(factor) => factor / self.pixels_per_point,
            None => self.fitted_scale(),
        }
    }

    fn fitted_scale(&self) -> f32 {
        let Vec2 { x, y } = self.viewer.size() / self.picture.max(Vec2::splat(1.0));
        x.min(y).max(f32::MIN_POSITIVE)
    }

    /// Where the picture lies, in points.
    #[must_use]
    pub fn rect(&self, zoom: Zoom) -> Rect {
        let size = self.picture * self.scale(zoom);
        let centre = match zoom.factor {
            Some(_) => Vec2::from(zoom.centre),
            None => Vec2::splat(0.5),
        };
        Rect::from_min_size(self.viewer.center() - size * centre, size)
    }

    /// Scales by `factor`; what is under the pointer stays there.
    #[must_use]
    pub fn zoomed(&self, zoom: Zoom, factor: f32, pointer: Pos2) -> Zoom {
        let rect = self.rect(zoom);
        let pixels = self.scale(zoom) * self.pixels_per_point * factor;
        let after = pixels.clamp(FACTORS.0, FACTORS.1);
        let under = (pointer - rect.min) / rect.size().max(Vec2::splat(1.0));
        let size = self.picture * after / self.pixels_per_point;
        // The picture's point in the middle, so that `under` lies at the pointer.
        let middle = under + (self.viewer.center() - pointer) / size;
        Zoom {
            factor: Some(after),
            centre: middle.clamp(Vec2::ZERO, Vec2::splat(1.0)).into(),
        }
    }

    /// Moves the picture along.
    #[must_use]
    pub fn panned(&self, zoom: Zoom, by: Vec2) -> Zoom {
        let Some(factor) = zoom.factor else {
            return zoom;
        };
        let size = self.picture * factor / self.pixels_per_point;
        let middle = Vec2::from(zoom.centre) - by / size;
        Zoom {
            centre: middle.clamp(Vec2::ZERO, Vec2::splat(1.0)).into(),
            ..zoom
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: Stage = Stage {
        viewer: Rect {
            min: Pos2::new(100.0, 50.0),
            max: Pos2::new(900.0, 450.0),
        },
        picture: Vec2::new(1920.0, 1080.0),
        pixels_per_point: 2.0,
    };

    #[test]
    fn it_fits_by_default() {
        let rect = STAGE.rect(Zoom::default());
        assert!((rect.height() - 400.0).abs() < 1e-3 && rect.width() < 800.0);
        assert!((rect.center() - STAGE.viewer.center()).length() < 1e-3);
    }

    #[test]
    fn full_size_is_a_screen_pixel_for_each_of_the_picture() {
        let zoom = Zoom {
            factor: Some(1.0),
            ..Zoom::default()
        };
        assert!((STAGE.rect(zoom).width() - 960.0).abs() < 1e-3);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let share = |zoom, at: Pos2| {
            let rect = STAGE.rect(zoom);
            (at - rect.min) / rect.size()
        };
        let pointer = Pos2::new(430.0, 270.0);
        let once = STAGE.zoomed(Zoom::default(), 3.0, pointer);
        let before = share(Zoom::default(), pointer);
        assert!((share(once, pointer) - before).length() < 1e-3);
        let twice = STAGE.zoomed(once, 1.7, pointer);
        assert!((share(twice, pointer) - before).length() < 1e-3);
    }

    #[test]
    fn a_drag_moves_the_picture_with_it() {
        let zoom = STAGE.zoomed(Zoom::default(), 4.0, STAGE.viewer.center());
        let by = Vec2::new(-30.0, 12.0);
        let moved = STAGE.rect(STAGE.panned(zoom, by));
        assert!((moved.min - STAGE.rect(zoom).min - by).length() < 1e-2);
        assert_eq!(
            STAGE.panned(Zoom::default(), by),
            Zoom::default(),
            "a fitted picture stays"
        );
    }

    #[test]
    fn zoom_has_limits() {
        let far = STAGE.zoomed(Zoom::default(), 1e9, Pos2::new(0.0, 0.0));
        assert_eq!(far.factor, Some(FACTORS.1));
        let near = STAGE.zoomed(far, 1e-12, Pos2::new(0.0, 0.0));
        assert_eq!(near.factor, Some(FACTORS.0));
    }
}
