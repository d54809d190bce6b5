//! What a worker would tell of a clip, a model and a device that do not exist.

use std::path::Path;

use fresco_studio::files::UserFolders;
use fresco_studio::frame::Size;
use fresco_studio::pipeline::job::ControlKind;
use fresco_studio::worker::message::{
    DeviceStatus, Event, FfmpegStatus, HelpersFound, ModelStatus, NetworkSizes, Ratio, Report,
    Summary, VideoCodec, VideoInfo,
};

/// Folders of a user, below one.
pub fn folders(root: &str) -> UserFolders {
    let at = |name: &str| format!("{root}/{name}").into();
    UserFolders {
        config: at("config"),
        data: at("data"),
        models: at("models"),
        videos: at("videos"),
    }
}

/// An H.264 clip without sound, `rate` frames a second.
pub fn info(path: &Path, size: Size, rate: i64, n_frames: usize) -> VideoInfo {
    serde_json::from_value(serde_json::json!({
        "path": path, "container": "mov,mp4", "stream": 0, "codec": "h264",
        "coded_size": size, "display_size": size,
        "sample_aspect_ratio": Ratio::ONE, "rotation": 0, "pixel_format": "yuv420p",
        "bit_depth": 8, "has_alpha": false, "hdr": null,
        "colour": {
            "matrix": "bt709", "matrix_assumed": false, "range": "limited",
            "primaries": null, "transfer": null,
        },
        "time_base": {"num": 1, "den": rate}, "average_rate": {"num": rate, "den": 1}, "variable_rate": false,
        "duration_secs": n_frames as f64 / rate as f64, "stated_end": null, "start_secs": 0.0,
        "claimed_frames": n_frames, "audio": [], "subtitles": [], "notes": [],
    }))
    .unwrap()
}

/// A model of four levels, larger than the demo model and smaller than Stable Diffusion.
pub fn sizes() -> NetworkSizes {
    NetworkSizes {
        unet: 50_000_000,
        controlnets: 20_000_000,
        n_controlnets: 1,
        vae: 5_000_000,
        text_encoder: 10_000_000,
        motion: 0,
        saliency: 0,
        drawing: Vec::new(),
        channels: vec![160, 320, 320, 320],
        layers_per_block: 2,
        heads: 8,
        vae_channels: 64,
    }
}

/// Everything that can be looked at is as it should be.
pub fn everything_ready() -> [Event; 3] {
    [
        Event::Ffmpeg(Ok(FfmpegStatus {
            version: "7.1".into(),
            codecs: vec![VideoCodec::H264, VideoCodec::Ffv1],
            path: None,
        })),
        Event::Model(Ok(ModelStatus {
            name: "Demo model".into(),
            is_demo: true,
            has_control: true,
            helpers: HelpersFound::default(),
            sizes: sizes(),
            proposed_control: ControlKind::SoftEdges,
        })),
        Event::Device(Ok(DeviceStatus {
            name: "Test card".into(),
            is_fallback: false,
            cards: vec!["Test card".into()],
            half: false,
            threads: 8,
        })),
    ]
}

/// Something went wrong.
pub fn report(summary: &str) -> Report {
    Report {
        summary: summary.to_owned(),
        ..Report::default()
    }
}

/// A translation has ended well.
pub fn summary(out: &str, frames: usize, keyframes: usize) -> Summary {
    Summary {
        out: out.into(),
        frames,
        keyframes,
        duration_secs: 2.0,
        stage_secs: Vec::new(),
        notes: Vec::new(),
    }
}
