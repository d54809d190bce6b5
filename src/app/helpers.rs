//! What will find motion and background with the settings as they are: a network whose weights are here, or a classical
//! method.

use super::state::AppState;
use crate::pipeline::job::Consistency;

/// It in words, a line for each thing that is looked for; nothing before the models were looked at.
#[must_use]
pub fn methods(state: &AppState) -> Vec<String> {
    let (Some(project), Some(model)) = (&state.project, state.model.ready()) else {
        return Vec::new();
    };
    let spec = &project.edits.spec;
    let consistency = Consistency::from(&spec.guidance);
    let follows_motion = !consistency.is_off() || !spec.no_fill;
    let gmflow = model.helpers.gmflow.then_some("GMFlow");
    let motion = line("Motion", gmflow, ("GMFlow", "dense inverse search"));
    let usual = ("U²-Net", "contrast with the border");
    let background = line("Background", model.helpers.saliency, usual);
    let lines = [
        follows_motion.then_some(motion),
        consistency.background_smoothing.then_some(background),
    ];
    lines.into_iter().flatten().collect()
}

/// `here` is the network that is there; else the method without one takes the place of the usual network.
fn line(what: &str, here: Option<&str>, (usual, classical): (&str, &str)) -> String {
    match here {
        Some(network) => format!("{what}: {network}"),
        None => format!("{what}: {classical} ({usual}'s weights are not here)"),
    }
}
