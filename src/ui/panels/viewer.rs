//! The picture, how it is compared, and the transport below it.

use std::sync::Arc;

use egui::{ComboBox, Ui, Vec2};

use super::overlay::{self, Laid};
use crate::app::actions::Action;
use crate::app::pictures::ResultPicture;
use crate::app::view::{DifferenceGain, ViewerMode, Zoom};
use crate::frame::Frame;
use crate::ui::scene::Scene;
use crate::ui::shortcuts::{self, Act};
use crate::ui::textures::Textures;
use crate::ui::theme;
use crate::ui::widgets::compare_view::{Compare, Picture};
use crate::ui::widgets::icon::{Icon, Side, icon_button};
use crate::worker::message::PictureKey;

/// Frames that are decoded ahead while playing.
const AHEAD: usize = 24;

/// The viewer: modes above, picture, transport below.
pub fn viewer_ui(scene: Scene<'_>, textures: &mut Textures, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    if !scene.project.view.full_screen {
        asked.extend(modes_ui(scene, ui));
    }
    let below = theme::HIT_TARGET + theme::GRID * 4.0;
    let picture = Vec2::new(
        ui.available_width(),
        (ui.available_height() - below).max(64.0),
    );
    ui.allocate_ui(picture, |ui| {
        ui.set_min_size(picture);
        asked.extend(picture_ui(scene, textures, ui));
    });
    ui.add_space(theme::GRID);
    asked.extend(transport_ui(scene, ui));
    asked
}

/// What the viewer compares: a group of radio buttons.
fn modes_ui(scene: Scene<'_>, ui: &mut Ui) -> Vec<Action> {
    let view = &scene.project.view;
    let acts = [
        Act::ShowSource,
        Act::ShowResult,
        Act::ShowWipe,
        Act::ShowSideBySide,
        Act::ShowDifference,
    ];
    let mut asked = Vec::new();
    ui.horizontal(|ui| {
        ui.add_space(theme::GRID);
        for (mode, act) in ViewerMode::ALL.into_iter().zip(acts) {
            let response = ui.radio(view.mode == mode, mode.label());
            if response
                .on_hover_text(shortcuts::hint(ui.ctx(), act))
                .clicked()
            {
                asked.push(Action::SetMode(mode));
            }
        }
        if view.mode == ViewerMode::Difference {
            for gain in DifferenceGain::ALL {
                let text = format!("×{}", gain.factor());
                let response = ui.selectable_label(view.difference_gain == gain, &text);
                let response = response.accessible_name(format!("Difference {text}"));
                if response.clicked() {
                    asked.push(Action::SetDifferenceGain(gain));
                }
            }
        }
        asked.extend(panels_ui(scene, ui));
    });
    asked
}

/// Shows and hides the panels around the viewer.
fn panels_ui(scene: Scene<'_>, ui: &mut Ui) -> Vec<Action> {
    let preferences = &scene.state.preferences;
    let toggles = [
        (Side::Right, preferences.hides_results, Act::ToggleResults),
        (
            Side::Bottom,
            preferences.hides_timeline,
            Act::ToggleTimeline,
        ),
        (Side::Left, preferences.hides_settings, Act::ToggleSettings),
    ];
    let mut asked = Vec::new();
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.add_space(theme::GRID);
        for (side, is_hidden, act) in toggles {
            if icon_button(ui, Icon::Panel(side, !is_hidden), act).clicked() {
                asked.extend(crate::ui::acts::actions(act, scene.state));
            }
        }
    });
    asked
}

/// What there is to show for the frame at the playhead.
struct Pictures {
    source: Picture,
    result: Picture,
    source_frame: Option<Arc<Frame>>,
    result_frame: Option<Arc<Frame>>,
}

fn picture_ui(scene: Scene<'_>, textures: &mut Textures, ui: &mut Ui) -> Vec<Action> {
    let view = &scene.project.view;
    let mode = if view.hold_source {
        ViewerMode::Source
    } else {
        view.mode
    };
    let pictures = pictures(scene, textures, ui);
    if view.playback.speed > 0.0 {
        textures.look_ahead(AHEAD);
    }
    let difference = difference(scene, &pictures, textures, ui);
    let size = scene
        .project
        .source
        .info
        .as_ref()
        .map(|info| info.display_size);
    let size = size.map_or(Vec2::new(16.0, 9.0), |size| {
        Vec2::new(size.width as f32, size.height as f32)
    });
    let overlay = Laid::over(scene, textures, ui);
    let compare = Compare {
        mode,
        source: pictures.source,
        result: pictures.result,
        difference,
        overlay: overlay.texture,
        border: overlay.border,
        size,
        zoom: view.zoom,
        wipe: view.wipe,
        name: name(scene, mode),
    };
    let shown = compare.show(ui);
    overlay.legend_ui(ui, &shown.viewers);
    let mut asked = Vec::new();
    asked.extend(shown.wipe.map(Action::SetWipe));
    asked.extend(shown.zoom.map(Action::SetZoom));
    if shown.response.clicked() {
        // A click into the picture gives the keys back to the timeline.
        ui.memory_mut(egui::Memory::stop_text_input);
    }
    if shown.response.double_clicked() {
        asked.push(Action::Try(scene.playhead()));
    }
    asked
}

fn name(scene: Scene<'_>, mode: ViewerMode) -> String {
    let what = match mode {
        ViewerMode::Source => "source",
        ViewerMode::Result => "result",
        ViewerMode::Wipe => "wipe of source and result",
        ViewerMode::SideBySide => "source beside result",
        ViewerMode::Difference => "difference of source and result",
    };
    format!(
        "Picture, frame {} of {}, {what}",
        scene.playhead(),
        scene.n_frames()
    )
}

fn pictures(scene: Scene<'_>, textures: &mut Textures, ui: &Ui) -> Pictures {
    let frame = scene.playhead();
    let source = &scene.project.source;
    let (mut texture, mut source_frame) = (None, None);
    // Before the times are known no frame can be found.
    let exact = source
        .times
        .as_ref()
        .and_then(|_| textures.get(&PictureKey::Source(frame)));
    if let Some((id, picture)) = exact {
        (texture, source_frame) = (Some(id), Some(picture));
    } else if let Some(near) = source.nearest_thumbnail(frame) {
        texture = Some(textures.shared(ui.ctx(), near));
    }
    let from_source = Picture {
        texture,
        tag: Some("source".to_owned()),
        is_dimmed: false,
    };
    let (result, result_frame) = result(scene, textures, ui).unwrap_or_else(|| {
        let stand_in = Picture {
            is_dimmed: true,
            ..from_source.clone()
        };
        (stand_in, None)
    });
    Pictures {
        source: from_source,
        result,
        source_frame,
        result_frame,
    }
}

/// The newest there is: a try, a preview, or a finished picture.
fn result(
    scene: Scene<'_>,
    textures: &mut Textures,
    ui: &Ui,
) -> Option<(Picture, Option<Arc<Frame>>)> {
    let found = scene.project.result_picture(scene.playhead());
    let tag = found.tag().unwrap_or_else(|| "result".to_owned());
    let of_state = |textures: &mut Textures, picture: &Arc<Frame>, tag: String| {
        let shown = Picture {
            texture: Some(textures.shared(ui.ctx(), picture)),
            tag: Some(tag),
            is_dimmed: false,
        };
        (shown, Some(Arc::clone(picture)))
    };
    match found {
        ResultPicture::Trial(picture) => Some(of_state(textures, &picture, tag)),
        ResultPicture::Preview(preview) => Some(of_state(textures, &preview.picture, tag)),
        ResultPicture::None => None,
        ResultPicture::Finished(key) => {
            let (texture, picture) = textures.get(&key)?;
            let shown = Picture {
                texture: Some(texture),
                tag: Some(tag),
                is_dimmed: false,
            };
            Some((shown, Some(picture)))
        }
    }
}

fn difference(scene: Scene<'_>, pictures: &Pictures, textures: &mut Textures, ui: &Ui) -> Picture {
    let view = &scene.project.view;
    if view.mode != ViewerMode::Difference {
        return Picture::default();
    }
    let (Some(source), Some(result)) = (&pictures.source_frame, &pictures.result_frame) else {
        return Picture {
            tag: Some("no result to compare with".to_owned()),
            ..pictures.result.clone()
        };
    };
    let gain = view.difference_gain.factor();
    Picture {
        texture: Some(textures.difference(ui.ctx(), source, result, gain)),
        tag: Some(format!("difference ×{gain}")),
        is_dimmed: false,
    }
}

/// Buttons, time, overlay, scale and *Try*.
fn transport_ui(scene: Scene<'_>, ui: &mut Ui) -> Vec<Action> {
    let view = &scene.project.view;
    let mut asked = Vec::new();
    ui.horizontal(|ui| {
        ui.add_space(theme::GRID);
        let play = if view.playback.is_playing() {
            Icon::Pause
        } else {
            Icon::Play
        };
        let buttons = [
            (Icon::Start, Act::GoToStart),
            (Icon::Back, Act::FrameBack),
            (play, Act::PlayPause),
            (Icon::Forward, Act::FrameForward),
            (Icon::End, Act::GoToEnd),
        ];
        for (icon, act) in buttons {
            if icon_button(ui, icon, act).clicked() {
                asked.extend(crate::ui::acts::actions(act, scene.state));
            }
        }
        let frame = scene.playhead();
        ui.monospace(scene.timecode(frame));
        ui.label(format!("frame {frame}"));
        if view.playback.is_playing() {
            ui.weak(format!("{}×", view.playback.speed));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(theme::GRID);
            let button = ui.button("Try  P");
            let button = button.on_hover_text(shortcuts::hint(ui.ctx(), Act::Try));
            if button.accessible_name("Try").clicked() {
                asked.push(Action::Try(frame));
            }
            asked.extend(zoom_ui(scene, ui));
            asked.extend(overlay::menu_ui(scene, ui));
        });
    });
    asked
}

fn zoom_ui(scene: Scene<'_>, ui: &mut Ui) -> Option<Action> {
    let zoom = scene.project.view.zoom;
    let current = match zoom.factor {
        None => "Fit".to_owned(),
        Some(factor) => format!("{:.0} %", factor * 100.0),
    };
    let mut asked = None;
    let combo = ComboBox::from_id_salt("scale of the picture")
        .selected_text(current)
        .width(72.0);
    let inner = combo.show_ui(ui, |ui| {
        let choices = [
            ("Fit", None),
            ("50 %", Some(0.5)),
            ("100 %", Some(1.0)),
            ("200 %", Some(2.0)),
            ("400 %", Some(4.0)),
        ];
        for (name, factor) in choices {
            if ui.selectable_label(zoom.factor == factor, name).clicked() {
                asked = Some(Action::SetZoom(Zoom { factor, ..zoom }));
            }
        }
    });
    inner.response.accessible_name("Scale of the picture");
    asked
}
