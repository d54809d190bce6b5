//! A shader compiled for the device, and the buffers it is given.

use wgpu::{BindGroupLayoutEntry, BindingResource, BindingType, BufferBindingType, ShaderStages};

use super::context::{Context, GpuError};
use super::record::PARAMS_STRIDE;
use super::shader;

/// What a kernel does with a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    Write,
}

/// A compiled shader with one entry point.
#[derive(Debug)]
pub struct Kernel {
    pub(super) pipeline: wgpu::ComputePipeline,
    buffers: wgpu::BindGroupLayout,
    n_buffers: usize,
    name: &'static str,
}

/// The buffers of one kind of dispatch, bound once and used as often as needed.
#[derive(Clone, Debug)]
pub struct Bindings {
    pub(super) group: wgpu::BindGroup,
}

impl Kernel {
    /// Compiles the shader `name` (`synth/vote`), whose buffers are `@group(0) @binding(0…)` in the order of `access`.
    ///
    /// # Errors
    /// [`GpuError::Shader`] if there is no such shader, [`GpuError::Refused`] if it does not compile or its bindings
    /// are others.
    pub fn new(context: &Context, name: &'static str, access: &[Access]) -> Result<Self, GpuError> {
        let source = shader::assemble(name)?;
        let device = &context.device;
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let entries: Vec<_> = (0..)
            .zip(access)
            .map(|(i, a)| storage_entry(i, *a))
            .collect();
        let layout = |entries: &[BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(name),
                entries,
            })
        };
        let buffers = layout(&entries);
        let params = layout(&[params_entry()]);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&buffers), Some(&params)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(error.into());
        }
        Ok(Self {
            pipeline,
            buffers,
            n_buffers: access.len(),
            name,
        })
    }

    /// Binds buffers, in the order of the shader's bindings.
    ///
    /// # Panics
    /// If there are not as many as the kernel has.
    #[must_use]
    pub fn bind(&self, context: &Context, buffers: &[BindingResource]) -> Bindings {
        assert_eq!(buffers.len(), self.n_buffers, "buffers of {}", self.name);
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, resource)| wgpu::BindGroupEntry {
                binding,
                resource: resource.clone(),
            })
            .collect();
        let group = context
            .device
            .create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(self.name),
                layout: &self.buffers,
                entries: &entries,
            });
        Bindings { group }
    }
}

/// The one binding of group 1 in every kernel, at a new offset for each dispatch.
pub(super) fn params_entry() -> BindGroupLayoutEntry {
    BindGroupLayoutEntry {
        binding: 0,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer {
            ty: BufferBindingType::Uniform,
            has_dynamic_offset: true,
            min_binding_size: std::num::NonZeroU64::new(PARAMS_STRIDE as u64),
        },
        count: None,
    }
}

fn storage_entry(binding: u32, access: Access) -> BindGroupLayoutEntry {
    BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer {
            ty: BufferBindingType::Storage {
                read_only: access == Access::Read,
            },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}
