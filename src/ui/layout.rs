//! Where the panels lie. They are laid out in reading order, which is the order of Tab.

use egui::{CursorIcon, Id, Rect, Role, Sense, Ui, Vec2, WidgetInfo};

use super::panels::timeline;
use super::theme;
use crate::app::preferences::Preferences;

/// Height of the menu bar.
const MENU: f32 = 32.0;
/// Height of the status bar.
const STATUS: f32 = 32.0;
/// Height of the one button below the settings.
const BUTTON: f32 = 56.0;
/// Width of the handle between two panels.
const HANDLE: f32 = 4.0;
/// How wide side panels may be.
const WIDTHS: (f32, f32) = (240.0, 480.0);

/// A part of the window that the keyboard can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelName {
    /// Left.
    Settings,
    /// Centre.
    Viewer,
    /// Below.
    Timeline,
    /// Right.
    Keyframes,
    /// The last line.
    Status,
}

impl PanelName {
    /// All, in reading order.
    pub const ALL: [Self; 5] = [
        Self::Settings,
        Self::Viewer,
        Self::Timeline,
        Self::Keyframes,
        Self::Status,
    ];

    /// What it is called.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Settings => "Settings panel",
            Self::Viewer => "Viewer panel",
            Self::Timeline => "Timeline panel",
            Self::Keyframes => "Keyframes panel",
            Self::Status => "Status bar",
        }
    }

    fn id(self) -> Id {
        Id::unique(self.label())
    }
}

/// How the user has arranged the panels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrangement {
    settings_width: f32,
    results_width: f32,
    hides_settings: bool,
    hides_timeline: bool,
    hides_results: bool,
}

impl Default for Arrangement {
    fn default() -> Self {
        Self {
            settings_width: theme::SETTINGS_WIDTH,
            results_width: theme::RESULTS_WIDTH,
            hides_settings: false,
            hides_timeline: false,
            hides_results: false,
        }
    }
}

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Areas {
    /// Menus.
    pub menu: Rect,
    /// Settings.
    pub settings: Rect,
    /// The one button, and the line above it.
    pub button: Rect,
    /// Picture and transport.
    pub viewer: Rect,
    /// Time.
    pub timeline: Rect,
    /// Results.
    pub keyframes: Rect,
    /// Whether the results have room for a single column only.
    pub is_strip: bool,
    /// The last line.
    pub status: Rect,
}

impl Arrangement {
    /// As the user left it.
    #[must_use]
    pub fn of(preferences: &Preferences) -> Self {
        let usual = Self::default();
        let width = |points: Option<u32>, usual| points.map_or(usual, |points| points as f32);
        Self {
            settings_width: width(preferences.settings_points, usual.settings_width),
            results_width: width(preferences.results_points, usual.results_width),
            hides_settings: preferences.hides_settings,
            hides_timeline: preferences.hides_timeline,
            hides_results: preferences.hides_results,
        }
        .clamped()
    }

    /// Notes it for the next time.
    pub fn note(&self, preferences: &mut Preferences) {
        preferences.settings_points = Some(self.settings_width.round() as u32);
        preferences.results_points = Some(self.results_width.round() as u32);
        preferences.hides_settings = self.hides_settings;
        preferences.hides_timeline = self.hides_timeline;
        preferences.hides_results = self.hides_results;
    }

    fn clamped(self) -> Self {
        Self {
            settings_width: self.settings_width.clamp(WIDTHS.0, WIDTHS.1),
            results_width: self.results_width.clamp(WIDTHS.0 - 60.0, WIDTHS.1),
            ..self
        }
    }

    /// Whether a panel is shown.
    #[must_use]
    pub fn shows(&self, name: PanelName) -> bool {
        match name {
            PanelName::Settings => !self.hides_settings,
            PanelName::Timeline => !self.hides_timeline,
            PanelName::Keyframes => !self.hides_results,
            PanelName::Viewer | PanelName::Status => true,
        }
    }

    /// Divides the window; above the one button there are `above_button` points for a line. A hidden panel has no width or
    /// no height; without the settings, the button lies below the viewer.
    #[must_use]
    pub fn areas(&self, window: Rect, above_button: f32) -> Areas {
        let (menu, rest) = window.split_top_bottom_at_y(window.top() + MENU);
        let (rest, status) = rest.split_top_bottom_at_y(rest.bottom() - STATUS);
        let is_strip = window.width() < theme::NARROW;
        let right = if self.hides_results {
            0.0
        } else if is_strip {
            theme::STRIP_WIDTH
        } else {
            self.results_width
        };
        let shown = |is_hidden: bool, points: f32| if is_hidden { 0.0 } else { points };
        let left = shown(self.hides_settings, self.settings_width);
        let (left, rest) = rest.split_left_right_at_x(rest.left() + left);
        let (middle, keyframes) = rest.split_left_right_at_x(rest.right() - right);
        let with_button =
            |column: Rect| column.split_top_bottom_at_y(column.bottom() - BUTTON - above_button);
        let (settings, middle, button) = if self.hides_settings {
            let (middle, button) = with_button(middle);
            (left, middle, button)
        } else {
            let (settings, button) = with_button(left);
            (settings, middle, button)
        };
        let below = shown(self.hides_timeline, timeline::height());
        let (viewer, timeline) = middle.split_top_bottom_at_y(middle.bottom() - below);
        Areas {
            menu,
            settings,
            button,
            viewer,
            timeline,
            keyframes,
            is_strip,
            status,
        }
    }

    /// The lines between the panels, which can be dragged.
    pub fn handles_ui(&mut self, areas: &Areas, ui: &Ui) {
        if !self.hides_settings {
            let settings = Rect::from_x_y_ranges(
                areas.settings.right() - HANDLE / 2.0..=areas.settings.right() + HANDLE / 2.0,
                areas.settings.top()..=areas.button.bottom(),
            );
            self.settings_width += handle(ui, "settings", settings);
        }
        if !areas.is_strip && !self.hides_results {
            let results = Rect::from_x_y_ranges(
                areas.keyframes.left() - HANDLE / 2.0..=areas.keyframes.left() + HANDLE / 2.0,
                areas.keyframes.y_range(),
            );
            self.results_width -= handle(ui, "results", results);
        }
        *self = self.clamped();
    }
}

fn handle(ui: &Ui, name: &str, rect: Rect) -> f32 {
    let response = ui.interact(rect, Id::unique(("handle", name)), Sense::DRAG);
    let theme = theme::of(ui);
    let is_lit = response.hovered() || response.dragged();
    let line = if is_lit {
        theme.focus.line(2.0)
    } else {
        theme.border.line(1.0)
    };
    ui.painter().vline(rect.center().x, rect.y_range(), line);
    let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    response.drag_delta().x
}

/// A panel: its background, a stop for the keyboard that is named after it, and its content.
pub fn panel_ui<T>(
    ui: &mut Ui,
    name: PanelName,
    rect: Rect,
    margin: Vec2,
    content: impl FnOnce(&mut Ui) -> T,
) -> T {
    let theme = theme::of(ui);
    ui.painter().rect_filled(rect, 0.0, theme.panel.colour());
    let builder = egui::UiBuilder::new()
        .id_salt(name.label())
        .max_rect(rect.shrink2(margin));
    let mut panel = ui.new_child(builder);
    panel.set_clip_rect(rect.intersect(ui.clip_rect()));
    let stop = panel.interact(
        Rect::from_min_size(rect.min, Vec2::splat(1.0)),
        name.id(),
        Sense::focusable_noninteractive(),
    );
    stop.widget_info(|| WidgetInfo::labeled(Role::Group, true, name.label()));
    let inner = content(&mut panel);
    if stop.has_focus() {
        let line = theme.focus.line(2.0);
        ui.painter()
            .rect_stroke(rect, 0.0, line, egui::StrokeKind::Inside);
    }
    inner
}

/// Gives the keyboard to the panel that is shown after the one that has it, or to the one before.
#[must_use]
pub fn walk(
    ctx: &egui::Context,
    arrangement: &Arrangement,
    current: Option<PanelName>,
    step: isize,
) -> PanelName {
    let shown = PanelName::ALL.into_iter();
    let shown: Vec<PanelName> = shown.filter(|name| arrangement.shows(*name)).collect();
    let n_panels = shown.len() as isize;
    let at = current.and_then(|name| shown.iter().position(|other| *other == name));
    let next = match at {
        Some(at) => (at as isize + step).rem_euclid(n_panels),
        None if step > 0 => 0,
        None => n_panels - 1,
    };
    let name = shown[next as usize];
    ctx.memory_mut(|memory| memory.request_focus(name.id()));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(areas: &Areas) -> f32 {
        let all = [
            areas.menu,
            areas.settings,
            areas.button,
            areas.viewer,
            areas.timeline,
            areas.keyframes,
            areas.status,
        ];
        all.iter().map(Rect::area).sum()
    }

    #[test]
    fn everything_has_room_in_the_smallest_window() {
        let window = Rect::from_min_size(egui::Pos2::ZERO, theme::MIN_SIZE);
        let areas = Arrangement::default().areas(window, 22.0);
        assert!(areas.is_strip);
        assert!(areas.viewer.width() >= 480.0 && areas.viewer.height() >= 320.0);
        let rest = covered(&areas) - window.area();
        assert!(rest.abs() < 1.0, "no gap and no overlap");
    }

    #[test]
    fn hidden_panels_leave_their_room_to_the_viewer_and_the_button_stays() {
        let window = Rect::from_min_size(egui::Pos2::ZERO, theme::DEFAULT_SIZE);
        let all = Arrangement::default().areas(window, 22.0);
        for hidden in 1..8 {
            let arrangement = Arrangement {
                hides_settings: hidden & 1 != 0,
                hides_timeline: hidden & 2 != 0,
                hides_results: hidden & 4 != 0,
                ..Arrangement::default()
            };
            let areas = arrangement.areas(window, 22.0);
            let rest = covered(&areas) - window.area();
            assert!(rest.abs() < 1.0, "{hidden}: no gap and no overlap");
            assert!(areas.button.width() >= WIDTHS.0, "{hidden}");
            assert!(areas.viewer.area() > all.viewer.area(), "{hidden}");
            let empty = [areas.settings, areas.timeline, areas.keyframes];
            let names = [
                PanelName::Settings,
                PanelName::Timeline,
                PanelName::Keyframes,
            ];
            for (rect, name) in empty.iter().zip(names) {
                assert_eq!(rect.is_positive(), arrangement.shows(name), "{hidden}");
            }
        }
    }

    #[test]
    fn widths_are_remembered_and_kept_in_bounds() {
        let mut preferences = Preferences::default();
        assert_eq!(Arrangement::of(&preferences), Arrangement::default());
        let wide = Arrangement {
            settings_width: 333.0,
            results_width: 300.0,
            hides_timeline: true,
            ..Arrangement::default()
        };
        wide.note(&mut preferences);
        assert_eq!(Arrangement::of(&preferences), wide);
        preferences.settings_points = Some(9000);
        let kept = Arrangement::of(&preferences);
        assert!((kept.settings_width - WIDTHS.1).abs() < f32::EPSILON);
    }

    #[test]
    fn the_keyboard_walks_in_a_ring() {
        let ctx = egui::Context::default();
        let all = Arrangement::default();
        let walk = |arrangement, current, step| walk(&ctx, arrangement, current, step);
        assert_eq!(walk(&all, None, 1), PanelName::Settings);
        assert_eq!(walk(&all, Some(PanelName::Status), 1), PanelName::Settings);
        assert_eq!(walk(&all, Some(PanelName::Settings), -1), PanelName::Status);
        assert_eq!(walk(&all, None, -1), PanelName::Status);
        let fewer = Arrangement {
            hides_settings: true,
            hides_timeline: true,
            ..all
        };
        assert_eq!(walk(&fewer, None, 1), PanelName::Viewer);
        let after = walk(&fewer, Some(PanelName::Viewer), 1);
        assert_eq!(after, PanelName::Keyframes);
    }
}
