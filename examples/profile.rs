//! x
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
use burn::tensor::Distribution;
use burn::tensor::activation::silu;
use burn::nn::*;
use fresco_studio::models::unet::*;
use fresco_studio::models::checkpoint::*;
use fresco_studio::tensor::*;
use std::time::Instant;
fn time(name: &str, mut f: impl FnMut()) { f(); let t = Instant::now(); for _ in 0..5 { f() } println!("{name}: {:.2} ms", t.elapsed().as_secs_f64() * 200.0); }
fn main() {
    let d = Device::flex();
    let cfg = UNetConfig::from_json(&std::fs::read("models/demo/unet/config.json").unwrap()).unwrap();
    let unet = UNet2DConditionModel::new(&cfg, &d);
    let (unet, _) = load(unet, &Weights::File("models/demo/unet/diffusion_pytorch_model.safetensors".into()), &KEYS, FloatDType::F32).unwrap();
    let n = 16;
    let x = Tensor::<4>::random([n, 4, 32, 56], Distribution::Default, &d);
    let t = Tensor::<3>::random([n, 77, 96], Distribution::Default, &d);
    time("unet 16x32x56", || { let _ = unet.forward(x.clone(), 501, &t, None, &mut NoHook).into_data(); });
    let f = Tensor::<4>::random([n, 48, 32, 56], Distribution::Default, &d);
    let gn: GroupNorm = GroupNormConfig::new(8, 48).init(&d);
    time("group_norm", || { let _ = gn.forward(f.clone()).into_data(); });
    time("silu", || { let _ = silu(f.clone()).into_data(); });
    time("add", || { let _ = (f.clone() + f.clone()).into_data(); });
    let tok = Tensor::<3>::random([n, 32*56, 48], Distribution::Default, &d);
    let ln: LayerNorm = LayerNormConfig::new(48).init(&d);
    time("layer_norm", || { let _ = ln.forward(tok.clone()).into_data(); });
    let li: Linear = LinearConfig::new(48, 48).init(&d);
    time("linear", || { let _ = li.forward(tok.clone()).into_data(); });
    let q = Tensor::<4>::random([n, 4, 32*56, 12], Distribution::Default, &d);
    time("attention 1792", || { let _ = attend(q.clone(), q.clone(), q.clone()).into_data(); });
    let k = Tensor::<4>::random([n, 4, 77, 12], Distribution::Default, &d);
    time("attention 77", || { let _ = attend(q.clone(), k.clone(), k.clone()).into_data(); });
    let cv = conv::Conv2dConfig::new([48, 48], [3, 3]).with_padding(PaddingConfig2d::Explicit(1,1,1,1)).init(&d);
    time("conv", || { let _ = cv.forward(f.clone()).into_data(); });
    time("swap", || { let _ = f.clone().reshape([n, 48, 32*56]).swap_dims(1,2).into_data(); });
    let g = Tensor::<3>::random([n, 32*56, 192], Distribution::Default, &d);
    time("gelu", || { let _ = burn::tensor::activation::gelu(g.clone()).into_data(); });
    time("cat", || { let _ = Tensor::cat(vec![f.clone(), f.clone()], 1).into_data(); });
}
