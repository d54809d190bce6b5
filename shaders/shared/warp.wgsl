// Where a pixel comes from when a picture is moved whole pixel by whole pixel.
#import shared/grid

// The pixel nearest to `at + vector`, halves to the even one; x is negative where that is outside.
fn source_of(grid: Grid, at: vec2<u32>, vector: vec2<f32>) -> vec2<i32> {
    let there = round(vec2<f32>(at) + vector);
    let size = vec2<f32>(vec2<u32>(grid.width, grid.height));
    if all(there >= vec2<f32>(0.0)) && all(there < size) {
        return vec2<i32>(there);
    }
    return vec2<i32>(-1);
}
