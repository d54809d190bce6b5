//! What the name of an FFmpeg pixel format says.

/// Bits of a channel.
pub(super) fn bit_depth(name: &str) -> u32 {
    let name = name.trim_end_matches("le").trim_end_matches("be");
    match name {
        "rgb48" | "bgr48" | "rgba64" | "bgra64" => return 16,
        // Their digits count the bits of a pixel, or nothing at all.
        _ if name.starts_with("nv") => return if matches!(name, "nv20") { 10 } else { 8 },
        _ if name.starts_with("rgb") || name.starts_with("bgr") => return 8,
        _ => {}
    }
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number = &name[name.len() - digits..];
    // In names like `p412` the first digit is the chroma format.
    let bits = number.trim_start_matches(['0', '2', '4']).parse().ok();
    bits.filter(|bits| [9, 10, 12, 14, 16, 32].contains(bits))
        .unwrap_or(8)
}

/// Whether there is an alpha channel.
pub(super) fn has_alpha(name: &str) -> bool {
    [
        "yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "ayuv", "vuya",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Whether the channels are red, green and blue, so that no matrix applies.
pub(super) fn is_rgb(name: &str) -> bool {
    [
        "rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "mono", "x2rgb", "x2bgr",
        "xyz",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Whether values are full range by the format's definition.
pub(super) fn is_full_range(name: &str) -> bool {
    is_rgb(name)
        || ["yuvj", "gray", "ya8", "ya16"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_read_from_the_name() {
        let eight = [
            "yuv420p", "yuvj444p", "nv12", "nv21", "rgb24", "rgba", "gray", "pal8", "yuva420p",
            "rgb555le",
        ];
        for name in eight {
            assert_eq!(bit_depth(name), 8, "{name}");
        }
        let deeper = [
            ("yuv420p10le", 10),
            ("yuva444p12le", 12),
            ("p010le", 10),
            ("p016be", 16),
            ("p210le", 10),
            ("p412le", 12),
            ("gray12le", 12),
            ("gbrp14be", 14),
            ("gbrpf32le", 32),
            ("rgb48be", 16),
            ("rgba64le", 16),
            ("x2rgb10le", 10),
            ("yuv444p9be", 9),
            ("ya16le", 16),
        ];
        for (name, bits) in deeper {
            assert_eq!(bit_depth(name), bits, "{name}");
        }
    }

    #[test]
    fn channels_are_read_from_the_name() {
        assert!(has_alpha("yuva444p12le") && has_alpha("argb") && has_alpha("gbrap"));
        assert!(!has_alpha("gbrp") && !has_alpha("yuv420p") && !has_alpha("rgb24"));
        assert!(is_rgb("gbrp10le") && is_rgb("bgra") && !is_rgb("gray") && !is_rgb("yuv444p"));
    }
}
