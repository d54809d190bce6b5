//! The preferences of models: folders, token, address, offline; what they change and where they are kept.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::models::ModelAction;
use fresco_studio::app::preferences::Preferences;
use fresco_studio::app::state::PreferencesPage;
use fresco_studio::ui::dialogs::Chosen;
use fresco_studio::worker::message::{Command, FileTask, Hub, ModelSources, Places, Secret};

use super::models::{gets, id, sent};
use super::{Bench, ask, names, open_clip, press, settle};

const TOKEN: &str = "hf_mellon";

fn page() -> Bench {
    let mut bench = open_clip();
    ask(&mut bench, Action::ShowPreferences(PreferencesPage::Models));
    bench.state().script().take_asked();
    bench
}

fn write(bench: &mut Bench, role: Role, field: &str, text: &str) {
    bench.get_by_role_and_label(role, field).focus();
    settle(bench);
    bench.event(egui::Event::Text(text.into()));
    settle(bench);
}

/// How the next download would be done.
fn next_download(bench: &mut Bench) -> Option<fresco_studio::worker::message::GetModel> {
    bench.state().script().take_asked();
    ask(bench, Action::Model(ModelAction::Download(id("egnet"))));
    gets(&sent(bench)).pop().map(|(_, how)| how)
}

#[test]
fn a_token_is_kept_in_a_private_file_and_shown_nowhere() {
    let mut bench = page();
    write(&mut bench, Role::PasswordInput, "Access token", TOKEN);
    let commands = sent(&bench);
    let text = commands.iter().rev().find_map(|command| match command {
        Command::File(FileTask::SavePrivate { path, text }) => Some((path, &text.0)),
        _ => None,
    });
    let (path, text) = text.expect("the preferences are saved");
    assert!(path.ends_with(Preferences::FILE));
    let (kept, lost) = Preferences::from_text(text);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(kept.hub_token, Some(Secret(TOKEN.to_owned())));
    let told = format!("{commands:?} {:?}", bench.state().state());
    assert!(!told.contains(TOKEN));
    assert!(names(&bench).iter().all(|name| !name.contains(TOKEN)));
    let how = next_download(&mut bench).unwrap();
    assert_eq!(how.hub.token, Some(Secret(TOKEN.to_owned())));
}

#[test]
fn another_address_is_asked_and_offline_none() {
    let mut bench = page();
    write(&mut bench, Role::TextInput, "Hub", "https://mirror.example");
    let how = next_download(&mut bench).unwrap();
    assert_eq!(how.hub.endpoint, "https://mirror.example");
    ask(&mut bench, Action::Model(ModelAction::Drop(id("egnet"))));
    bench
        .get_by_role_and_label(Role::CheckBox, "Offline: download nothing")
        .click_accesskit();
    settle(&mut bench);
    assert!(bench.state().state().preferences.offline);
    assert_eq!(next_download(&mut bench), None);
}

#[test]
fn more_folders_are_looked_through_and_told_to_the_engine() {
    let mut bench = page();
    press(&mut bench, "Add folder…");
    assert_eq!(
        *bench.state().desktop.picks.borrow(),
        [FilePick::MoreModels]
    );
    let folder = PathBuf::from("/disk/webui");
    let answer = (FilePick::MoreModels, Chosen::File(folder.clone()));
    *bench.state().desktop.answer.borrow_mut() = Some(answer);
    settle(&mut bench);
    let commands = sent(&bench);
    let has_it = |places: &Places| places.others.first() == Some(&folder);
    let told = commands
        .iter()
        .any(|command| matches!(command, Command::UseModels(places) if has_it(places)));
    let looked = commands
        .iter()
        .any(|command| matches!(command, Command::ScanModels(places) if has_it(places)));
    assert!(told && looked, "{commands:?}");
    press(&mut bench, "Remove /disk/webui");
    assert!(
        bench
            .state()
            .state()
            .preferences
            .more_model_folders
            .is_empty()
    );
}

#[test]
fn the_environment_goes_before_the_preferences() {
    let mut preferences = Preferences {
        models_folder: Some("/own".into()),
        more_model_folders: vec!["/more".into()],
        hub_token: Some(Secret("own".into())),
        hub_endpoint: Some("https://own.example".into()),
        ..Preferences::default()
    };
    let usual = ModelSources {
        places: Places {
            others: vec!["/home/ComfyUI".into()],
            ..Places::from(PathBuf::from("/usual"))
        },
        hub: Hub::default(),
    };
    let sources = preferences.sources(&usual);
    assert_eq!(sources.places.folder, Path::new("/own"));
    let others = ["/more", "/home/ComfyUI"].map(PathBuf::from);
    assert_eq!(sources.places.others, others);
    assert_eq!(sources.hub.endpoint, "https://own.example");
    assert_eq!(sources.hub.token, Some(Secret("own".into())));
    let mut said = usual;
    said.hub.endpoint = "https://said.example".into();
    said.hub.token = Some(Secret("said".into()));
    let sources = preferences.sources(&said);
    assert_eq!(sources.hub.endpoint, "https://said.example");
    assert_eq!(sources.hub.token, Some(Secret("said".into())));
    assert!(!sources.hub.offline);
    preferences.offline = true;
    assert!(preferences.sources(&said).hub.offline);
}
