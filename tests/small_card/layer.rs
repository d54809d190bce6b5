//! A graphics card with little memory: a Vulkan layer over a software driver, whose one type of memory it shows as two,
//! as a card of its own has them: `SMALL_CARD_BYTES` of the card's, and the host's.
//!
//! What a program sees when the former is full is what a card gives: `VK_ERROR_OUT_OF_DEVICE_MEMORY` from
//! `vkAllocateMemory`. Each refusal is told on stderr.
//!
//! Not a module of the tests: `tests/suite/small_card.rs` compiles it.
//!
//! Source: the Vulkan loader's `docs/LoaderLayerInterface.md` and `vk_layer.h`, of which it has just what it needs.
#![allow(non_snake_case, reason = "the loader looks for these names")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::mem::transmute;
use std::sync::{LazyLock, Mutex, OnceLock};

type Handle = *mut c_void;
type Function = Option<unsafe extern "C" fn()>;
type GetProcAddr = unsafe extern "C" fn(Handle, *const c_char) -> Function;
type CreateInstance = unsafe extern "C" fn(*const Info, *const c_void, *mut Handle) -> i32;
type CreateDevice = unsafe extern "C" fn(Handle, *const Info, *const c_void, *mut Handle) -> i32;
type AllocateMemory =
    unsafe extern "C" fn(Handle, *const AllocateInfo, *const c_void, *mut u64) -> i32;
type GetMemoryProperties = unsafe extern "C" fn(Handle, *mut MemoryProperties);
type GetRequirements = unsafe extern "C" fn(Handle, u64, *mut MemoryRequirements);
type FreeMemory = unsafe extern "C" fn(Handle, u64, *const c_void);

const INITIALIZATION_FAILED: i32 = -3;
const OUT_OF_DEVICE_MEMORY: i32 = -2;
const LOADER_INSTANCE_CREATE_INFO: i32 = 47;
const LOADER_DEVICE_CREATE_INFO: i32 = 48;
const LAYER_LINK_INFO: i32 = 0;
const DEVICE_LOCAL: u32 = 1;
const HOST_VISIBLE_COHERENT_CACHED: u32 = 2 | 4 | 8;

/// The memory types that are shown. The driver has but the first.
const OF_CARD: u32 = 0;
const OF_HOST: u32 = 1;

/// What all structures begin with.
#[repr(C)]
struct Info {
    kind: i32,
    next: *mut Info,
}

/// `VkLayerInstanceCreateInfo` and `VkLayerDeviceCreateInfo`.
#[repr(C)]
struct LinkInfo {
    info: Info,
    function: i32,
    link: *mut Link,
}

/// `VkLayerInstanceLink` and `VkLayerDeviceLink`; the last is of the latter only.
#[repr(C)]
struct Link {
    next: *mut Link,
    instance_functions: GetProcAddr,
    device_functions: GetProcAddr,
}

/// `VkMemoryAllocateInfo`.
#[repr(C)]
struct AllocateInfo {
    info: Info,
    bytes: u64,
    memory_type: u32,
}

/// `VkPhysicalDeviceMemoryProperties`.
#[repr(C)]
struct MemoryProperties {
    n_types: u32,
    types: [MemoryType; 32],
    n_heaps: u32,
    heaps: [MemoryHeap; 16],
}

#[repr(C)]
struct MemoryType {
    flags: u32,
    heap: u32,
}

#[repr(C)]
struct MemoryHeap {
    bytes: u64,
    flags: u32,
}

/// `VkMemoryRequirements`.
#[repr(C)]
struct MemoryRequirements {
    bytes: u64,
    alignment: u64,
    types: u32,
}

/// `VkNegotiateLayerInterface`.
#[repr(C)]
pub struct Negotiation {
    kind: i32,
    next: *mut c_void,
    version: u32,
    instance_functions: Option<GetProcAddr>,
    device_functions: Option<GetProcAddr>,
    physical_device_functions: Option<GetProcAddr>,
}

/// What lies below this layer.
struct Below {
    instance: usize,
    instance_functions: GetProcAddr,
    memory_properties: GetMemoryProperties,
}

struct DeviceBelow {
    functions: GetProcAddr,
    allocate: AllocateMemory,
    free: FreeMemory,
    requirements: GetRequirements,
}

/// Bytes of each allocation on the card that lives, by its device and handle.
type Allocations = HashMap<(usize, u64), u64>;

static BELOW: Mutex<Option<Below>> = Mutex::new(None);
static DEVICES: LazyLock<Mutex<HashMap<usize, &'static DeviceBelow>>> =
    LazyLock::new(Mutex::default);
static ALLOCATIONS: LazyLock<Mutex<Allocations>> = LazyLock::new(Mutex::default);
static BUDGET: OnceLock<u64> = OnceLock::new();

fn budget() -> u64 {
    let told = || std::env::var("SMALL_CARD_BYTES").ok()?.parse().ok();
    *BUDGET.get_or_init(|| told().expect("SMALL_CARD_BYTES says how much memory there is"))
}

/// # Safety
/// As the loader calls it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkNegotiateLoaderLayerInterfaceVersion(asked: *mut Negotiation) -> i32 {
    let asked = unsafe { &mut *asked };
    asked.version = asked.version.min(2);
    asked.instance_functions = Some(instance_function);
    asked.device_functions = Some(device_function);
    asked.physical_device_functions = None;
    0
}

/// The loader's link among what an instance or a device is made of.
unsafe fn link_in(mut info: *const Info, kind: i32) -> Option<&'static mut LinkInfo> {
    while let Some(found) = unsafe { info.as_ref() } {
        if found.kind == kind {
            let link = unsafe { &mut *info.cast_mut().cast::<LinkInfo>() };
            if link.function == LAYER_LINK_INFO {
                return Some(link);
            }
        }
        info = found.next;
    }
    None
}

unsafe extern "C" fn create_instance(
    info: *const Info,
    allocator: *const c_void,
    made: *mut Handle,
) -> i32 {
    unsafe {
        let Some(link) = link_in(info, LOADER_INSTANCE_CREATE_INFO) else {
            return INITIALIZATION_FAILED;
        };
        let functions = (*link.link).instance_functions;
        link.link = (*link.link).next;
        let create = functions(std::ptr::null_mut(), c"vkCreateInstance".as_ptr());
        let create: CreateInstance = transmute(create);
        let result = create(info, allocator, made);
        if result == 0 {
            // Asked now: later the loader answers with its own function, which comes back here.
            let of_driver = functions(*made, c"vkGetPhysicalDeviceMemoryProperties".as_ptr());
            *BELOW.lock().unwrap() = Some(Below {
                instance: *made as usize,
                instance_functions: functions,
                memory_properties: transmute::<Function, GetMemoryProperties>(of_driver),
            });
        }
        result
    }
}

unsafe extern "C" fn create_device(
    card: Handle,
    info: *const Info,
    allocator: *const c_void,
    made: *mut Handle,
) -> i32 {
    unsafe {
        let Some(link) = link_in(info, LOADER_DEVICE_CREATE_INFO) else {
            return INITIALIZATION_FAILED;
        };
        let instance = BELOW.lock().unwrap().as_ref().map_or(0, |b| b.instance);
        let Link {
            next,
            instance_functions,
            device_functions: functions,
        } = *link.link;
        link.link = next;
        let create = instance_functions(instance as Handle, c"vkCreateDevice".as_ptr());
        let create: CreateDevice = transmute(create);
        let result = create(card, info, allocator, made);
        if result == 0 {
            let of_driver = |name: &CStr| functions(*made, name.as_ptr());
            let device = Box::leak(Box::new(DeviceBelow {
                functions,
                allocate: transmute::<Function, AllocateMemory>(of_driver(c"vkAllocateMemory")),
                free: transmute::<Function, FreeMemory>(of_driver(c"vkFreeMemory")),
                requirements: transmute::<Function, GetRequirements>(of_driver(
                    c"vkGetBufferMemoryRequirements",
                )),
            }));
            DEVICES.lock().unwrap().insert(*made as usize, device);
        }
        result
    }
}

unsafe extern "C" fn memory_properties(card: Handle, shown: *mut MemoryProperties) {
    unsafe {
        let of_driver = BELOW.lock().unwrap().as_ref().map(|b| b.memory_properties);
        of_driver.expect("a card belongs to an instance")(card, shown);
        let shown = &mut *shown;
        assert_eq!(
            shown.n_types, 1,
            "a small card is made of a software driver"
        );
        let all = shown.heaps[0].bytes;
        shown.n_types = 2;
        shown.types[OF_CARD as usize] = MemoryType {
            flags: DEVICE_LOCAL,
            heap: 0,
        };
        shown.types[OF_HOST as usize] = MemoryType {
            flags: HOST_VISIBLE_COHERENT_CACHED,
            heap: 1,
        };
        shown.n_heaps = 2;
        shown.heaps[0] = MemoryHeap {
            bytes: budget(),
            flags: DEVICE_LOCAL,
        };
        shown.heaps[1] = MemoryHeap {
            bytes: all,
            flags: 0,
        };
    }
}

/// Buffers may lie in either.
unsafe extern "C" fn buffer_requirements(
    device: Handle,
    buffer: u64,
    requirements: *mut MemoryRequirements,
) {
    unsafe {
        (below(device).requirements)(device, buffer, requirements);
        (*requirements).types = 1 << OF_CARD | 1 << OF_HOST;
    }
}

fn below(device: Handle) -> &'static DeviceBelow {
    DEVICES.lock().unwrap()[&(device as usize)]
}

unsafe extern "C" fn allocate(
    device: Handle,
    info: *const AllocateInfo,
    allocator: *const c_void,
    made: *mut u64,
) -> i32 {
    let asked = unsafe { &*info };
    let (bytes, is_on_card) = (asked.bytes, asked.memory_type == OF_CARD);
    let mut allocations = ALLOCATIONS.lock().unwrap();
    let taken: u64 = allocations.values().sum();
    if is_on_card && taken + bytes > budget() {
        eprintln!("small card: {bytes} bytes refused, {taken} taken");
        return OUT_OF_DEVICE_MEMORY;
    }
    let of_driver = AllocateInfo {
        info: Info {
            kind: asked.info.kind,
            next: asked.info.next,
        },
        bytes,
        memory_type: 0,
    };
    let result = unsafe { (below(device).allocate)(device, &raw const of_driver, allocator, made) };
    if result == 0 && is_on_card {
        allocations.insert((device as usize, unsafe { *made }), bytes);
    }
    result
}

unsafe extern "C" fn free(device: Handle, memory: u64, allocator: *const c_void) {
    let mut allocations = ALLOCATIONS.lock().unwrap();
    allocations.remove(&(device as usize, memory));
    unsafe { (below(device).free)(device, memory, allocator) };
}

/// A function of this layer by its name.
unsafe fn own(name: *const c_char) -> Function {
    let own: *const () = match unsafe { CStr::from_ptr(name) }.to_bytes() {
        b"vkGetInstanceProcAddr" => instance_function as *const (),
        b"vkGetDeviceProcAddr" => device_function as *const (),
        b"vkCreateInstance" => create_instance as *const (),
        b"vkCreateDevice" => create_device as *const (),
        b"vkAllocateMemory" => allocate as *const (),
        b"vkFreeMemory" => free as *const (),
        b"vkGetPhysicalDeviceMemoryProperties" => memory_properties as *const (),
        b"vkGetBufferMemoryRequirements" => buffer_requirements as *const (),
        _ => return None,
    };
    unsafe { transmute::<*const (), Function>(own) }
}

unsafe extern "C" fn instance_function(instance: Handle, name: *const c_char) -> Function {
    unsafe { own(name) }.or_else(|| {
        let functions = BELOW.lock().unwrap().as_ref()?.instance_functions;
        unsafe { functions(instance, name) }
    })
}

unsafe extern "C" fn device_function(device: Handle, name: *const c_char) -> Function {
    unsafe {
        match CStr::from_ptr(name).to_bytes() {
            b"vkGetDeviceProcAddr"
            | b"vkAllocateMemory"
            | b"vkFreeMemory"
            | b"vkGetBufferMemoryRequirements" => own(name),
            _ => (below(device).functions)(device, name),
        }
    }
}
