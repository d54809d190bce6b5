//! Networks from the models folder that draw control images or find the background.

use fresco_studio::annotators::DepthNetwork;
use fresco_studio::models::{depth_anything, egnet};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{Compat, ControlKind, Job, JobSpec};
use fresco_studio::pipeline::translate::translate;

use super::guidance::run_with_models;
use super::{Recorder, run};
use crate::golden::fixture;
use crate::support::{MOVING, Studio};

fn by_depth(spec: JobSpec) -> JobSpec {
    JobSpec {
        control: ControlKind::Depth,
        ..spec
    }
}

#[test]
fn control_by_depth_says_which_network_it_lacks_before_anything_is_done() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let models = studio.path("models");
    let job = Job::new(&by_depth(studio.spec(&clip, "a.mp4"))).unwrap();
    let mut engine = Engine::new(models.clone().into());
    let error = translate(&job, &mut engine, &Recorder::default()).unwrap_err();
    assert!(
        matches!(&error, Error::NoAnnotatorWeights { .. }),
        "{error:?}"
    );
    let (message, folder) = (error.to_string(), models.join("depth-anything"));
    for part in [
        "model.safetensors",
        depth_anything::HUB,
        folder.to_str().unwrap(),
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(error.hint().unwrap().contains("MiDaS"));
    assert!(!job.work.join("frames").exists());
}

#[test]
fn control_by_depth_uses_the_network_in_the_models_folder() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let edges = run(&studio.spec(&clip, "edges.mp4"));
    fixture::for_each("depth_anything_tiny", |fixture| {
        let models = studio.path(&format!("models-of-{}", fixture.name));
        let file = models.join(depth_anything::FILES[0]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy(fixture.folder("weights"), &file).unwrap();
        let config = fixture.path.join("config.json");
        std::fs::copy(config, file.with_file_name("config.json")).unwrap();
        let depth = |out: &str, compat| {
            let spec = JobSpec {
                compat,
                ..by_depth(studio.spec(&clip, out))
            };
            run_with_models(&spec, &models)
        };
        let (summary, warnings, pictures) = depth("depth.mp4", None);
        assert!(
            warnings.iter().all(|told| !told.contains("epth")),
            "{warnings:?}"
        );
        let name = DepthNetwork::DepthAnything.name();
        assert!(
            summary.notes.iter().any(|note| note.contains(name)),
            "{:?}",
            summary.notes
        );
        assert_ne!(pictures, edges.pictures);
        let (_, _, frame_by_frame) = depth("reference.mp4", Some(Compat::Reference));
        assert_ne!(pictures, frame_by_frame);

        std::fs::write(&file, b"no weights").unwrap();
        let job = Job::new(&by_depth(studio.spec(&clip, "broken.mp4"))).unwrap();
        let mut engine = Engine::new(models.into());
        let error = translate(&job, &mut engine, &Recorder::default()).unwrap_err();
        assert!(matches!(error, Error::Model(_)), "{error:?}");
    });
}

#[test]
fn the_background_is_found_by_the_network_in_the_models_folder() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    fixture::for_each("egnet_tiny", |fixture| {
        let models = studio.path(&format!("models-of-{}", fixture.name));
        let [pickle, converted] = egnet::FILES.map(|file| models.join("egnet").join(file));
        std::fs::create_dir_all(models.join("egnet")).unwrap();
        std::fs::copy(fixture.folder("weights"), &converted).unwrap();
        let (summary, warnings, _) = run_with_models(&studio.spec(&clip, "a.mp4"), &models);
        let has = |notes: &[String], words| notes.iter().any(|note| note.contains(words));
        assert!(!has(&warnings, "EGNet"), "{warnings:?}");
        assert!(has(&summary.notes, "by EGNet"), "{:?}", summary.notes);

        std::fs::write(&pickle, b"another file of this name").unwrap();
        let (summary, warnings, _) = run_with_models(&studio.spec(&clip, "b.mp4"), &models);
        assert!(has(&warnings, "EGNet"), "{warnings:?}");
        assert!(
            has(&summary.notes, "contrast with the border"),
            "{:?}",
            summary.notes
        );
    });
}
