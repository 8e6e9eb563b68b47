// SPDX-License-Identifier: GPL-2.0
//! The only unsafe Rust of the core: safe wrappers over the kernel's C block layer.
//!
//! Names follow the kernel's Rust series where it has one (`block::bio`, `block::mq`), so that a
//! later port to upstream abstractions is mechanical. Each file wraps one thing:
//!
//! - [`bdev`]: a lower block device, opened and claimed.
//! - [`request`]: one request of ours, and its clones to lower devices.
//! - [`disk`]: a block device of ours.
//! - [`limits`]: what a disk can do.
//! - [`chardev`]: the admin device.
//! - [`module`]: references to modules, and loading them.
//! - [`global`]: the few statics.

pub mod bdev;
pub(crate) mod chardev;
pub(crate) mod disk;
pub(crate) mod errno;
mod ffi;
pub(crate) mod global;
pub(crate) mod limits;
pub mod module;
pub(crate) mod request;
