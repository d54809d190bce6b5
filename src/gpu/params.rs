//! What changes from one dispatch of a kernel to the next: a struct that host and shader both know.

use bytemuck::Pod;

/// A struct whose layout is the same in Rust and in the shader that reads it; made by `params!`.
///
/// The shader declares a struct of the same name with the same fields and reads it as
/// `@group(1) @binding(0) var<uniform> params: Name;`.
pub trait Params: Pod {
    /// Its name in the shader.
    const NAME: &str;
    /// Name and byte offset of each field.
    const FIELDS: &[(&str, usize)];
}

/// No parameters, for a kernel that needs none.
impl Params for () {
    const NAME: &str = "";
    const FIELDS: &[(&str, usize)] = &[];
}

/// Declares the parameters of a kernel, to be mirrored by a struct of the same name in its shader.
///
/// Fields are scalars of four bytes (`u32`, `i32`, `f32`), so that both sides lay them out alike.
///
/// ```ignore
/// params! {
///     /// Size of the pictures.
///     pub struct Grid {
///         /// Pixels in a row.
///         pub width: u32,
///         /// Rows.
///         pub height: u32,
///     }
/// }
/// ```
macro_rules! params {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $kind:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $kind,)*
        }

        impl $crate::gpu::Params for $name {
            const NAME: &str = stringify!($name);
            const FIELDS: &[(&str, usize)] =
                &[$((stringify!($field), ::std::mem::offset_of!($name, $field)),)*];
        }
    };
}

pub(crate) use params;

/// Fails unless the shader's struct has the fields, offsets and size of the host's.
#[cfg(test)]
pub(crate) fn assert_mirrored<P: Params>(shader: &str) {
    let source = super::shader::assemble(shader).unwrap();
    let module = naga::front::wgsl::parse_str(&source).unwrap();
    let named = |kind: &&naga::Type| kind.name.as_deref() == Some(P::NAME);
    let kind = module.types.iter().map(|(_, kind)| kind).find(named);
    let kind = kind.unwrap_or_else(|| panic!("{shader} has no struct {}", P::NAME));
    let naga::TypeInner::Struct { members, span } = &kind.inner else {
        panic!("{} of {shader} is no struct", P::NAME);
    };
    let fields: Vec<(&str, usize)> = members
        .iter()
        .map(|m| (m.name.as_deref().unwrap_or_default(), m.offset as usize))
        .collect();
    assert_eq!(fields, P::FIELDS, "{} of {shader}", P::NAME);
    assert_eq!(*span as usize, size_of::<P>(), "{} of {shader}", P::NAME);
}
