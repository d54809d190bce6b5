//! The prompt and what goes with it.

use std::ops::Range;
use std::sync::LazyLock;

use egui::text::{CCursor, CCursorRange, CharIndex, LayoutJob, TextFormat};
use egui::{Align, Id, Key, Layout, Modifiers, TextBuffer, TextEdit, TextStyle, Ui};

use super::notices::local_notice_ui;
use super::settings::Editor;
use crate::app::actions::{Action, Gesture};
use crate::app::notices::NoticeKind;
use crate::app::prompt::faults;
use crate::app::settings::Setting;
use crate::app::state::AppState;
use crate::app::weighting::{Change, Selected, reweigh};
use crate::pipeline::job::{JobSpec, Look, PromptFault};
use crate::ui::theme;

/// Faults that are told of in words.
const MOST_FAULTS: usize = 3;
/// Letters of a fault that are repeated there.
const MOST_LETTERS: usize = 24;

/// Names and titles of the looks, none first.
static LOOKS: LazyLock<Vec<(Option<String>, String)>> = LazyLock::new(|| {
    let titled = |name: &str| Some((Some(name.to_owned()), Look::named(name)?.title));
    let looks = Look::names().filter_map(titled);
    std::iter::once((None, "None".to_owned()))
        .chain(looks)
        .collect()
});

/// The section *Prompt*.
pub fn prompt_ui(state: &AppState, editor: &mut Editor<'_>, ui: &mut Ui) {
    look_ui(editor, ui);
    words_ui(state, editor, ui, (Setting::Prompt, 4), |spec| {
        &mut spec.prompt
    });
    tokens_ui(state, ui);
    editor
        .asked
        .extend(local_notice_ui(state, NoticeKind::EmptyPrompt, ui));
    let is_used = !editor.spec.negative.is_empty() || !editor.spec.quality.is_empty();
    egui::CollapsingHeader::new("Quality words and negative prompt")
        .default_open(is_used)
        .show_unindented(ui, |ui| {
            labelled(ui, Setting::Quality);
            words_ui(state, editor, ui, (Setting::Quality, 1), |spec| {
                &mut spec.quality
            });
            labelled(ui, Setting::Negative);
            words_ui(state, editor, ui, (Setting::Negative, 2), |spec| {
                &mut spec.negative
            });
        });
}

/// A look brings settings of its own, as one step.
fn look_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let looks = LOOKS
        .iter()
        .map(|(name, title)| (name.clone(), title.as_str()));
    let looks: Vec<(Option<String>, &str)> = looks.collect();
    let chosen = editor
        .row(Setting::Look)
        .choice(ui, &editor.spec.look, &looks);
    editor.edited(Setting::Look, chosen, |spec, name| {
        if let Some(look) = name.as_deref().and_then(Look::named) {
            look.apply(spec, |_| false);
        }
        spec.look = name;
    });
}

/// How long the prompt is, in steps of what the text encoder reads at once.
fn tokens_ui(state: &AppState, ui: &mut Ui) {
    let Some(count) = state.tokens else {
        return;
    };
    let (tokens, room) = (count.tokens, count.room());
    let (text, help) = if tokens > room {
        let lost = tokens - room;
        (
            format!("{tokens} / {room} tokens, the last {lost} are not read"),
            "The reference reads one chunk of the prompt and drops the rest.",
        )
    } else {
        (
            format!("{tokens} / {room} tokens"),
            "What the model reads: the prompt with the words of the look and the quality words. \
             Longer prompts are read in several chunks.",
        )
    };
    let theme = theme::of(ui);
    let token = if tokens > room {
        theme.warning
    } else {
        theme.text_weak
    };
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        ui.colored_label(token.colour(), text).on_hover_text(help);
    });
}

fn labelled(ui: &mut Ui, setting: Setting) {
    ui.label(setting.label()).on_hover_text(setting.tooltip());
}

/// Ctrl+Up and Ctrl+Down give what is selected more and less weight; says whether they did.
fn weigh(ui: &Ui, id: Id, text: &mut String) -> bool {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return false;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, key));
    let change = if pressed(Key::ArrowUp) {
        Change::More
    } else if pressed(Key::ArrowDown) {
        Change::Less
    } else {
        return false;
    };
    let Some(mut edit) = TextEdit::load_state(ui.ctx(), id) else {
        return false;
    };
    let range = edit.cursor.char_range();
    let range = range.map_or(0..0, |range| {
        let Range { start, end } = range.as_sorted_char_range();
        start.0..end.0
    });
    let before = Selected {
        text: text.clone(),
        range,
    };
    let Some(after) = reweigh(&before, change) else {
        return false;
    };
    let cursor = |index| CCursor::new(CharIndex(index));
    let selection = CCursorRange::two(cursor(after.range.start), cursor(after.range.end));
    edit.cursor.set_char_range(Some(selection));
    TextEdit::store_state(ui.ctx(), id, edit);
    *text = after.text;
    true
}

/// Enter makes a new line; Ctrl+Enter is the one button, which the shortcut table sees to. What is not read as it may have
/// been meant is underlined, with the reason below and under the pointer.
fn words_ui(
    state: &AppState,
    editor: &mut Editor<'_>,
    ui: &mut Ui,
    (setting, rows): (Setting, usize),
    field: fn(&mut JobSpec) -> &mut String,
) {
    let mut spec = editor.spec.clone();
    let text = field(&mut spec);
    let id = ui.make_persistent_id(setting.label());
    let is_weighed = weigh(ui, id, text);
    let faults = |text: &str| faults(state, editor.spec, setting, text);
    let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, width: f32| {
        let job = underlined(ui, buffer.as_str(), &faults(buffer.as_str()), width);
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    };
    let edit = TextEdit::multiline(text)
        .id(id)
        .hint_text(setting.tooltip())
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .layouter(&mut layouter)
        .show(ui);
    let response = edit.response.response.accessible_name(setting.label());
    let found = faults(text);
    let pointed = response.hover_pos().and_then(|pointer| {
        let letter = edit.galley.cursor_from_pos(pointer - edit.galley_pos).index;
        fault_at(text, letter.0, &found)
    });
    let response = match pointed {
        Some(fault) => response.on_hover_text(&fault.reason),
        None => response,
    };
    faults_ui(text, &found, ui);
    if editor.wants_focus(setting) {
        response.request_focus();
        editor.asked.push(Action::Focused);
    }
    if response.changed() || is_weighed {
        editor.change(setting, Gesture::Ongoing, |changed| {
            *field(changed) = std::mem::take(field(&mut spec));
        });
    }
}

/// A text with its faults underlined.
fn underlined(ui: &Ui, text: &str, faults: &[PromptFault], width: f32) -> LayoutJob {
    let plain = TextFormat::simple(
        TextStyle::Body.resolve(ui.style()),
        ui.visuals().widgets.inactive.text_color(),
    );
    let marked = TextFormat {
        underline: theme::of(ui).error.line(2.0),
        ..plain.clone()
    };
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    let mut end = 0;
    for fault in faults.iter().filter(|fault| !fault.range.is_empty()) {
        // Nothing is underlined twice.
        let start = fault.range.start.max(end);
        job.append(&text[end..start], 0.0, plain.clone());
        end = fault.range.end.max(start);
        job.append(&text[start..end], 0.0, marked.clone());
    }
    job.append(&text[end..], 0.0, plain);
    job
}

/// The fault that a letter, by its number, belongs to.
fn fault_at<'a>(text: &str, letter: usize, faults: &'a [PromptFault]) -> Option<&'a PromptFault> {
    let (byte, _) = text.char_indices().nth(letter)?;
    faults.iter().find(|fault| fault.range.contains(&byte))
}

/// The first faults in words, for those who see no line under a word.
fn faults_ui(text: &str, faults: &[PromptFault], ui: &mut Ui) {
    let warning = theme::of(ui).warning.colour();
    for fault in faults.iter().take(MOST_FAULTS) {
        let words: String = text[fault.range.clone()]
            .chars()
            .take(MOST_LETTERS)
            .collect();
        ui.colored_label(warning, format!("{words}  {}", fault.reason));
    }
    if let Some(more) = faults
        .len()
        .checked_sub(MOST_FAULTS)
        .filter(|more| *more > 0)
    {
        ui.colored_label(warning, format!("{more} more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_finds_the_fault_by_letters_and_not_by_bytes() {
        let text = "ä (fox";
        let fault = PromptFault {
            range: 3..4,
            reason: "no ) closes it".to_owned(),
        };
        let faults = [fault.clone()];
        assert_eq!(fault_at(text, 2, &faults), Some(&fault));
        assert_eq!(fault_at(text, 1, &faults), None);
        assert_eq!(fault_at(text, 6, &faults), None, "behind the text");
    }
}
