//! Memory on the device that holds values of one type.

use std::marker::PhantomData;
use std::sync::mpsc;

use bytemuck::Pod;
use wgpu::BufferUsages;

use super::context::{Context, GpuError};

/// `len` values of one type in the memory of the device.
///
/// The memory is freed when the last use of it is done, after the buffer is dropped.
#[derive(Debug)]
pub struct Buffer<T> {
    pub(super) raw: wgpu::Buffer,
    len: usize,
    kind: PhantomData<fn() -> T>,
}

impl<T: Pod> Buffer<T> {
    /// Memory filled with zeros.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`] or [`GpuError::OutOfMemory`] if it does not fit.
    ///
    /// # Panics
    /// If `T` is no multiple of four bytes, which is the unit of memory on the device.
    pub fn zeros(context: &Context, len: usize) -> Result<Self, GpuError> {
        Self::allocate(context, len, &[])
    }

    /// Memory with these values.
    ///
    /// # Errors
    /// As [`Buffer::zeros`].
    ///
    /// # Panics
    /// As [`Buffer::zeros`].
    pub fn new(context: &Context, values: &[T]) -> Result<Self, GpuError> {
        Self::allocate(context, values.len(), values)
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Replaces the values from `start` on, before anything that is submitted later.
    ///
    /// # Panics
    /// If they reach beyond the end.
    pub fn write(&self, context: &Context, start: usize, values: &[T]) {
        assert!(start + values.len() <= self.len, "inside the buffer");
        let offset = (start * size_of::<T>()) as u64;
        let bytes = bytemuck::cast_slice(values);
        context.queue.write_buffer(&self.raw, offset, bytes);
    }

    /// Blocks until everything submitted has run, and copies the values to the host.
    ///
    /// # Errors
    /// What has gone wrong on the device so far, or [`GpuError::OutOfMemory`].
    pub fn read(&self, context: &Context) -> Result<Vec<T>, GpuError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.raw.size();
        let staging = create(
            context,
            bytes,
            BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            false,
        )?;
        let mut encoder = context
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&self.raw, 0, &staging, 0, bytes);
        context.queue.submit([encoder.finish()]);
        let (sender, receiver) = mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |mapped| {
            // The receiver is gone only if the read was given up.
            let _ = sender.send(mapped);
        });
        context.wait()?;
        let refused = |error: String| GpuError::Refused(error);
        match receiver.recv() {
            Ok(mapped) => mapped.map_err(|error| refused(error.to_string()))?,
            Err(error) => return Err(refused(error.to_string())),
        }
        let view = staging
            .get_mapped_range(..)
            .map_err(|error| refused(error.to_string()))?;
        let mut values = vec![T::zeroed(); self.len];
        let destination: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        destination.copy_from_slice(&view[..destination.len()]);
        Ok(values)
    }

    /// What a kernel's binding takes: all of the buffer.
    #[must_use]
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        self.raw.as_entire_binding()
    }

    fn allocate(context: &Context, len: usize, values: &[T]) -> Result<Self, GpuError> {
        assert_eq!(
            size_of::<T>() % 4,
            0,
            "device memory is counted in four bytes"
        );
        // An empty buffer cannot be bound.
        let bytes = (len.max(1) * size_of::<T>()) as u64;
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let raw = create(context, bytes, usage, !values.is_empty())?;
        if !values.is_empty() {
            let mut view = raw
                .get_mapped_range_mut(..)
                .map_err(|error| GpuError::Refused(error.to_string()))?;
            view.copy_from_slice(bytemuck::cast_slice(values));
            drop(view);
            raw.unmap();
        }
        Ok(Self {
            raw,
            len,
            kind: PhantomData,
        })
    }
}

/// Raw memory, with "out of memory" returned here and not kept as a failure of the device.
pub(super) fn create(
    context: &Context,
    bytes: u64,
    usage: BufferUsages,
    mapped_at_creation: bool,
) -> Result<wgpu::Buffer, GpuError> {
    let limit = context.max_buffer_bytes();
    if bytes > limit {
        return Err(GpuError::TooLarge { bytes, limit });
    }
    context.check()?;
    let scope = context
        .device
        .push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let buffer = context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage,
        mapped_at_creation,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(buffer),
        Some(error) => Err(error.into()),
    }
}
