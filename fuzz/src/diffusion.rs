#[path = "../../src/diffusion/noise_schedule.rs"]
mod noise_schedule;
#[path = "../../src/diffusion/scheduler_config.rs"]
mod scheduler_config;

pub use noise_schedule::{NoiseSchedule, SchedulerConfig};
