// SPDX-License-Identifier: GPL-2.0
//! Errands: what a disk does besides its requests, in task context, when it is asked to, at once or
//! after a while. Each errand is carried out by one thread at a time; different ones at the same
//! time. They have a workqueue of their own, with a rescuer.

use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Release, //
        },
        Atomic, //
    }, //
};

use md_model::mirror::suspect::Sample;

use super::{
    disk_core::Core,
    workqueue::{
        DelayedWork,
        Function,
        WorkQueue, //
    }, //
};

/// The errands of a disk, numbered from 0.
pub(super) struct Errands {
    // Dropped first: the items are stopped by then.
    queue: Option<WorkQueue>,
    /// Whether somebody waits for those that are under way.
    is_stopping: Atomic<u32>,
    items: KVec<Pin<KBox<Item>>>,
}

#[pin_data]
struct Item {
    #[pin]
    work: DelayedWork,
    /// What the disk has; null before the disk is complete.
    core: Atomic<*mut Core>,
    number: u32,
}

impl Errands {
    /// So many errands, which `function` carries out.
    pub(super) fn new(name: &CStr, count: u32, function: Function) -> Result<Self> {
        let mut items = KVec::new();
        for number in 0..count {
            let item = KBox::pin_init(
                pin_init!(Item {
                    work <- DelayedWork::new(function),
                    core: Atomic::new(core::ptr::null_mut()),
                    number,
                }),
                GFP_KERNEL,
            )?;
            items.push(item, GFP_KERNEL)?;
        }
        let at_once = i32::try_from(count).unwrap_or(1);
        let queue = if count == 0 {
            None
        } else {
            Some(WorkQueue::with_many(name, at_once)?)
        };
        Ok(Self {
            queue,
            is_stopping: Atomic::new(0),
            items,
        })
    }

    /// From now on errands are carried out.
    pub(super) fn attach(&self, core: &Core) {
        let core = core::ptr::from_ref(core).cast_mut();
        for item in &self.items {
            item.core.store(core, Release);
        }
    }

    /// Has an errand carried out after so many milliseconds, if not sooner. May be called in any
    /// context.
    pub(super) fn ask(&self, number: u32, ms: u32) {
        if let (Some(queue), Some(item)) = (&self.queue, self.items.get(number as usize)) {
            queue.queue_delayed(&item.work, ms);
        }
    }

    /// Stops all errands, and waits for those that are under way.
    pub(super) fn stop(&self) {
        self.is_stopping.store(1, Release);
        self.items.iter().for_each(|item| item.work.stop());
    }

    /// Undoes [`Self::stop`], and has all of them look for what there is to do.
    pub(super) fn resume(&self) {
        self.is_stopping.store(0, Release);
        for item in &self.items {
            item.work.resume();
            self.ask(item.number, 0);
        }
    }
}

/// An errand that is being carried out.
pub(crate) struct Errand<'a> {
    core: &'a Core,
    /// Its number.
    pub(crate) number: u32,
}

impl<'a> Errand<'a> {
    /// The errand of a work item; `None` if the disk is not complete.
    ///
    /// # Safety
    ///
    /// Called with the work item of one of a disk's [`Errands`], by the function that it was made
    /// with.
    pub(super) unsafe fn of(work: *mut bindings::work_struct) -> Option<Self> {
        // SAFETY: By the contract of this function; a delayed work item begins with the work item,
        // and `DelayedWork` is nothing but that. The disk stops its errands before it goes.
        unsafe {
            let item = &*kernel::container_of!(work.cast::<DelayedWork>(), Item, work);
            let core = item.core.load(Acquire).as_ref()?;
            Some(Self {
                core,
                number: item.number,
            })
        }
    }

    /// What the disk has.
    pub(super) fn core(&self) -> &'a Core {
        self.core
    }

    /// Has an errand carried out after so many milliseconds, if not sooner.
    pub(crate) fn ask(&self, number: u32, ms: u32) {
        self.core.errands().ask(number, ms);
    }

    /// Whether somebody waits for the errand to come to an end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.core.errands().is_stopping.load(Acquire) != 0
    }

    /// What the requests of the disk have done so far.
    pub(crate) fn disk_io(&self) -> Sample {
        self.core.disk_io()
    }

    /// Gives back blocks that the errand has claimed, as a request does
    /// ([`super::disk::Operations::leave`]).
    pub(crate) fn release(&self, sector: u64, count: u64) {
        self.core.leave(sector, count);
    }

    /// Lets requests that wait for something try again.
    pub(crate) fn wake(&self) {
        self.core.deferred().kick();
    }
}
