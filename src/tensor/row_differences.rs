//! `Σ |D x|` and its gradient `Dᵀ sign(D x)`, for a fixed sparse matrix `D` over the rows of `x`.

use burn::backend::Flex;
use burn::tensor::{DType, Int, TensorData};
use pulp::Arch;
use rayon::prelude::*;

use super::{Device, Tensor};

/// An entry of a row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Its column, a row of `x`.
    pub column: usize,
    /// Its value.
    pub weight: f32,
}

/// A fixed sparse matrix, and its transpose.
#[derive(Clone, Debug)]
pub struct RowDifferences {
    rows: Lists,
    columns: Lists,
    /// Both as padded index lists, where `x` will be on a card.
    on_card: Option<[Padded; 2]>,
}

/// Entries of a sparse matrix, line by line.
#[derive(Clone, Debug)]
struct Lists {
    starts: Vec<usize>,
    others: Vec<u32>,
    weights: Vec<f32>,
}

/// For each rank `k`, the `k`-th entry of every line; weight 0 where a line is shorter.
#[derive(Clone, Debug)]
struct Padded {
    ranks: Vec<(Tensor<1, Int>, Tensor<3>)>,
}

impl RowDifferences {
    /// The matrix with these rows and `n_columns` columns, for tensors on `device`.
    #[must_use]
    pub fn new<const TAPS: usize>(rows: &[[Tap; TAPS]], n_columns: usize, device: &Device) -> Self {
        let entries = || {
            let in_row = |(row, taps): (usize, &[Tap; TAPS])| taps.map(|tap| (row, tap));
            let all = rows.iter().enumerate().flat_map(in_row);
            all.filter(|(_, tap)| tap.weight != 0.0)
        };
        let by_row = entries().map(|(row, tap)| (row, tap.column, tap.weight));
        let by_column = entries().map(|(row, tap)| (tap.column, row, tap.weight));
        let rows = Lists::new(rows.len(), by_row);
        let columns = Lists::new(n_columns, by_column);
        let is_card = !matches!(device, device if *device == Device::flex());
        let on_card = is_card.then(|| [&rows, &columns].map(|lists| Padded::new(lists, device)));
        Self {
            rows,
            columns,
            on_card,
        }
    }

    /// `Σ |D x|` over everything, and `Dᵀ sign(D x)` with `sign(0) = 0`.
    ///
    /// # Shapes
    /// `x` `[batch, columns, c]` → `[1]` and `[batch, columns, c]`.
    #[must_use]
    pub fn l1(&self, x: &Tensor<3>) -> (Tensor<1>, Tensor<3>) {
        if let Some([rows, columns]) = &self.on_card {
            let differences = rows.apply(x);
            return (
                differences.clone().abs().sum(),
                columns.apply(&differences.sign()),
            );
        }
        let shape = x.dims();
        let (total, gradient) = self.l1_on_processor(x);
        let device = x.device();
        (
            Tensor::from_data(TensorData::new(vec![total], [1]), &device),
            Tensor::from_data(TensorData::new(gradient, shape), &device),
        )
    }

    fn l1_on_processor(&self, x: &Tensor<3>) -> (f32, Vec<f32>) {
        let [batch, n_columns, width] = x.dims();
        let host = x
            .clone()
            .try_into_primitive::<Flex>()
            .ok()
            .filter(|t| t.dtype() == DType::F32);
        let host =
            host.unwrap_or_else(|| unreachable!("lists for a card are made with the matrix"));
        let host = host.to_contiguous();
        let x: &[f32] = host.storage();
        let n_rows = self.rows.len();
        let mut signs = vec![0_i8; batch * n_rows * width];
        let lines = signs.par_chunks_exact_mut(width).enumerate();
        let total: f64 = lines
            .map_init(
                || vec![0.0; width],
                |line, (index, signs)| {
                    let (item, row) = (index / n_rows, index % n_rows);
                    let x = &x[item * n_columns * width..][..n_columns * width];
                    Arch::new().dispatch(|| {
                        self.rows.combine(row, x, line, |v| v);
                        for (sign, value) in signs.iter_mut().zip(&*line) {
                            *sign = i8::from(*value > 0.0) - i8::from(*value < 0.0);
                        }
                        f64::from(line.iter().map(|v| v.abs()).sum::<f32>())
                    })
                },
            )
            .sum();
        let mut gradient = vec![0.0; batch * n_columns * width];
        let lines = gradient.par_chunks_exact_mut(width).enumerate();
        lines.for_each(|(index, line)| {
            let (item, column) = (index / n_columns, index % n_columns);
            let signs = &signs[item * n_rows * width..][..n_rows * width];
            Arch::new().dispatch(|| self.columns.combine(column, signs, line, f32::from));
        });
        (total as f32, gradient)
    }
}

impl Lists {
    fn new(n_lines: usize, entries: impl Iterator<Item = (usize, usize, f32)>) -> Self {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|&(line, ..)| line);
        let mut starts = vec![0; n_lines + 1];
        for &(line, ..) in &entries {
            starts[line + 1] += 1;
        }
        for line in 0..n_lines {
            starts[line + 1] += starts[line];
        }
        Self {
            starts,
            others: entries.iter().map(|&(_, other, _)| other as u32).collect(),
            weights: entries.iter().map(|&(.., weight)| weight).collect(),
        }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn line(&self, line: usize) -> impl Iterator<Item = (usize, f32)> {
        let entries = self.starts[line]..self.starts[line + 1];
        let others = self.others[entries.clone()].iter().map(|&o| o as usize);
        others.zip(self.weights[entries].iter().copied())
    }

    /// `out = Σ weight · x[other]` over a line's entries.
    #[inline]
    fn combine<T: Copy>(&self, line: usize, x: &[T], out: &mut [f32], widen: impl Fn(T) -> f32) {
        let width = out.len();
        out.fill(0.0);
        for (other, weight) in self.line(line) {
            for (out, value) in out.iter_mut().zip(&x[other * width..][..width]) {
                *out += weight * widen(*value);
            }
        }
    }
}

impl Padded {
    fn new(lists: &Lists, device: &Device) -> Self {
        let n_lines = lists.len();
        let lines: Vec<Vec<(usize, f32)>> = (0..n_lines)
            .map(|line| lists.line(line).collect())
            .collect();
        let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
        let rank = |k: usize| {
            let entry = |line: &Vec<(usize, f32)>| line.get(k).copied().unwrap_or((0, 0.0));
            let (others, weights): (Vec<i32>, Vec<f32>) = lines
                .iter()
                .map(|line| (entry(line).0 as i32, entry(line).1))
                .unzip();
            (
                Tensor::from_data(TensorData::new(others, [n_lines]), device),
                Tensor::from_data(TensorData::new(weights, [1, n_lines, 1]), device),
            )
        };
        Self {
            ranks: (0..longest.max(1)).map(rank).collect(),
        }
    }

    fn apply(&self, x: &Tensor<3>) -> Tensor<3> {
        let part = |(others, weights): &(Tensor<1, Int>, Tensor<3>)| {
            x.clone().select(1, others.clone()) * weights.clone()
        };
        let first = part(&self.ranks[0]);
        self.ranks[1..]
            .iter()
            .map(part)
            .fold(first, |sum, part| sum + part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn lists_and_padded_lists_agree() {
        let device = Device::flex();
        device.seed(3);
        let tap = |column, weight| Tap { column, weight };
        // Column 1 is in three rows, column 3 in none.
        let rows = [
            [tap(0, 1.0), tap(1, -0.5)],
            [tap(2, 1.0), tap(1, -1.0)],
            [tap(1, 0.25), tap(0, 0.0)],
        ];
        let on_processor = RowDifferences::new(&rows, 4, &device);
        let mut on_card = on_processor.clone();
        on_card.on_card =
            Some([&on_card.rows, &on_card.columns].map(|lists| Padded::new(lists, &device)));
        let x = Tensor::<3>::random([2, 4, 5], Distribution::Normal(0.0, 1.0), &device);
        let ((a, da), (b, db)) = (on_processor.l1(&x), on_card.l1(&x));
        let a: f32 = (a - b).abs().into_scalar();
        let da: f32 = (da - db).abs().max().into_scalar();
        assert!(a < 1e-5 && da < 1e-6, "{a} {da}");
    }
}
