//! The thread that looks at models for the window, beside any job and while a video is looked at.

use std::path::Path;

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::message::{Event, HelpersFound, ModelStatus, NetworkSizes, Report};
use super::report::guarded;
use crate::pipeline::annotator::DrawingNetwork;
use crate::pipeline::compat::Choices;
use crate::pipeline::controlnets::proposed_control;
use crate::pipeline::error::Error;
use crate::pipeline::helpers::salient_by;
use crate::pipeline::job::{ControlSettings, JobSpec, model_files};
use crate::pipeline::model_folders::ModelFolders;
use crate::pipeline::model_manager::{self, Helper, Places, title};

/// What it is asked.
pub(super) enum Question {
    /// Look at the models that settings name, where LoRAs may be named by these places.
    Check(Box<JobSpec>, Box<Places>),
    /// Look for models on this machine.
    Scan(Box<Places>),
}

/// Answers questions until the queue is closed.
pub(super) fn run(inbox: &Receiver<Question>, outbox: &Outbox) {
    for question in inbox {
        outbox.send(match question {
            Question::Check(spec, places) => Event::Model(status(&spec, &places)),
            Question::Scan(places) => {
                Event::Models(guarded(|| Box::new(model_manager::scan(&places))))
            }
        });
    }
}

fn status(spec: &JobSpec, places: &Places) -> Result<ModelStatus, Report> {
    let files = model_files(spec);
    let check = || {
        let control = ControlSettings::of(spec);
        let folders = ModelFolders::ready(&files, &control, places)?;
        let drawing = DrawingNetwork::of(&files, &control, &Choices::of(spec.compat), places);
        let sizes = NetworkSizes::of(&folders, drawing, places)?;
        Ok((names(spec, &folders, places), sizes))
    };
    let (name, sizes) = guarded(check)?.map_err(|error: Error| Report::from(&error))?;
    Ok(ModelStatus {
        is_demo: spec.model.is_none(),
        name,
        has_control: sizes.n_controlnets > 0,
        helpers: helpers(spec, places),
        sizes,
        proposed_control: proposed_control(&files, places),
    })
}

fn helpers(spec: &JobSpec, places: &Places) -> HelpersFound {
    HelpersFound {
        gmflow: places.helper(Helper::GmFlow).is_some(),
        saliency: salient_by(places, &Choices::of(spec.compat)),
    }
}

/// What the model is called, and its ControlNets that are not its own.
fn names(spec: &JobSpec, folders: &ModelFolders, places: &Places) -> String {
    let model = spec.model.as_ref().map(|path| title(path, places));
    let model = model.unwrap_or_else(|| "Demo model".to_owned());
    let own = folders.model.part("controlnet");
    let others = folders.controlnets.iter().filter(|net| **net != own);
    let names = others.map(|net| title(Path::new(&net.to_string()), places));
    std::iter::once(model)
        .chain(names)
        .collect::<Vec<_>>()
        .join(" + ")
}
