// SPDX-License-Identifier: GPL-2.0
//! Events as uevents: of the disk of the metadevice that they are about, or of the module where
//! there is none. That sleeps and takes memory, so a worker does it, which reads the ring like
//! anybody else. What it misses shows in the numbers (`MD_SEQNUM`).

use kernel::{
    prelude::*,
    rbtree::RBTree,
    str::{
        BStr,
        CString, //
    },
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        new_mutex,
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::{
        kind::{
            Kind,
            State, //
        },
        ring::KEPT, //
    },
    name::UnitName, //
};

use super::{
    text_in,
    Log, //
};
use crate::{
    abi,
    kapi::{
        uevent::{
            announce,
            DiskRef, //
        },
        worker::Run, //
    },
    refused::text,
    Refused, //
};

/// Who sends uevents.
#[pin_data]
pub(super) struct Sender {
    log: Arc<Log>,
    /// Disks of metadevices, by their numbers. Held while one is used.
    #[pin]
    disks: Mutex<RBTree<u32, DiskRef>>,
    /// Number of the last event that was sent.
    sent: Atomic<u64>,
}

impl Sender {
    /// Of what is in a log.
    pub(super) fn new(log: Arc<Log>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            log,
            disks <- new_mutex!(RBTree::new(), "md_event_disks"),
            sent: Atomic::new(0),
        }? Error)
    }

    /// See [`super::Events::show_disk`].
    pub(super) fn show_disk(&self, number: u32, disk: DiskRef) -> Result {
        let mut disks = self.disks.lock();
        disks.try_create_and_insert(number, disk, GFP_KERNEL)?;
        Ok(())
    }

    /// See [`super::Events::hide_disk`].
    pub(super) fn hide_disk(&self, number: u32) {
        let hidden = self.disks.lock().remove(&number);
        drop(hidden);
    }

    /// The first event after a number that is still there.
    fn next(&self, after: u64) -> Option<abi::Event> {
        let kept = self.log.kept.lock();
        let next = kept.ring.next(KEPT, after, 1).ok()?;
        kept.ring.get(&kept.slots, next.first).copied()
    }

    fn send(&self, event: &abi::Event) -> Result<(), Refused> {
        let variables = variables(event)?;
        let disks = self.disks.lock();
        let name = UnitName::from_padded(&event.volume).ok();
        let disk = name.and_then(|name| disks.get(&name.number()));
        // Nobody listens: that is no failure.
        let _ = announce(disk, &variables);
        Ok(())
    }
}

impl Run for Sender {
    fn run(&self) {
        while let Some(event) = self.next(self.sent.load(Relaxed)) {
            self.sent.store(event.number, Relaxed);
            if self.send(&event).is_err() {
                pr_warn!("no memory for the uevent of event {}\n", event.number);
            }
        }
    }
}

/// The variables of an event's uevent. Those that have nothing to say are left out.
fn variables(event: &abi::Event) -> Result<KVec<CString>, Refused> {
    let mut variables = KVec::new();
    let kind = Kind::from_number(event.kind).map_or("", Kind::word);
    let state = |number| State::from_number(number).map_or("", State::word);
    let (old, new) = (state(event.old_state), state(event.new_state));
    for (name, value) in [
        ("EVENT", kind.as_bytes()),
        ("VOLUME", text_in(&event.volume)),
        ("DEVICE", text_in(&event.device)),
        ("NEW_DEVICE", text_in(&event.new_device)),
        ("OLD_STATE", old.as_bytes()),
        ("NEW_STATE", new.as_bytes()),
    ] {
        if !value.is_empty() {
            let value = BStr::from_bytes(value);
            variables.push(text(fmt!("MD_{name}={value}"))?, GFP_KERNEL)?;
        }
    }
    variables.push(text(fmt!("MD_SEQNUM={}", event.number))?, GFP_KERNEL)?;
    Ok(variables)
}
