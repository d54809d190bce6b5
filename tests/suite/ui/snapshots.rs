//! A few small pictures of the window, drawn by a software adapter.

use egui::accesskit::Role;
use egui::{Theme, Vec2};
use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::actions::ExportWhat;
use fresco_studio::app::models::ModelAction;
use fresco_studio::app::state::Dialog;
use fresco_studio::app::view::{Overlay, ViewerMode};
use fresco_studio::frame::FrameIdx;
use fresco_studio::worker::message::{ModelId, Preview, PreviewOf, StepOf};

use super::script::result_picture;
use super::settings::unfold;
use super::{
    Bench, CLIP, ask, clip_known, device_page, models, overlays, settle, start_job, tell,
    translate_all, window, write_prompt,
};

/// The smallest window, so that the pictures are small.
const SIZE: Vec2 = Vec2::new(1024.0, 640.0);

/// Whether there is a graphics device, if only a software one.
fn adapter_exists() -> bool {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let required = std::env::var_os("FRESCO_REQUIRE_GPU").is_some_and(|value| value == "1");
    assert!(
        !(adapters.is_empty() && required),
        "a graphics device is required, and there is none"
    );
    if adapters.is_empty() {
        eprintln!("skipped: no graphics device, not even a software one");
    }
    !adapters.is_empty()
}

/// Letters are drawn a little differently from driver to driver.
fn compare(bench: &mut Bench, name: &str) {
    if !adapter_exists() {
        return;
    }
    let options = SnapshotOptions::new()
        .threshold(1.2)
        .max_failed_pixels(60_usize);
    bench.snapshot_options(name, &options);
}

fn opened(theme: Theme) -> Bench {
    let mut bench = window(SIZE, theme, Some(CLIP.into()));
    tell(&mut bench, clip_known());
    write_prompt(&mut bench);
    bench
}

#[test]
fn picture_of_the_start_screen() {
    let mut bench = window(SIZE, Theme::Dark, None);
    compare(&mut bench, "start");
}

#[test]
fn picture_of_the_idle_window_in_light() {
    let mut bench = opened(Theme::Light);
    settle(&mut bench);
    compare(&mut bench, "idle-light");
}

#[test]
fn picture_of_the_constraints() {
    let mut bench = opened(Theme::Dark);
    // What stands above is folded.
    for section in ["Source", "Prompt", "Control", "Consistency", "Constraints"] {
        unfold(&mut bench, section);
    }
    bench.run_steps(400);
    compare(&mut bench, "constraints");
}

#[test]
fn picture_of_work_with_previews() {
    let mut bench = opened(Theme::Dark);
    let job = start_job(&mut bench);
    let picture = std::sync::Arc::new(result_picture());
    let preview = Preview {
        of: PreviewOf::Job(job),
        step: Some(StepOf {
            step: 11,
            executed: 20,
        }),
        pictures: vec![(FrameIdx(0), picture)],
    };
    *bench.state().script().preview.borrow_mut() = Some(preview);
    settle(&mut bench);
    compare(&mut bench, "working");
}

#[test]
fn picture_of_the_wipe() {
    let mut bench = opened(Theme::Dark);
    translate_all(&mut bench);
    ask(&mut bench, Action::SetMode(ViewerMode::Wipe));
    bench.run_steps(400);
    compare(&mut bench, "wipe");
}

#[test]
fn picture_of_the_flow_over_the_source() {
    let mut bench = opened(Theme::Dark);
    ask(&mut bench, Action::SetOverlay(Overlay::Flow));
    overlays::answer(&mut bench);
    bench.run_steps(400);
    compare(&mut bench, "flow");
}

#[test]
fn picture_of_the_models_dialog() {
    let mut bench = opened(Theme::Dark);
    ask(&mut bench, Action::OpenDialog(Dialog::Models));
    tell(&mut bench, models::all_states());
    let action = ModelAction::Download(ModelId("realistic-vision-2".into()));
    ask(&mut bench, Action::Model(action));
    tell(
        &mut bench,
        vec![models::going("realistic-vision-2", 43, 100, Some(130.0))],
    );
    bench.run_steps(400);
    compare(&mut bench, "models");
}

#[test]
fn picture_of_the_device_page() {
    let mut bench = device_page::page(opened(Theme::Light), false);
    bench
        .get_by_role_and_label(Role::CheckBox, "Limit CPU threads")
        .click_accesskit();
    bench.run_steps(400);
    compare(&mut bench, "device-light");
}

#[test]
fn picture_of_the_export_dialog() {
    let mut bench = opened(Theme::Light);
    translate_all(&mut bench);
    ask(&mut bench, Action::OpenExport(ExportWhat::Frames));
    bench.run_steps(400);
    compare(&mut bench, "export-light");
}
