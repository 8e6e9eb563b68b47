// SPDX-License-Identifier: GPL-2.0
//! The core of the volume manager, `md_rs.ko`: how I/O is done and metadevices are kept.
//!
//! It does not know where a block lives or what a failure means: that is what the personality
//! modules (`md_stripe`, ...) decide, on top of the pure code in `md_model`.
//!
//! What to read first:
//!
//! 1. [`personality`]: what a personality module implements, and how it registers.
//! 2. [`engine`]: the life of a request.
//! 3. [`body`], [`component`] and [`metadevice`]: what a metadevice is made of, and its disk.
//! 4. [`database`]: what survives a power cut.
//! 5. [`sync`]: what keeps the sides of a mirror equal.
//! 6. [`raid`]: the parity of RAID5, and its logs.
//! 7. [`admin`]: the ioctls of `/dev/md/admin`.
//! 8. [`events`]: what is told of all that.
//! 9. [`multihost`] and [`fencing`]: disks that other hosts can reach.
//! 10. [`kapi`]: the only unsafe Rust, safe wrappers over the kernel's C interfaces.

use kernel::prelude::*;

#[path = "../userspace/abi/src/admin.rs"]
pub mod abi;
mod admin;
mod body;
mod component;
mod condition;
mod database;
mod engine;
mod events;
pub mod fencing;
pub mod kapi;
mod metadevice;
pub mod multihost;
pub mod personality;
mod raid;
mod refused;
mod sides;
mod soft;
mod spare;
pub mod sync;
mod unit_table;

pub use refused::Refused;

module! {
    type: MdRs,
    name: "md_rs",
    authors: ["The md_rs authors"],
    description: "Volume manager: core",
    license: "GPL",
}

/// The loaded module.
#[pin_data]
struct MdRs {
    #[pin]
    admin: kapi::chardev::CharDevice<kapi::leaving::Leaving<admin::Admin>>,
}

impl kernel::InPlaceModule for MdRs {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        kapi::global::init();
        try_pin_init!(Self {
            admin <- kapi::chardev::CharDevice::new(
                c"md/admin",
                kapi::leaving::Leaving::new(admin::Admin::new()),
            ),
        }? Error)
    }
}
