//! ControlNets in the settings: each of several has a type of its own.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::settings::Setting;
use fresco_studio::pipeline::job::ControlKind;
use fresco_studio::ui::dialogs::Chosen;

use super::{Bench, change, names, open_clip, press, settle};

fn add(bench: &mut Bench, file: &str) {
    bench
        .get_by_role_and_label(Role::Button, "Add ControlNet…")
        .click_accesskit();
    settle(bench);
    let answer = (FilePick::ControlNet, Chosen::File(file.into()));
    *bench.state().desktop.answer.borrow_mut() = Some(answer);
    settle(bench);
}

fn own_types(bench: &Bench) -> Vec<Option<ControlKind>> {
    let nets = &bench.state().project().edits.spec.controlnet;
    nets.iter().map(|net| net.control).collect()
}

/// How many networks offer a type of their own.
fn n_offered(bench: &Bench) -> usize {
    bench
        .query_all_by_role_and_label(Role::ComboBox, "Own type")
        .count()
}

fn is_warned(bench: &Bench) -> bool {
    names(bench)
        .iter()
        .any(|name| name.contains("Trained on depth."))
}

#[test]
fn each_of_several_controlnets_has_its_own_type() {
    let mut bench = open_clip();
    add(&mut bench, "/nets/controlnet-hed/model.safetensors");
    assert_eq!((own_types(&bench), n_offered(&bench)), (vec![None], 0));
    add(&mut bench, "/nets/controlnet-depth/model.safetensors");
    let depth = Some(ControlKind::Depth);
    assert_eq!(own_types(&bench), [None, depth]);
    assert_eq!(n_offered(&bench), 2);
    assert!(!is_warned(&bench));

    let second = bench
        .query_all_by_role_and_label(Role::ComboBox, "Own type")
        .nth(1);
    second.unwrap().click_accesskit();
    settle(&mut bench);
    press(&mut bench, "As above");
    assert_eq!(own_types(&bench), [None, None]);
    assert!(is_warned(&bench));

    // One alone keeps what was chosen for it, and a clip takes its place.
    change(&mut bench, Setting::ControlNets, |spec| {
        spec.controlnet.remove(0);
        spec.controlnet[0].control = depth;
    });
    settle(&mut bench);
    assert_eq!(n_offered(&bench), 1);
    change(&mut bench, Setting::ControlNets, |spec| {
        spec.controlnet[0].clip = Some("/clips/depth.mp4".into());
    });
    settle(&mut bench);
    assert_eq!(n_offered(&bench), 0);
}
