//! What guidance does to the pictures, and who finds the motion that it follows.

use std::path::Path;

use fresco_studio::models::gmflow;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::job::{Compat, ConsistencySpec, FreeU, Job, JobSpec, Preset};
use fresco_studio::pipeline::observer::Summary;
use fresco_studio::pipeline::translate::translate;

use super::{Heard, Recorder, run};
use crate::golden::fixture;
use crate::support::{MOVING, Studio, contents_of};

#[test]
fn every_switch_changes_the_pictures_and_what_is_kept_of_them() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    // Enough steps that one is early enough for temporal-guided attention.
    let spec = |out| JobSpec {
        steps: 4,
        ..studio.spec(&clip, out)
    };
    let full = run(&spec("full.mp4"));
    let mut seen = vec![("full", full.pictures)];
    let switches: [fn(&mut ConsistencySpec); 9] = [
        |spec| spec.no_spatial_attention = true,
        |spec| spec.no_cross_frame_attention = true,
        |spec| spec.no_temporal_attention = true,
        |spec| spec.no_spatial_loss = true,
        |spec| spec.no_temporal_loss = true,
        |spec| spec.no_background_smoothing = true,
        |spec| spec.plain_recording = true,
        |spec| spec.smooth_background_only = true,
        |spec| spec.consistency = Preset::Off,
    ];
    let switched = |switch: fn(&mut ConsistencySpec)| {
        let mut other = JobSpec::default();
        switch(&mut other.guidance);
        other
    };
    let mut others: Vec<JobSpec> = switches.into_iter().map(switched).collect();
    others.push(JobSpec {
        free_u: Some(FreeU {
            b1: 1.4,
            b2: 1.6,
            s1: 0.5,
            s2: 0.5,
        }),
        ..JobSpec::default()
    });
    others.push(JobSpec {
        compat: Some(Compat::Reference),
        ..JobSpec::default()
    });
    for other in others {
        let JobSpec {
            guidance,
            free_u,
            compat,
            ..
        } = other;
        let other = JobSpec {
            guidance,
            free_u,
            compat,
            // A folder with results of other settings, none of which may be taken for these.
            work: Some(full.work.clone()),
            ..spec("other.mp4")
        };
        let pictures = run(&other).pictures;
        for (before, earlier) in &seen {
            // Not `assert_ne`, which would print the pictures.
            assert!(pictures != *earlier, "{before}, {:?}", other.guidance);
        }
        seen.push(("one before", pictures));
    }
}

#[test]
fn a_guidance_without_any_optimisation_still_smooths() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    let only = |no_background_smoothing, out| JobSpec {
        guidance: ConsistencySpec {
            no_spatial_attention: true,
            no_cross_frame_attention: true,
            no_temporal_attention: true,
            no_spatial_loss: true,
            no_temporal_loss: true,
            no_background_smoothing,
            ..ConsistencySpec::default()
        },
        ..studio.spec(&clip, out)
    };
    let smoothed = run(&only(false, "smoothed.mp4"));
    let plain = run(&only(true, "plain.mp4"));
    assert_eq!(smoothed.pictures[0].0, plain.pictures[0].0);
    assert_ne!(smoothed.pictures[1], plain.pictures[1]);
    assert!(
        smoothed
            .summary
            .notes
            .iter()
            .any(|note| note.contains("background"))
    );
    assert!(
        !plain
            .summary
            .notes
            .iter()
            .any(|note| note.contains("background"))
    );
}

/// Names and contents of keyframes' files.
type Pictures = Vec<(String, Vec<u8>)>;

/// Translates with helpers from `models`; also gives the warnings.
pub fn run_with_models(spec: &JobSpec, models: &Path) -> (Summary, Vec<String>, Pictures) {
    let job = Job::new(spec).unwrap();
    let recorder = Recorder::default();
    let mut engine = Engine::new(models.to_owned().into());
    let summary = translate(&job, &mut engine, &recorder).unwrap();
    let heard = recorder.heard.into_inner().unwrap();
    let warnings = heard.into_iter().filter_map(|heard| match heard {
        Heard::Warning(text) => Some(text),
        _ => None,
    });
    (
        summary,
        warnings.collect(),
        contents_of(&job.work.join("keyframes")),
    )
}

#[test]
fn weights_that_cannot_be_used_are_told_of_and_the_classical_flow_takes_their_place() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let models = studio.path("models");
    std::fs::create_dir_all(models.join("gmflow")).unwrap();
    std::fs::write(models.join("gmflow").join(gmflow::FILES[0]), b"no weights").unwrap();
    let (summary, warnings, pictures) = run_with_models(&studio.spec(&clip, "a.mp4"), &models);
    assert!(
        warnings.iter().any(|text| text.contains("GMFlow")),
        "{warnings:?}"
    );
    assert!(
        summary.notes.iter().any(|note| note.contains("DIS")),
        "{:?}",
        summary.notes
    );
    assert_eq!(pictures, run(&studio.spec(&clip, "b.mp4")).pictures);
}

#[test]
fn weights_in_the_models_folder_are_used() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let classical = run(&studio.spec(&clip, "a.mp4"));
    fixture::for_each("gmflow", |fixture| {
        let models = studio.path(&format!("models-of-{}", fixture.name));
        std::fs::create_dir_all(&models).unwrap();
        std::fs::copy(fixture.folder("weights"), models.join(gmflow::FILES[1])).unwrap();
        let spec = JobSpec {
            work: Some(classical.work.clone()),
            ..studio.spec(&clip, "b.mp4")
        };
        let (summary, warnings, pictures) = run_with_models(&spec, &models);
        assert_eq!(warnings, [""; 0]);
        assert!(
            summary.notes.iter().any(|note| note.contains("by GMFlow")),
            "{:?}",
            summary.notes
        );
        assert_ne!(pictures, classical.pictures, "another flow, other pictures");
    });
}
