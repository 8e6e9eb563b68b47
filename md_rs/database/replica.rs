// SPDX-License-Identifier: GPL-2.0
//! A replica of the running set, and the worker that writes it. It writes one job after the other,
//! each all the way, and may take as long as its device does: nobody waits for it who does not have
//! to (`DURABILITY.md` clause 4).

use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::{
        new_mutex,
        Arc,
        Mutex, //
    }, //
};
use md_model::database::{
    commit::Step,
    commits::{
        Extent,
        Job, //
    },
    header::Header,
    layout::{
        is_slot,
        page_sector, //
    },
    page::{
        Kind,
        PAGE_BYTES, //
    },
    table::Pointer,
};

use super::{
    contents::Shared,
    Database, //
};
use crate::kapi::{
    bdev::{
        BlockDevice,
        Buffer, //
    },
    worker::Run, //
};

/// Pages of a root: it is written twice, in one write.
const ROOT_PAGES: usize = 2;

/// A page that a job writes.
pub(super) struct Placed {
    pub(super) pointer: Pointer,
    pub(super) kind: Kind,
    pub(super) page: Shared,
}

/// What a job writes. It has its own references to the pages, since the set may be commits ahead
/// before a slow device has them.
pub(super) struct Staging {
    pub(super) pages: KVVec<Placed>,
    pub(super) root: Buffer,
    scratch: Buffer,
}

impl Staging {
    /// Room for as many pages as a replica has.
    fn new(pages: u32) -> Result<Self, AllocError> {
        Ok(Self {
            pages: KVVec::with_capacity(pages as usize, GFP_KERNEL)?,
            root: Buffer::new(PAGE_BYTES.saturating_mul(ROOT_PAGES))?,
            scratch: Buffer::new(PAGE_BYTES)?,
        })
    }
}

/// A replica.
#[pin_data]
pub(super) struct Replica {
    database: Arc<Database>,
    pub(super) header: Header,
    pub(super) device: Arc<BlockDevice>,
    #[pin]
    staging: Mutex<Staging>,
}

impl Replica {
    /// The replica with this header on a device.
    pub(super) fn new(
        database: Arc<Database>,
        header: Header,
        device: Arc<BlockDevice>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            database,
            header,
            device,
            staging <- new_mutex!(Staging::new(header.pages)?),
        }? Error)
    }

    /// Whether there was a job.
    fn work_once(&self) -> bool {
        let mut staging = self.staging.lock();
        let Some(job) = self.database.take_job(&self.header, &mut staging) else {
            return false;
        };
        let written = self.write(&job, &mut staging);
        self.database.returned(self, &mut staging, written.is_ok());
        true
    }

    /// Carries a job out.
    fn write(&self, job: &Job, staging: &mut Staging) -> Result {
        // It was made when less was needed, and was away since.
        let is_outside = |placed: &Placed| !is_slot(placed.pointer.slot, self.header.pages);
        if staging.pages.iter().any(is_outside) {
            let path = self.device.health().path();
            pr_warn!("state database: {path}: the replica is too small: delete it, 'metadb -d'\n");
            return Err(ENOSPC);
        }
        let count = match job.extent {
            Extent::Differing => self.put_first_what_is_not_there(staging),
            Extent::RootOnly | Extent::Newer(_) => staging.pages.len(),
        };
        let mut writing = job.writing(count);
        loop {
            match writing.advance() {
                Step::Page(index) => {
                    let placed = staging.pages.get(index).ok_or(EINVAL)?;
                    self.device
                        .write(self.sector(placed.pointer.slot), &placed.page, false)?;
                }
                Step::Flush => self.device.flush()?,
                Step::Root => {
                    let [place, _] = job.places;
                    self.device.write(self.sector(place), &staging.root, true)?;
                }
                Step::Done => return Ok(()),
            }
        }
    }

    /// Puts the pages that the replica has not yet before the others, see [`Extent::Differing`];
    /// how many those are.
    fn put_first_what_is_not_there(&self, staging: &mut Staging) -> usize {
        let Staging { pages, scratch, .. } = staging;
        let mut count = 0_usize;
        for index in 0..pages.len() {
            let is_there = pages
                .get(index)
                .is_some_and(|placed| self.has(placed, scratch));
            if !is_there {
                pages.swap(count, index);
                count = count.saturating_add(1);
            }
        }
        count
    }

    /// Whether the replica has a page.
    fn has(&self, placed: &Placed, scratch: &mut Buffer) -> bool {
        let sector = self.sector(placed.pointer.slot);
        let opens = |bytes: &[u8]| {
            let opened = placed.pointer.open(bytes, placed.kind, self.header.set);
            opened.is_ok()
        };
        self.device.read(sector, scratch).is_ok() && opens(scratch)
    }

    /// Where a page of the replica is.
    fn sector(&self, place: u32) -> u64 {
        page_sector(self.header.start_sector, place)
    }
}

impl Run for Replica {
    fn run(&self) {
        while self.work_once() {}
    }
}
