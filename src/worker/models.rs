//! The thread that looks at models for the window, beside any job and while a video is looked at.

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::message::{Event, HelpersFound, ModelStatus, NetworkSizes, Report};
use super::report::guarded;
use crate::pipeline::error::Error;
use crate::pipeline::job::{ControlKind, JobSpec, model_files};
use crate::pipeline::model_folders::ModelFolders;
use crate::pipeline::model_manager::{self, Helper, Places};

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
    let wants_control = spec.control != ControlKind::None;
    let check = || {
        let folders = ModelFolders::resolve(&model_files(spec), wants_control, places)?;
        folders.check()?;
        NetworkSizes::of(&folders, places)
    };
    let sizes = guarded(check)?.map_err(|error: Error| Report::from(&error))?;
    let name = spec.model.as_ref().map(|path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    });
    Ok(ModelStatus {
        is_demo: name.is_none(),
        name: name.unwrap_or_else(|| "Demo model".to_owned()),
        has_control: sizes.n_controlnets > 0,
        helpers: helpers(places),
        sizes,
    })
}

fn helpers(places: &Places) -> HelpersFound {
    let is_here = |helper| places.helper(helper).is_some();
    HelpersFound {
        gmflow: is_here(Helper::GmFlow),
        egnet: is_here(Helper::EgNet),
    }
}
