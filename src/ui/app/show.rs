//! Lays out the panels in reading order, and what lies over them.

use egui::{Align, Context, Layout, Rect, Ui, UiBuilder, Vec2, vec2};

use super::{List, Studio};
use crate::app::actions::Action;
use crate::app::state::Dialog;
use crate::ui::backend::Backend;
use crate::ui::layout::{Areas, PanelName, panel_ui};
use crate::ui::panels::{
    dialogs, export, fit, jobs, keyframes, log, menus, models, notices, preferences, settings,
    shortcuts, start, timeline, viewer,
};
use crate::ui::scene::Scene;
use crate::ui::theme;

/// The open project, borrowed beside the textures; nothing is asked without one.
macro_rules! scene {
    ($studio:expr) => {
        match &$studio.state.project {
            Some(project) => Scene {
                state: &$studio.state,
                project,
                derived: &$studio.derived,
            },
            None => return Vec::new(),
        }
    };
}

/// Space between a panel and what is in it.
const MARGIN: Vec2 = Vec2::new(8.0, 8.0);

impl<B: Backend> Studio<B> {
    /// Everything that is seen; gives what was asked for.
    pub(super) fn layout(&mut self, ui: &mut Ui) -> Vec<Action> {
        let window = ui.max_rect();
        let above_button = fit::height(self.derived.fit.as_ref());
        let areas = self.arrangement.areas(window, above_button);
        let mut asked = Vec::new();
        let is_full = self
            .scene()
            .is_some_and(|scene| scene.project.view.full_screen);
        if is_full {
            asked.extend(self.viewer(ui, window));
        } else {
            asked.extend(self.menu(ui, areas.menu));
            if self.state.project.is_some() {
                asked.extend(self.panels(ui, &areas));
            } else {
                asked.extend(self.start(ui, &areas));
            }
            asked.extend(self.status(ui, areas.status));
            if self.state.project.is_some() {
                self.arrangement.handles_ui(&areas, ui);
            }
        }
        let ctx = ui.ctx().clone();
        asked.extend(self.list(&ctx));
        asked.extend(self.dialog(&ctx));
        asked.extend(log::toasts_ui(&self.state, &ctx));
        drop_ui(ui);
        asked
    }

    fn menu(&mut self, ui: &mut Ui, rect: Rect) -> Vec<Action> {
        ui.painter()
            .rect_filled(rect, 0.0, theme::of(ui).panel.colour());
        let inner = rect.shrink2(vec2(8.0, 2.0));
        let chosen = ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            menus::menu_bar_ui(&self.state, ui)
        });
        let menus::Chosen { acts, asked } = chosen.inner;
        for act in acts {
            self.act(&ui.ctx().clone(), act);
        }
        asked
    }

    fn start(&mut self, ui: &mut Ui, areas: &Areas) -> Vec<Action> {
        let rect = Rect::from_min_max(areas.menu.left_bottom(), areas.status.right_top());
        ui.painter()
            .rect_filled(rect, 0.0, theme::of(ui).panel.colour());
        let builder = UiBuilder::new()
            .max_rect(rect)
            .layout(Layout::top_down(Align::Min));
        ui.scope_builder(builder, |ui| {
            let mut asked = notices::notices_ui(&self.state, ui);
            asked.extend(start::start_ui(&self.state, ui));
            asked
        })
        .inner
    }

    fn panels(&mut self, ui: &mut Ui, areas: &Areas) -> Vec<Action> {
        let mut asked = Vec::new();
        if areas.settings.is_positive() {
            let (name, rect) = (PanelName::Settings, areas.settings);
            asked.extend(panel_ui(ui, name, rect, MARGIN, |ui| {
                settings::settings_ui(&self.state, ui)
            }));
            asked.extend(self.button(ui, areas.button));
        }
        asked.extend(self.viewer(ui, areas.viewer));
        if areas.timeline.is_positive() {
            let (name, rect) = (PanelName::Timeline, areas.timeline);
            asked.extend(panel_ui(ui, name, rect, Vec2::ZERO, |ui| {
                let scene = scene!(self);
                timeline::timeline_ui(scene, &mut self.textures, ui)
            }));
        }
        if !areas.settings.is_positive() {
            asked.extend(self.button(ui, areas.button));
        }
        if areas.keyframes.is_positive() {
            let (name, rect) = (PanelName::Keyframes, areas.keyframes);
            asked.extend(panel_ui(ui, name, rect, MARGIN, |ui| {
                let scene = scene!(self);
                keyframes::keyframes_ui(scene, areas.is_strip, &mut self.textures, ui)
            }));
        }
        asked
    }

    /// The one button, and the line above it.
    fn button(&self, ui: &mut Ui, rect: Rect) -> Vec<Action> {
        let builder = UiBuilder::new().max_rect(rect.shrink2(MARGIN));
        ui.painter()
            .rect_filled(rect, 0.0, theme::of(ui).panel.colour());
        let button = ui.scope_builder(builder, |ui| {
            let fit = self.derived.fit.as_ref();
            let mut asked = fit.map_or(Vec::new(), |fit| fit::fit_ui(fit, ui));
            asked.extend(jobs::button_ui(&self.state, ui));
            asked
        });
        button.inner
    }

    fn viewer(&mut self, ui: &mut Ui, rect: Rect) -> Vec<Action> {
        panel_ui(ui, PanelName::Viewer, rect, Vec2::ZERO, |ui| {
            let mut asked = notices::notices_ui(&self.state, ui);
            let scene = scene!(self);
            asked.extend(viewer::viewer_ui(scene, &mut self.textures, ui));
            asked
        })
    }

    fn status(&mut self, ui: &mut Ui, rect: Rect) -> Vec<Action> {
        let mut list = None;
        let unread = self.state.messages.unread();
        let asked = panel_ui(ui, PanelName::Status, rect, vec2(8.0, 4.0), |ui| {
            ui.horizontal(|ui| {
                self.announcer.announce(&self.state, ui);
                let asked = jobs::status_ui(&self.state, ui);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let messages = match unread {
                        0 => "Messages".to_owned(),
                        n => format!("Messages ({n})"),
                    };
                    if ui.button(messages).clicked() {
                        list = Some(List::Messages);
                    }
                    if ui.button("Jobs").clicked() {
                        list = Some(List::Jobs);
                    }
                });
                asked
            })
            .inner
        });
        if let Some(list) = list {
            self.toggle_list(list);
        }
        asked
    }

    /// The list of jobs or of messages, above the status bar.
    fn list(&mut self, ctx: &Context) -> Vec<Action> {
        let Some(list) = self.open_list else {
            return Vec::new();
        };
        let mut asked = Vec::new();
        let area = egui::Area::new(egui::Id::unique("list of the status bar"))
            .order(egui::Order::Foreground)
            .anchor(egui::Align2::RIGHT_BOTTOM, vec2(-8.0, -36.0));
        area.show(ctx, |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_max_width(420.0);
                asked = match list {
                    List::Jobs => jobs::jobs_ui(&self.state, ui),
                    List::Messages => log::messages_ui(&self.state, ui),
                };
                if ui.button("Close").accessible_name("Close list").clicked() {
                    self.open_list = None;
                }
            });
        });
        asked
    }

    /// The topmost dialog.
    fn dialog(&mut self, ctx: &Context) -> Vec<Action> {
        let Some(dialog) = self.state.dialogs.last().cloned() else {
            return Vec::new();
        };
        match dialog {
            Dialog::Export(draft) => export::export_ui(&self.state, &draft, ctx),
            Dialog::Preferences(page) => preferences::preferences_ui(&self.state, page, ctx),
            Dialog::Shortcuts => shortcuts::sheet_ui(ctx),
            Dialog::Models => models::models_ui(&self.state, ctx),
            Dialog::Download(id) => models::download_ui(&self.state, &id, ctx),
            Dialog::GoTo(_) => dialogs::go_to_ui(ctx),
            Dialog::Palette(_) => self.palette(ctx),
            Dialog::CloseWhileWorking => dialogs::close_while_working_ui(ctx),
            Dialog::SaveBeforeClosing => dialogs::save_before_closing_ui(ctx),
            Dialog::Details(report) => dialogs::details_ui(&report, ctx),
            Dialog::About => dialogs::about_ui(ctx),
        }
    }

    fn palette(&mut self, ctx: &Context) -> Vec<Action> {
        let shortcuts::Chosen { asked, act } = shortcuts::palette_ui(&self.state, ctx);
        if let Some(act) = act {
            // The palette is closed before the command may open something else.
            for action in asked {
                self.perform(ctx, action);
            }
            self.act(ctx, act);
            return Vec::new();
        }
        asked
    }
}

/// What happens if the file over the window is let go.
fn drop_ui(ui: &Ui) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let theme = theme::of(ui);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, theme.tag.faint(0.7));
    let font = egui::FontId::proportional(24.0);
    let text = "Drop to open";
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        text,
        font,
        theme.on_tag.colour(),
    );
}
