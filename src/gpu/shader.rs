//! The shaders, embedded in the program, and the one thing WGSL lacks: imports.
//!
//! A line `#import shared/name` is replaced by that file, once a shader however often it is asked for. Nothing else is
//! preprocessed.

/// The named files under `shaders/`, with their texts.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../shaders/", $name, ".wgsl")))),*]
    };
}

/// Every shader by its name, the path under `shaders/` without the extension.
const SOURCES: &[(&str, &str)] = embedded![
    "blend/chebyshev",
    "blend/contrast",
    "blend/divergence",
    "blend/lab",
    "blend/quantise",
    "blend/select",
    "blend/sums",
    "blend/unlab",
    "shared/candidate",
    "shared/colour",
    "shared/energy",
    "shared/grid",
    "shared/lab_tables",
    "shared/nnf",
    "shared/pyramid",
    "shared/random",
    "shared/tile",
    "shared/warp",
    "synth/count",
    "synth/dilate",
    "synth/downsample",
    "synth/edge",
    "synth/error",
    "synth/init_nnf",
    "synth/jump",
    "synth/occlusion",
    "synth/pack",
    "synth/pull",
    "synth/push",
    "synth/random",
    "synth/tent",
    "synth/upsample_nnf",
    "synth/vote_settle",
    "synth/warp_nearest",
];

const IMPORT: &str = "#import ";

/// Why a shader could not be put together, which is an error in our own sources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShaderError {
    /// No shader has this name.
    #[error("no shader is called {0}")]
    Unknown(String),
}

/// Names of all shaders that can be dispatched, which those in `shared/` cannot.
pub fn names() -> impl Iterator<Item = &'static str> {
    let names = SOURCES.iter().map(|(name, _)| *name);
    names.filter(|name| !name.starts_with("shared/"))
}

/// The text of a shader with its imports in place.
///
/// # Errors
/// [`ShaderError::Unknown`] if it or something it imports does not exist.
pub fn assemble(name: &str) -> Result<String, ShaderError> {
    let mut text = String::new();
    append(name, SOURCES, &mut vec![name.to_owned()], &mut text)?;
    Ok(text)
}

fn append(
    name: &str,
    sources: &[(&str, &str)],
    seen: &mut Vec<String>,
    text: &mut String,
) -> Result<(), ShaderError> {
    let (_, source) = sources
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| ShaderError::Unknown(name.to_owned()))?;
    for line in source.lines() {
        match line.strip_prefix(IMPORT).map(str::trim) {
            Some(imported) if seen.iter().any(|s| s == imported) => {}
            Some(imported) => {
                seen.push(imported.to_owned());
                append(imported, sources, seen, text)?;
            }
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_put_in_once_and_unknown_ones_are_an_error() {
        let mut text = String::new();
        let source = [
            ("a", "#import shared/b\n#import shared/b\nend"),
            ("shared/b", "#import a\nbody"),
        ];
        append("a", &source, &mut vec!["a".to_owned()], &mut text).unwrap();
        assert_eq!(text, "body\nend\n");
        let unknown = append("a", &source[..1], &mut Vec::new(), &mut String::new());
        assert_eq!(unknown, Err(ShaderError::Unknown("shared/b".to_owned())));
    }
}
