//! A list of dispatches, submitted at once.

use bytemuck::Pod;
use wgpu::BufferUsages;

use super::buffer::{self, Buffer};
use super::context::{Context, GpuError};
use super::kernel::{Bindings, Kernel, params_entry};
use super::params::Params;

/// Bytes from the parameters of one dispatch to those of the next: the alignment that every adapter accepts.
pub(super) const PARAMS_STRIDE: usize = 256;

/// Collects dispatches, fills and copies, which run in this order, each seeing all that the ones before it wrote.
///
/// Keep one short (a fraction of a second): long ones cannot be cancelled, and drivers take the device away.
#[derive(Debug)]
pub struct Recorder<'a> {
    context: &'a Context,
    commands: Vec<Command>,
    params: Vec<u8>,
}

#[derive(Debug)]
enum Command {
    Dispatch {
        pipeline: wgpu::ComputePipeline,
        bindings: Bindings,
        params_offset: u32,
        workgroups: [u32; 3],
    },
    Clear(wgpu::Buffer),
    Copy {
        from: wgpu::Buffer,
        to: wgpu::Buffer,
    },
}

impl<'a> Recorder<'a> {
    /// An empty list.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            context,
            commands: Vec::new(),
            params: Vec::new(),
        }
    }

    /// Adds one run of a kernel; nothing is added for zero workgroups.
    ///
    /// # Panics
    /// If the parameters are larger than 256 bytes.
    pub fn dispatch<P: Params>(
        &mut self,
        kernel: &Kernel,
        bindings: &Bindings,
        params: P,
        workgroups: [u32; 3],
    ) {
        if workgroups.contains(&0) {
            return;
        }
        let bytes = bytemuck::bytes_of(&params);
        assert!(bytes.len() <= PARAMS_STRIDE, "parameters are few");
        let params_offset = self.params.len();
        self.params.extend_from_slice(bytes);
        self.params.resize(params_offset + PARAMS_STRIDE, 0);
        self.commands.push(Command::Dispatch {
            pipeline: kernel.pipeline.clone(),
            bindings: bindings.clone(),
            params_offset: params_offset as u32,
            workgroups,
        });
    }

    /// Fills a buffer with zeros.
    pub fn clear<T: Pod>(&mut self, buffer: &Buffer<T>) {
        self.commands.push(Command::Clear(buffer.raw.clone()));
    }

    /// Copies all of one buffer into another of the same length.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn copy<T: Pod>(&mut self, from: &Buffer<T>, to: &Buffer<T>) {
        assert_eq!(from.len(), to.len(), "a copy is as long as its source");
        self.commands.push(Command::Copy {
            from: from.raw.clone(),
            to: to.raw.clone(),
        });
    }

    /// Number of dispatches so far.
    #[must_use]
    pub fn n_dispatches(&self) -> usize {
        self.params.len() / PARAMS_STRIDE
    }

    /// Hands everything to the device and returns at once.
    ///
    /// # Errors
    /// What has gone wrong on the device so far.
    pub fn submit(self) -> Result<(), GpuError> {
        let device = &self.context.device;
        let params = self.params_group()?;
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = None;
        for command in &self.commands {
            match command {
                Command::Dispatch {
                    pipeline,
                    bindings,
                    params_offset,
                    workgroups,
                } => {
                    let pass = pass.get_or_insert_with(|| {
                        encoder
                            .begin_compute_pass(&wgpu::ComputePassDescriptor::default())
                            .forget_lifetime()
                    });
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, &bindings.group, &[]);
                    pass.set_bind_group(1, &params, &[*params_offset]);
                    let [x, y, z] = *workgroups;
                    pass.dispatch_workgroups(x, y, z);
                }
                Command::Clear(buffer) => {
                    pass = None;
                    encoder.clear_buffer(buffer, 0, None);
                }
                Command::Copy { from, to } => {
                    pass = None;
                    encoder.copy_buffer_to_buffer(from, 0, to, 0, None);
                }
            }
        }
        drop(pass);
        self.context.queue.submit([encoder.finish()]);
        self.context.check()
    }

    /// All parameters in one buffer, bound as every kernel's group 1.
    fn params_group(&self) -> Result<wgpu::BindGroup, GpuError> {
        let device = &self.context.device;
        let bytes = self.params.len().max(PARAMS_STRIDE) as u64;
        let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
        let uniform = buffer::create(self.context, bytes, usage, false)?;
        self.context.queue.write_buffer(&uniform, 0, &self.params);
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("params"),
            entries: &[params_entry()],
        });
        Ok(device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("params"),
            layout: &layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &uniform,
                    offset: 0,
                    size: std::num::NonZeroU64::new(PARAMS_STRIDE as u64),
                }),
            }],
        }))
    }
}
