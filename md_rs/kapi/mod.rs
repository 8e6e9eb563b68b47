// SPDX-License-Identifier: GPL-2.0
//! The only unsafe Rust of the core: safe wrappers over the kernel's C block layer.
//!
//! Names follow the kernel's Rust series where it has one (`block::bio`, `block::mq`), so that a
//! later port to upstream abstractions is mechanical. Each file wraps one thing:
//!
//! - [`bdev`]: a lower block device, opened and claimed; [`health`]: how it is doing.
//! - [`request`]: one request of ours; [`clone`]: the bios that it sends to lower devices;
//!   [`fan_out`]: to several of them; [`submission`]: what surrounds the sending; [`completion`]:
//!   what becomes of the request when they come back; [`copied`]: memory of our own for what it
//!   writes; [`hedged`]: reads that several devices may be asked for.
//! - [`disk`]: a block device of ours; [`limits`]: what it can do; [`gate`]: what requests are
//!   inside of.
//! - [`errand`]: what a disk does besides; [`volley`]: transfers that are waited for together.
//! - [`published`]: what is read without a lock and replaced as a whole.
//! - [`deferred`]: requests that a worker carries out; [`workqueue`]: what it runs on; [`worker`]:
//!   one for other things.
//! - [`noio`]: memory without I/O; [`random`]: new identities; [`crc32c`]: checksums of data.
//! - [`chardev`]: the admin device; [`leaving`]: word before a reboot or a suspend; [`uevent`]:
//!   word to user space.
//! - [`module`]: references to modules, and loading them.
//! - [`irq_lock`]: a lock for what is also used by interrupts; [`alarm`]: whether any disk is
//!   fenced; [`machine_end`]: a panic, or a restart at once.
//! - [`global`]: the few statics.

pub(crate) mod alarm;
pub mod bdev;
pub(crate) mod chardev;
pub(crate) mod clone;
mod completion;
pub(crate) mod copied;
pub(crate) mod crc32c;
mod deferred;
pub(crate) mod disk;
mod disk_core;
pub(crate) mod errand;
pub(crate) mod errno;
pub(crate) mod fan_out;
mod ffi;
mod gate;
pub(crate) mod global;
pub(crate) mod health;
pub(crate) mod hedged;
pub(crate) mod inlined;
pub(crate) mod irq_lock;
pub(crate) mod leaving;
pub(crate) mod limits;
pub(crate) mod machine_end;
pub mod module;
pub(crate) mod noio;
pub(crate) mod published;
pub(crate) mod random;
pub(crate) mod request;
pub(crate) mod submission;
pub(crate) mod uevent;
pub(crate) mod volley;
pub(crate) mod worker;
mod workqueue;
