// Where the tables of the conversions begin in their buffer, as `table_words` of src/synth/blend/gpu/mod.rs lays them out.

const LINEAR: u32 = 0u;
const ROOT: u32 = 256u;
const LIGHTNESS: u32 = 2297u;
const DISPLAY: u32 = 2809u;

// Divides by 2^bits and rounds.
fn rounded(value: vec3<i32>, bits: u32) -> vec3<i32> {
    return (value + (1 << (bits - 1u))) >> vec3<u32>(bits);
}
