// SPDX-License-Identifier: GPL-2.0
//! The kernel's side, as far as the tool can see it: `/dev/md/admin`.
//!
//! [`Admin`] is the seam. It has one function for each ioctl, with the structures of [`md_abi`];
//! [`kapi`] makes real calls, [`fake`] is a kernel for the tests. [`requests`] fills in the
//! structures and judges the answers, and so is tested against the fake.

pub mod fake;
pub mod kapi;
pub mod requests;

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
    Version, //
};
use rustix::io::Errno;

/// Path of the administration device.
pub const ADMIN_PATH: &str = "/dev/md/admin";

/// The ioctls of `/dev/md/admin`.
///
/// The implementation fills in the addresses and lengths of the arrays, the caller everything
/// else. What the kernel wrote into the argument is there also after an error.
pub trait Admin {
    /// Reads the versions of interface and module.
    fn version(&mut self, argument: &mut Version) -> Result<(), CallError>;

    /// Makes a metadevice. A mirror has no rows, and its submirrors as components.
    fn create(
        &mut self,
        argument: &mut Create,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError>;

    /// Adds rows to a stripe or concat.
    fn grow(
        &mut self,
        argument: &mut Grow,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError>;

    /// Lets a mirror become as large as its smallest submirror.
    fn grow_mirror(&mut self, argument: &mut GrowMirror) -> Result<(), CallError>;

    /// Changes options of a mirror.
    fn set_options(&mut self, argument: &mut SetOptions) -> Result<(), CallError>;

    /// Adds a submirror to a mirror.
    fn attach(&mut self, argument: &mut Attach) -> Result<(), CallError>;

    /// Takes a submirror out of its mirror, or out of service, or back.
    fn change_side(&mut self, argument: &mut ChangeSide) -> Result<(), CallError>;

    /// Replaces a component of a submirror, or takes it back into service.
    fn replace(&mut self, argument: &mut Replace) -> Result<(), CallError>;

    /// Starts or cancels the resync of a mirror.
    fn sync(&mut self, argument: &mut Sync) -> Result<(), CallError>;

    /// Starts or cancels a scrub of a mirror.
    fn scrub(&mut self, argument: &mut Scrub) -> Result<(), CallError>;

    /// Reads how the scrubs of a mirror are.
    fn scrub_status(
        &mut self,
        argument: &mut ScrubStatus,
        ranges: &mut [ScrubRange],
        runs: &mut [ScrubRun],
    ) -> Result<(), CallError>;

    /// Lists what a RAID5 metadevice has lost.
    fn list_lost(
        &mut self,
        argument: &mut ListLost,
        ranges: &mut [LostRange],
    ) -> Result<(), CallError>;

    /// Gives a metadevice another name, or exchanges the names of two.
    fn rename(&mut self, argument: &mut Rename) -> Result<(), CallError>;

    /// Clears a metadevice.
    fn clear(&mut self, argument: &mut Clear) -> Result<(), CallError>;

    /// Lists the metadevices.
    fn list(&mut self, argument: &mut List, units: &mut [UnitSummary]) -> Result<(), CallError>;

    /// Reads the rows and components of a metadevice.
    fn status(
        &mut self,
        argument: &mut Status,
        rows: &mut [Row],
        components: &mut [Component],
    ) -> Result<(), CallError>;

    /// Sees whether the components of a metadevice answer.
    fn probe(&mut self, argument: &mut Probe) -> Result<(), CallError>;

    /// Lists the hot spare pools and their spares.
    fn list_pools(
        &mut self,
        argument: &mut ListPools,
        pools: &mut [PoolStatus],
        spares: &mut [SpareStatus],
    ) -> Result<(), CallError>;

    /// Makes, changes or deletes a hot spare pool.
    fn change_pool(
        &mut self,
        argument: &mut ChangePool,
        devices: &[Device],
    ) -> Result<(), CallError>;

    /// Gives a stripe or concat a hot spare pool, or none.
    fn set_pool(&mut self, argument: &mut SetPool) -> Result<(), CallError>;

    /// Reads what has happened, or waits until something does.
    fn read_events(
        &mut self,
        argument: &mut ReadEvents,
        events: &mut [Event],
    ) -> Result<(), CallError>;

    /// Makes a soft partition, in the extents that are given if there are any.
    fn create_soft(
        &mut self,
        argument: &mut CreateSoft,
        extents: &[Extent],
    ) -> Result<(), CallError>;

    /// Grows or shrinks a soft partition.
    fn change_soft(&mut self, argument: &mut ChangeSoft) -> Result<(), CallError>;

    /// Reads what a soft partition is made of.
    fn soft_status(
        &mut self,
        argument: &mut SoftStatus,
        extents: &mut [Extent],
    ) -> Result<(), CallError>;

    /// Compares or writes the watermarks of a base.
    fn mend_soft(&mut self, argument: &mut MendSoft) -> Result<(), CallError>;

    /// Moves an extent of a soft partition.
    fn move_soft(&mut self, argument: &mut MoveSoft) -> Result<(), CallError>;

    /// Carries out an operation on a disk that several hosts can reach.
    fn multihost(&mut self, argument: &mut Multihost, keys: &mut [u64]) -> Result<(), CallError>;

    /// Adds replicas of the state database.
    fn add_replicas(&mut self, argument: &mut AddReplicas) -> Result<(), CallError>;

    /// Deletes replicas.
    fn delete_replicas(&mut self, argument: &mut DeleteReplicas) -> Result<(), CallError>;

    /// Reads how the state database is.
    fn list_replicas(
        &mut self,
        argument: &mut ListReplicas,
        replicas: &mut [ReplicaStatus],
    ) -> Result<(), CallError>;

    /// Starts a set from what is on devices.
    fn start_set(&mut self, argument: &mut StartSet, devices: &[Device]) -> Result<(), CallError>;

    /// Stops the set.
    fn stop_set(&mut self, argument: &mut StopSet) -> Result<(), CallError>;
}

/// A call that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallError {
    /// The administration device could not be opened, so nothing was asked.
    Open(Errno),
    /// The kernel answered with an error; the argument's header may say more.
    Ioctl(Errno),
}
