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
    let motion = line(
        "Motion",
        ("GMFlow", model.helpers.gmflow),
        "dense inverse search",
    );
    let background = line(
        "Background",
        ("EGNet", model.helpers.egnet),
        "contrast with the border",
    );
    let lines = [
        follows_motion.then_some(motion),
        consistency.background_smoothing.then_some(background),
    ];
    lines.into_iter().flatten().collect()
}

fn line(what: &str, (network, is_here): (&str, bool), classical: &str) -> String {
    if is_here {
        format!("{what}: {network}")
    } else {
        format!("{what}: {classical} ({network}'s weights are not here)")
    }
}
