// SPDX-License-Identifier: GPL-2.0
//! A kernel for the tests: it keeps metadevices in memory and judges every argument as the rules
//! of the ABI say, so that a wrong argument of the tool is found without booting a kernel.
//!
//! It knows its devices by number. Some answers do not follow from what it keeps: a test decides
//! them beforehand, see [`answers`].

mod answers;
mod checks;
mod database;
mod events;
mod layout;
mod mirror;
mod multihost;
mod pools;
mod raid;
mod rename;
mod scrub;
mod sides;
mod soft;
mod states;
mod sysfs;

use super::{
    Admin,
    CallError, //
};
use answers::Answers;
use checks::check_no_parent;
use database::FakeDatabase;
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
    Header,
    List,
    ListLost,
    ListPools,
    ListReplicas,
    LostRange,
    MendSoft,
    MirrorOptions,
    MoveSoft,
    Multihost,
    PoolStatus,
    Probe,
    ReadEvents,
    Refusal,
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
    UnitKind,
    UnitSummary,
    Version,
    ABI_VERSION,
    CLEAR_FORCE,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    CREATE_IN_USE,
    LOST_RANGES_MAX,
    NAME_LEN,
    NO_INDEX,
    NO_PARENT,
    UNIT_PENDING, //
};
use rustix::{
    fs::makedev,
    io::Errno, //
};
use scrub::FakeScrub;
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    path::PathBuf, //
};
use zerocopy::{
    FromZeros,
    IntoBytes, //
};

/// Major number of the metadevices.
const MAJOR: u32 = 252;

/// The fake kernel.
#[derive(Debug, Default)]
pub struct FakeAdmin {
    /// Sizes in sectors of the devices that exist, by device number. A component whose device is
    /// no longer among them is found out by the next probe.
    pub disks: BTreeMap<u64, u64>,
    /// Devices that are write-protected.
    pub read_only: BTreeSet<u64>,
    /// Devices that exist, but answer no probe.
    pub silent: BTreeSet<u64>,
    /// The time, in seconds since 1970.
    pub clock: u64,
    /// Folder in which `sys` shows the metadevices, if it is of interest to anybody.
    pub root: Option<PathBuf>,
    /// What the next calls answer, if a test has decided that.
    pub answers: Answers,
    /// How many sectors of a resync are done from one question for a mirror to the next.
    pub resync_step: u64,
    /// Where a resync cannot go on, if there is such a place.
    pub resync_stuck_at: Option<u64>,
    /// Mirrors whose sides may differ, as after a crash, until their resync has ended.
    pub uncertain: BTreeSet<u32>,
    /// How many sectors of a scrub are done from one question for it to the next.
    pub scrub_step: u64,
    /// All events, also those that are not kept any more.
    events: Vec<Event>,
    scrubs: BTreeMap<u32, FakeScrub>,
    /// What a RAID5 metadevice has lost.
    pub lost: Vec<LostRange>,
    softs: BTreeMap<u32, soft::FakeSoft>,
    /// Disks that other hosts can reach.
    multihost: BTreeMap<u64, multihost::FakeMultihost>,
    units: BTreeMap<u32, FakeUnit>,
    /// Those of a set that was stopped.
    stopped: BTreeMap<u32, FakeUnit>,
    database: FakeDatabase,
    /// Hot spare pools: numbers and spares.
    pools: BTreeMap<u32, Vec<SpareStatus>>,
}

/// A metadevice of the fake kernel.
#[derive(Debug)]
struct FakeUnit {
    /// What is known of it once and for all.
    summary: UnitSummary,
    rows: Vec<Row>,
    components: Vec<Component>,
}

/// A refusal, the row or component that it is about, and its figures.
type Refused = (Refusal, u32, [u64; 2]);

impl FakeAdmin {
    /// A kernel with disks of the given numbers, all of one size.
    pub fn with_disks(devs: impl IntoIterator<Item = u64>, sectors: u64) -> Self {
        FakeAdmin {
            disks: devs.into_iter().map(|dev| (dev, sectors)).collect(),
            ..FakeAdmin::default()
        }
    }

    /// Device number of the metadevice with a number.
    pub fn dev(number: u32) -> u64 {
        makedev(MAJOR, number)
    }

    /// Number of metadevices.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }

    /// Sets how many have a metadevice open.
    pub fn open_unit(&mut self, number: u32, open_count: u32) {
        self.unit_mut(number).summary.open_count = open_count;
    }

    /// Says that a metadevice has a parent which it does not have.
    pub fn set_parent(&mut self, number: u32, parent: u32) {
        self.unit_mut(number).summary.parent = parent;
    }

    /// A component of a metadevice, of which the test may say anything.
    pub fn component(&mut self, number: u32, component: usize) -> &mut Component {
        &mut self.unit_mut(number).components[component]
    }

    /// Options of a mirror, of which the test may say anything.
    pub fn options(&mut self, number: u32) -> &mut MirrorOptions {
        &mut self.unit_mut(number).summary.mirror
    }

    /// What is known of a metadevice, of which the test may say anything.
    pub fn summary_mut(&mut self, number: u32) -> &mut UnitSummary {
        &mut self.unit_mut(number).summary
    }

    /// A metadevice that exists.
    fn unit_mut(&mut self, number: u32) -> &mut FakeUnit {
        self.units.get_mut(&number).expect("the test has made it")
    }

    /// The checks that come before everything else, in the order of the ABI's rules.
    fn admit<T>(&mut self, header: &mut Header) -> Result<(), CallError> {
        self.answers.decided(header)?;
        assert_eq!(header.abi_version, ABI_VERSION);
        assert_eq!(header.size as usize, size_of::<T>());
        let answered = (header.refusal, header.refusal_index, header.refusal_values);
        assert_eq!(
            answered,
            (0, 0, [0; 2]),
            "the kernel's fields are not the caller's"
        );
        assert_eq!(header.reserved, [0; 2]);
        Ok(())
    }

    /// The number in a metadevice's name.
    fn number(header: &mut Header, name: &[u8; NAME_LEN]) -> Result<u32, CallError> {
        let end = name
            .iter()
            .position(|byte| *byte == 0)
            .expect("a name ends with a zero");
        assert!(
            name[end..].iter().all(|byte| *byte == 0),
            "rule 4: zeroes behind the name"
        );
        let name = std::str::from_utf8(&name[..end]).expect("a name is ASCII");
        name.strip_prefix('d')
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| refuse(header, (Refusal::BadName, NO_INDEX, [0; 2])))
    }

    /// The number in the name of a metadevice that exists.
    fn existing(&self, header: &mut Header, name: &[u8; NAME_LEN]) -> Result<u32, CallError> {
        let number = Self::number(header, name)?;
        if self.units.contains_key(&number) {
            Ok(number)
        } else {
            Err(refuse(header, (Refusal::NoSuchUnit, NO_INDEX, [0; 2])))
        }
    }

    /// The metadevice with a device number.
    fn unit_at(&self, dev: u64) -> Option<u32> {
        self.units
            .keys()
            .copied()
            .find(|unit| Self::dev(*unit) == dev)
    }

    /// The metadevice of which a device is a component.
    fn holder(&self, dev: u64) -> Option<u32> {
        let holds = |unit: &FakeUnit| unit.components.iter().any(|part| part.dev == dev);
        let holder = self.units.iter().find(|(_, unit)| holds(unit));
        holder.map(|(number, _)| *number)
    }

    /// Whether a metadevice is a mirror.
    fn is_mirror(&self, number: u32) -> bool {
        let unit = self.units.get(&number);
        unit.is_some_and(|unit| unit.summary.kind == UnitKind::Mirror as u32)
    }
}

/// Writes a refusal into a header.
fn refuse(header: &mut Header, (refusal, index, values): Refused) -> CallError {
    header.refusal = refusal as u32;
    header.refusal_index = index;
    header.refusal_values = values;
    CallError::Ioctl(Errno::INVAL)
}

impl Admin for FakeAdmin {
    fn version(&mut self, argument: &mut Version) -> Result<(), CallError> {
        self.admit::<Version>(&mut argument.header)?;
        argument.module_version[..5].copy_from_slice(b"0.9.1");
        Ok(())
    }

    fn create(
        &mut self,
        argument: &mut Create,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        let header = &mut argument.header;
        self.admit::<Create>(header)?;
        let number = Self::number(header, &argument.name)?;
        if self.units.contains_key(&number) {
            return Err(refuse(header, (Refusal::NameInUse, NO_INDEX, [0; 2])));
        }
        let known = CREATE_CHECK_ONLY | CREATE_IN_USE | CREATE_ASSUME_CLEAN | raid::CREATE_FLAGS;
        assert_eq!(argument.flags & !known, 0);
        assert_eq!((argument.size_sectors, argument.reserved), (0, [0; 3]));
        let mut components = components.to_vec();
        let size = if argument.kind == UnitKind::Mirror as u32 {
            assert!(rows.is_empty(), "a mirror has no rows");
            self.lay_out_mirror(&argument.mirror, &mut components)
        } else {
            let kinds = [UnitKind::Stripe, UnitKind::Raid].map(|kind| kind as u32);
            assert!(kinds.contains(&argument.kind));
            raid::check_options(&argument.mirror, argument.kind);
            let is_raid = argument.kind == UnitKind::Raid as u32;
            match self.lay_out(rows, &mut components) {
                Ok(_) if is_raid => raid::lay_out(rows, &mut components),
                size => size,
            }
        };
        let pool = argument.pool;
        let size = size.and_then(|size| self.check_pool(pool, argument.kind).map(|()| size));
        let header = &mut argument.header;
        argument.size_sectors = size.map_err(|refused| refuse(header, refused))?;
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            let mut summary = UnitSummary::new_zeroed();
            summary.name = argument.name;
            summary.kind = argument.kind;
            summary.dev = Self::dev(number);
            if argument.flags & CREATE_IN_USE != 0 {
                summary.flags |= UNIT_PENDING;
            }
            summary.size_sectors = argument.size_sectors;
            summary.row_count = rows.len() as u32;
            summary.component_count = components.len() as u32;
            if argument.kind == UnitKind::Raid as u32 {
                raid::begin(&mut summary, argument);
            }
            summary.parent = NO_PARENT;
            summary.mirror = raid::with_pace(argument.mirror, argument.kind);
            summary.pool = argument.pool;
            let unit = FakeUnit {
                summary,
                rows: rows.to_vec(),
                components,
            };
            let sides = unit.components.len();
            self.units.insert(number, unit);
            self.show(number);
            let is_mirror = argument.kind == UnitKind::Mirror as u32;
            if is_mirror && argument.flags & CREATE_ASSUME_CLEAN == 0 {
                (1..sides).for_each(|side| self.begin_resync(number, side));
            }
        }
        Ok(())
    }

    fn grow(
        &mut self,
        argument: &mut Grow,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        self.admit::<Grow>(&mut argument.header)?;
        assert_eq!(argument.flags & !CREATE_CHECK_ONLY, 0);
        assert_eq!((argument.size_sectors, argument.reserved), (0, 0));
        let number = self.existing(&mut argument.header, &argument.name)?;
        if self.summary(number).kind == UnitKind::Raid as u32 {
            return self.grow_raid(number, argument, rows, components);
        }
        let mut components = components.to_vec();
        let grown = self
            .check_grow(number)
            .and_then(|()| self.lay_out(rows, &mut components));
        let grown = grown.map_err(|refused| refuse(&mut argument.header, refused))?;
        argument.size_sectors = self.summary(number).size_sectors + grown;
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            self.hide(number);
            let unit = self.unit_mut(number);
            unit.rows.extend(rows);
            unit.components.extend(components);
            unit.summary.size_sectors = argument.size_sectors;
            unit.summary.row_count = unit.rows.len() as u32;
            unit.summary.component_count = unit.components.len() as u32;
            self.show(number);
        }
        Ok(())
    }

    fn grow_mirror(&mut self, argument: &mut GrowMirror) -> Result<(), CallError> {
        self.admit::<GrowMirror>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let grown = self.enlarge(number, argument);
        grown.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn set_options(&mut self, argument: &mut SetOptions) -> Result<(), CallError> {
        self.admit::<SetOptions>(&mut argument.header)?;
        assert_eq!(argument.reserved, 0);
        let number = self.existing(&mut argument.header, &argument.name)?;
        let changed = self.changed_options(number, argument.which, &argument.mirror);
        argument.mirror = changed.map_err(|refused| refuse(&mut argument.header, refused))?;
        self.unit_mut(number).summary.mirror = argument.mirror;
        Ok(())
    }

    fn attach(&mut self, argument: &mut Attach) -> Result<(), CallError> {
        self.admit::<Attach>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let done = self.attach_side(number, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn change_side(&mut self, argument: &mut ChangeSide) -> Result<(), CallError> {
        self.admit::<ChangeSide>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let done = self.change(number, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn replace(&mut self, argument: &mut Replace) -> Result<(), CallError> {
        self.admit::<Replace>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let done = self.replace_part(number, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn sync(&mut self, argument: &mut Sync) -> Result<(), CallError> {
        self.admit::<Sync>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let done = self.sync_mirror(number, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn scrub(&mut self, argument: &mut Scrub) -> Result<(), CallError> {
        self.admit::<Scrub>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let done = self.scrub_mirror(number, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn scrub_status(
        &mut self,
        argument: &mut ScrubStatus,
        ranges: &mut [ScrubRange],
        runs: &mut [ScrubRun],
    ) -> Result<(), CallError> {
        self.admit::<ScrubStatus>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        self.describe_scrubs(number, argument, ranges, runs);
        Ok(())
    }

    fn list_lost(
        &mut self,
        argument: &mut ListLost,
        ranges: &mut [LostRange],
    ) -> Result<(), CallError> {
        self.admit::<ListLost>(&mut argument.header)?;
        self.existing(&mut argument.header, &argument.name)?;
        assert!(ranges.len() >= LOST_RANGES_MAX as usize);
        for (place, range) in ranges.iter_mut().zip(&self.lost) {
            *place = *range;
            argument.range_count += 1;
        }
        Ok(())
    }

    fn rename(&mut self, argument: &mut Rename) -> Result<(), CallError> {
        self.admit::<Rename>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let new = Self::number(&mut argument.header, &argument.new_name)?;
        let done = self.give_name(number, new, argument);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn clear(&mut self, argument: &mut Clear) -> Result<(), CallError> {
        self.admit::<Clear>(&mut argument.header)?;
        assert_eq!((argument.flags & !CLEAR_FORCE, argument.reserved), (0, 0));
        let number = self.existing(&mut argument.header, &argument.name)?;
        self.check_clear(number, argument.flags == CLEAR_FORCE)
            .map_err(|refused| refuse(&mut argument.header, refused))?;
        self.hide(number);
        let unit = self.units.remove(&number);
        self.scrubs.remove(&number);
        let base = unit.and_then(|unit| unit.components.first().map(|base| base.dev));
        self.forget_soft(number, base);
        Ok(())
    }

    fn list(&mut self, argument: &mut List, units: &mut [UnitSummary]) -> Result<(), CallError> {
        self.admit::<List>(&mut argument.header)?;
        let needed = self.answers.list_length(self.units.len());
        if needed > units.len() as u64 {
            let values = [units.len() as u64, needed];
            let refused = (Refusal::ArrayTooSmall, NO_INDEX, values);
            return Err(refuse(&mut argument.header, refused));
        }
        for (place, number) in units.iter_mut().zip(self.units.keys()) {
            *place = self.summary(*number);
        }
        argument.unit_count = self.units.len() as u32;
        if let Some(number) = self.answers.vanishing() {
            self.units.remove(&number);
        }
        Ok(())
    }

    fn status(
        &mut self,
        argument: &mut Status,
        rows: &mut [Row],
        components: &mut [Component],
    ) -> Result<(), CallError> {
        self.admit::<Status>(&mut argument.header)?;
        let behind_the_name = &argument.unit.as_bytes()[NAME_LEN..];
        assert!(
            behind_the_name.iter().all(|byte| *byte == 0),
            "only the name is the caller's"
        );
        let number = self.existing(&mut argument.header, &argument.unit.name)?;
        self.step(number);
        let unit = &self.units[&number];
        argument.unit = self.summary(number);
        rows[..unit.rows.len()].copy_from_slice(&unit.rows);
        for (place, component) in components.iter_mut().zip(&unit.components) {
            *place = Component {
                state: self.state(component),
                ..*component
            };
        }
        Ok(())
    }

    fn probe(&mut self, argument: &mut Probe) -> Result<(), CallError> {
        self.admit::<Probe>(&mut argument.header)?;
        assert_eq!((argument.flags, argument.failed_count), (0, 0));
        self.answers.decided_probe(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        argument.failed_count = self.probe_unit(number);
        Ok(())
    }

    fn list_pools(
        &mut self,
        argument: &mut ListPools,
        pools: &mut [PoolStatus],
        spares: &mut [SpareStatus],
    ) -> Result<(), CallError> {
        self.admit::<ListPools>(&mut argument.header)?;
        let listed = self.describe_pools(argument, pools, spares);
        listed.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn change_pool(
        &mut self,
        argument: &mut ChangePool,
        devices: &[Device],
    ) -> Result<(), CallError> {
        self.admit::<ChangePool>(&mut argument.header)?;
        let changed = self.changed_pool(argument, devices);
        changed.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn set_pool(&mut self, argument: &mut SetPool) -> Result<(), CallError> {
        self.admit::<SetPool>(&mut argument.header)?;
        assert_eq!(argument.reserved, 0);
        let number = self.existing(&mut argument.header, &argument.name)?;
        let kind = self.summary(number).kind;
        let checked = self.check_pool(argument.pool, kind);
        checked.map_err(|refused| refuse(&mut argument.header, refused))?;
        self.unit_mut(number).summary.pool = argument.pool;
        Ok(())
    }

    fn read_events(
        &mut self,
        argument: &mut ReadEvents,
        events: &mut [Event],
    ) -> Result<(), CallError> {
        self.admit::<ReadEvents>(&mut argument.header)?;
        let read = self.read_from_ring(argument, events);
        read.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn create_soft(
        &mut self,
        argument: &mut CreateSoft,
        extents: &[Extent],
    ) -> Result<(), CallError> {
        self.admit::<CreateSoft>(&mut argument.header)?;
        let number = Self::number(&mut argument.header, &argument.name)?;
        if self.units.contains_key(&number) {
            let refused = (Refusal::NameInUse, NO_INDEX, [0; 2]);
            return Err(refuse(&mut argument.header, refused));
        }
        let made = self.make_soft(number, argument, extents);
        made.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn change_soft(&mut self, argument: &mut ChangeSoft) -> Result<(), CallError> {
        self.admit::<ChangeSoft>(&mut argument.header)?;
        assert_eq!(argument.reserved, 0);
        let number = self.existing(&mut argument.header, &argument.name)?;
        let changed = self.resize_soft(number, argument);
        changed.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn soft_status(
        &mut self,
        argument: &mut SoftStatus,
        extents: &mut [Extent],
    ) -> Result<(), CallError> {
        self.admit::<SoftStatus>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let described = self.describe_soft(number, argument, extents);
        described.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn mend_soft(&mut self, argument: &mut MendSoft) -> Result<(), CallError> {
        self.admit::<MendSoft>(&mut argument.header)?;
        let mended = self.mend_softs(argument);
        mended.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn move_soft(&mut self, argument: &mut MoveSoft) -> Result<(), CallError> {
        self.admit::<MoveSoft>(&mut argument.header)?;
        let number = self.existing(&mut argument.header, &argument.name)?;
        let moved = self.move_extent(number, argument);
        moved.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn multihost(&mut self, argument: &mut Multihost, keys: &mut [u64]) -> Result<(), CallError> {
        self.admit::<Multihost>(&mut argument.header)?;
        let disk = self.multihost_disk(argument.dev);
        let done = disk.operate(argument, keys);
        done.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn add_replicas(&mut self, argument: &mut AddReplicas) -> Result<(), CallError> {
        self.admit::<AddReplicas>(&mut argument.header)?;
        let added = self.database.add(argument, self.units.len());
        added.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn delete_replicas(&mut self, argument: &mut DeleteReplicas) -> Result<(), CallError> {
        self.admit::<DeleteReplicas>(&mut argument.header)?;
        let deleted = self.database.delete(argument);
        deleted.map_err(|refused| refuse(&mut argument.header, refused))
    }

    fn list_replicas(
        &mut self,
        argument: &mut ListReplicas,
        replicas: &mut [ReplicaStatus],
    ) -> Result<(), CallError> {
        self.admit::<ListReplicas>(&mut argument.header)?;
        self.database.list(argument, replicas);
        Ok(())
    }

    fn start_set(&mut self, argument: &mut StartSet, devices: &[Device]) -> Result<(), CallError> {
        self.admit::<StartSet>(&mut argument.header)?;
        match self.database.start(argument, devices) {
            Ok(()) => {
                self.units.append(&mut self.stopped);
                argument.unit_count = self.units.len() as u32;
                Ok(())
            }
            Err(refused) => Err(refuse(&mut argument.header, refused)),
        }
    }

    fn stop_set(&mut self, argument: &mut StopSet) -> Result<(), CallError> {
        self.admit::<StopSet>(&mut argument.header)?;
        let is_open = |(_, unit): &(&u32, &FakeUnit)| unit.summary.open_count > 0;
        let open = self.units.iter().find(is_open).map(|(number, _)| *number);
        if let Some(number) = open {
            let refused = (Refusal::SetIsOpen, NO_INDEX, [number.into(), 0]);
            return Err(refuse(&mut argument.header, refused));
        }
        let stopped = self.database.stop();
        stopped.map_err(|refused| refuse(&mut argument.header, refused))?;
        argument.unit_count = self.units.len() as u32;
        self.stopped.append(&mut self.units);
        Ok(())
    }
}
