//! What is told before the start: tokens of the prompt, memory, time.

use fresco_studio::app::actions::FilePick;
use fresco_studio::app::fit::{Fit, fit};
use fresco_studio::app::notices::{NoticeKind, notice};
use fresco_studio::app::preferences::{Preferences, ThemeChoice};
use fresco_studio::app::progress;
use fresco_studio::pipeline::job::Preset;
use fresco_studio::worker::message::{
    DeviceStatus, JobEvent, JobProgress, MeasuredMemory, ModelStatus, Pace, Progress, Stage,
    TokenCount, Unit, batch_bytes,
};

use super::*;

fn estimate(state: &AppState) -> Option<Fit> {
    fit(state, &plan_of(state), &marks(state))
}

fn with_limit(state: &mut AppState, limit: Option<u32>) {
    let mut preferences = Box::new(state.preferences.clone());
    preferences.memory_limit_gb = limit;
    perform(state, Action::SetPreferences(preferences));
}

/// A clip large enough that its memory is told in gigabytes.
fn large() -> AppState {
    let mut state = opened();
    let size = Size {
        width: 1920,
        height: 1080,
    };
    let info = Arc::new(crate::facts::info(&video(), size, 20, N_FRAMES));
    news(
        &mut state,
        [Event::Source(
            video(),
            SourceEvent::Info(info, file_state()),
        )],
    );
    set(&mut state, Setting::WorkingSize, |spec| {
        spec.size = Some(512);
    });
    state
}

#[test]
fn memory_is_compared_with_the_limit() {
    let mut state = large();
    let unlimited = estimate(&state).unwrap();
    assert_eq!(unlimited.is_enough, None);
    assert!(unlimited.text.starts_with("about "), "{unlimited:?}");
    with_limit(&mut state, Some(64));
    let roomy = estimate(&state).unwrap();
    assert_eq!(roomy.is_enough, Some(true));
    assert!(roomy.text.contains(" of 64 GB"), "{roomy:?}");
    assert!(roomy.remedies.is_empty());
}

/// Takes each remedy of what does not fit, and takes it back.
fn each_makes_it_fit(state: &mut AppState, tight: &Fit) {
    for remedy in &tight.remedies {
        perform(state, remedy.action.clone());
        assert_eq!(estimate(state).unwrap().is_enough, Some(true), "{remedy:?}");
        perform(state, Action::Undo);
        assert_eq!(estimate(state).unwrap().is_enough, Some(false));
    }
}

#[test]
fn each_remedy_makes_it_fit() {
    let mut state = large();
    set(&mut state, Setting::WorkingSize, |spec| {
        spec.size = Some(1024);
    });
    // The largest limit that is too small, so that a somewhat smaller batch does.
    let limit = (1..64).rev().find(|limit| {
        with_limit(&mut state, Some(*limit));
        estimate(&state).unwrap().is_enough == Some(false)
    });
    let limit = limit.unwrap();
    let tight = estimate(&state).unwrap();
    let told = format!("needed, limit {limit}.0 GB");
    assert!(tight.text.contains(&told), "{tight:?}");
    let labels: Vec<&str> = tight.remedies.iter().map(|remedy| &*remedy.label).collect();
    assert!(
        labels.len() == 2
            && labels[0].starts_with("Use batch size ")
            && labels[1].starts_with("Use "),
        "{labels:?}"
    );
    each_makes_it_fit(&mut state, &tight);
}

#[test]
fn memory_is_a_guess_until_it_was_measured() {
    let mut state = large();
    with_limit(&mut state, Some(2));
    let guess = estimate(&state).unwrap().text;
    let id = translated(&mut state, 0);
    let memory = MeasuredMemory {
        estimated: 1000,
        measured: 1250,
    };
    news(&mut state, [Event::Job(id, JobEvent::Memory(memory))]);
    let told = estimate(&state).unwrap();
    assert!(guess.starts_with("about ") && !told.text.starts_with("about "));
    let number = |text: &str| -> f64 {
        let number = text.trim_start_matches("about ").split(' ').next();
        number.unwrap().parse().unwrap()
    };
    let grown = number(&told.text) / number(&guess);
    assert!((grown - 1.25).abs() < 0.05, "{guess} {told:?}");
    // What fits is told by the same measure.
    each_makes_it_fit(&mut state, &told);
}

/// News of everything that can be looked at, where device and model have changed.
fn found(change: impl Fn(&mut DeviceStatus, &mut ModelStatus)) -> Vec<Event> {
    let [ffmpeg, model, device] = crate::facts::everything_ready();
    let (Event::Model(Ok(mut model)), Event::Device(Ok(mut device))) = (model, device) else {
        panic!("a model and a device are ready");
    };
    change(&mut device, &mut model);
    vec![ffmpeg, Event::Model(Ok(model)), Event::Device(Ok(device))]
}

#[test]
fn a_measurement_holds_for_its_device_model_precision_and_guidance() {
    let mut state = large();
    let id = translated(&mut state, 0);
    // The job computes with the model that it began with.
    let other_model = || found(|_, model| model.name = "Another model".into());
    news(&mut state, other_model());
    let memory = MeasuredMemory {
        estimated: 1000,
        measured: 550,
    };
    news(&mut state, [Event::Job(id, JobEvent::Memory(memory))]);
    let is_guess = |state: &AppState| estimate(state).unwrap().text.starts_with("about ");
    for (others, what) in [
        (other_model(), "model"),
        (found(|device, _| device.name = "A card".into()), "device"),
        (found(|device, _| device.half = true), "precision"),
    ] {
        news(&mut state, others);
        assert!(is_guess(&state), "another {what}");
        news(&mut state, found(|_, _| {}));
        assert!(!is_guess(&state), "not another {what}");
    }
    let mut guide = |consistency| {
        set(&mut state, Setting::Consistency, |spec| {
            spec.guidance.consistency = consistency;
        });
        is_guess(&state)
    };
    assert_eq!([Preset::Light, Preset::Full].map(&mut guide), [true, false]);
}

#[test]
fn measurements_of_any_model_are_forgotten() {
    let old = "theme = \"dark\"\n[memory-factors]\n\"Test card\" = 0.55\n";
    let (preferences, lost) = Preferences::from_text(old);
    let wanted = Preferences {
        theme: ThemeChoice::Dark,
        ..Preferences::default()
    };
    assert_eq!((preferences, lost), (wanted, vec![]));
}

#[test]
fn time_is_a_guess_until_it_was_measured() {
    let mut state = opened();
    set(&mut state, Setting::Fill, |spec| spec.no_fill = true);
    let guess = estimate(&state).unwrap().text;
    assert!(
        guess.contains(" · about ") || guess.contains(" · a few"),
        "{guess}"
    );
    let id = translated(&mut state, 0);
    assert!(
        !estimate(&state).unwrap().text.contains(" · "),
        "the job tells it itself"
    );
    let mut sample = |done, secs| {
        later(&mut state, secs);
        let sample = JobProgress {
            job: id,
            stage: Stage::Keyframes,
            progress: Progress {
                done,
                total: 30,
                unit: Unit::Steps,
            },
            left: None,
        };
        progress(&mut state, sample);
        state.preferences.paces.get("Test card").copied()
    };
    assert_eq!(sample(10, 500.0), None, "what was found done is no measure");
    let pace = sample(11, 20.0).and_then(|pace| pace.keyframes).unwrap();
    assert!(pace > 0.0);
    let steady = sample(12, 20.0).and_then(|pace| pace.keyframes).unwrap();
    assert!((steady / pace - 1.0).abs() < 1e-6);
    let effects = news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    let kept = saved(&effects);
    assert!(
        kept.iter()
            .any(|(path, text)| path.ends_with(Preferences::FILE) && text.contains("Test card")),
        "{kept:?}"
    );
    // Thirty steps of twenty seconds.
    let measured = estimate(&state).unwrap().text;
    assert!(measured.ends_with(" · 10 min"), "{measured}");
}

#[test]
fn waiting_is_no_measure() {
    let mut state = opened();
    let id = translated(&mut state, 0);
    let sample = |state: &mut AppState, done, secs| {
        later(state, secs);
        let progress_of = Progress {
            done,
            total: 30,
            unit: Unit::Steps,
        };
        let sample = JobProgress {
            job: id,
            stage: Stage::Keyframes,
            progress: progress_of,
            left: None,
        };
        progress(state, sample);
        state
            .preferences
            .paces
            .get("Test card")
            .and_then(|pace| pace.keyframes)
    };
    sample(&mut state, 0, 1.0);
    let before = sample(&mut state, 1, 10.0).unwrap();
    perform(&mut state, Action::Pause);
    later(&mut state, 1000.0);
    perform(&mut state, Action::Resume);
    sample(&mut state, 2, 10.0);
    let after = sample(&mut state, 3, 10.0).unwrap();
    assert!((after / before - 1.0).abs() < 1e-6, "{before} {after}");
}

#[test]
fn nothing_is_estimated_of_what_is_current() {
    let mut state = opened();
    set(&mut state, Setting::Fill, |spec| spec.no_fill = true);
    let id = translated(&mut state, 10);
    news(&mut state, [Event::Job(id, JobEvent::Finished(summary()))]);
    assert!(!estimate(&state).unwrap().text.contains(" · "));
    set(&mut state, Setting::Seed, |spec| spec.seed = 9);
    assert!(estimate(&state).unwrap().text.contains(" · "));
}

#[test]
fn paces_are_kept_beside_what_newer_versions_store() {
    let mut preferences = Preferences::default();
    let pace = Pace {
        keyframes: Some(0.5),
        in_betweens: None,
    };
    preferences.paces.insert("Some card".to_owned(), pace);
    preferences.unknown.insert("future".to_owned(), 3.into());
    let (read, lost) = Preferences::from_text(&preferences.to_text());
    assert_eq!((read, lost), (preferences, vec![]));
}

#[test]
fn the_same_memory_is_told_as_the_pipeline_computes() {
    let state = large();
    let frames = plan_of(&state)
        .batches()
        .iter()
        .map(|batch| batch.frames().len())
        .max();
    let load = fresco_studio::worker::message::BatchLoad {
        frames: frames.unwrap(),
        size: project(&state).working_size().unwrap(),
        half: false,
        consistency: (&project(&state).edits.spec.guidance).into(),
    };
    let bytes = batch_bytes(&crate::facts::sizes(), &load);
    let told = fresco_studio::app::format::bytes(bytes);
    assert!(estimate(&state).unwrap().text.contains(&told), "{told}");
}

#[test]
fn tokens_are_counted_again_when_words_change() {
    let mut state = opened();
    let counts = |effects: &[Effect]| {
        let sent = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Send(Command::CountTokens(_))));
        sent.count()
    };
    let words = set(&mut state, Setting::Prompt, |spec| spec.prompt.push('!'));
    assert_eq!(counts(&words), 1);
    let quality = set(&mut state, Setting::Quality, |spec| {
        spec.quality = "sharp".into();
    });
    assert_eq!(counts(&quality), 1);
    assert_eq!(
        counts(&set(&mut state, Setting::Seed, |spec| spec.seed = 3)),
        0
    );
    assert_eq!(counts(&perform(&mut state, Action::Undo)), 0);
    assert_eq!(counts(&perform(&mut state, Action::Undo)), 1);
    let count = TokenCount {
        tokens: 23,
        chunk: 75,
        one_chunk_only: false,
    };
    news(&mut state, [Event::Tokens(Some(count))]);
    assert_eq!(state.tokens, Some(count));
}

fn free(state: &AppState, bytes: u64) -> Event {
    Event::File(FileAnswer::Space(project(state).work(), Some(bytes)))
}

#[test]
fn a_clip_too_long_for_the_disk_is_told_before_the_start() {
    let mut state = empty();
    perform(&mut state, Action::Open(video()));
    let effects = news(&mut state, surveyed(&video()));
    let asks = |effect: &Effect| matches!(effect, Effect::Send(Command::File(FileTask::Space(_))));
    assert!(effects.iter().any(asks), "{effects:?}");
    assert!(
        notice(&state, NoticeKind::LongClip).is_none(),
        "nothing is known yet"
    );
    let event = free(&state, 1 << 40);
    news(&mut state, [event]);
    assert!(notice(&state, NoticeKind::LongClip).is_none());
    let size = project(&state).working_size().unwrap();
    let room = fresco_studio::worker::message::disk_bytes(10, size, true);
    let event = free(&state, room);
    news(&mut state, [event]);
    let said = notice(&state, NoticeKind::LongClip).unwrap();
    assert!(
        said.text.starts_with("40 frames need about "),
        "{}",
        said.text
    );
    let buttons: Vec<&str> = said.buttons.iter().map(|(label, _)| *label).collect();
    assert_eq!(buttons, ["Choose folder…", "Set range"]);
    perform(&mut state, said.buttons[1].1.clone());
    assert_eq!(project(&state).range(), 0..10);
    assert!(notice(&state, NoticeKind::LongClip).is_none());
}

#[test]
fn another_place_for_working_folders_is_used_at_once() {
    let mut state = opened();
    let before = project(&state).work();
    let picked = Action::Picked(FilePick::WorkFolder, Some("/large".into()));
    let effects = perform(&mut state, picked);
    let after = project(&state).work();
    assert!(after.starts_with("/large") && after != before, "{after:?}");
    let moved = effects.iter().any(|effect| {
        matches!(effect, Effect::Send(Command::File(FileTask::Adopt { from, to })) if *from == before && *to == after)
    });
    assert!(moved, "{effects:?}");
    let mut again = empty();
    again.preferences = state.preferences.clone();
    perform(&mut again, Action::Open(video()));
    assert_eq!(project(&again).work(), after);
}
