//! Everything a user can ask, and what has to happen outside of the window's memory for it.
//!
//! A panel returns [`Action`]s; [`perform`](super::perform) turns each into a new state and into [`Effect`]s, which the
//! window's shell carries out without waiting.

use std::path::PathBuf;
use std::time::Duration;

use super::export::ExportDraft;
use super::models::ModelAction;
use super::preferences::Preferences;
use super::state::{Dialog, PreferencesPage};
use super::view::{DifferenceGain, KeyframeFilter, Overlay, TimelineView, ViewerMode, Zoom};
use crate::frame::FrameIdx;
use crate::pipeline::job::JobSpec;
use crate::worker::message::{Command, JobId, ModelId, Report, TryRequest};

/// What a user can ask.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Time has passed: plays on, saves by itself, lets messages fade. The shell sends it before each frame.
    Tick(Duration),

    /// Ask for a file to open, save or use.
    Pick(FilePick),
    /// The answer: a file, or nothing if the user changed their mind.
    Picked(FilePick, Option<PathBuf>),
    /// The answer: the system has no file dialog.
    NoFileDialog(FilePick),
    /// Open a video or a project, as a dropped file or from the recent list.
    Open(PathBuf),
    /// Open the bundled clip with the bundled model.
    OpenDemo,
    /// Close the project; the start screen is next.
    New,
    /// Write the project to its file, which is asked for if there is none.
    Save,
    /// Write the project to another file.
    SaveAs,
    /// Forget a recent file.
    ForgetRecent(PathBuf),
    /// The window is asked to close.
    Close,
    /// Close now; a running job is paused and continues at the next start.
    PauseAndQuit,
    /// Close now, without saving.
    QuitWithoutSaving,

    /// Take a step back.
    Undo,
    /// Take it again.
    Redo,
    /// Change settings. `spec` is the whole of them, `what` says which one was touched.
    Change {
        /// The setting, for the name of the step.
        what: Setting,
        /// All settings.
        spec: Box<JobSpec>,
        /// Whether it goes on, as while a slider is dragged or a text typed.
        gesture: Gesture,
    },
    /// Put one setting back to its default.
    ResetSetting(Setting),
    /// Put all settings of a section back to their defaults.
    ResetSection(Section),

    /// Add a keyframe, or remove it if there is one.
    ToggleKeyframe(FrameIdx),
    /// Move a keyframe.
    MoveKeyframe {
        /// Where it is.
        from: FrameIdx,
        /// Where it goes.
        to: FrameIdx,
        /// Whether the drag goes on.
        gesture: Gesture,
    },
    /// Move the selected keyframes by so many frames.
    NudgeSelected(isize),
    /// Remove the selected keyframes, or join shots at a selected cut.
    RemoveSelected,
    /// Lock or unlock the selected keyframes, or the one at the playhead.
    ToggleLock,
    /// Use the suggested keyframes again.
    SuggestKeyframes,
    /// Select a keyframe.
    Select(FrameIdx, SelectMode),
    /// Cut the shot at the playhead, or join the shots if there is a cut.
    ToggleCut(FrameIdx),
    /// The translated part begins at the playhead.
    SetIn,
    /// The translated part ends after the playhead.
    SetOut,
    /// Drag the ends of the translated part.
    SetRange {
        /// First frame.
        start: usize,
        /// One past the last.
        end: usize,
        /// Whether the drag goes on.
        gesture: Gesture,
    },
    /// Translate all of it.
    ClearRange,

    /// Move the playhead.
    Seek(FrameIdx),
    /// Move the playhead along.
    Step(Step),
    /// Play, or stop.
    TogglePlay,
    /// J, K and L.
    Shuttle(Shuttle),
    /// Where the typed frame or time is.
    GoTo(String),

    /// Choose what the viewer shows.
    SetMode(ViewerMode),
    /// Show the source as long as this holds.
    HoldSource(bool),
    /// Move the wipe's line, 0 to 1.
    SetWipe(f32),
    /// Turn the wipe's line.
    TurnWipe,
    /// Choose the factor on differences.
    SetDifferenceGain(DifferenceGain),
    /// Choose what is drawn over the picture; the same again takes it away.
    SetOverlay(Overlay),
    /// Place the picture.
    SetZoom(Zoom),
    /// Place the timeline.
    SetTimeline(TimelineView),
    /// Zoom the timeline by a factor around the playhead.
    ZoomTimeline(f64),
    /// Fill the screen with the viewer, or no longer.
    ToggleFullScreen,
    /// Choose which keyframes the panel shows.
    SetFilter(KeyframeFilter),

    /// Translate one frame with the current settings.
    Try(FrameIdx),
    /// Press the one button.
    MainButton,
    /// Translate, redoing only what is out of date.
    Translate(TranslateScope),
    /// Pause the running job.
    Pause,
    /// Let it go on.
    Resume,
    /// Cancel it.
    Cancel,
    /// Let it end after its keyframes.
    StopAfterKeyframes,
    /// Stop it and start again with the settings as they are now.
    RestartWithNewSettings,
    /// Translate again from nothing.
    TranslateAllAgain,

    /// Open the export dialog.
    OpenExport(ExportWhat),
    /// Change what it says.
    ChangeExport(Box<ExportDraft>),
    /// Write the file.
    Export(Box<ExportDraft>),

    /// Open a dialog.
    OpenDialog(Dialog),
    /// Close the topmost dialog, leave full screen, or clear the selection.
    Escape,
    /// Change the user's settings.
    SetPreferences(Box<Preferences>),
    /// Look again whether models, device and ffmpeg can be used.
    CheckAgain,
    /// Show a page of the preferences.
    ShowPreferences(PreferencesPage),
    /// Use the demo model.
    UseDemoModel,
    /// Look for models, use or download one.
    Model(ModelAction),
    /// The source is elsewhere.
    Relocate(PathBuf),
    /// Use the frames that can be read.
    UseReadable,
    /// Keep the results though the source changed.
    KeepResults,
    /// Forget the results, since the source changed.
    StartOver,

    /// A message was read.
    DismissMessage(u64),
    /// All messages were read.
    ClearMessages,
    /// Show a report in full.
    ShowDetails(Report),
    /// Put a text on the clipboard.
    Copy(String),
    /// Show a file in its folder.
    Reveal(PathBuf),
    /// Open a file with its own program.
    OpenOutside(PathBuf),
    /// Forget a finished job.
    ForgetJob(JobId),
    /// That the program closed unexpectedly was read.
    ForgetCrash,
    /// Put the keyboard's focus on a setting: see [`AppState::focus`](super::AppState::focus).
    Focus(Setting),
    /// The setting has the focus.
    Focused,
}

/// Whether a change goes on; a whole drag is one step of undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// It is still being dragged or typed: it becomes one step with what follows.
    Ongoing,
    /// It is done.
    Finished,
}

/// A file to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilePick {
    /// A video to open.
    Video,
    /// A project to open.
    Project,
    /// Where to save the project.
    SaveProject,
    /// Where the moved source is.
    Source,
    /// A folder of a model.
    ModelFolder,
    /// A single file of a model.
    ModelFile,
    /// A VAE.
    Vae,
    /// A LoRA.
    Lora,
    /// The folder of all models.
    ModelsFolder,
    /// Another folder in which models are looked for.
    MoreModels,
    /// A `ControlNet`.
    ControlNet,
    /// A clip of control images for the `ControlNet` of this position.
    ControlClip(usize),
    /// ffmpeg itself.
    Ffmpeg,
    /// Where to export to.
    ExportFile,
    /// The folder that pictures are exported to.
    ExportFolder,
    /// The folder of working folders.
    WorkFolder,
}

/// How a click selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectMode {
    /// This alone.
    Only,
    /// This too, or no longer.
    Toggle,
    /// All from the last selected to this.
    Extend,
}

/// A step of the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many frames, back if negative.
    Frames(i32),
    /// So many seconds, back if negative.
    Seconds(i32),
    /// The keyframe before.
    PreviousKeyframe,
    /// The keyframe after.
    NextKeyframe,
    /// The start of this shot, or of the one before.
    PreviousShot,
    /// The start of the next shot.
    NextShot,
    /// The start of the range.
    RangeStart,
    /// The end of the range.
    RangeEnd,
}

/// J, K and L.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuttle {
    /// J: backwards, again: faster.
    Back,
    /// K: stop.
    Stop,
    /// L: forwards, again: faster.
    Forward,
    /// K and J: slowly backwards.
    SlowBack,
    /// K and L: slowly forwards.
    SlowForward,
}

/// How much is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranslateScope {
    /// Everything.
    All,
    /// Keyframes, without in-betweens.
    KeyframesOnly,
    /// The shot at the playhead.
    Shot,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportWhat {
    /// All frames.
    Frames,
    /// The keyframes alone.
    Keyframes,
}

pub use super::settings::{Section, Setting};

/// What has to happen outside of the window's memory.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send to the worker.
    Send(Command),
    /// Put into the worker's slot for tries.
    Try(Box<TryRequest>),
    /// Cancel a job.
    Cancel(JobId),
    /// Pause a job.
    Pause(JobId),
    /// Let a job go on.
    Resume(JobId),
    /// Stop a download.
    StopDownload(ModelId),
    /// Show a file dialog; the answer is [`Action::Picked`].
    Pick {
        /// What for.
        pick: FilePick,
        /// Folder or file that is proposed.
        proposal: Option<PathBuf>,
    },
    /// Put a text on the clipboard.
    Copy(String),
    /// Show a file in its folder.
    Reveal(PathBuf),
    /// Open a file with its own program.
    OpenOutside(PathBuf),
    /// Tell the user, if the window has no focus.
    Notify(String),
    /// Write the bundled clip to a file and open it.
    WriteDemoClip(PathBuf),
    /// Close the window.
    Quit,
}
