//! The precision of the preferences: what jobs are told, what becomes out of date, and what memory it takes.

use fresco_studio::app::fit::fit;
use fresco_studio::pipeline::job::Precision;
use fresco_studio::worker::message::DeviceStatus;

use super::*;

fn choose(state: &mut AppState, precision: Precision) {
    let mut preferences = Box::new(state.preferences.clone());
    preferences.precision = precision;
    perform(state, Action::SetPreferences(preferences));
}

/// A window with everything translated, on a device that has half precision or not.
fn finished_on(half: bool) -> AppState {
    let mut state = opened();
    let device = DeviceStatus {
        name: "Test card".into(),
        is_fallback: false,
        cards: vec!["Test card".into()],
        half,
        threads: 8,
    };
    news(&mut state, [Event::Device(Ok(device))]);
    finish(&mut state);
    state
}

fn finish(state: &mut AppState) -> JobSpec {
    let effects = perform(
        state,
        Action::Translate(fresco_studio::app::actions::TranslateScope::All),
    );
    let (id, spec) = sent(&effects).expect("a job");
    let plan = plan_of(state);
    news(state, [Event::Job(id, JobEvent::Started(plan.clone()))]);
    for &frame in plan.keyframes() {
        let path = format!("/results/keyframes/{frame:06}.png").into();
        news(state, [Event::Job(id, JobEvent::Keyframe { frame, path })]);
    }
    news(state, [Event::Job(id, JobEvent::Finished(summary()))]);
    let event = inventory(state);
    news(state, [event]);
    assert_eq!(states(state), [MarkState::Done; 10]);
    spec
}

fn is_old(state: &AppState) -> bool {
    states(state).contains(&MarkState::OutOfDate)
}

#[test]
fn full_precision_makes_other_pictures_only_where_the_device_would_take_half() {
    let mut state = finished_on(true);
    for (precision, other) in [
        (Precision::Half, false),
        (Precision::Full, true),
        (Precision::Auto, false),
    ] {
        choose(&mut state, precision);
        assert_eq!(is_old(&state), other, "{precision}");
    }
    choose(&mut state, Precision::Full);
    assert_eq!(finish(&mut state).precision, Precision::Full);
    choose(&mut state, Precision::Auto);
    assert!(is_old(&state));

    let mut state = finished_on(false);
    for precision in [Precision::Full, Precision::Half, Precision::Auto] {
        choose(&mut state, precision);
        assert!(!is_old(&state), "{precision}");
    }
}

#[test]
fn half_precision_is_not_asked_of_a_device_without_it() {
    let mut state = finished_on(false);
    choose(&mut state, Precision::Half);
    assert_eq!(finish(&mut state).precision, Precision::Auto);
    let mut state = finished_on(true);
    choose(&mut state, Precision::Half);
    assert_eq!(finish(&mut state).precision, Precision::Half);
}

#[test]
fn a_change_while_working_is_for_the_next_run() {
    let mut state = finished_on(true);
    set(&mut state, Setting::Seed, |spec| spec.seed = 77);
    translated(&mut state, 1);
    assert!(!state.settings_changed_while_working());
    choose(&mut state, Precision::Full);
    assert!(state.settings_changed_while_working());
}

#[test]
fn full_precision_takes_more_memory() {
    let mut state = finished_on(true);
    set(&mut state, Setting::WorkingSize, |spec| {
        spec.size = Some(512);
    });
    let mut bytes = |precision| {
        choose(&mut state, precision);
        let fit = fit(&state, &plan_of(&state), &marks(&state)).unwrap();
        let words: Vec<&str> = fit.text.split(' ').collect();
        let unit = match words[..3] {
            ["about", _, "MB"] => 1e6,
            ["about", _, "GB"] => 1e9,
            _ => panic!("{fit:?}"),
        };
        words[1].parse::<f64>().unwrap() * unit
    };
    assert!(bytes(Precision::Full) > bytes(Precision::Auto));
}
