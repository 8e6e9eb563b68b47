// SPDX-License-Identifier: GPL-2.0
//! A guest's disks: NBD servers inside the harness, on unix sockets, one per disk.
//!
//! # Fault model
//!
//! A disk has a *volatile write cache*. Every write, zeroing and discard is answered at once and is
//! seen by every later read, but is only certain to survive a power cut
//! - when a FLUSH that was sent after its answer has been answered, or
//! - when it carried FUA (that write alone, not the ones before it), or
//! - when the guest ended in an orderly way: the cache is then drained.
//!
//! When the power goes (`--kill-after`, `vmctl cut`, or one disk pulled by `vmctl unplug`), of
//! every unflushed write any set of its *512-byte sectors* survives: writes are torn, and a later
//! one may survive an earlier one. A sector that was written several times holds any one of its
//! versions since the last flush, or what it held before. A seed decides which; the same history
//! and the same seed lose the same sectors. A flushed sector never changes, and no sector is ever
//! half old and half new, misdirected or made up: those are faults of another kind.
//!
//! QEMU's SCSI disk turns a guest's FUA write into a write and a flush of that disk, so for a guest
//! FUA is stronger than it is here.
//!
//! Above a limit the cache settles a random part of its writes by itself, as disks do.
//!
//! `cache.rs` is this model, without files or sockets; `image.rs` keeps the bytes; `disk.rs` joins
//! the two; `protocol.rs` is the wire format and `server.rs` the conversation.

mod cache;
mod disk;
mod image;
mod protocol;
mod server;

pub(crate) use disk::{
    Disk,
    PowerLoss, //
};
pub(crate) use image::Image;
pub(crate) use server::serve;

/// The smallest unit that is written whole.
pub(crate) const SECTOR: u64 = 512;
