// SPDX-License-Identifier: GPL-2.0
//! The only unsafe Rust of this module: disks, the commands that they are sent, the timer and
//! thread of a prober, and the character device.
//!
//! C headers: [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h),
//! [`include/linux/pr.h`](srctree/include/linux/pr.h),
//! [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
#![allow(unsafe_code)]

use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    fs::file::flags::O_NONBLOCK,
    prelude::*,
    sync::{
        global_lock,
        Arc, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    },
    uaccess::UserPtr, //
};
use md_model::failfast::{
    persist::Key,
    verdict::{
        of_operation,
        of_scsi,
        Sense,
        Verdict, //
    },
    watch::TIMEOUT_MS,
    wire::{
        linux_kind,
        scsi_kind,
        Command,
        Reservation, //
    }, //
};

use crate::{
    disk::Table,
    file::{
        Bits,
        File, //
    }, //
};

/// Same layout as `struct md_answer`.
#[repr(C)]
#[derive(Default)]
struct MdAnswer {
    result: c_int,
    has_sense: u8,
    key: u8,
    code: u8,
    unused: u8,
}

/// Same layout as `struct md_prober`.
#[repr(C)]
struct MdProber {
    timer: bindings::hrtimer,
    work: bindings::work_struct,
    queue: *mut bindings::workqueue_struct,
    tick: Option<unsafe extern "C" fn(*mut MdProber) -> bool>,
    period_ns: u64,
}

// Lockdep's structures are empty in most kernels, which rustc takes for a mistake in the signature.
#[allow(improper_ctypes)]
extern "C" {
    fn md_scsi_get(bdev: *mut bindings::block_device) -> *mut c_void;
    fn md_scsi_put(sdev: *mut c_void);
    fn md_scsi_resets(sdev: *mut c_void) -> u32;
    fn md_scsi_command(
        sdev: *mut c_void,
        command: *const u8,
        is_out: bool,
        buffer: *mut c_void,
        bytes: c_uint,
        timeout_ms: c_uint,
        nowait: bool,
        answer: *mut MdAnswer,
    );
    fn md_scsi_reset(sdev: *mut c_void) -> c_int;
    fn md_pr_is_there(bdev: *mut bindings::block_device) -> bool;
    fn md_pr_register(bdev: *mut bindings::block_device, old: u64, new: u64, ignore: bool)
        -> c_int;
    fn md_pr_reserve(bdev: *mut bindings::block_device, key: u64, kind: u32) -> c_int;
    fn md_pr_release(bdev: *mut bindings::block_device, key: u64, kind: u32) -> c_int;
    fn md_pr_preempt(
        bdev: *mut bindings::block_device,
        mine: u64,
        victim: u64,
        kind: u32,
        abort: bool,
    ) -> c_int;
    fn md_pr_clear(bdev: *mut bindings::block_device, key: u64) -> c_int;
    fn md_pr_keys(bdev: *mut bindings::block_device, buffer: *mut c_void, room: u32) -> c_int;
    fn md_pr_reservation(
        bdev: *mut bindings::block_device,
        key: *mut u64,
        kind: *mut u32,
        generation: *mut u32,
    ) -> c_int;
    fn md_prober_init(
        prober: *mut MdProber,
        name: *const c_char,
        tick: unsafe extern "C" fn(*mut MdProber) -> bool,
        run: unsafe extern "C" fn(*mut bindings::work_struct),
    ) -> c_int;
    fn md_prober_start(prober: *mut MdProber, period_ms: c_uint);
    fn md_prober_stop(prober: *mut MdProber);
    fn md_prober_exit(prober: *mut MdProber);
    fn md_now_ms() -> u64;
    fn md_sleep_ms(ms: c_uint) -> bool;
    fn md_random_u64() -> u64;
    fn md_noio_begin() -> c_uint;
    fn md_noio_end(before: c_uint);
    fn md_failfast_is_live(bdev: *mut bindings::block_device) -> bool;
    fn md_failfast_disk_dev(bdev: *mut bindings::block_device) -> u64;
    fn md_failfast_open(dev: u64) -> *mut bindings::file;
    fn md_failfast_dev_of_fd(fd: c_int, dev: *mut u64) -> c_int;
    fn md_failfast_dev_of_path(
        path: c_ulong,
        dev: *mut u64,
        name: *mut c_char,
        room: c_uint,
    ) -> c_int;
    fn md_failfast_pm(block: *mut bindings::notifier_block) -> c_int;
    fn md_failfast_pm_end(block: *mut bindings::notifier_block);
}

global_lock! {
    // SAFETY: [`init`] runs first of all in the module's init.
    pub(crate) unsafe(uninit) static TABLE: Mutex<Table> = Table::new();
}

/// Makes the statics usable. Called once, when the module is loaded.
pub(crate) fn init() {
    // SAFETY: Called exactly once, from the module's init.
    unsafe { TABLE.init() };
}

/// Milliseconds since the machine was started, without those in which it slept.
pub(crate) fn now_ms() -> u64 {
    // SAFETY: May be called in any context.
    unsafe { md_now_ms() }
}

/// Sleeps. `false` if a signal has ended that.
pub(crate) fn sleep_ms(ms: u32) -> bool {
    // SAFETY: Called in task context.
    unsafe { md_sleep_ms(ms) }
}

/// A number that nobody else has.
pub(crate) fn random() -> u64 {
    // SAFETY: May be called in any context.
    unsafe { md_random_u64() }
}

/// The device that the caller has open as `fd`.
pub(crate) fn dev_of_fd(fd: i32) -> Result<u64> {
    let mut dev = 0;
    // SAFETY: Called by a system call; `dev` is written.
    to_result(unsafe { md_failfast_dev_of_fd(fd, &mut dev) })?;
    Ok(dev)
}

/// The device with a path in the caller's memory; the path goes to `name`.
pub(crate) fn dev_of_path(path: usize, name: &mut [u8]) -> Result<u64> {
    let mut dev = 0;
    let room = c_uint::try_from(name.len()).map_err(|_| EINVAL)?;
    // SAFETY: Called by a system call; `name` has so much room.
    to_result(unsafe {
        md_failfast_dev_of_path(path as c_ulong, &mut dev, name.as_mut_ptr().cast(), room)
    })?;
    Ok(dev)
}

/// That the module cannot be unloaded.
pub(crate) struct Stay(());

impl Stay {
    /// `None` if the module is on its way out.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: Called by code of this module, which is therefore there.
        unsafe { bindings::try_module_get(&raw mut bindings::__this_module) }.then_some(Self(()))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // SAFETY: The reference was taken by `new`.
        unsafe { bindings::module_put(&raw mut bindings::__this_module) };
    }
}

/// Memory that a disk may write to: physically contiguous.
pub(crate) struct Buffer(KVec<u8>);

impl Buffer {
    /// So many bytes, all zero.
    pub(crate) fn new(bytes: usize) -> Result<Self> {
        Ok(Self(KVec::from_elem(0u8, bytes, GFP_KERNEL)?))
    }

    /// The bytes.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// A disk that is open, to be sent commands. Nothing is claimed.
///
/// # Invariants
///
/// `file` is an open block device file that this object owns, `bdev` its device. `sdev` is null, or
/// the SCSI device of its disk, with a reference of ours.
pub(crate) struct Device {
    file: *mut bindings::file,
    bdev: *mut bindings::block_device,
    sdev: *mut c_void,
}

// SAFETY: The functions that are called on a device may be called from any thread.
unsafe impl Send for Device {}
// SAFETY: As above; none of the methods changes the object itself.
unsafe impl Sync for Device {}

impl Device {
    /// Opens the device with the number that user space knows it by. Does not touch the disk.
    pub(crate) fn open(dev: u64) -> Result<Self> {
        // SAFETY: Any number may be asked for.
        let file = from_err_ptr(unsafe { md_failfast_open(dev) })?;
        // SAFETY: `file` is an open block device file, and ours.
        // INVARIANT: The open just succeeded; the call takes the reference.
        unsafe {
            let bdev = bindings::file_bdev(file);
            let sdev = md_scsi_get(bdev);
            Ok(Self { file, bdev, sdev })
        }
    }

    /// The number of the disk that it is, or is a partition of.
    pub(crate) fn disk_dev(&self) -> u64 {
        // SAFETY: By the type invariant the device is open.
        unsafe { md_failfast_disk_dev(self.bdev) }
    }

    /// Whether the disk is still there: else another one may have its number.
    pub(crate) fn is_live(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { md_failfast_is_live(self.bdev) }
    }

    /// Whether it is a SCSI disk.
    pub(crate) fn is_scsi(&self) -> bool {
        !self.sdev.is_null()
    }

    /// Whether its driver knows persistent reservations.
    pub(crate) fn has_operations(&self) -> bool {
        // SAFETY: By the type invariant the device is open.
        unsafe { md_pr_is_there(self.bdev) }
    }

    /// Whether it knows reservations of any kind, as far as that can be told without asking it.
    pub(crate) fn may_be_reserved(&self) -> bool {
        self.is_scsi() || self.has_operations()
    }

    /// How often a SCSI disk was reset, as far as it has said so to anybody.
    pub(crate) fn resets(&self) -> u32 {
        if self.sdev.is_null() {
            return 0;
        }
        // SAFETY: By the type invariant.
        unsafe { md_scsi_resets(self.sdev) }
    }

    /// Sends a command with the first `bytes` of a buffer. Sleeps. `is_probe`: rather fails than
    /// waits for anything but the disk.
    pub(crate) fn send(
        &self,
        command: &Command,
        buffer: &mut Buffer,
        bytes: usize,
        is_probe: bool,
    ) -> Verdict {
        let mut answer = MdAnswer::default();
        if self.sdev.is_null() || bytes > buffer.0.len() {
            return Verdict::Unsupported;
        }
        let data = match bytes {
            0 => core::ptr::null_mut(),
            _ => buffer.0.as_mut_ptr().cast(),
        };
        // SAFETY: By the type invariant; the buffer has so many bytes, is physically contiguous,
        // and ours until the call comes back. A command has at most 16 bytes.
        unsafe {
            md_scsi_command(
                self.sdev,
                command.bytes.as_ptr(),
                command.is_out,
                data,
                bytes as c_uint,
                TIMEOUT_MS as c_uint,
                is_probe,
                &mut answer,
            );
        }
        let sense = Sense {
            key: answer.key,
            code: answer.code,
        };
        of_scsi(answer.result, (answer.has_sense != 0).then_some(sense))
    }

    /// Resets a SCSI disk. Called by a system call; sleeps.
    pub(crate) fn reset(&self) -> Result {
        if self.sdev.is_null() {
            return Err(EIO);
        }
        // SAFETY: By the type invariant; called in the context of a process.
        to_result(unsafe { md_scsi_reset(self.sdev) })
    }

    /// Calls one of the driver's operations, which do not say that they must not wait for I/O.
    fn operate(&self, call: impl FnOnce(*mut bindings::block_device) -> c_int) -> Verdict {
        // SAFETY: Ended below, by the same task.
        let noio = unsafe { md_noio_begin() };
        let answer = call(self.bdev);
        // SAFETY: Begun above.
        unsafe { md_noio_end(noio) };
        of_operation(answer)
    }

    /// Registers a key in place of another, or with `ignore` of any.
    pub(crate) fn register(&self, old: Key, new: Key, ignore: bool) -> Verdict {
        // SAFETY: By the type invariant the device is open.
        self.operate(|bdev| unsafe { md_pr_register(bdev, old, new, ignore) })
    }

    /// Reserves the disk; the kind is SCSI's number.
    pub(crate) fn reserve(&self, key: Key, kind: u8) -> Verdict {
        let Some(kind) = linux_kind(kind) else {
            return Verdict::Unsupported;
        };
        // SAFETY: By the type invariant the device is open.
        self.operate(|bdev| unsafe { md_pr_reserve(bdev, key, kind) })
    }

    /// Gives a reservation up.
    pub(crate) fn release(&self, key: Key, kind: u8) -> Verdict {
        let Some(kind) = linux_kind(kind) else {
            return Verdict::Unsupported;
        };
        // SAFETY: By the type invariant the device is open.
        self.operate(|bdev| unsafe { md_pr_release(bdev, key, kind) })
    }

    /// Takes registration and reservation from another key.
    pub(crate) fn preempt(&self, mine: Key, victim: Key, kind: u8, abort: bool) -> Verdict {
        let Some(kind) = linux_kind(kind) else {
            return Verdict::Unsupported;
        };
        // SAFETY: By the type invariant the device is open.
        self.operate(|bdev| unsafe { md_pr_preempt(bdev, mine, victim, kind, abort) })
    }

    /// Gives up all registrations.
    pub(crate) fn clear(&self, key: Key) -> Verdict {
        // SAFETY: By the type invariant the device is open.
        self.operate(|bdev| unsafe { md_pr_clear(bdev, key) })
    }

    /// Reads the keys, in the machine's byte order, behind generation and count of 32 bits each.
    pub(crate) fn keys(&self, buffer: &mut Buffer) -> Verdict {
        let room = buffer.0.len().saturating_sub(8) / 8;
        let at = buffer.0.as_mut_ptr().cast();
        // SAFETY: By the type invariant the device is open; the buffer has room for the head and so
        // many keys.
        self.operate(|bdev| unsafe { md_pr_keys(bdev, at, room as u32) })
    }

    /// Reads the reservation, and the generation.
    pub(crate) fn reservation(&self) -> (Verdict, u32, Option<Reservation>) {
        let (mut key, mut kind, mut generation) = (0, 0, 0);
        let verdict = self.operate(|bdev| {
            // SAFETY: By the type invariant the device is open; the numbers are written.
            unsafe { md_pr_reservation(bdev, &mut key, &mut kind, &mut generation) }
        });
        let held = scsi_kind(kind).map(|kind| Reservation {
            key,
            kind,
            scope: 0,
        });
        (verdict, generation, held)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are ours.
        unsafe {
            if !self.sdev.is_null() {
                md_scsi_put(self.sdev);
            }
            bindings::bdev_fput(self.file);
        }
    }
}

/// What a prober does.
pub(crate) trait Probe: Send + Sync + 'static {
    /// A period is over. Called in an interrupt. Whether [`Self::run`] is to be called.
    fn tick(&self) -> bool;

    /// Called by a thread of the prober's own, never twice at the same time. May sleep.
    fn run(&self);
}

/// A timer, and what it has done.
///
/// # Invariants
///
/// `raw` is initialised.
#[pin_data(PinnedDrop)]
pub(crate) struct Prober<T: Probe> {
    #[pin]
    raw: Opaque<MdProber>,
    target: Arc<T>,
}

// SAFETY: Timers and work items may be used from any thread.
unsafe impl<T: Probe> Send for Prober<T> {}
// SAFETY: As above; callers start and stop it with a lock held.
unsafe impl<T: Probe> Sync for Prober<T> {}

impl<T: Probe> Prober<T> {
    /// A prober that stands still. The name is that of its thread.
    pub(crate) fn new<'a>(
        name: &'a CStr,
        target: Arc<T>,
    ) -> impl PinInit<Self, Error> + use<'a, T> {
        try_pin_init!(Self {
            target,
            raw <- Opaque::try_ffi_init(move |raw: *mut MdProber| {
                // SAFETY: `raw` is valid for writing, pinned, and stays until it is ended by
                // `drop`.
                unsafe {
                    raw.write_bytes(0, 1);
                    to_result(md_prober_init(raw, name.as_char_ptr(), Self::tick, Self::run))
                }
            }),
        }? Error)
    }

    /// Ticks from now on, at once and then with this period, or not at all.
    pub(crate) fn set_period(&self, period_ms: Option<u32>) {
        // SAFETY: By the type invariant.
        unsafe {
            match period_ms {
                Some(ms) => md_prober_start(self.raw.get(), ms),
                None => md_prober_stop(self.raw.get()),
            }
        }
    }

    /// Called by the timer.
    ///
    /// # Safety
    ///
    /// `raw` is that of a `Prober<T>`.
    unsafe extern "C" fn tick(raw: *mut MdProber) -> bool {
        let raw: *mut Opaque<MdProber> = raw.cast();
        // SAFETY: By the contract of this function. It is there: dropping it stops the timer.
        let prober = unsafe { &*kernel::container_of!(raw, Self, raw) };
        prober.target.tick()
    }

    /// Called by the thread.
    ///
    /// # Safety
    ///
    /// `work` is that of a `Prober<T>`.
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: By the contract of this function. It is there: dropping it waits for this run.
        let prober = unsafe {
            let raw: *mut MdProber = kernel::container_of!(work, MdProber, work);
            let raw: *mut Opaque<MdProber> = raw.cast();
            &*kernel::container_of!(raw, Self, raw)
        };
        prober.target.run();
    }
}

#[pinned_drop]
impl<T: Probe> PinnedDrop for Prober<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant.
        unsafe { md_prober_exit(self.raw.get()) };
    }
}

/// Number of the device among those of major 10, from those for local use
/// (`Documentation/admin-guide/devices.txt`). It does not change, so that there can be a node
/// before the module is loaded, and opening that loads it: see the aliases of the module.
const MINOR: c_int = 248;

/// `/dev/md/mhd`, and word before and after the machine sleeps.
///
/// # Invariants
///
/// Both are registered.
#[pin_data(PinnedDrop)]
pub(crate) struct MhdDevice {
    #[pin]
    sleep: Opaque<bindings::notifier_block>,
    #[pin]
    misc: Opaque<bindings::miscdevice>,
}

// SAFETY: Both may be unregistered by any thread.
unsafe impl Send for MhdDevice {}
// SAFETY: There is no shared access.
unsafe impl Sync for MhdDevice {}

impl MhdDevice {
    const TABLE: bindings::file_operations = bindings::file_operations {
        owner: &raw mut bindings::__this_module,
        open: Some(Self::open),
        release: Some(Self::release),
        unlocked_ioctl: Some(Self::ioctl),
        compat_ioctl: Some(Self::compat_ioctl),
        llseek: Some(bindings::noop_llseek),
        ..pin_init::zeroed()
    };

    /// Makes the device.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            sleep <- Opaque::try_ffi_init(|block: *mut bindings::notifier_block| {
                // SAFETY: `block` is valid for writing, pinned, and stays until it is unregistered.
                unsafe {
                    block.write(bindings::notifier_block {
                        notifier_call: Some(Self::sleeps),
                        ..pin_init::zeroed()
                    });
                    to_result(md_failfast_pm(block))
                }
            }),
            misc <- Opaque::try_ffi_init(|misc: *mut bindings::miscdevice| {
                // SAFETY: Likewise.
                unsafe {
                    misc.write_bytes(0, 1);
                    (*misc).minor = MINOR;
                    (*misc).name = c"md/mhd".as_char_ptr();
                    (*misc).fops = &Self::TABLE;
                    let answer = bindings::misc_register(misc);
                    if answer != -(bindings::EBUSY as c_int) {
                        return to_result(answer);
                    }
                    pr_warn!(
                        "/dev/md/mhd: number 10:{MINOR} is another driver's: it is there only as \
                         long as this module is loaded\n"
                    );
                    (*misc).minor = bindings::MISC_DYNAMIC_MINOR as c_int;
                    to_result(bindings::misc_register(misc))
                }
            }),
        }? Error)
    }

    /// # Safety
    ///
    /// Called by the VFS.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file is being opened, and ours alone.
        unsafe {
            let is_nonblocking = (*file).f_flags & O_NONBLOCK != 0;
            match File::new(is_nonblocking) {
                Ok(opened) => {
                    (*file).private_data = opened.into_foreign();
                    0
                }
                Err(error) => error.to_errno(),
            }
        }
    }

    /// # Safety
    ///
    /// Called by the VFS, once for each file that was opened.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open` has left it there, and nobody uses the file any more.
        drop(unsafe { Pin::<KBox<File>>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// Called by the VFS, with a file that is open.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, command: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: By the contract of this function.
        unsafe { Self::carry_out(file, command, arg, Bits::SixtyFour) }
    }

    /// The same, by a program of 32 bits, whose addresses are the lower half of the argument.
    ///
    /// # Safety
    ///
    /// Called by the VFS, with a file that is open.
    unsafe extern "C" fn compat_ioctl(
        file: *mut bindings::file,
        command: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: By the contract of this function.
        unsafe { Self::carry_out(file, command, arg & 0xffff_ffff, Bits::ThirtyTwo) }
    }

    /// # Safety
    ///
    /// The file is open, and ours.
    unsafe fn carry_out(
        file: *mut bindings::file,
        command: c_uint,
        arg: c_ulong,
        bits: Bits,
    ) -> c_long {
        // SAFETY: `open` has left it there.
        let file = unsafe { Pin::<KBox<File>>::borrow((*file).private_data) };
        match file.ioctl(command, UserPtr::from_addr(arg), bits) {
            Ok(answer) => answer as c_long,
            Err(error) => error.to_errno() as c_long,
        }
    }

    /// Called before and after the machine sleeps.
    ///
    /// # Safety
    ///
    /// Called by the kernel's power management.
    unsafe extern "C" fn sleeps(
        _block: *mut bindings::notifier_block,
        action: c_ulong,
        _data: *mut c_void,
    ) -> c_int {
        const BEFORE: [c_ulong; 2] = [
            bindings::PM_HIBERNATION_PREPARE as c_ulong,
            bindings::PM_SUSPEND_PREPARE as c_ulong,
        ];
        const AFTER: [c_ulong; 2] = [
            bindings::PM_POST_HIBERNATION as c_ulong,
            bindings::PM_POST_SUSPEND as c_ulong,
        ];
        if BEFORE.contains(&action) || AFTER.contains(&action) {
            Table::sleep(BEFORE.contains(&action));
        }
        bindings::NOTIFY_DONE as c_int
    }
}

#[pinned_drop]
impl PinnedDrop for MhdDevice {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant.
        unsafe {
            bindings::misc_deregister(self.misc.get());
            md_failfast_pm_end(self.sleep.get());
        }
    }
}

/// Whether the calling process has `CAP_SYS_ADMIN`.
pub(crate) fn caller_is_admin() -> bool {
    // SAFETY: May be called from any process context.
    unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) }
}
