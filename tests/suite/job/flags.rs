//! How flags and files write settings.

use std::path::Path;

use clap::Parser as _;
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::job::{
    CannyThresholds, Compat, ConsistencySpec, ControlKind, ControlNetSpec, DeviceChoice,
    ExtraWords, FillPreset, FrameRange, FreeU, InBetweensSpec, Job, JobSpec, KeyframeGap, LoraSpec,
    Precision, Preset, Sampler,
};

use super::spec;

#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    spec: JobSpec,
}

fn parse(flags: &[&str]) -> Result<JobSpec, String> {
    let required = [
        "test",
        "clip.mp4",
        "--out",
        "out.mp4",
        "--prompt",
        "a cartoon",
    ];
    let flags = required.iter().chain(flags);
    Flags::try_parse_from(flags)
        .map(|flags| flags.spec)
        .map_err(|error| error.to_string())
}

#[test]
fn flags_files_and_code_have_the_same_defaults() {
    assert_eq!(parse(&[]).unwrap(), spec());
    let file = "source = 'clip.mp4'\nout = 'out.mp4'\nprompt = 'a cartoon'";
    assert_eq!(toml::from_str::<JobSpec>(file).unwrap(), spec());
}

/// Every flag with a value, separated by bars.
const FLAGS: &str = "--negative|blurry|--quality|, sharp|--extra|24=, eyes closed|--extra|30==|\
--range|10..58|--model|m|--model-config|d|--vae|v|--lora|l=0.5|--lora|a=b=-1|--controlnet|c|\
--controlnet|a\\,b,weight=0.5,start=0.1,end=0.9,control=depth,clip=x.mp4|--control|canny|--canny|20,200|\
--control-strength|0.7|--strength|0.5|--steps|15|--guidance-scale|3|--sampler|ddim|\
--seed|4294967295|--size|448|--keyframe-gap|5..20|--batch-size|5|--compat|reference|--no-fill|\
--fill-preset|best|--no-gradient-blending|--device|NVIDIA|--work|w|--look|neon|--freeu|1.2,1.5,1,0.5|\
--precision|full|--shared-step-noise|--consistency|light|--no-temporal-attention|--plain-recording|\
--drop-unrelated-wrap|--smooth-background-only|--lock|3,9";

fn extra(frame: usize, text: &str) -> ExtraWords {
    ExtraWords {
        frame: FrameIdx(frame),
        text: text.into(),
    }
}

fn lora(path: &str, strength: f32) -> LoraSpec {
    LoraSpec {
        path: path.into(),
        strength,
    }
}

#[test]
fn every_flag_fills_its_field() {
    let flags: Vec<&str> = FLAGS.split('|').collect();
    let clip = Some("x.mp4".into());
    let two = ControlNetSpec {
        path: "a,b".into(),
        weight: 0.5,
        start: 0.1,
        end: 0.9,
        control: Some(ControlKind::Depth),
        clip,
    };
    let wanted = JobSpec {
        negative: "blurry".into(),
        quality: ", sharp".into(),
        extra: vec![extra(24, ", eyes closed"), extra(30, "=")],
        range: Some(FrameRange { start: 10, end: 58 }),
        model: Some("m".into()),
        model_config: Some("d".into()),
        vae: Some("v".into()),
        lora: vec![lora("l", 0.5), lora("a=b", -1.0)],
        controlnet: vec![
            ControlNetSpec {
                path: "c".into(),
                ..ControlNetSpec::default()
            },
            two,
        ],
        control: ControlKind::Canny,
        canny: CannyThresholds { low: 20, high: 200 },
        control_strength: 0.7,
        strength: 0.5,
        steps: 15,
        guidance_scale: 3.0,
        sampler: Sampler::Ddim,
        seed: u32::MAX,
        shared_step_noise: true,
        size: Some(448),
        keyframe_gap: KeyframeGap::Range { min: 5, max: 20 },
        batch_size: 5,
        compat: Some(Compat::Reference),
        no_fill: true,
        in_betweens: InBetweensSpec {
            fill_preset: FillPreset::Best,
            no_gradient_blending: true,
        },
        device: DeviceChoice::Named("NVIDIA".into()),
        precision: Precision::Full,
        work: Some("w".into()),
        look: Some("neon".into()),
        lock: vec![FrameIdx(3), FrameIdx(9)],
        free_u: Some(FreeU {
            b1: 1.2,
            b2: 1.5,
            s1: 1.0,
            s2: 0.5,
        }),
        guidance: ConsistencySpec {
            consistency: Preset::Light,
            no_temporal_attention: true,
            plain_recording: true,
            drop_unrelated_wrap: true,
            smooth_background_only: true,
            ..ConsistencySpec::default()
        },
        ..spec()
    };
    assert_eq!(parse(&flags).unwrap(), wanted);
    assert!(Job::new(&wanted).is_ok());
    let file = toml::to_string(&wanted).unwrap();
    assert_eq!(toml::from_str::<JobSpec>(&file).unwrap(), wanted, "{file}");

    let listed = parse(&["--keyframes", "8,0,4", "--from-noise", "--no-fill"]).unwrap();
    assert_eq!(listed.keyframes, [8, 0, 4].map(FrameIdx));
    assert!(listed.from_noise);
    let plain = parse(&["--no-background-smoothing"]).unwrap().guidance;
    assert!(plain.no_background_smoothing && !plain.smooth_background_only);
}

#[test]
fn a_controlnet_of_an_older_file_has_no_control_of_its_own() {
    let file = "source = 'clip.mp4'\nout = 'out.mp4'\nprompt = 'a cartoon'\ncontrol = 'canny'\n\
                [[controlnet]]\npath = 'c'\nweight = 0.5\nstart = 0.0\nend = 1.0\n";
    let read = toml::from_str::<JobSpec>(file).unwrap();
    let net = &read.controlnet[0];
    assert_eq!(net.control, None);
    assert_eq!(net.drawn(read.control), Some(ControlKind::Canny));
    assert_eq!(
        toml::to_string(net).unwrap().matches("control").count(),
        0,
        "and it is written as before"
    );
}

#[test]
fn malformed_flags_are_refused_with_the_form_they_should_have() {
    for (flags, form) in [
        (["--range", "5"], "0..48"),
        (["--range", "5..-1"], "0..48"),
        (["--canny", "50"], "50,100"),
        (["--extra", "words"], "frame number"),
        (["--extra", "x=words"], "frame number"),
        (["--keyframes", "1,x"], "frame number"),
        (["--controlnet", ",weight=1"], "PATH"),
        (["--controlnet", "c,wait=1"], "PATH"),
        (["--controlnet", "c,weight=heavy"], "PATH"),
        (["--controlnet", "c,weight"], "PATH"),
        (["--controlnet", "c,control=faces"], "control=KIND"),
        (["--canny", "1,256"], "1 to 255"),
        (["--control", "faces"], "soft-edges"),
        (["--compat", "other"], "reference"),
        (["--sampler", "magic"], "ddpm"),
        (["--freeu", "1,1,1"], "four numbers"),
        (["--seed", "4294967296"], "--seed"),
        (["--lora", "x=strong"], "PATH=STRENGTH"),
        (["--lora", "=1"], "PATH=STRENGTH"),
    ] {
        let told = parse(&flags).expect_err(flags[0]);
        assert!(told.contains(form), "{flags:?}: {told}");
    }
    assert!(parse(&["--from-noise", "--strength", "0.5"]).is_err());
    assert!(parse(&["--keyframes", "1", "--keyframe-gap", "2"]).is_err());
}

#[test]
fn a_windows_path_keeps_its_backslashes() {
    let controlnet: ControlNetSpec = r"C:\nets\canny\,v1.safetensors,weight=2".parse().unwrap();
    assert_eq!(controlnet.path, Path::new(r"C:\nets\canny,v1.safetensors"));
    assert_eq!(controlnet.weight.to_bits(), 2.0_f32.to_bits());
}
