//! What crosses threads and reaches people when something went wrong.

use std::any::Any;
use std::error::Error as StdError;
use std::panic::{self, AssertUnwindSafe};

use serde::Serialize;

use crate::pipeline::error::Error;
use crate::pipeline::job::JobErrors;
use crate::pipeline::observer::Warning;
use crate::pipeline::trouble::Trouble;

/// What went wrong, in words: plain data that can be kept, copied and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What happened.
    pub summary: String,
    /// Why, each cause followed by its own.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it is about, where more can be offered than words.
    #[serde(skip)]
    pub trouble: Option<Trouble>,
}

/// Runs `act`; a panic becomes a report with its text.
pub(super) fn guarded<T>(act: impl FnOnce() -> T) -> Result<T, Report> {
    panic::catch_unwind(AssertUnwindSafe(act)).map_err(|payload| Report {
        summary: "the program ran into an error of its own; everything finished is kept".to_owned(),
        causes: vec![panic_text(payload.as_ref())],
        hint: Some("try again; if it happens again, report it with the text above".to_owned()),
        ..Report::default()
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "panic without a text".to_owned())
}

impl From<&Error> for Report {
    fn from(error: &Error) -> Self {
        if let Error::Job(errors) = error {
            return Self::from(errors.clone());
        }
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        Self {
            summary: error.to_string(),
            causes: causes.map(ToString::to_string).collect(),
            hint: error.hint(),
            trouble: error.trouble(),
        }
    }
}

impl From<JobErrors> for Report {
    /// Several settings are wrong side by side: none is the cause of another, and one alone says it
    /// all.
    fn from(errors: JobErrors) -> Self {
        let several = errors.0.iter().filter(|_| errors.0.len() > 1);
        Self {
            summary: errors.to_string(),
            causes: several.map(ToString::to_string).collect(),
            ..Report::default()
        }
    }
}

impl From<Warning> for Report {
    fn from(Warning { summary, hint }: Warning) -> Self {
        Self {
            summary,
            hint,
            ..Report::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::FieldError;

    #[test]
    fn causes_follow_each_other() {
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::Io {
            what: "create the folder",
            path: "work".into(),
            source,
        };
        let report = Report::from(&error);
        assert_eq!(report.summary, "cannot create the folder work");
        assert_eq!(report.causes.len(), 1);
        assert!(report.hint.is_some());
    }

    #[test]
    fn every_wrong_setting_is_told() {
        let field = |field| FieldError {
            field,
            message: "wrong".into(),
        };
        let one = Report::from(&Error::from(JobErrors(vec![field("steps")])));
        assert_eq!(
            (one.summary.as_str(), one.causes.len()),
            ("--steps: wrong", 0)
        );
        let two = Report::from(&Error::from(JobErrors(vec![
            field("steps"),
            field("source"),
        ])));
        assert_eq!(two.causes, ["--steps: wrong", "source: wrong"]);
    }
}
