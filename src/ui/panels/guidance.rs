//! Consistency: FRESCO's guidance between frames, batches and keyframes.

use egui::Ui;

use super::settings::Editor;
use crate::app::helpers::methods;
use crate::app::settings::Setting;
use crate::app::state::AppState;
use crate::pipeline::job::{Compat, Consistency, ConsistencySpec, KeyframeGap, Preset};
use crate::ui::widgets::labelled_slider::{Edited, Row};

/// What the list of presets offers; *Custom* is shown when constraints were taken out or work in a way of their own.
const PRESETS: &[(Choice, &str)] = &[
    (Choice::Preset(Preset::Full), "Full"),
    (Choice::Preset(Preset::Light), "Light"),
    (Choice::Preset(Preset::Off), "Off"),
    (Choice::Custom, "Custom"),
];

#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Preset(Preset),
    Custom,
}

/// A switch: its name, what it does, and its flag.
type Switch = (
    &'static str,
    &'static str,
    fn(&mut ConsistencySpec) -> &mut bool,
);

/// The paper's constraints; their flags take them out.
const CONSTRAINTS: &[Switch] = &[
    (
        "Spatial attention",
        "Queries averaged by likenesses within the source frame.",
        |spec| &mut spec.no_spatial_attention,
    ),
    (
        "Cross-frame attention",
        "All frames of a batch attend to one set of tokens.",
        |spec| &mut spec.no_cross_frame_attention,
    ),
    (
        "Temporal attention",
        "Attention along the paths of moving pixels.",
        |spec| &mut spec.no_temporal_attention,
    ),
    (
        "Spatial loss",
        "Features keep the likenesses within each source frame. Costs: the most time of all.",
        |spec| &mut spec.no_spatial_loss,
    ),
    (
        "Temporal loss",
        "Features keep to the optical flow.",
        |spec| &mut spec.no_temporal_loss,
    ),
    (
        "Background smoothing",
        "Calms still backgrounds: they take over what the frame before shows there.",
        |spec| &mut spec.no_background_smoothing,
    ),
];

/// Other ways in which constraints can work; off in the reference.
const OPTIONS: &[Switch] = &[
    (
        "Plain recording",
        "Spatial attention and loss take likenesses without any words. Off: as the prompt sees them.",
        |spec| &mut spec.plain_recording,
    ),
    (
        "Drop unrelated wrap",
        "The last frame of a batch and its first are not pulled together where more than 90 % of \
         the two is hidden from each other.",
        |spec| &mut spec.drop_unrelated_wrap,
    ),
    (
        "Keep foreground",
        "Smooths the background only. Off: all of every frame passes through the VAE again.",
        |spec| &mut spec.smooth_background_only,
    ),
];

/// The section *Consistency*.
pub fn guidance_ui(state: &AppState, editor: &mut Editor<'_>, ui: &mut Ui) {
    let guidance = &editor.spec.guidance;
    let preset = Choice::Preset(guidance.consistency);
    let is_custom = *guidance != of_preset(guidance.consistency);
    let current = if is_custom { Choice::Custom } else { preset };
    let offered = if is_custom { PRESETS } else { &PRESETS[..3] };
    let chosen = editor
        .row(Setting::Consistency)
        .choice(ui, &current, offered);
    editor.edited(Setting::Consistency, chosen, |spec, choice| {
        if let Choice::Preset(preset) = choice {
            spec.guidance = of_preset(preset);
        }
    });
    constraints_ui(editor, ui);
    for method in methods(state) {
        ui.weak(method);
    }
    let size = editor.spec.batch_size as f64;
    editor.number(ui, Setting::BatchSize, size, |spec, size| {
        spec.batch_size = size as usize;
    });
    gap_ui(editor, ui);
    let follows = editor.spec.compat.is_some();
    editor.toggle(ui, Setting::Compat, follows, |spec, on| {
        spec.compat = on.then_some(Compat::Reference);
    });
}

fn of_preset(consistency: Preset) -> ConsistencySpec {
    ConsistencySpec {
        consistency,
        ..ConsistencySpec::default()
    }
}

fn constraints_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let on = Consistency::from(&editor.spec.guidance);
    let values = [
        on.spatial_attention,
        on.cross_frame_attention,
        on.temporal_attention,
        on.spatial_loss,
        on.temporal_loss,
        on.background_smoothing,
    ];
    let is_possible = |index: usize| match editor.spec.guidance.consistency {
        Preset::Full => true,
        Preset::Light => index != 3,
        Preset::Off => false,
    };
    let ways = [
        (on.records(), on.plain_recording),
        (on.wraps(), on.drop_unrelated_wrap),
        (on.background_smoothing, on.smooth_background_only),
    ];
    let possible: Vec<bool> = (0..values.len()).map(is_possible).collect();
    egui::CollapsingHeader::new("Constraints").show(ui, |ui| {
        for (index, switch) in CONSTRAINTS.iter().enumerate() {
            let edited = switch_ui(ui, switch, (possible[index], values[index]));
            editor.edited(Setting::Consistency, edited, |spec, on| {
                *(switch.2)(&mut spec.guidance) = !on;
            });
        }
        for (switch, shown) in OPTIONS.iter().zip(ways) {
            let edited = switch_ui(ui, switch, shown);
            editor.edited(Setting::Consistency, edited, |spec, on| {
                *(switch.2)(&mut spec.guidance) = on;
            });
        }
    });
}

/// A switch that may not be possible, and is on or off.
fn switch_ui(
    ui: &mut Ui,
    &(label, help, _): &Switch,
    (is_possible, is_on): (bool, bool),
) -> Option<Edited<bool>> {
    let row = Row {
        label,
        help,
        is_changed: false,
    };
    let shown = ui.add_enabled_ui(is_possible, |ui| row.toggle(ui, is_on));
    shown.inner
}

/// Smallest and largest gap; one pushes the other.
fn gap_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let (min, max) = match editor.spec.keyframe_gap {
        KeyframeGap::Fixed(gap) => (gap, gap),
        KeyframeGap::Range { min, max } => (min, max),
    };
    let Some(number) = Setting::KeyframeGap.number() else {
        return;
    };
    let row = |label| Row {
        label,
        ..editor.row(Setting::KeyframeGap)
    };
    let smallest = row("Smallest keyframe gap").slider(ui, min as f64, number);
    let largest = row("Largest keyframe gap").slider(ui, max as f64, number);
    editor.edited(Setting::KeyframeGap, smallest, |spec, min| {
        let min = min as usize;
        spec.keyframe_gap = gap(min, max.max(min));
    });
    editor.edited(Setting::KeyframeGap, largest, |spec, max| {
        let max = max as usize;
        spec.keyframe_gap = gap(min.min(max), max);
    });
}

fn gap(min: usize, max: usize) -> KeyframeGap {
    if min == max {
        KeyframeGap::Fixed(min)
    } else {
        KeyframeGap::Range { min, max }
    }
}
