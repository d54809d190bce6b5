// A level of a pyramid and the one above, of half the size rounded up; in every level a pixel is three values and how
// well they are known, from 0 to 1.
#import shared/grid

fn halved(grid: Grid) -> Grid {
    return Grid((grid.width + 1u) / 2u, (grid.height + 1u) / 2u);
}
