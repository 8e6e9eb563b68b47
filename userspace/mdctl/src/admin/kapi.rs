// SPDX-License-Identifier: GPL-2.0
//! Real calls to the kernel. All unsafe code of the tool is in this file.
#![expect(
    unsafe_code,
    reason = "an ioctl takes addresses, which the compiler cannot check"
)]

use super::{
    Admin,
    CallError,
    ADMIN_PATH, //
};
use md_abi::admin::{
    AddReplicas,
    Attach,
    ChangePool,
    ChangeSide,
    ChangeSoft,
    Clear,
    Component,
    Create,
    CreateSoft,
    DeleteReplicas,
    Device,
    Event,
    Extent,
    Grow,
    GrowMirror,
    List,
    ListLost,
    ListPools,
    ListReplicas,
    LostRange,
    MendSoft,
    MoveSoft,
    Multihost,
    PoolStatus,
    Probe,
    ReadEvents,
    Rename,
    Replace,
    ReplicaStatus,
    Row,
    Scrub,
    ScrubRange,
    ScrubRun,
    ScrubStatus,
    SetOptions,
    SetPool,
    SoftStatus,
    SpareStatus,
    StartSet,
    Status,
    StopSet,
    Sync,
    UnitSummary,
    Version,
    IOC_ADD_REPLICAS,
    IOC_ATTACH,
    IOC_CHANGE_POOL,
    IOC_CHANGE_SIDE,
    IOC_CHANGE_SOFT,
    IOC_CLEAR,
    IOC_CREATE,
    IOC_CREATE_SOFT,
    IOC_DELETE_REPLICAS,
    IOC_GROW,
    IOC_GROW_MIRROR,
    IOC_LIST,
    IOC_LIST_LOST,
    IOC_LIST_POOLS,
    IOC_LIST_REPLICAS,
    IOC_MEND_SOFT,
    IOC_MOVE_SOFT,
    IOC_MULTIHOST,
    IOC_PROBE,
    IOC_READ_EVENTS,
    IOC_RENAME,
    IOC_REPLACE,
    IOC_SCRUB,
    IOC_SCRUB_STATUS,
    IOC_SET_OPTIONS,
    IOC_SET_POOL,
    IOC_SOFT_STATUS,
    IOC_START_SET,
    IOC_STATUS,
    IOC_STOP_SET,
    IOC_SYNC,
    IOC_VERSION, //
};
use rustix::{
    fd::OwnedFd,
    fs::{
        open,
        Mode,
        OFlags, //
    },
    ioctl::{
        ioctl,
        Opcode,
        Updater, //
    },
};

/// The administration device. It is opened by the first call, so that help and syntax errors do
/// not need the module.
#[derive(Debug)]
pub struct AdminDevice {
    path: String,
    file: Option<OwnedFd>,
}

impl Default for AdminDevice {
    fn default() -> Self {
        AdminDevice::at(ADMIN_PATH)
    }
}

impl AdminDevice {
    /// The administration device with a given path.
    fn at(path: &str) -> Self {
        AdminDevice {
            path: path.to_string(),
            file: None,
        }
    }

    /// The open device.
    fn file(&mut self) -> Result<&OwnedFd, CallError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let flags = OFlags::RDWR | OFlags::CLOEXEC;
                open(self.path.as_str(), flags, Mode::empty()).map_err(CallError::Open)?
            }
        };
        Ok(self.file.insert(file))
    }

    /// Makes the call with a number.
    ///
    /// # Safety
    ///
    /// The argument of this ioctl is a `T`, of which any bytes are legal. The arrays that it
    /// names stay borrowed until after the call, for writing if the kernel writes them, have at
    /// least the length that it names, and are of a type of which any bytes are legal. The kernel
    /// touches no other memory of ours.
    unsafe fn call<const NUMBER: Opcode, T>(&mut self, argument: &mut T) -> Result<(), CallError> {
        // SAFETY: The caller promises it.
        let call = unsafe { Updater::<NUMBER, T>::new(argument) };
        // SAFETY: As above.
        unsafe { ioctl(self.file()?, call) }.map_err(CallError::Ioctl)
    }
}

/// Address and length of an array that the kernel reads.
fn array_to_read<T>(elements: &[T]) -> (u64, u32) {
    (
        elements.as_ptr().expose_provenance() as u64,
        length(elements),
    )
}

/// Address and length of an array that the kernel writes.
fn array_to_write<T>(elements: &mut [T]) -> (u64, u32) {
    (
        elements.as_mut_ptr().expose_provenance() as u64,
        length(elements),
    )
}

/// Number of elements that the kernel is told of, at most as many as there are.
fn length<T>(elements: &[T]) -> u32 {
    u32::try_from(elements.len()).unwrap_or(u32::MAX)
}

impl Admin for AdminDevice {
    fn version(&mut self, argument: &mut Version) -> Result<(), CallError> {
        // SAFETY: `IOC_VERSION` takes a `Version`, which names no arrays.
        unsafe { self.call::<IOC_VERSION, _>(argument) }
    }

    fn create(
        &mut self,
        argument: &mut Create,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        (argument.rows, argument.row_count) = array_to_read(rows);
        (argument.components, argument.component_count) = array_to_read(components);
        // SAFETY: `IOC_CREATE` takes a `Create`, and reads the two arrays that it names.
        unsafe { self.call::<IOC_CREATE, _>(argument) }
    }

    fn grow(
        &mut self,
        argument: &mut Grow,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        (argument.rows, argument.row_count) = array_to_read(rows);
        (argument.components, argument.component_count) = array_to_read(components);
        // SAFETY: `IOC_GROW` takes a `Grow`, and reads the two arrays that it names.
        unsafe { self.call::<IOC_GROW, _>(argument) }
    }

    fn grow_mirror(&mut self, argument: &mut GrowMirror) -> Result<(), CallError> {
        // SAFETY: `IOC_GROW_MIRROR` takes a `GrowMirror`, which names no arrays.
        unsafe { self.call::<IOC_GROW_MIRROR, _>(argument) }
    }

    fn set_options(&mut self, argument: &mut SetOptions) -> Result<(), CallError> {
        // SAFETY: `IOC_SET_OPTIONS` takes a `SetOptions`, which names no arrays.
        unsafe { self.call::<IOC_SET_OPTIONS, _>(argument) }
    }

    fn attach(&mut self, argument: &mut Attach) -> Result<(), CallError> {
        // SAFETY: `IOC_ATTACH` takes an `Attach`, which names no arrays.
        unsafe { self.call::<IOC_ATTACH, _>(argument) }
    }

    fn change_side(&mut self, argument: &mut ChangeSide) -> Result<(), CallError> {
        // SAFETY: `IOC_CHANGE_SIDE` takes a `ChangeSide`, which names no arrays.
        unsafe { self.call::<IOC_CHANGE_SIDE, _>(argument) }
    }

    fn replace(&mut self, argument: &mut Replace) -> Result<(), CallError> {
        // SAFETY: `IOC_REPLACE` takes a `Replace`, which names no arrays.
        unsafe { self.call::<IOC_REPLACE, _>(argument) }
    }

    fn sync(&mut self, argument: &mut Sync) -> Result<(), CallError> {
        // SAFETY: `IOC_SYNC` takes a `Sync`, which names no arrays.
        unsafe { self.call::<IOC_SYNC, _>(argument) }
    }

    fn scrub(&mut self, argument: &mut Scrub) -> Result<(), CallError> {
        // SAFETY: `IOC_SCRUB` takes a `Scrub`, which names no arrays.
        unsafe { self.call::<IOC_SCRUB, _>(argument) }
    }

    fn scrub_status(
        &mut self,
        argument: &mut ScrubStatus,
        ranges: &mut [ScrubRange],
        runs: &mut [ScrubRun],
    ) -> Result<(), CallError> {
        (argument.ranges, argument.range_capacity) = array_to_write(ranges);
        (argument.runs, argument.run_capacity) = array_to_write(runs);
        // SAFETY: `IOC_SCRUB_STATUS` takes a `ScrubStatus`, and writes the two arrays that it
        // names, of `ScrubRange`s and `ScrubRun`s, which are `FromBytes`.
        unsafe { self.call::<IOC_SCRUB_STATUS, _>(argument) }
    }

    fn list_lost(
        &mut self,
        argument: &mut ListLost,
        ranges: &mut [LostRange],
    ) -> Result<(), CallError> {
        (argument.ranges, argument.range_capacity) = array_to_write(ranges);
        // SAFETY: `IOC_LIST_LOST` takes a `ListLost`, and writes the array that it names, of
        // `LostRange`s, which are `FromBytes`.
        unsafe { self.call::<IOC_LIST_LOST, _>(argument) }
    }

    fn rename(&mut self, argument: &mut Rename) -> Result<(), CallError> {
        // SAFETY: `IOC_RENAME` takes a `Rename`, which names no arrays.
        unsafe { self.call::<IOC_RENAME, _>(argument) }
    }

    fn clear(&mut self, argument: &mut Clear) -> Result<(), CallError> {
        // SAFETY: `IOC_CLEAR` takes a `Clear`, which names no arrays.
        unsafe { self.call::<IOC_CLEAR, _>(argument) }
    }

    fn list(&mut self, argument: &mut List, units: &mut [UnitSummary]) -> Result<(), CallError> {
        (argument.units, argument.unit_capacity) = array_to_write(units);
        // SAFETY: `IOC_LIST` takes a `List`, and writes the array that it names, of
        // `UnitSummary`s, which are `FromBytes`.
        unsafe { self.call::<IOC_LIST, _>(argument) }
    }

    fn status(
        &mut self,
        argument: &mut Status,
        rows: &mut [Row],
        components: &mut [Component],
    ) -> Result<(), CallError> {
        (argument.rows, argument.row_capacity) = array_to_write(rows);
        (argument.components, argument.component_capacity) = array_to_write(components);
        // SAFETY: `IOC_STATUS` takes a `Status`, and writes the two arrays that it names, of
        // `Row`s and `Component`s, which are `FromBytes`.
        unsafe { self.call::<IOC_STATUS, _>(argument) }
    }

    fn probe(&mut self, argument: &mut Probe) -> Result<(), CallError> {
        // SAFETY: `IOC_PROBE` takes a `Probe`, which names no arrays.
        unsafe { self.call::<IOC_PROBE, _>(argument) }
    }

    fn list_pools(
        &mut self,
        argument: &mut ListPools,
        pools: &mut [PoolStatus],
        spares: &mut [SpareStatus],
    ) -> Result<(), CallError> {
        (argument.pools, argument.pool_capacity) = array_to_write(pools);
        (argument.spares, argument.spare_capacity) = array_to_write(spares);
        // SAFETY: `IOC_LIST_POOLS` takes a `ListPools`, and writes the two arrays that it names, of
        // `PoolStatus` and `SpareStatus`, which are `FromBytes`.
        unsafe { self.call::<IOC_LIST_POOLS, _>(argument) }
    }

    fn change_pool(
        &mut self,
        argument: &mut ChangePool,
        devices: &[Device],
    ) -> Result<(), CallError> {
        (argument.devices, argument.device_count) = array_to_read(devices);
        // SAFETY: `IOC_CHANGE_POOL` takes a `ChangePool`, and reads the array that it names.
        unsafe { self.call::<IOC_CHANGE_POOL, _>(argument) }
    }

    fn set_pool(&mut self, argument: &mut SetPool) -> Result<(), CallError> {
        // SAFETY: `IOC_SET_POOL` takes a `SetPool`, which names no arrays.
        unsafe { self.call::<IOC_SET_POOL, _>(argument) }
    }

    fn read_events(
        &mut self,
        argument: &mut ReadEvents,
        events: &mut [Event],
    ) -> Result<(), CallError> {
        (argument.events, argument.event_capacity) = array_to_write(events);
        // SAFETY: `IOC_READ_EVENTS` takes a `ReadEvents`, and writes the array that it names, of
        // `Event`s, which are `FromBytes`.
        unsafe { self.call::<IOC_READ_EVENTS, _>(argument) }
    }

    fn create_soft(
        &mut self,
        argument: &mut CreateSoft,
        extents: &[Extent],
    ) -> Result<(), CallError> {
        (argument.extents, argument.extent_count) = array_to_read(extents);
        // SAFETY: `IOC_CREATE_SOFT` takes a `CreateSoft`, and reads the array that it names.
        unsafe { self.call::<IOC_CREATE_SOFT, _>(argument) }
    }

    fn change_soft(&mut self, argument: &mut ChangeSoft) -> Result<(), CallError> {
        // SAFETY: `IOC_CHANGE_SOFT` takes a `ChangeSoft`, which names no arrays.
        unsafe { self.call::<IOC_CHANGE_SOFT, _>(argument) }
    }

    fn soft_status(
        &mut self,
        argument: &mut SoftStatus,
        extents: &mut [Extent],
    ) -> Result<(), CallError> {
        (argument.extents, argument.extent_capacity) = array_to_write(extents);
        // SAFETY: `IOC_SOFT_STATUS` takes a `SoftStatus`, and writes the array that it names, of
        // `Extent`s, which are `FromBytes`.
        unsafe { self.call::<IOC_SOFT_STATUS, _>(argument) }
    }

    fn mend_soft(&mut self, argument: &mut MendSoft) -> Result<(), CallError> {
        // SAFETY: `IOC_MEND_SOFT` takes a `MendSoft`, which names no arrays.
        unsafe { self.call::<IOC_MEND_SOFT, _>(argument) }
    }

    fn move_soft(&mut self, argument: &mut MoveSoft) -> Result<(), CallError> {
        // SAFETY: `IOC_MOVE_SOFT` takes a `MoveSoft`, which names no arrays.
        unsafe { self.call::<IOC_MOVE_SOFT, _>(argument) }
    }

    fn multihost(&mut self, argument: &mut Multihost, keys: &mut [u64]) -> Result<(), CallError> {
        (argument.keys, argument.key_capacity) = array_to_write(keys);
        // SAFETY: `IOC_MULTIHOST` takes a `Multihost`, and writes the array that it names, of
        // numbers.
        unsafe { self.call::<IOC_MULTIHOST, _>(argument) }
    }

    fn add_replicas(&mut self, argument: &mut AddReplicas) -> Result<(), CallError> {
        // SAFETY: `IOC_ADD_REPLICAS` takes an `AddReplicas`, which names no arrays.
        unsafe { self.call::<IOC_ADD_REPLICAS, _>(argument) }
    }

    fn delete_replicas(&mut self, argument: &mut DeleteReplicas) -> Result<(), CallError> {
        // SAFETY: `IOC_DELETE_REPLICAS` takes a `DeleteReplicas`, which names no arrays.
        unsafe { self.call::<IOC_DELETE_REPLICAS, _>(argument) }
    }

    fn list_replicas(
        &mut self,
        argument: &mut ListReplicas,
        replicas: &mut [ReplicaStatus],
    ) -> Result<(), CallError> {
        (argument.replicas, argument.replica_capacity) = array_to_write(replicas);
        // SAFETY: `IOC_LIST_REPLICAS` takes a `ListReplicas`, and writes the array that it names,
        // of `ReplicaStatus`, which is `FromBytes`.
        unsafe { self.call::<IOC_LIST_REPLICAS, _>(argument) }
    }

    fn start_set(&mut self, argument: &mut StartSet, devices: &[Device]) -> Result<(), CallError> {
        (argument.devices, argument.device_count) = array_to_read(devices);
        // SAFETY: `IOC_START_SET` takes a `StartSet`, and reads the array that it names.
        unsafe { self.call::<IOC_START_SET, _>(argument) }
    }

    fn stop_set(&mut self, argument: &mut StopSet) -> Result<(), CallError> {
        // SAFETY: `IOC_STOP_SET` takes a `StopSet`, which names no arrays.
        unsafe { self.call::<IOC_STOP_SET, _>(argument) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::requests;
    use rustix::io::Errno;
    use zerocopy::FromZeros;

    #[test]
    fn a_missing_device_is_told_from_a_failed_call() {
        let mut missing = AdminDevice::at("/nonexistent/admin");
        let answer = missing.version(&mut Version::new_zeroed());
        assert_eq!(answer, Err(CallError::Open(Errno::NOENT)));
    }

    /// `/dev/null` knows none of our ioctls: this shows that a real call is made each time.
    #[test]
    fn a_device_of_another_kind_refuses_every_call() {
        let mut null = AdminDevice::at("/dev/null");
        let refused = Err(CallError::Ioctl(Errno::NOTTY));
        assert_eq!(null.version(&mut Version::new_zeroed()), refused);
        assert_eq!(null.create(&mut Create::new_zeroed(), &[], &[]), refused);
        assert_eq!(null.grow(&mut Grow::new_zeroed(), &[], &[]), refused);
        assert_eq!(null.set_options(&mut SetOptions::new_zeroed()), refused);
        assert_eq!(null.grow_mirror(&mut GrowMirror::new_zeroed()), refused);
        assert_eq!(null.attach(&mut Attach::new_zeroed()), refused);
        assert_eq!(null.change_side(&mut ChangeSide::new_zeroed()), refused);
        assert_eq!(null.replace(&mut Replace::new_zeroed()), refused);
        assert_eq!(null.sync(&mut Sync::new_zeroed()), refused);
        assert_eq!(null.scrub(&mut Scrub::new_zeroed()), refused);
        let mut status = ScrubStatus::new_zeroed();
        assert_eq!(null.scrub_status(&mut status, &mut [], &mut []), refused);
        assert_eq!(
            null.list_lost(&mut ListLost::new_zeroed(), &mut []),
            refused
        );
        assert_eq!(null.rename(&mut Rename::new_zeroed()), refused);
        assert_eq!(null.clear(&mut Clear::new_zeroed()), refused);
        assert_eq!(null.list(&mut List::new_zeroed(), &mut []), refused);
        assert_eq!(
            null.status(&mut Status::new_zeroed(), &mut [], &mut []),
            refused
        );
        assert_eq!(null.probe(&mut Probe::new_zeroed()), refused);
        assert_eq!(
            null.list_pools(&mut ListPools::new_zeroed(), &mut [], &mut []),
            refused
        );
        assert_eq!(
            null.change_pool(&mut ChangePool::new_zeroed(), &[]),
            refused
        );
        assert_eq!(null.set_pool(&mut SetPool::new_zeroed()), refused);
        assert_eq!(
            null.read_events(&mut ReadEvents::new_zeroed(), &mut []),
            refused
        );
        assert_eq!(
            null.create_soft(&mut CreateSoft::new_zeroed(), &[]),
            refused
        );
        assert_eq!(null.change_soft(&mut ChangeSoft::new_zeroed()), refused);
        let mut soft = SoftStatus::new_zeroed();
        assert_eq!(null.soft_status(&mut soft, &mut []), refused);
        assert_eq!(null.mend_soft(&mut MendSoft::new_zeroed()), refused);
        assert_eq!(null.move_soft(&mut MoveSoft::new_zeroed()), refused);
        let mut disk = Multihost::new_zeroed();
        assert_eq!(null.multihost(&mut disk, &mut []), refused);
        assert!(requests::version(&mut null).is_err());
    }

    #[test]
    fn arrays_are_passed_with_address_and_length() {
        let mut null = AdminDevice::at("/dev/null");
        let rows = [Row::default(); 3];
        let mut argument = Create::new_zeroed();
        let answer = null.create(&mut argument, &rows, &[]);
        assert_eq!(answer, Err(CallError::Ioctl(Errno::NOTTY)));
        assert_eq!(argument.rows, rows.as_ptr().addr() as u64);
        assert_eq!((argument.row_count, argument.component_count), (3, 0));
        let mut argument = Grow::new_zeroed();
        let answer = null.grow(&mut argument, &rows[..2], &[]);
        assert_eq!(answer, Err(CallError::Ioctl(Errno::NOTTY)));
        assert_eq!(argument.rows, rows.as_ptr().addr() as u64);
        assert_eq!((argument.row_count, argument.component_count), (2, 0));
    }
}
