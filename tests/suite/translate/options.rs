//! Other ways in which constraints can work than in the reference implementation.

use fresco_studio::frame::FrameIdx;
use fresco_studio::models::clip::{PromptChunks, PromptGrammar};
use fresco_studio::pipeline::compat::Choices;
use fresco_studio::pipeline::conditions::PromptStates;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::job::{ConsistencySpec, CutList, Job, JobSpec};
use fresco_studio::pipeline::model_folders::ModelFolders;
use fresco_studio::tensor::Device;
use fresco_studio::tensor::read::host_values;

use super::run;
use crate::support::{MOVING, Studio};

fn plain(plain_recording: bool) -> ConsistencySpec {
    ConsistencySpec {
        plain_recording,
        ..ConsistencySpec::default()
    }
}

#[test]
fn the_source_is_recorded_with_its_prompt_or_with_no_words_in_both_halves() {
    let device = Device::flex();
    let frames = [0, 3, 7].map(FrameIdx);
    for words in ["a cartoon".to_owned(), "a very long cartoon ".repeat(40)] {
        let states = |plain_recording| {
            let spec = JobSpec {
                source: "clip.mp4".into(),
                out: "out.mp4".into(),
                prompt: words.clone(),
                negative: "blurry".into(),
                extra: vec!["3=, eyes closed".parse().unwrap()],
                guidance: plain(plain_recording),
                ..JobSpec::default()
            };
            let job = Job::new(&spec).unwrap();
            let places = &fresco_studio::models::library::Places::default();
            let folders = ModelFolders::ready(&job.models, &job.control, places).unwrap();
            let text = Engine::text_model(&folders, &device).unwrap();
            let states = PromptStates::new(&job, &Choices::OWN, &text, &device);
            let grammar = PromptGrammar::Weighted;
            let chunks = PromptChunks::new(&text.tokenizer, "", grammar, text.chunk_length);
            let empty = text.encoder.forward(&chunks.ids, &device);
            let [shown, recorded] = [states.of_frames(&frames), states.of_recording(&frames)];
            [shown, recorded, empty].map(|states| host_values(states).unwrap())
        };
        let [shown, recorded, empty] = states(false);
        assert!(recorded == shown && recorded[..empty.len()] != empty);
        let [same, plain, empty] = states(true);
        assert!(same == shown, "what is made has its words");
        assert!(plain == empty.repeat(2 * frames.len()));
    }
}

#[test]
fn without_any_words_a_plain_recording_is_the_usual_one() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 4);
    let pictures = |prompt: &str, plain_recording| {
        let spec = JobSpec {
            // Brackets around nothing.
            prompt: prompt.into(),
            guidance: plain(plain_recording),
            ..studio.spec(&clip, "out.mp4")
        };
        run(&spec).pictures
    };
    assert!(pictures("()", true) == pictures("()", false));
    assert!(pictures("a cartoon", true) != pictures("a cartoon", false));
}

/// The last frame shows the same in other colours, but for a corner that stays: 96 % of the two are occluded.
const COVERED: &str = "testsrc2=s=64x64:r=8,trim=end_frame=1,loop=-1:1,setpts=N/8/TB,\
lutrgb=r=val/2:g=val/2:b=val/2,split[a][b];[a]lutrgb=r=val+127:g=val+127:b=val+127:enable='eq(n,2)'[other];\
[b]crop=18:28:0:36[corner];[other][corner]overlay=0:36:format=rgb";

#[test]
fn a_last_frame_that_shows_little_of_the_first_is_not_pulled_to_it_if_that_is_wanted() {
    let Some(studio) = Studio::new() else { return };
    for (name, picture, is_related) in [("same", MOVING, true), ("covered", COVERED, false)] {
        let clip = studio.clip(&format!("{name}.mp4"), picture, 3);
        let pictures = |drop_unrelated_wrap| {
            let spec = JobSpec {
                cuts: Some(CutList(Vec::new())),
                guidance: ConsistencySpec {
                    drop_unrelated_wrap,
                    ..ConsistencySpec::default()
                },
                ..studio.spec(&clip, &format!("{name}-out.mp4"))
            };
            let outcome = run(&spec);
            assert_eq!(outcome.plan.batches().len(), 1);
            outcome.pictures
        };
        assert_eq!(pictures(true) == pictures(false), is_related, "{name}");
    }
}
