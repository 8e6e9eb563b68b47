// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach, `md_failfast.ko`: the operations of mhd(7I), and the prober
//! that finds out when a disk is lost. The rules are `md_model::failfast`'s; what is done then, and
//! what reads and writes through metadevices find out, is in the core (`md::fencing`).
//!
//! What to read first:
//!
//! 1. [`disk`]: a disk, who knows it, and how long.
//! 2. [`prober`]: what it is asked, and when.
//! 3. [`reserve`]: ownership by one host, with either kind of reservation; [`persistent`]: the
//!    commands for persistent reservations, as every program may have them.
//! 4. [`file`]: `/dev/md/mhd`; [`admin`]: the same for `/dev/md/admin`.
//! 5. [`kapi`]: the only unsafe Rust.
#![deny(unsafe_code)]

use kernel::prelude::*;
use md::{
    multihost::Registration,
    personality::CORE_ID, //
};

mod admin;
mod disk;
mod file;
mod kapi;
mod mhioc;
mod persistent;
mod prober;
mod reserve;

module! {
    type: FailfastModule,
    name: "md_failfast",
    authors: ["The md_rs authors"],
    description: "Volume manager: reservations and failfast",
    license: "GPL",
    // The last two are for /dev/md/mhd: depmod lists it, who makes static nodes makes it.
    alias: ["md_rs-multihost", "char-major-10-248", "devname:md/mhd"],
    params: {
        action: u32 {
            default: 0,
            description: "When a disk is lost: 0 panic, 1 restart, 2 fence, 3 log",
        },
        failfast_strict: u32 {
            default: 0,
            description: "1: a conflict counts even if there never was access, as Solaris had it",
        },
    },
}

/// The loaded module.
#[pin_data]
struct FailfastModule {
    // Dropped first: nobody comes in any more.
    #[pin]
    device: kapi::MhdDevice,
    registration: Registration,
}

impl kernel::InPlaceModule for FailfastModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        kapi::init();
        try_pin_init!(Self {
            registration: Registration::new(CORE_ID, &admin::Admin, module)?,
            device <- kapi::MhdDevice::new(),
        }? Error)
    }
}
