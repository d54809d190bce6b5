//! The left panel: the settings of the take, top to bottom in the order in which they act, and the
//! one button below them.

use egui::{CollapsingHeader, Ui};

use super::{control, fill, guidance, prompt, sampling, source};
use crate::app::actions::{Action, Gesture};
use crate::app::settings::{Section, Setting};
use crate::app::state::{AppState, Project};
use crate::pipeline::job::JobSpec;
use crate::ui::theme;
use crate::ui::widgets::labelled_slider::{Edited, Row};

/// All sections.
pub fn settings_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let Some(project) = &state.project else {
        return Vec::new();
    };
    let mut asked = Vec::new();
    egui::ScrollArea::vertical()
        .id_salt("settings")
        .auto_shrink(false)
        .show(ui, |ui| {
            for section in Section::ALL {
                asked.extend(section_ui(state, project, section, ui));
            }
        });
    asked
}

fn section_ui(state: &AppState, project: &Project, section: Section, ui: &mut Ui) -> Vec<Action> {
    let mut editor = Editor::new(state, project);
    let is_open = matches!(
        section,
        Section::Source | Section::Prompt | Section::Control
    );
    let title = egui::RichText::new(section.title()).strong();
    CollapsingHeader::new(title)
        .id_salt(section.title())
        .default_open(is_open)
        .show_unindented(ui, |ui| {
            match section {
                Section::Source => source::source_ui(project, &mut editor, ui),
                Section::Prompt => prompt::prompt_ui(state, &mut editor, ui),
                Section::Control => control::control_ui(&mut editor, ui),
                Section::Sampling => sampling::sampling_ui(state, &mut editor, ui),
                Section::Consistency => guidance::guidance_ui(state, &mut editor, ui),
                Section::InBetweens => fill::fill_ui(&mut editor, ui),
            }
            editor.reset_section_ui(section, ui);
            ui.add_space(theme::GRID);
        });
    ui.separator();
    editor.asked
}

/// Shows settings and gathers what was changed.
pub struct Editor<'a> {
    /// The settings as they are.
    pub spec: &'a JobSpec,
    /// Those of a new project.
    fresh: &'a JobSpec,
    /// The setting that the keyboard is to go to.
    focus: Option<Setting>,
    /// What was asked for so far.
    pub asked: Vec<Action>,
}

impl<'a> Editor<'a> {
    fn new(state: &AppState, project: &'a Project) -> Self {
        Self {
            spec: &project.edits.spec,
            fresh: &project.fresh,
            focus: state.focus,
            asked: Vec::new(),
        }
    }

    /// Whether a setting is not the default.
    #[must_use]
    pub fn is_changed(&self, setting: Setting) -> bool {
        setting.is_changed(self.spec, self.fresh)
    }

    /// Whether the keyboard is to go to a setting now.
    #[must_use]
    pub fn wants_focus(&self, setting: Setting) -> bool {
        self.focus == Some(setting)
    }

    /// The row of a setting.
    #[must_use]
    pub fn row(&self, setting: Setting) -> Row<'static> {
        Row {
            label: setting.label(),
            help: setting.tooltip(),
            is_changed: self.is_changed(setting),
        }
    }

    /// Asks for a change.
    pub fn change(&mut self, what: Setting, gesture: Gesture, change: impl FnOnce(&mut JobSpec)) {
        let mut spec = Box::new(self.spec.clone());
        change(&mut spec);
        self.asked.push(Action::Change {
            what,
            spec,
            gesture,
        });
    }

    /// Passes on what was done with a row.
    pub fn edited<T>(
        &mut self,
        setting: Setting,
        edited: Option<Edited<T>>,
        set: impl FnOnce(&mut JobSpec, T),
    ) {
        match edited {
            None => (),
            Some(Edited::Reset) => self.asked.push(Action::ResetSetting(setting)),
            Some(Edited::To(value, gesture)) => {
                self.change(setting, gesture, |spec| set(spec, value));
            }
        }
    }

    /// A number with a slider.
    pub fn number(
        &mut self,
        ui: &mut Ui,
        setting: Setting,
        value: f64,
        set: impl FnOnce(&mut JobSpec, f64),
    ) {
        let Some(number) = setting.number() else {
            return;
        };
        let edited = self.row(setting).slider(ui, value, number);
        self.edited(setting, edited, set);
    }

    /// On or off.
    pub fn toggle(
        &mut self,
        ui: &mut Ui,
        setting: Setting,
        value: bool,
        set: impl FnOnce(&mut JobSpec, bool),
    ) {
        let edited = self.row(setting).toggle(ui, value);
        self.edited(setting, edited, set);
    }

    fn reset_section_ui(&mut self, section: Section, ui: &mut Ui) {
        let settings = section.settings();
        if !settings.iter().any(|setting| self.is_changed(*setting)) {
            return;
        }
        let name = format!("Reset section {}", section.title());
        let button = ui.small_button("Reset section").accessible_name(name);
        if button.clicked() {
            self.asked.push(Action::ResetSection(section));
        }
    }
}
