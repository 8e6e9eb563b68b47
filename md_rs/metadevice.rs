// SPDX-License-Identifier: GPL-2.0
//! One metadevice: its components, its map, its disk.

use kernel::{
    prelude::*,
    str::CString, //
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    },
};
use md_model::name::UnitName;

use crate::{
    abi::{
        Refusal,
        DEVICE_LEN, //
    },
    engine,
    kapi::{
        bdev::{
            BlockDevice,
            Holder, //
        },
        disk::{
            Disk,
            Operations, //
        },
        limits::QueueLimits,
        request::{
            BioSet,
            Request, //
        }, //
    },
    personality::{
        PersonalityRef,
        Unit,
        UnitSpec, //
    },
    Refused, //
};

/// A component's device, open and claimed, and the path by which the administrator knows it.
pub(crate) struct OpenComponent {
    /// The device.
    pub(crate) device: BlockDevice,
    /// Its number as user space knows it.
    pub(crate) dev: u64,
    /// Its path, padded with zeros.
    pub(crate) path: [u8; DEVICE_LEN],
}

/// The components of a metadevice, and who holds them.
pub(crate) struct Components {
    // Dropped in this order: the devices are given up before their holder.
    open: KVec<OpenComponent>,
    _holder: Holder,
}

impl Components {
    /// The components that `holder` has claimed.
    pub(crate) fn new(open: KVec<OpenComponent>, holder: Holder) -> Self {
        Self {
            open,
            _holder: holder,
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OpenComponent> {
        self.open.iter()
    }

    /// The devices.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &BlockDevice> {
        self.open.iter().map(|component| &component.device)
    }

    /// The device of one component.
    #[inline]
    pub(crate) fn device(&self, index: u32) -> Option<&BlockDevice> {
        self.open
            .get(index as usize)
            .map(|component| &component.device)
    }
}

/// How often a disk is open, or that it is about to go.
///
/// Opening and clearing exclude each other without a lock: open needs a count that is not
/// [`Self::CLOSING`], clear needs one that is zero.
struct OpenCount(Atomic<i32>);

impl OpenCount {
    const CLOSING: i32 = -1;

    /// One more has the disk open. `false` if it is about to go.
    fn open(&self) -> bool {
        let mut count = self.0.load(Relaxed);
        loop {
            let Some(more) = count.checked_add(1).filter(|_| count >= 0) else {
                return false;
            };
            match self.0.cmpxchg(count, more, Full) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
    }

    fn release(&self) {
        let _ = self.0.fetch_sub(1, Full);
    }

    /// From now on nobody can open the disk. If it is open, says by how many.
    fn close(&self) -> Result<(), i32> {
        self.0.cmpxchg(0, Self::CLOSING, Full).map(|_| ())
    }

    fn get(&self) -> u32 {
        u32::try_from(self.0.load(Relaxed)).unwrap_or(0)
    }
}

/// What the disk of a metadevice does.
struct Body {
    // Dropped in this order: the unit's code lives in the personality's module.
    unit: KBox<dyn Unit>,
    components: Components,
    open_count: OpenCount,
    _personality: PersonalityRef,
}

impl Operations for Body {
    fn queue(&self, request: Request, bioset: &BioSet) {
        engine::queue(request, &*self.unit, &self.components, bioset);
    }

    fn open(&self) -> Result {
        if self.open_count.open() {
            Ok(())
        } else {
            Err(ENXIO)
        }
    }

    fn release(&self) {
        self.open_count.release();
    }
}

/// A metadevice that is in use.
pub(crate) struct Metadevice {
    name: UnitName,
    kind: u32,
    disk: Disk<Body>,
}

impl Metadevice {
    /// Makes a metadevice and its disk.
    pub(crate) fn new(
        name: UnitName,
        kind: u32,
        spec: &UnitSpec<'_>,
        components: Components,
    ) -> Result<Self, Refused> {
        let personality = PersonalityRef::get(kind)?;
        let unit = personality.assemble(spec)?;
        let sectors = unit.sectors();
        let limits = limits_of(&name, &*unit, &components)?;
        let body = Body {
            unit,
            components,
            open_count: OpenCount(Atomic::new(0)),
            _personality: personality,
        };
        let disk = Disk::new(fmt!("md!dsk!{}", name.as_str()), sectors, limits, body)
            .map_err(disk_failed)?;
        link_holders(&disk).map_err(disk_failed)?;
        Ok(Self { name, kind, disk })
    }

    /// The name.
    pub(crate) fn name(&self) -> &UnitName {
        &self.name
    }

    /// The kind, [`crate::abi::UnitKind`].
    pub(crate) fn kind(&self) -> u32 {
        self.kind
    }

    /// How many have it open.
    pub(crate) fn open_count(&self) -> u32 {
        self.disk.operations().open_count.get()
    }

    /// The device number of its disk, as user space knows it.
    pub(crate) fn user_dev(&self) -> u64 {
        self.disk.user_dev()
    }

    /// The map.
    pub(crate) fn unit(&self) -> &dyn Unit {
        &*self.disk.operations().unit
    }

    /// The components.
    pub(crate) fn components(&self) -> &Components {
        &self.disk.operations().components
    }

    /// Sees to it that nobody can open the disk any more, so that the metadevice can be dropped.
    /// Refused if it is open.
    pub(crate) fn close(&self) -> Result<(), Refused> {
        self.disk.operations().open_count.close().map_err(|count| {
            let count = u64::try_from(count).unwrap_or(0);
            Refused::new(EBUSY, Refusal::UnitOpen).with([count, 0])
        })
    }
}

impl Drop for Metadevice {
    fn drop(&mut self) {
        unlink_holders(&self.disk, usize::MAX);
    }
}

/// Shows in sysfs that a disk holds its components. All or none.
fn link_holders(disk: &Disk<Body>) -> Result {
    for (index, device) in disk.operations().components.devices().enumerate() {
        if let Err(error) = disk.link_holder(device) {
            unlink_holders(disk, index);
            return Err(error);
        }
    }
    Ok(())
}

fn unlink_holders(disk: &Disk<Body>, count: usize) {
    for device in disk.operations().components.devices().take(count) {
        disk.unlink_holder(device);
    }
}

fn disk_failed(error: Error) -> Refused {
    let errno = u64::from(error.to_errno().unsigned_abs());
    Refused::new(error, Refusal::DiskFailed).with([errno, 0])
}

/// What the disk can do, given what its components can do.
fn limits_of(
    name: &UnitName,
    unit: &dyn Unit,
    components: &Components,
) -> Result<QueueLimits, Refused> {
    let label = CString::try_from_fmt(fmt!("{}", name.as_str()))
        .map_err(|_| Refused::new(ENOMEM, Refusal::NoMemory))?;
    let mut limits = QueueLimits::new();
    for (component, laid_out) in components.iter().zip(unit.components()) {
        limits.stack(&component.device, laid_out.start_sector, &label);
    }
    if let Some((chunk, width)) = unit.chunk() {
        limits.set_chunk(chunk, width);
    }
    limits.only_read_and_write();
    Ok(limits)
}
