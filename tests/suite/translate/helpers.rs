//! What a job takes from the models folder for previews and control images.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::models::tiny_vae::ORIGINAL_FILE;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{ControlKind, Job, JobSpec};
use fresco_studio::pipeline::observer::{Cancelled, Observer, Warning};
use fresco_studio::pipeline::translate::translate;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::Recorder;
use crate::support::{MOVING, Studio, contents_of};

/// Looks at every preview, and notes sizes and warnings.
#[derive(Default)]
struct Looker {
    sizes: Mutex<Vec<Size>>,
    warnings: Mutex<Vec<String>>,
}

impl Observer for Looker {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Ok(())
    }

    fn preview_wanted(&self) -> bool {
        true
    }
    fn preview(&self, _frame: FrameIdx, picture: Arc<Frame>) {
        self.sizes.lock().unwrap().push(picture.size());
    }
    fn warning(&self, warning: Warning) {
        self.warnings.lock().unwrap().push(warning.summary);
    }
}

/// Weights of the preview decoder, all zero, under their published names.
fn write_decoder(path: &Path) {
    let described =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/taesd/taesd_decoder.keys.txt");
    let names = fs::read_to_string(described).unwrap();
    let zeros = vec![0; 2 * 64 * 64 * 9];
    let view = |line: &str| {
        let (name, shape) = line.split_once(' ').unwrap();
        let shape: Vec<usize> = shape.split(',').map(|n| n.parse().unwrap()).collect();
        let length = 2 * shape.iter().product::<usize>();
        let view = TensorView::new(Dtype::F16, shape, &zeros[..length]).unwrap();
        (name.to_owned(), view)
    };
    let views: Vec<_> = names.lines().map(view).collect();
    let bytes = safetensors::serialize(views, None::<HashMap<_, _>>).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn previews_are_sharp_where_the_small_decoder_is() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let models = studio.path("models");
    fs::create_dir(&models).unwrap();
    let on_disk = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
    let look = |out: &str, model: Option<&Path>| {
        let spec = JobSpec {
            model: model.map(Path::to_owned),
            ..studio.spec(&clip, out)
        };
        let (job, looker) = (Job::new(&spec).unwrap(), Looker::default());
        translate(&job, &mut Engine::new(models.clone().into()), &looker).unwrap();
        let sizes = looker.sizes.into_inner().unwrap();
        let pictures = contents_of(&job.work.join("keyframes"));
        (sizes, looker.warnings.into_inner().unwrap(), pictures)
    };
    let small = Size {
        width: 8,
        height: 8,
    };
    let (sizes, _, without) = look("without.mp4", Some(&on_disk));
    assert_eq!(sizes, [small; 4]);

    let weights = models.join(ORIGINAL_FILE);
    write_decoder(&weights);
    let (sizes, _, with) = look("with.mp4", Some(&on_disk));
    let whole = Size {
        width: 64,
        height: 64,
    };
    assert_eq!(sizes, [whole; 4]);
    assert_eq!(with, without, "looking changes nothing");
    assert_eq!(
        look("bundled.mp4", None).0,
        [small; 4],
        "it does not speak these latents"
    );

    fs::write(&weights, b"no weights").unwrap();
    let (sizes, warnings, _) = look("damaged.mp4", Some(&on_disk));
    assert_eq!(sizes, [small; 4]);
    assert!(
        warnings.iter().any(|told| told.contains(ORIGINAL_FILE)),
        "{warnings:?}"
    );
}

#[test]
fn hed_says_what_it_lacks_before_anything_is_done() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let spec = JobSpec {
        control: ControlKind::Hed,
        ..studio.spec(&clip, "out.mp4")
    };
    let job = Job::new(&spec).unwrap();
    let models = studio.path("models");
    let mut engine = Engine::new(models.clone().into());
    let error = translate(&job, &mut engine, &Recorder::default()).unwrap_err();
    assert!(
        matches!(error, Error::NoAnnotatorWeights { .. }),
        "{error:?}"
    );
    let told = error.to_string();
    let folder = models.join("hed");
    for part in [
        "ControlNetHED.pth",
        "lllyasviel/Annotators",
        folder.to_str().unwrap(),
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!job.work.join("frames").exists());

    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ControlNetHED.pth"), b"no pickle").unwrap();
    let error = translate(&job, &mut engine, &Recorder::default()).unwrap_err();
    assert!(matches!(error, Error::Model(_)), "{error:?}");
}
