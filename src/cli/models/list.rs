//! Shows which models there are.

use serde::Serialize;

use crate::app::format::bytes;
use crate::cli::console::Console;
use crate::worker::message::{Entry, Found, Library, Owner, Role, State};

/// What `--json` prints: one of these per line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    Model {
        #[serde(flatten)]
        entry: &'a Entry,
        address: String,
        page: String,
        #[serde(flatten)]
        state: &'a State,
    },
    Found(&'a Found),
    Note {
        text: &'a str,
    },
}

pub(super) fn list(library: &Library, endpoint: &str, console: &mut Console) {
    console.say(format_args!(
        "Models      Folder  {}",
        library.folder.display()
    ));
    let mut heading = None;
    for (entry, state) in &library.entries {
        console.tell(&Line::Model {
            entry,
            address: entry.address(endpoint),
            page: entry.page(endpoint),
            state,
        });
        let role = if heading == Some(entry.role) {
            String::new()
        } else {
            entry.role.to_string()
        };
        heading = Some(entry.role);
        let mark = match state {
            State::Ready { .. } | State::Unchecked { .. } => '●',
            _ => '○',
        };
        console.say(format_args!(
            "{role:<11} {mark} {:<32} {:>7}  {:<20} {}",
            entry.title,
            bytes(entry.bytes),
            entry.id,
            word(state),
        ));
        console.say(format_args!("              {}", entry.purpose));
        console.say(format_args!(
            "              licence: {}   {}",
            entry.licence_text(),
            entry.page(endpoint)
        ));
    }
    let n_loras = library
        .found
        .iter()
        .filter(|found| found.role == Role::Lora);
    console.say(format_args!("LoRA        {} found", n_loras.count()));
    say_owners(library, console);
    for text in &library.notes {
        console.tell(&Line::Note { text });
    }
    console.say("Get one with: fresco-studio models get NAME");
    let is_unchecked = |(_, state): &(Entry, State)| matches!(state, State::Unchecked { .. });
    if library.entries.iter().any(is_unchecked) {
        console.say("The same compares the SHA-256 of one that is there.");
    }
}

/// How many models are in folders of others.
fn say_owners(library: &Library, console: &mut Console) {
    let owners = [
        Owner::HuggingFace,
        Owner::A1111,
        Owner::ComfyUi,
        Owner::Folder,
    ];
    let count = |owner: Owner| {
        let n = library.found.iter().filter(|found| found.owner == owner);
        match n.count() {
            0 => None,
            n => Some(format!("{owner} ({n})")),
        }
    };
    let counts: Vec<String> = owners.into_iter().filter_map(count).collect();
    if !counts.is_empty() {
        console.say(format_args!(
            "Also found  {}   used in place, never moved",
            counts.join("   ")
        ));
    }
}

fn word(state: &State) -> String {
    match state {
        State::Ready { path } => format!("ready: {}", path.display()),
        State::Unchecked { path } => {
            format!("ready, SHA-256 not compared: {}", path.display())
        }
        State::Missing => "missing".to_owned(),
        State::Unfinished {
            done,
            total: Some(total),
        } if *total > 0 => format!("downloading, stopped at {} %", done * 100 / total),
        State::Unfinished { done, .. } => format!("downloading, stopped at {}", bytes(*done)),
        State::Damaged { reason, .. } => format!("damaged: {reason}"),
    }
}

pub(super) fn show_found(library: &Library, console: &mut Console) {
    for found in &library.found {
        console.tell(&Line::Found(found));
        let trouble = found.trouble.as_ref();
        let state = trouble.map_or("ready", |trouble| trouble.as_str());
        console.say(format_args!(
            "{:<11} {:<32} {:>7}  {:<18} {state}: {}",
            found.role,
            found.name,
            bytes(found.bytes),
            found.owner,
            found.path.display()
        ));
    }
    for text in &library.notes {
        console.tell(&Line::Note { text });
        console.say(text);
    }
    if library.found.is_empty() {
        console.say("No models were found.");
    }
    say_owners(library, console);
}
