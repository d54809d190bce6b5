//! Every colour and size of the window.
//!
//! Colours are tokens of `assets/theme/{dark,light}.toml`; nothing else in [`crate::ui`] names one.
//! Greys are neutral so that the picture's colours are judged fairly, and there is one accent.

use std::sync::LazyLock;

use egui::style::{Selection, WidgetVisuals, Widgets};
use egui::{Color32, CornerRadius, FontId, Margin, Shadow, Stroke, TextStyle, Vec2};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The unit of all distances.
pub const GRID: f32 = 4.0;
/// Least height and width of what can be clicked.
pub const HIT_TARGET: f32 = 24.0;
/// Size of running text.
pub const BODY: f32 = 13.0;
/// Longest motion, in seconds.
pub const MOTION_SECS: f32 = 0.12;
/// Size of the window when it is opened for the first time.
pub const DEFAULT_SIZE: Vec2 = Vec2::new(1440.0, 900.0);
/// Least size of the window.
pub const MIN_SIZE: Vec2 = Vec2::new(1024.0, 640.0);
/// Below this width the right panel is a strip.
pub const NARROW: f32 = 1200.0;
/// Width of the settings panel.
pub const SETTINGS_WIDTH: f32 = 300.0;
/// Width of the keyframes panel.
pub const RESULTS_WIDTH: f32 = 260.0;
/// Width of the keyframes panel when it is a strip.
pub const STRIP_WIDTH: f32 = 116.0;
/// Corners of controls.
const RADIUS: u8 = 4;

/// The colours of one theme.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Theme {
    /// Around pictures: 18 % grey.
    pub surround: Token,
    /// Behind panels.
    pub panel: Token,
    /// Behind windows, menus and cards.
    pub raised: Token,
    /// Behind text that can be edited.
    pub field: Token,
    /// Lines between things.
    pub border: Token,
    /// A control at rest.
    pub control: Token,
    /// A control under the pointer.
    pub control_hover: Token,
    /// A control being pressed.
    pub control_active: Token,
    /// Text.
    pub text: Token,
    /// Text of less weight.
    pub text_weak: Token,
    /// The one accent, as text and lines.
    pub accent: Token,
    /// The accent behind text.
    pub accent_fill: Token,
    /// Text on the accent.
    pub on_accent: Token,
    /// The ring around what has the keyboard.
    pub focus: Token,
    /// Warnings.
    pub warning: Token,
    /// Errors.
    pub error: Token,
    /// Success.
    pub success: Token,
    /// Keyframe that waits.
    pub planned: Token,
    /// Keyframe in the works.
    pub working: Token,
    /// Keyframe that is finished.
    pub done: Token,
    /// Keyframe that is never redone.
    pub locked: Token,
    /// Keyframe made with other settings.
    pub out_of_date: Token,
    /// Keyframe that failed.
    pub failed: Token,
    /// Behind the timeline.
    pub timeline: Token,
    /// A row of the timeline.
    pub row: Token,
    /// Shots with even numbers.
    pub shot: Token,
    /// Shots with odd numbers.
    pub shot_other: Token,
    /// What is inside the in and out points.
    pub range: Token,
    /// The playhead.
    pub playhead: Token,
    /// Behind tags on pictures.
    pub tag: Token,
    /// Text of tags on pictures.
    pub on_tag: Token,
}

/// A colour of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(Color32);

impl From<Token> for Color32 {
    fn from(token: Token) -> Self {
        token.0
    }
}

impl Token {
    /// The colour.
    #[must_use]
    pub fn colour(self) -> Color32 {
        self.0
    }

    /// The colour with some of what is behind it showing through.
    #[must_use]
    pub fn faint(self, opacity: f32) -> Color32 {
        self.0.gamma_multiply(opacity)
    }

    /// A line in this colour.
    #[must_use]
    pub fn line(self, width: f32) -> Stroke {
        Stroke::new(width, self.0)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let colour = Color32::from_hex(&text);
        colour
            .map(Self)
            .map_err(|_| D::Error::custom(format!("expected #rrggbb, not {text}")))
    }
}

static DARK: LazyLock<Theme> =
    LazyLock::new(|| parse(include_str!("../../assets/theme/dark.toml")));
static LIGHT: LazyLock<Theme> =
    LazyLock::new(|| parse(include_str!("../../assets/theme/light.toml")));

fn parse(text: &str) -> Theme {
    match toml::from_str(text) {
        Ok(theme) => theme,
        Err(error) => unreachable!("the embedded themes are tested: {error}"),
    }
}

/// Pictures as they are.
pub const UNTINTED: Color32 = Color32::WHITE;

/// Pictures that stand in for others.
#[must_use]
pub fn dimmed() -> Color32 {
    Color32::WHITE.lerp_to_gamma(Color32::BLACK, 0.5)
}

/// Pictures through which others are seen.
#[must_use]
pub fn see_through() -> Color32 {
    Color32::WHITE.gamma_multiply(0.6)
}

/// A colour of a picture's pixels, for its legend.
#[must_use]
pub fn of_pixels([red, green, blue]: [u8; 3]) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

/// The dark theme or the light one.
#[must_use]
pub fn theme(dark: bool) -> &'static Theme {
    if dark { &DARK } else { &LIGHT }
}

/// The theme that a part of the window is drawn with.
#[must_use]
pub fn of(ui: &egui::Ui) -> &'static Theme {
    theme(ui.visuals().dark_mode)
}

/// Gives both of egui's styles our colours and sizes.
pub fn install(ctx: &egui::Context, reduced_motion: bool) {
    for (mode, dark) in [(egui::Theme::Dark, true), (egui::Theme::Light, false)] {
        ctx.style_mut_of(mode, |style| {
            style.visuals = visuals(theme(dark), dark);
            style.animation_time = if reduced_motion { 0.0 } else { MOTION_SECS };
            sizes(style);
        });
    }
}

fn sizes(style: &mut egui::Style) {
    let mono = FontId::monospace(BODY - 1.0);
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(BODY - 2.0)),
        (TextStyle::Body, FontId::proportional(BODY)),
        (TextStyle::Button, FontId::proportional(BODY)),
        (TextStyle::Heading, FontId::proportional(BODY + 5.0)),
        (TextStyle::Monospace, mono),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(GRID * 2.0, GRID);
    spacing.button_padding = Vec2::new(GRID * 2.0, GRID / 2.0);
    spacing.interact_size = Vec2::new(GRID * 10.0, HIT_TARGET);
    spacing.icon_width = GRID * 4.0;
    spacing.icon_width_inner = GRID * 2.0 + 2.0;
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.scroll = egui::style::ScrollStyle::solid();
    spacing.scroll.bar_width = GRID * 2.0;
    spacing.tooltip_width = 320.0;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
}

fn visuals(theme: &Theme, dark: bool) -> egui::Visuals {
    let base = if dark {
        egui::Visuals::dark()
    } else {
        egui::Visuals::light()
    };
    let at = |fill: Token, text: Token, border: Stroke| WidgetVisuals {
        bg_fill: fill.0,
        weak_bg_fill: fill.0,
        bg_stroke: border,
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: text.line(1.0),
        expansion: 0.0,
    };
    egui::Visuals {
        widgets: Widgets {
            noninteractive: at(theme.panel, theme.text, theme.border.line(1.0)),
            inactive: at(theme.control, theme.text, Stroke::NONE),
            hovered: at(theme.control_hover, theme.text, theme.focus.line(1.0)),
            active: at(theme.control_active, theme.text, theme.focus.line(2.0)),
            open: at(theme.control_active, theme.text, theme.border.line(1.0)),
        },
        selection: Selection {
            bg_fill: theme.accent_fill.0,
            stroke: theme.on_accent.line(1.0),
        },
        weak_text_color: Some(theme.text_weak.0),
        hyperlink_color: theme.accent.0,
        faint_bg_color: theme.row.0,
        extreme_bg_color: theme.field.0,
        text_edit_bg_color: Some(theme.field.0),
        code_bg_color: theme.field.0,
        warn_fg_color: theme.warning.0,
        error_fg_color: theme.error.0,
        window_fill: theme.raised.0,
        window_stroke: theme.border.line(1.0),
        window_corner_radius: CornerRadius::same(RADIUS * 2),
        menu_corner_radius: CornerRadius::same(RADIUS),
        panel_fill: theme.panel.0,
        window_shadow: Shadow::NONE,
        popup_shadow: Shadow::NONE,
        slider_trailing_fill: true,
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as the Web Content Accessibility Guidelines define them.
    fn contrast(a: Token, b: Token) -> f32 {
        let luminance = |Token(colour): Token| {
            let [r, g, b, _] = egui::Rgba::from(colour).to_array();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read() {
        for (name, t) in [("dark", &*DARK), ("light", &*LIGHT)] {
            let behind_text = [t.panel, t.raised, t.field];
            let texts = [
                ("text", t.text),
                ("text-weak", t.text_weak),
                ("accent", t.accent),
                ("warning", t.warning),
                ("error", t.error),
                ("success", t.success),
            ];
            for (token, text) in texts {
                for behind in behind_text {
                    let ratio = contrast(text, behind);
                    assert!(ratio >= 4.5, "{name}: {token} on {behind:?} has {ratio:.2}");
                }
            }
            let pairs = [
                (t.text, t.control),
                (t.text, t.control_hover),
                (t.text, t.control_active),
                (t.on_accent, t.accent_fill),
                (t.on_tag, t.tag),
                (t.text, t.shot),
                (t.text, t.shot_other),
                (t.text, t.range),
                (t.text, t.timeline),
                (t.text, t.row),
            ];
            for (text, behind) in pairs {
                let ratio = contrast(text, behind);
                assert!(
                    ratio >= 4.5,
                    "{name}: {text:?} on {behind:?} has {ratio:.2}"
                );
            }
        }
    }

    #[test]
    fn glyphs_and_the_focus_ring_can_be_seen() {
        for (name, t) in [("dark", &*DARK), ("light", &*LIGHT)] {
            let glyphs = [
                t.planned,
                t.working,
                t.done,
                t.locked,
                t.out_of_date,
                t.failed,
            ];
            let marks = glyphs.into_iter().chain([t.focus, t.playhead]);
            for mark in marks {
                for behind in [t.panel, t.raised, t.timeline, t.row, t.field] {
                    let ratio = contrast(mark, behind);
                    assert!(
                        ratio >= 3.0,
                        "{name}: {mark:?} on {behind:?} has {ratio:.2}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_surround_is_the_same_grey_in_both() {
        assert_eq!(DARK.surround, LIGHT.surround);
        let [r, g, b, _] = egui::Rgba::from(DARK.surround.0).to_array();
        assert!(
            (r - 0.18).abs() < 0.01 && r.to_bits() == g.to_bits() && g.to_bits() == b.to_bits()
        );
    }
}
