//! The paths that settings name, and how they are written in a project file: relative to it, with `/`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::pipeline::job::JobSpec;

/// Lets `change` change every path of the settings that is set.
pub fn each(spec: &mut JobSpec, mut change: impl FnMut(&mut PathBuf)) {
    let JobSpec {
        source,
        model,
        model_config,
        vae,
        lora,
        controlnet,
        ..
    } = spec;
    let mut of_nets = Vec::new();
    for net in controlnet {
        of_nets.push(&mut net.path);
        of_nets.extend(&mut net.clip);
    }
    let named = [
        Some(source),
        model.as_mut(),
        model_config.as_mut(),
        vae.as_mut(),
    ];
    // A name alone is looked for in the models folder.
    let is_path = |path: &PathBuf| path.extension().is_some() || path.components().count() > 1;
    let of_loras = lora.iter_mut().map(|lora| &mut lora.path);
    let of_loras = of_loras.filter(|path| is_path(path));
    let named = named.into_iter().flatten().chain(of_nets);
    for path in named.chain(of_loras) {
        if !path.as_os_str().is_empty() {
            change(path);
        }
    }
}

/// Names of all settings in a file: those of their flags.
#[must_use]
pub fn setting_names() -> BTreeSet<String> {
    use clap::Args as _;
    let command = JobSpec::augment_args(clap::Command::new("settings"));
    let names = command.get_arguments();
    names
        .map(|argument| argument.get_id().as_str().replace('_', "-"))
        .collect()
}

/// A path as seen from `folder`, where both have a common beginning beyond the root; else as it is.
#[must_use]
pub fn relative(folder: &Path, path: &Path) -> PathBuf {
    if !(folder.is_absolute() && path.is_absolute()) {
        return path.to_owned();
    }
    let from: Vec<Component<'_>> = folder.components().collect();
    let to: Vec<Component<'_>> = path.components().collect();
    let n_common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let is_real = |part: &Component<'_>| matches!(part, Component::Normal(_));
    if !from[..n_common].iter().any(is_real) {
        return path.to_owned();
    }
    let up = from[n_common..].iter().map(|_| "..".to_owned());
    let down = to[n_common..].iter();
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/").into()
}

/// The path that [`relative`] was given, without `..`.
#[must_use]
pub fn resolve(folder: &Path, path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if resolved.file_name().is_some() => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_as_they_were() {
        let folder = Path::new("/films/me/films");
        for (path, written) in [
            ("/films/me/films/a.mp4", "a.mp4"),
            ("/films/me/films/in/a b.mp4", "in/a b.mp4"),
            ("/films/me/models/x", "../models/x"),
            ("/srv/a.mp4", "/srv/a.mp4"),
        ] {
            let found = relative(folder, Path::new(path));
            assert_eq!(found, Path::new(written));
            assert_eq!(resolve(folder, &found), Path::new(path));
        }
    }

    #[test]
    fn every_setting_has_a_name() {
        let names = setting_names();
        for name in ["source", "keyframe-gap", "controlnet", "no-spatial-loss"] {
            assert!(names.contains(name), "{name} of {names:?}");
        }
    }
}
