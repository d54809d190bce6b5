//! The names of tensors in LoRA files, in the three layouts that are published: to which layer of which network a tensor
//! belongs, and what it is there.
//!
//! A layer is known by its published module path with every dot turned into an underscore. The kohya layout writes it so,
//! and it cannot be read back: it is built from the network's own names and compared.
//!
//! | layout | example |
//! | --- | --- |
//! | kohya | `lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight` |
//! | PEFT | `unet.down_blocks.0.attentions.0.proj_in.lora_A.weight` |
//! | diffusers, older | `unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight` |

/// The network that a layer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The noise predictor.
    UNet,
    /// CLIP's text model.
    TextEncoder,
}

/// A layer of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerKey {
    /// The network.
    pub target: Target,
    /// The module path, with underscores.
    pub path: String,
}

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// From the layer's inputs to the rank.
    Down,
    /// From the rank to the layer's outputs.
    Up,
    /// The scale, times the rank.
    Alpha,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A part of a low-rank delta.
    Part(LayerKey, Role),
    /// A part of something else that changes weights, by what it is called.
    Unsupported(&'static str),
    /// A part of a LoRA for another family.
    OtherFamily(&'static str),
    /// A part of a LoRA for a network that nobody here has.
    OtherNetwork,
    /// Nothing that is known.
    Unknown,
}

impl LayerKey {
    /// The layer that owns a published tensor name; nothing for a bias or another thing that no LoRA changes.
    #[must_use]
    pub fn of_weight(target: Target, name: &str) -> Option<Self> {
        let path = name.strip_suffix(".weight")?.replace('.', "_");
        let path = match target {
            // Published with and without the name of the whole.
            Target::TextEncoder if !path.starts_with("text_model_") => {
                format!("text_model_{path}")
            }
            _ => path,
        };
        Some(Self { target, path })
    }
}

const ROLES: [(&str, Role); 14] = [
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".alpha", Role::Alpha),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_A.default.weight", Role::Down),
    (".lora_B.default.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    ("_lora.alpha", Role::Alpha),
];

/// Reads a tensor's name.
pub(super) fn read(name: &str) -> Meaning {
    if let Some(other) = unsupported(name) {
        return Meaning::Unsupported(other);
    }
    let Some((path, role)) = split_role(name) else {
        return Meaning::Unknown;
    };
    let (target, path) = match split_target(path) {
        Ok(split) => split,
        // Other things than LoRAs have a tensor of this name.
        Err(Meaning::OtherNetwork) if role == Role::Alpha => return Meaning::Unknown,
        Err(meaning) => return meaning,
    };
    let path = published(target, path).replace('.', "_");
    Meaning::Part(LayerKey { target, path }, role)
}

/// The path of the module that a part of a delta is for, as the file writes it.
pub(super) fn module_of(name: &str) -> Option<&str> {
    let (path, _) = split_role(name)?;
    split_target(path).ok().map(|(_, path)| path)
}

fn split_role(name: &str) -> Option<(&str, Role)> {
    // The longest ending, as one is the end of another.
    let role = ROLES
        .iter()
        .filter(|(end, _)| name.ends_with(end))
        .max_by_key(|(end, _)| end.len());
    let (end, role) = role?;
    Some((&name[..name.len() - end.len()], *role))
}

fn unsupported(name: &str) -> Option<&'static str> {
    let marks = [
        (".hada_", "a LoHa"),
        (".lokr_", "a LoKr"),
        (".lora_mid.", "a LoCon with a middle tensor"),
        (".dora_scale", "a DoRA"),
        (".lora_magnitude_vector", "a DoRA"),
        (".oft_", "an OFT"),
        (".on_input", "an IA3"),
    ];
    if [".diff", ".diff_b"].iter().any(|end| name.ends_with(end)) {
        return Some("a difference of whole weights");
    }
    let found = marks.iter().find(|(mark, _)| name.contains(mark));
    found.map(|(_, kind)| *kind)
}

fn split_target(path: &str) -> Result<(Target, &str), Meaning> {
    const UNET_PARTS: [&str; 5] = ["down_blocks.", "mid_block.", "up_blocks.", "conv_", "time_"];
    const OTHERS: [(&str, &str); 7] = [
        ("lora_te1_", "an SDXL model"),
        ("lora_te2_", "an SDXL model"),
        ("text_encoder_2.", "an SDXL model"),
        ("lora_unet_double_blocks_", "a Flux model"),
        ("lora_unet_single_blocks_", "a Flux model"),
        ("lora_unet_joint_blocks_", "an SD 3 model"),
        ("transformer.", "a transformer model"),
    ];
    if let Some((_, family)) = OTHERS.iter().find(|(start, _)| path.starts_with(start)) {
        return Err(Meaning::OtherFamily(family));
    }
    let starts = [
        ("lora_unet_", Target::UNet),
        ("lora_te_", Target::TextEncoder),
        ("unet.", Target::UNet),
        ("text_encoder.", Target::TextEncoder),
    ];
    let named = starts
        .iter()
        .find_map(|(start, target)| Some((*target, path.strip_prefix(start)?)));
    // What the trainer of a single network wraps it in.
    let trim = |path| str::strip_prefix(path, "base_model.model.").unwrap_or(path);
    if let Some((target, path)) = named {
        return Ok((target, trim(path)));
    }
    let path = trim(path);
    if UNET_PARTS.iter().any(|part| path.starts_with(part)) {
        Ok((Target::UNet, path))
    } else if path.starts_with("text_model.") {
        Ok((Target::TextEncoder, path))
    } else {
        Err(Meaning::OtherNetwork)
    }
}

/// A module path as published, from the older layout's own words for the same.
fn published(target: Target, path: &str) -> String {
    let path = path.replace(".processor.", ".");
    let last = path.rsplit('.').next().unwrap_or_default();
    let real = match (target, last) {
        (Target::UNet, "to_out") => "to_out.0",
        (Target::TextEncoder, "to_q") => "q_proj",
        (Target::TextEncoder, "to_k") => "k_proj",
        (Target::TextEncoder, "to_v") => "v_proj",
        (Target::TextEncoder, "to_out") => "out_proj",
        _ => return path,
    };
    format!("{}{real}", &path[..path.len() - last.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(target: Target, name: &str) -> LayerKey {
        LayerKey::of_weight(target, name).unwrap()
    }

    #[test]
    fn all_layouts_name_the_same_layer() {
        let name = "up_blocks.1.attentions.2.transformer_blocks.0.attn1.to_out.0";
        let wanted = layer(Target::UNet, &format!("{name}.weight"));
        let kohya = format!("lora_unet_{}", name.replace('.', "_"));
        let attention = "up_blocks.1.attentions.2.transformer_blocks.0.attn1";
        for (written, role) in [
            (format!("{kohya}.lora_down.weight"), Role::Down),
            (format!("{kohya}.alpha"), Role::Alpha),
            (format!("unet.{name}.lora_B.weight"), Role::Up),
            (format!("unet.{name}.lora.up.weight"), Role::Up),
            (
                format!("base_model.model.{name}.lora_A.default.weight"),
                Role::Down,
            ),
            (
                format!("unet.{attention}.processor.to_out_lora.down.weight"),
                Role::Down,
            ),
            (
                format!("{attention}.processor.to_out_lora.up.weight"),
                Role::Up,
            ),
        ] {
            assert_eq!(
                read(&written),
                Meaning::Part(wanted.clone(), role),
                "{written}"
            );
        }
    }

    #[test]
    fn text_layers_have_one_name() {
        let wanted = layer(
            Target::TextEncoder,
            "text_model.encoder.layers.3.self_attn.q_proj.weight",
        );
        let short = "encoder.layers.3.self_attn.q_proj.weight";
        assert_eq!(layer(Target::TextEncoder, short), wanted);
        for written in [
            "lora_te_text_model_encoder_layers_3_self_attn_q_proj.lora_up.weight",
            "text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.up.weight",
            "text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.up.weight",
        ] {
            assert_eq!(read(written), Meaning::Part(wanted.clone(), Role::Up));
        }
    }

    #[test]
    fn what_is_no_lora_of_ours_is_told_apart() {
        assert_eq!(
            read("lora_te2_text_model_x.alpha"),
            Meaning::OtherFamily("an SDXL model")
        );
        assert_eq!(
            read("lora_unet_mid_block_x.hada_w1_a"),
            Meaning::Unsupported("a LoHa")
        );
        assert_eq!(read("emb_params"), Meaning::Unknown);
        assert_eq!(read("some.gate.alpha"), Meaning::Unknown);
        assert_eq!(
            read("diffusion_model.blocks.0.q.lora_A.weight"),
            Meaning::OtherNetwork
        );
        assert_eq!(LayerKey::of_weight(Target::UNet, "conv_in.bias"), None);
    }
}
