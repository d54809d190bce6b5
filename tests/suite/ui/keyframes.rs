//! Keyframes by mouse and by keyboard alone; undo restores each step.

use egui::{Key, Modifiers, Pos2};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::actions::SelectMode;
use fresco_studio::app::marks::{MarkState, marks};
use fresco_studio::app::settings::Setting;
use fresco_studio::frame::FrameIdx;
use fresco_studio::worker::message::{Command, Event, JobEvent, Preview, PreviewOf, StepOf};

use super::script::{Asked, result_picture};
use super::{Bench, ask, change, key, open_clip, press, settle, start_job, tell, translate_all};

fn keyframes(bench: &Bench) -> Vec<usize> {
    bench
        .state()
        .project()
        .keyframes()
        .iter()
        .map(|frame| frame.0)
        .collect()
}

/// The glyph on the timeline: the lowest thing with this name.
fn glyph(bench: &Bench, frame: usize) -> Pos2 {
    let start = format!("Keyframe {frame}, ");
    let nodes = bench.query_all_by_label_contains(&start);
    let lowest = nodes
        .map(|node| node.rect())
        .max_by(|a, b| a.top().total_cmp(&b.top()));
    lowest
        .unwrap_or_else(|| panic!("no glyph of frame {frame}"))
        .center()
}

/// A keyframe that can be moved and removed.
fn inner(bench: &Bench) -> usize {
    let marks = marks(bench.state().state());
    marks
        .iter()
        .find(|mark| !mark.is_end)
        .expect("an inner keyframe")
        .frame
        .0
}

#[test]
fn m_adds_and_removes_and_undo_restores() {
    let mut bench = open_clip();
    ask(&mut bench, Action::Seek(FrameIdx(3)));
    let before = keyframes(&bench);
    assert!(!before.contains(&3));
    key(&mut bench, Modifiers::NONE, Key::M);
    assert!(keyframes(&bench).contains(&3));
    key(&mut bench, Modifiers::NONE, Key::M);
    assert_eq!(keyframes(&bench), before);
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert!(keyframes(&bench).contains(&3), "removing is undone");
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert_eq!(keyframes(&bench), before, "adding is undone");
    key(&mut bench, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert!(keyframes(&bench).contains(&3), "adding is redone");
}

#[test]
fn the_first_frame_of_a_shot_stays() {
    let mut bench = open_clip();
    let before = keyframes(&bench);
    key(&mut bench, Modifiers::NONE, Key::M);
    assert_eq!(keyframes(&bench), before);
}

#[test]
fn a_click_selects_and_shift_extends() {
    let mut bench = open_clip();
    let frames = keyframes(&bench);
    let at = glyph(&bench, frames[1]);
    click(&mut bench, at);
    assert_eq!(selection(&bench), [frames[1]]);
    assert_eq!(bench.state().project().view.playhead.0, frames[1]);
    ask(
        &mut bench,
        Action::Select(FrameIdx(frames[3]), SelectMode::Extend),
    );
    assert_eq!(selection(&bench), frames[1..=3]);
}

fn selection(bench: &Bench) -> Vec<usize> {
    bench
        .state()
        .project()
        .view
        .selection
        .iter()
        .map(|frame| frame.0)
        .collect()
}

fn click(bench: &mut Bench, at: Pos2) {
    bench.hover_at(at);
    settle(bench);
    bench.drag_at(at);
    bench.drop_at(at);
    settle(bench);
}

#[test]
fn keys_nudge_and_delete_the_selected() {
    let mut bench = open_clip();
    let frame = inner(&bench);
    ask(
        &mut bench,
        Action::Select(FrameIdx(frame), SelectMode::Only),
    );
    key(&mut bench, Modifiers::NONE, Key::Period);
    assert!(keyframes(&bench).contains(&(frame + 1)) && !keyframes(&bench).contains(&frame));
    key(&mut bench, Modifiers::NONE, Key::Comma);
    assert!(keyframes(&bench).contains(&frame));
    key(&mut bench, Modifiers::NONE, Key::Delete);
    assert!(!keyframes(&bench).contains(&frame));
    for _ in 0..3 {
        key(&mut bench, Modifiers::COMMAND, Key::Z);
    }
    assert!(
        keyframes(&bench).contains(&frame),
        "all three steps are undone"
    );
}

#[test]
fn a_drag_moves_a_keyframe_in_one_step() {
    let mut bench = open_clip();
    let before = keyframes(&bench);
    let frame = inner(&bench);
    let from = glyph(&bench, frame);
    let one = (glyph(&bench, 47).x - glyph(&bench, 0).x) / 47.0;
    bench.hover_at(from);
    settle(&mut bench);
    bench.drag_at(from);
    settle(&mut bench);
    for i in 1..=8_u8 {
        // Alt leaves it unsnapped.
        let at = Pos2::new(from.x + one * f32::from(i) / 4.0, from.y);
        bench.event_modifiers(egui::Event::PointerMoved(at), Modifiers::ALT);
        bench.step();
    }
    let to = Pos2::new(from.x + one * 2.0, from.y);
    bench.drop_at(to);
    settle(&mut bench);
    let after = keyframes(&bench);
    assert!(!after.contains(&frame), "{after:?}");
    assert_eq!(after.len(), before.len());
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert_eq!(keyframes(&bench), before, "the whole drag is one step");
}

#[test]
fn a_double_click_tries() {
    let mut bench = open_clip();
    let frame = keyframes(&bench)[1];
    let at = glyph(&bench, frame);
    bench.hover_at(at);
    settle(&mut bench);
    for _ in 0..2 {
        bench.drag_at(at);
        bench.drop_at(at);
        bench.step();
        bench.step();
    }
    settle(&mut bench);
    let asked = bench.state().script().take_asked();
    let tried = asked
        .iter()
        .any(|asked| matches!(asked, Asked::Tried(request) if request.trial.frame.0 == frame));
    assert!(tried, "{asked:?}");
}

#[test]
fn states_are_told_in_words() {
    let mut bench = open_clip();
    assert!(
        bench
            .query_all_by_label("Keyframe 0, planned, shot 1, batch 1")
            .next()
            .is_some()
    );
    let job = start_job(&mut bench);
    let preview = Preview {
        of: PreviewOf::Job(job),
        step: Some(StepOf {
            step: 11,
            executed: 20,
        }),
        pictures: vec![(FrameIdx(0), std::sync::Arc::new(result_picture()))],
    };
    *bench.state().script().preview.borrow_mut() = Some(preview);
    settle(&mut bench);
    let working = "Keyframe 0, working, step 11 of 20, shot 1, batch 1";
    assert!(
        bench.query_all_by_label(working).next().is_some(),
        "{:?}",
        super::names(&bench)
    );
    let path = "/studio/work/keyframes/000000.png".into();
    let frame = FrameIdx(0);
    tell(
        &mut bench,
        vec![
            Event::Job(job, JobEvent::Keyframe { frame, path }),
            Event::Job(job, JobEvent::Cancelled),
        ],
    );
    assert!(
        bench
            .query_all_by_label("Keyframe 0, done, shot 1, batch 1")
            .next()
            .is_some()
    );
}

#[test]
fn another_prompt_puts_keyframes_out_of_date_and_nothing_else() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    let is_old = |mark: &fresco_studio::app::marks::Mark| mark.state == MarkState::OutOfDate;
    assert!(!marks(bench.state().state()).iter().any(is_old));
    let survey = bench.state().project().source.survey.clone();
    change(&mut bench, Setting::Prompt, |spec| {
        spec.prompt += ", at night";
    });
    assert!(marks(bench.state().state()).iter().all(is_old));
    assert_eq!(
        bench.state().project().source.survey,
        survey,
        "the look at the source holds"
    );
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert!(
        !marks(bench.state().state()).iter().any(is_old),
        "undone, they are current"
    );
}

#[test]
fn export_settings_put_nothing_out_of_date() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::E);
    press(&mut bench, "Cancel");
    let is_current = |mark: &fresco_studio::app::marks::Mark| mark.state == MarkState::Done;
    assert!(marks(bench.state().state()).iter().all(is_current));
}

#[test]
fn the_range_is_set_by_keys() {
    let mut bench = open_clip();
    ask(&mut bench, Action::Seek(FrameIdx(5)));
    key(&mut bench, Modifiers::NONE, Key::I);
    ask(&mut bench, Action::Seek(FrameIdx(30)));
    key(&mut bench, Modifiers::NONE, Key::O);
    assert_eq!(bench.state().project().range(), 5..31);
    press(&mut bench, "Translate");
    let asked = bench.state().script().take_asked();
    let spec = asked.iter().find_map(|asked| match asked {
        Asked::Sent(Command::Translate(_, spec)) => spec.range,
        _ => None,
    });
    assert_eq!(spec.map(std::ops::Range::from), Some(5..31));
    key(&mut bench, Modifiers::ALT, Key::X);
    assert_eq!(bench.state().project().range(), 0..48);
}
