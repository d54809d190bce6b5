//! Marks of keyframes: each state has a shape, a colour and a word of its own.
//!
//! Drawn rather than written, so that they are crisp at every scale and need no font.

use egui::{Painter, Pos2, Shape, Stroke, Vec2};

use crate::app::marks::{Mark, MarkState};
use crate::ui::theme::{Theme, Token};

/// How a keyframe is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// ◇ Waits.
    Planned,
    /// ◐ In the works.
    Working,
    /// ◆ Finished.
    Done,
    /// ◈ Never redone.
    Locked,
    /// ◆! Made with other settings.
    OutOfDate,
    /// ✕ Failed.
    Failed,
}

impl Glyph {
    /// The glyph of a keyframe.
    #[must_use]
    pub fn of(mark: &Mark) -> Self {
        match mark.state {
            MarkState::Planned => Self::Planned,
            MarkState::Working { .. } => Self::Working,
            MarkState::Done if mark.locked => Self::Locked,
            MarkState::Done => Self::Done,
            MarkState::OutOfDate => Self::OutOfDate,
            MarkState::Failed => Self::Failed,
        }
    }

    /// The state's colour.
    #[must_use]
    pub fn colour(self, theme: &Theme) -> Token {
        match self {
            Self::Planned => theme.planned,
            Self::Working => theme.working,
            Self::Done => theme.done,
            Self::Locked => theme.locked,
            Self::OutOfDate => theme.out_of_date,
            Self::Failed => theme.failed,
        }
    }

    /// Draws the glyph around `centre`.
    pub fn paint(self, painter: &Painter, centre: Pos2, radius: f32, theme: &Theme) {
        let token = self.colour(theme);
        let (colour, line) = (token.colour(), token.line((radius / 4.0).max(1.5)));
        match self {
            Self::Planned => {
                painter.add(outline(centre, radius, line));
            }
            Self::Working => {
                painter.circle_stroke(centre, radius * 0.85, line);
                painter.add(half_disc(centre, radius * 0.85, token));
            }
            Self::Done => {
                painter.add(filled(centre, radius, token));
            }
            Self::Locked => {
                painter.add(outline(centre, radius, line));
                painter.add(filled(centre, radius * 0.45, token));
            }
            Self::OutOfDate => {
                painter.add(filled(centre, radius, token));
                let x = centre.x + radius * 1.4;
                let stroke = Stroke::new((radius / 3.0).max(1.5), colour);
                painter.vline(x, centre.y - radius..=centre.y + radius * 0.3, stroke);
                painter.circle_filled(
                    Pos2::new(x, centre.y + radius * 0.9),
                    stroke.width * 0.6,
                    colour,
                );
            }
            Self::Failed => {
                let arm = radius * 0.75;
                let line = Stroke::new((radius / 3.0).max(2.0), colour);
                painter.line_segment([centre - Vec2::splat(arm), centre + Vec2::splat(arm)], line);
                let down = Vec2::new(arm, -arm);
                painter.line_segment([centre - down, centre + down], line);
            }
        }
    }
}

fn diamond(centre: Pos2, radius: f32) -> Vec<Pos2> {
    let corners = [Vec2::UP, Vec2::RIGHT, Vec2::DOWN, Vec2::LEFT];
    corners.map(|to| centre + to * radius).to_vec()
}

fn filled(centre: Pos2, radius: f32, token: Token) -> Shape {
    Shape::convex_polygon(diamond(centre, radius), token.colour(), Stroke::NONE)
}

fn outline(centre: Pos2, radius: f32, line: Stroke) -> Shape {
    Shape::closed_line(diamond(centre, radius), line)
}

/// The left half, as in ◐.
fn half_disc(centre: Pos2, radius: f32, token: Token) -> Shape {
    const N_CORNERS: u8 = 12;
    let corner = |i: u8| {
        let angle = std::f32::consts::PI * (0.5 + f32::from(i) / f32::from(N_CORNERS));
        centre + Vec2::angled(angle) * radius
    };
    let corners = (0..=N_CORNERS).map(corner).collect();
    Shape::convex_polygon(corners, token.colour(), Stroke::NONE)
}
