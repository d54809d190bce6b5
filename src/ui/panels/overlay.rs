//! What is laid over the picture, its legend, and the menu that chooses it.

use egui::{Align2, Color32, ComboBox, FontId, Id, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2};

use crate::app::actions::Action;
use crate::app::view::Overlay;
use crate::pipeline::job::ControlKind;
use crate::ui::scene::Scene;
use crate::ui::textures::Textures;
use crate::ui::theme;
use crate::ui::widgets::compare_view::Border;
use crate::worker::message::{OverlayKey, OverlayKind, UNMATCHED, flow_colour, full_colour};

/// Directions of the flow: what the legend shows, and the colour in words.
const DIRECTIONS: [([f32; 2], &str, &str); 4] = [
    ([1.0, 0.0], "right", "red"),
    ([0.0, 1.0], "down", "green"),
    ([-1.0, 0.0], "left", "cyan"),
    ([0.0, -1.0], "up", "violet"),
];

/// What is laid over the picture.
#[derive(Debug, Default)]
pub struct Laid {
    /// A picture.
    pub texture: Option<egui::TextureId>,
    /// A border.
    pub border: Option<Border>,
    legend: Option<Legend>,
}

/// What an overlay means.
#[derive(Debug)]
struct Legend {
    text: String,
    /// Colours, and what each means.
    swatches: Vec<(Color32, &'static str)>,
    /// All of it in words.
    spoken: String,
}

impl Legend {
    fn plain(text: String) -> Self {
        Self {
            spoken: text.clone(),
            text,
            swatches: Vec::new(),
        }
    }
}

impl Laid {
    /// The overlay that is chosen, for the frame at the playhead; it is asked for if it is not here.
    #[must_use]
    pub fn over(scene: Scene<'_>, textures: &mut Textures, ui: &Ui) -> Self {
        match scene.project.view.overlay {
            Overlay::None => Self::default(),
            Overlay::Control => control(scene, textures),
            Overlay::Batches => batches(scene, ui),
            Overlay::Flow | Overlay::Occlusion | Overlay::Saliency => made(scene, textures),
        }
    }

    /// The legend, in a corner of each part of the view.
    pub fn legend_ui(&self, ui: &Ui, viewers: &[Rect]) {
        let Some(legend) = &self.legend else {
            return;
        };
        for viewer in viewers {
            let rect = legend.paint(ui, *viewer);
            if viewers.first() == Some(viewer) {
                let response = ui.interact(rect, Id::unique("legend"), Sense::hover());
                let name = legend.spoken.clone();
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name.clone()));
            }
        }
    }
}

fn control(scene: Scene<'_>, textures: &mut Textures) -> Laid {
    let text = match scene.project.edits.spec.control {
        ControlKind::None => "no control image: control is off",
        ControlKind::Hed | ControlKind::Depth => {
            "no control image yet: a network draws it when translating"
        }
        ControlKind::SoftEdges | ControlKind::Canny => "control image: white lines are kept",
    };
    let key = scene.project.control_key(scene.playhead());
    let found = key.and_then(|key| textures.get(&key));
    Laid {
        texture: found.map(|(texture, _)| texture),
        legend: Some(Legend::plain(text.to_owned())),
        ..Laid::default()
    }
}

/// The border has another colour in every other batch, and is double where a batch begins or ends.
fn batches(scene: Scene<'_>, ui: &Ui) -> Laid {
    let theme = theme::of(ui);
    let frame = scene.playhead();
    let Some((batch, first, last)) = scene.batch_at(frame) else {
        return Laid {
            legend: Some(Legend::plain("in no batch".to_owned())),
            ..Laid::default()
        };
    };
    let n_batches = scene
        .derived
        .plan
        .as_ref()
        .map_or(0, |plan| plan.batches().len());
    let place = if frame == first {
        ", begins here"
    } else if frame == last {
        ", ends here"
    } else {
        ""
    };
    let number = batch + 1;
    let text = format!("batch {number} of {n_batches}, frames {first}–{last}{place}");
    let colour = if batch % 2 == 0 {
        theme.accent
    } else {
        theme.warning
    };
    Laid {
        border: Some(Border {
            colour,
            is_double: frame == first || frame == last,
        }),
        legend: Some(Legend::plain(text)),
        ..Laid::default()
    }
}

/// What the engine makes.
fn made(scene: Scene<'_>, textures: &mut Textures) -> Laid {
    let plan = scene.derived.plan.as_ref();
    let Some(key) = scene.project.overlay_key(scene.playhead(), plan) else {
        let text = "no overlay: there is no other frame to compare with";
        return Laid {
            legend: Some(Legend::plain(text.to_owned())),
            ..Laid::default()
        };
    };
    let name = match key.kind {
        OverlayKind::Flow => "flow",
        OverlayKind::Occlusion => "occlusion",
        OverlayKind::Saliency => "saliency",
    };
    let (texture, legend) = match textures.overlay(key) {
        Ok(Some(texture)) => (Some(texture), meaning(scene, key)),
        Ok(None) if scene.state.job.is_some() => {
            let text = format!("{name}: comes between two batches of the job");
            (None, Legend::plain(text))
        }
        Ok(None) => (None, Legend::plain(format!("{name}: being made"))),
        Err(report) => {
            let text = format!("no {name}: {}", report.summary);
            (None, Legend::plain(text))
        }
    };
    Laid {
        texture,
        legend: Some(legend),
        border: None,
    }
}

fn meaning(scene: Scene<'_>, key: OverlayKey) -> Legend {
    let other = key.other;
    match key.kind {
        OverlayKind::Flow => {
            let full = full_colour(key.short_side);
            let colours = DIRECTIONS.map(|(_, way, colour)| format!("{way} {colour}"));
            let swatch = |(vector, way, _)| (theme::of_pixels(flow_colour(vector, 1.0)), way);
            Legend {
                text: format!("flow to frame {other}, full colour from {full:.0} px"),
                swatches: DIRECTIONS.into_iter().map(swatch).collect(),
                spoken: format!(
                    "flow to frame {other}: {}, black is still; full colour from {full:.0} pixels",
                    colours.join(", ")
                ),
            }
        }
        OverlayKind::Occlusion => Legend {
            text: format!("occlusion to frame {other}"),
            swatches: vec![(theme::of_pixels(UNMATCHED), "not found there")],
            spoken: format!("occlusion to frame {other}: red is not found there"),
        },
        OverlayKind::Saliency => {
            let use_of_it = if scene.project.edits.spec.guidance.no_background_smoothing {
                "dark is background"
            } else {
                "dark is background, which is smoothed"
            };
            Legend::plain(format!("saliency: bright stands out, {use_of_it}"))
        }
    }
}

impl Legend {
    /// Paints it into a corner; gives the place that it takes.
    fn paint(&self, ui: &Ui, viewer: Rect) -> Rect {
        let theme = theme::of(ui);
        let painter = ui.painter_at(viewer);
        let font = FontId::proportional(theme::BODY);
        let ink = theme.on_tag.colour();
        let line = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), ink);
        let text = line(&self.text);
        let swatches: Vec<_> = self
            .swatches
            .iter()
            .map(|(colour, meaning)| (*colour, line(meaning)))
            .collect();
        let (side, gap) = (theme::GRID * 2.5, theme::GRID * 1.5);
        let widths = swatches
            .iter()
            .map(|(_, text)| text.size().x + side + gap * 2.0);
        let margin = Vec2::new(gap, theme::GRID * 0.75);
        let size = Vec2::new(text.size().x + widths.sum::<f32>(), text.size().y) + margin * 2.0;
        let within = viewer.shrink(theme::GRID * 2.0);
        let place = Align2::RIGHT_BOTTOM.align_size_within_rect(size, within);
        painter.rect_filled(place, theme::GRID, theme.tag.faint(0.85));
        let (mut x, y) = (place.left() + margin.x, place.top() + margin.y);
        let width = text.size().x;
        painter.galley(pos2(x, y), text, ink);
        x += width;
        for (colour, meaning) in swatches {
            x += gap;
            let square =
                Rect::from_center_size(pos2(x + side / 2.0, place.center().y), Vec2::splat(side));
            painter.rect_filled(square, 0.0, colour);
            x += side + gap;
            let width = meaning.size().x;
            painter.galley(pos2(x, y), meaning, ink);
            x += width;
        }
        place
    }
}

/// The menu of overlays.
pub fn menu_ui(scene: Scene<'_>, ui: &mut Ui) -> Option<Action> {
    let current = scene.project.view.overlay;
    let mut asked = None;
    let combo = ComboBox::from_id_salt("overlay")
        .selected_text(current.label())
        .width(112.0);
    let inner = combo.show_ui(ui, |ui| {
        for overlay in Overlay::ALL {
            let is_chosen = ui
                .selectable_label(overlay == current, overlay.label())
                .clicked();
            if is_chosen && overlay != current {
                // The same again takes an overlay away.
                let toggled = if overlay == Overlay::None {
                    current
                } else {
                    overlay
                };
                asked = Some(Action::SetOverlay(toggled));
            }
        }
    });
    inner.response.accessible_name("Overlay");
    asked
}
