//! Which methods find motion and background: said beside the settings before a job, and under the job after it.

use fresco_studio::app::settings::Setting;
use fresco_studio::pipeline::job::Preset;
use fresco_studio::worker::message::{Event, HelpersFound, JobEvent};

use super::settings::unfold;
use super::{Bench, change, facts, names, open_clip, press, start_job, summary, tell};

/// What is said of a method.
fn said(bench: &Bench, of: &str) -> Vec<String> {
    let names = names(bench).into_iter();
    names.filter(|name| name.starts_with(of)).collect()
}

fn tell_helpers(bench: &mut Bench, helpers: HelpersFound) {
    let model = facts::everything_ready().into_iter().find_map(|event| {
        let Event::Model(Ok(mut model)) = event else {
            return None;
        };
        model.helpers = helpers;
        Some(Event::Model(Ok(model)))
    });
    tell(bench, model.into_iter().collect());
}

#[test]
fn methods_stand_beside_the_settings_that_use_them() {
    let mut bench = open_clip();
    unfold(&mut bench, "Consistency");
    assert_eq!(
        said(&bench, "Motion:"),
        ["Motion: dense inverse search (GMFlow's weights are not here)"]
    );
    assert_eq!(
        said(&bench, "Background:"),
        ["Background: contrast with the border (U²-Net's weights are not here)"]
    );
    let both = HelpersFound {
        gmflow: true,
        saliency: Some("EGNet"),
    };
    tell_helpers(&mut bench, both);
    assert_eq!(said(&bench, "Motion:"), ["Motion: GMFlow"]);
    assert_eq!(said(&bench, "Background:"), ["Background: EGNet"]);

    // Nothing looks for either: keyframes alone, without guidance.
    change(&mut bench, Setting::Consistency, |spec| {
        spec.guidance.consistency = Preset::Off;
    });
    assert!(said(&bench, "Motion:").is_empty() && said(&bench, "Background:").is_empty());
    // Frames between keyframes follow motion.
    change(&mut bench, Setting::Fill, |spec| spec.no_fill = false);
    assert_eq!(said(&bench, "Motion:"), ["Motion: GMFlow"]);
    assert!(said(&bench, "Background:").is_empty());
}

#[test]
fn a_finished_job_says_what_is_worth_knowing_about_it() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    let note = "Motion was found by GMFlow.";
    let mut summary = summary();
    summary.notes = vec![note.to_owned()];
    press(&mut bench, "Jobs");
    assert!(said(&bench, note).is_empty());
    tell(
        &mut bench,
        vec![Event::Job(job, JobEvent::Finished(summary))],
    );
    assert_eq!(said(&bench, note), [note]);
}
