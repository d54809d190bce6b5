//! Much news, and a window that nobody sees.

use fresco_studio::frame::FrameIdx;
use fresco_studio::worker::message::{Event, Preview, PreviewOf, SourceEvent, StepOf};

use super::script::result_picture;
use super::{CLIP, open_clip, settle, start_job};

#[test]
fn a_flood_of_events_is_taken_in_over_several_frames() {
    const N_EVENTS: usize = 200_000;
    let mut bench = open_clip();
    let flood = (0..N_EVENTS).map(|i| Event::Source(CLIP.into(), SourceEvent::Surveyed(i)));
    bench.state().script().events.borrow_mut().extend(flood);
    bench.step();
    let left = bench.state().script().events.borrow().len();
    assert!(
        left > 0,
        "one frame does not take them all, which would make it late"
    );
    for _ in 0..20_000 {
        if bench.state().script().events.borrow().is_empty() {
            return;
        }
        bench.step();
    }
    panic!(
        "{} events were never taken in",
        bench.state().script().events.borrow().len()
    );
}

#[test]
fn a_hidden_window_takes_no_previews() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    let preview = || Preview {
        of: PreviewOf::Job(job),
        step: Some(StepOf {
            step: 1,
            executed: 20,
        }),
        pictures: vec![(FrameIdx(0), std::sync::Arc::new(result_picture()))],
    };
    *bench.state().script().preview.borrow_mut() = Some(preview());
    let ctx = bench.ctx.clone();
    // Hidden, only the logic runs.
    bench.state_mut().studio.as_mut().unwrap().take_news(&ctx);
    assert_eq!(bench.state().script().previews_taken.get(), 0);
    settle(&mut bench);
    assert_eq!(bench.state().script().previews_taken.get(), 1);
}

#[test]
fn a_still_window_is_not_drawn_again() {
    let mut bench = open_clip();
    // Longer than the autosave waits, which draws once.
    bench.run_steps(700);
    bench.step();
    let delay = bench
        .output()
        .viewport_output
        .values()
        .map(|viewport| viewport.repaint_delay)
        .min();
    assert!(
        delay.is_some_and(|delay| delay > std::time::Duration::from_secs(1)),
        "{delay:?}"
    );
}
