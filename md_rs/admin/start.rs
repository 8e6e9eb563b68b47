// SPDX-License-Identifier: GPL-2.0
//! Starting a set: its database is loaded, and its metadevices are made from their records,
//! children before parents.

mod raid;
mod soft;
mod spares;
mod watched;

use core::cell::Cell;
use kernel::{
    alloc::AllocError,
    prelude::*,
    str::{
        BStr,
        CString, //
    },
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::{
        claimants::{
            find,
            Claimant,
            Found,
            Identity, //
        },
        identity::Uuid,
        metadevice::{
            Component as StoredComponent,
            Kind,
            Record,
            Spared as StoredSpared, //
        },
        pool::pool_of,
        watched::RECORD as WATCHED, //
    },
    events::kind::{
        Kind as EventKind,
        State as EventState, //
    },
    geometry::stripe::{
        ComponentSpec,
        RowSpec, //
    },
    mirror::{
        passes::Event as Turn,
        side::Event as SideEvent, //
    },
    name::UnitName, //
};

use super::{
    argument::{
        bad_address,
        check_zero,
        read_array, //
    },
    components::{
        self,
        path_text,
        Components, //
    },
    database::check_empty,
    sync::give_turns, //
};
use crate::{
    abi::{
        self,
        Refusal,
        UnitKind, //
    },
    body::{
        Child,
        Shape, //
    },
    component::Component,
    condition::Condition,
    database::{
        identity_of,
        path_field,
        Candidate,
        Loaded,
        Loss, //
    },
    events::Event,
    kapi::bdev::BlockDevice,
    metadevice::Plan,
    personality::UnitSpec,
    refused::{
        text,
        Shown, //
    },
    sides::Sides,
    spare::Spared,
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_START_SET`].
pub(super) fn start(units: &Mutex<UnitTable>, request: &mut abi::StartSet) -> Result<(), Refused> {
    let loss = match request.flags {
        0 => Loss::Refused,
        abi::START_READ_ONLY => Loss::ReadOnly,
        abi::START_GIVE_UP_MISSING => Loss::GivenUp,
        abi::START_WHEN_COMPLETE => Loss::WaitForAll,
        _ => return Err(Refused::new(EINVAL, Refusal::ReservedNotZero)),
    };
    check_zero(&[request.unit_count, request.failed_count])?;
    if request.device_count > abi::DEVICES_MAX {
        let values = [request.device_count.into(), abi::DEVICES_MAX.into()];
        return Err(Refused::new(E2BIG, Refusal::BadSize).with(values));
    }
    let asked = read_array::<abi::Device>(request.devices, request.device_count);
    let asked = asked.map_err(bad_address)?;
    let mut units = units.lock();
    let database = units.database().clone();
    check_empty(&units, EBUSY)?;
    let candidates = open_candidates(&asked)?;
    let wanted = Some(Uuid::from_bytes(request.set)).filter(|set| !set.is_nil());
    let devices = Devices {
        candidates: &candidates,
        bystanders: &asked,
    };
    let is_there = |set, identity: &Identity| devices.have(set, identity);
    let loaded = database.load(&candidates, wanted, loss, &is_there)?;
    request.set = loaded.set.to_bytes();
    let maker = Maker {
        loaded: &loaded,
        devices,
        is_recorded: Cell::new(true),
    };
    // Disks are watched before anything is written to what others may have.
    let begun = maker.make_pools(&units);
    if let Err(refused) = begun.and_then(|()| maker.watch_disks(&units)) {
        // Nothing is made of it yet: the next start begins anew.
        database.unload();
        return Err(refused);
    }
    let (made, failed) = maker.make_all(&mut units)?;
    if !loaded.is_read_only {
        if !loaded.may_be_old || failed == 0 && maker.is_recorded.get() {
            database.believe()?;
        } else {
            pr_warn!("not every metadevice is in use: the next start resyncs all mirrors again\n");
        }
    }
    let after = if loaded.is_read_only {
        EventState::ReadOnly
    } else {
        EventState::Running
    };
    let event = Event::of_set(EventKind::Start).states(EventState::Stopped, after);
    let event = event.values([made.into(), failed.into()]);
    database.events().record(&event);
    give_turns(&units);
    // What is missing may have a spare.
    database.ask_spares();
    (request.unit_count, request.failed_count) = (made, failed);
    Ok(())
}

/// Whether a device is only to be looked at by who has it as a component without a label.
fn is_bystander(device: &&abi::Device) -> bool {
    device.flags & abi::DEVICE_BY_HINT != 0
}

/// Opens and claims the devices that have something of a set. One that somebody else has is none of
/// ours, or cannot be used.
fn open_candidates(asked: &[abi::Device]) -> Result<KVVec<Candidate>, Refused> {
    let mut candidates = KVVec::with_capacity(asked.len(), GFP_KERNEL)?;
    for device in asked {
        let flags = device.flags & !abi::DEVICE_BY_HINT;
        check_zero(&[flags, device.reserved])?;
        if is_bystander(&device) {
            continue;
        }
        let (unit, path) = (text(fmt!("state database"))?, path_text(&device.device)?);
        match BlockDevice::open(device.dev, unit, path) {
            Ok(opened) => {
                let opened = Arc::new(opened, GFP_KERNEL)?;
                let hints = components::identity_of(&device.hints);
                candidates.push(Candidate::new(opened, hints)?, GFP_KERNEL)?;
            }
            Err(error) => {
                let path = path_text(&device.device)?;
                pr_warn!("state database: {} cannot be used: {error:?}\n", &*path);
            }
        }
    }
    Ok(candidates)
}

/// Why a metadevice is not made now.
enum NotMade {
    /// A component of it is a metadevice that is not there (yet).
    Waits,
    /// It cannot be made.
    Refused(Refused),
}

impl From<Refused> for NotMade {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<AllocError> for NotMade {
    fn from(error: AllocError) -> Self {
        Self::Refused(error.into())
    }
}

/// What there is to make metadevices of.
struct Devices<'a> {
    candidates: &'a [Candidate],
    /// All devices that were named, of which some are not candidates.
    bystanders: &'a [abi::Device],
}

impl Devices<'_> {
    /// Which candidate a component is.
    fn candidate(&self, set: Uuid, identity: &Identity) -> Found {
        find(identity, || {
            self.candidates.iter().map(|candidate| candidate.claim(set))
        })
    }

    /// The device that has nothing of a set but data that begins where it does.
    fn bystander(&self, identity: &Identity) -> Option<&abi::Device> {
        let bystanders = || self.bystanders.iter().filter(is_bystander);
        let claims = || {
            bystanders().map(|device| {
                let hints = components::identity_of(&device.hints);
                Claimant {
                    label: None,
                    partition: hints.partition,
                    wwn: hints.wwn,
                }
            })
        };
        match find(identity, claims) {
            Found::Device(index) => bystanders().nth(index),
            Found::Ambiguous(..) | Found::Nobody => None,
        }
    }

    /// Whether a component is there.
    fn have(&self, set: Uuid, identity: &Identity) -> bool {
        match self.candidate(set, identity) {
            Found::Device(_) => true,
            Found::Ambiguous(..) => false,
            Found::Nobody => identity.uuid.is_nil() && self.bystander(identity).is_some(),
        }
    }
}

/// Makes metadevices from their records.
struct Maker<'a> {
    loaded: &'a Loaded,
    devices: Devices<'a>,
    /// Whether each of them that had to record something has.
    is_recorded: Cell<bool>,
}

impl Maker<'_> {
    /// Makes all; how many, and how many could not be made.
    fn make_all(&self, units: &mut UnitTable) -> Result<(u32, u32), Refused> {
        let database = units.database().clone();
        let mut made = 0u32;
        let mut unfinished = KVec::new();
        loop {
            let (mut progress, mut failed) = (0u32, 0u32);
            database.for_records(|number, record| {
                if pool_of(number).is_some() || number == WATCHED {
                    return Ok(());
                }
                let Ok(name) = UnitName::from_number(number) else {
                    return Err(Refused::new(EIO, Refusal::DatabaseDamaged));
                };
                let mut plans = unfinished.iter().map(|plan: &Plan| plan.body().number());
                if units.get(&name).is_ok() || plans.any(|plan| plan == number) {
                    return Ok(());
                }
                let bytes = record.map_err(NotMade::Refused);
                match bytes.and_then(|bytes| self.make(units, &mut unfinished, name, bytes)) {
                    Ok(()) => progress = progress.saturating_add(1),
                    Err(NotMade::Waits) => failed = failed.saturating_add(1),
                    Err(NotMade::Refused(refused)) => {
                        failed = failed.saturating_add(1);
                        let name = name.as_str();
                        pr_err!("{name}: cannot be made from its record: {refused:?}\n");
                    }
                }
                Ok(())
            })?;
            made = made.saturating_add(progress);
            if !unfinished.is_empty() && (progress == 0 || failed == 0) {
                soft::finish(units, core::mem::take(&mut unfinished))?;
            } else if progress == 0 || failed == 0 {
                return Ok((made, failed));
            }
        }
    }

    /// Makes one, or puts it with those whose change is still to be brought to its end.
    fn make(
        &self,
        units: &mut UnitTable,
        unfinished: &mut KVec<Plan>,
        name: UnitName,
        bytes: &[u8],
    ) -> Result<(), NotMade> {
        let damaged = Refused::new(EIO, Refusal::DatabaseDamaged);
        let record = Record::decode(bytes).map_err(|damage| {
            pr_err!("{}: its record is damaged: {damage:?}\n", name.as_str());
            damaged
        })?;
        if record.head.number != name.number() {
            return Err(damaged
                .with([name.number().into(), record.head.number.into()])
                .into());
        }
        let plan = self.plan(units, unfinished, name, &record)?;
        if plan.sectors() != record.head.size_sectors {
            let values = [name.number().into(), plan.sectors()];
            return Err(damaged.with(values).into());
        }
        let body = plan.body().clone();
        body.set_pool(record.head.pool);
        load_map(body.shape(), &record, self.loaded);
        units.database().insert_loaded(name.number(), &body)?;
        let is_pending = soft::is_pending(&body) && !self.loaded.is_read_only;
        if is_pending {
            unfinished.push(plan, GFP_KERNEL)?;
            return Ok(());
        }
        let is_read_only = self.loaded.is_read_only;
        let settled = settle(&body, self.loaded) && raid::settle(&body, self.loaded);
        let metadevice = plan.carry_out()?;
        self.is_recorded.set(self.is_recorded.get() && settled);
        if is_read_only || !settled {
            metadevice.make_read_only();
        }
        units.add(metadevice)?;
        units.get(&name)?.ask_upkeep();
        Ok(())
    }

    /// Plans one. Apart from who carries it out: what is on the stack here would be below a commit.
    #[inline(never)]
    fn plan(
        &self,
        units: &UnitTable,
        unfinished: &[Plan],
        name: UnitName,
        record: &Record<'_>,
    ) -> Result<Plan, NotMade> {
        match record.head.kind {
            Kind::Stripe => self.plan_stripe(units, name, record),
            Kind::Soft => self.plan_soft(units, unfinished, name, record),
            Kind::Raid => self.plan_raid(units, name, record),
            Kind::Mirror(options) => {
                let (components, sizes) = sides_of(units, name, record)?;
                let spec = UnitSpec::Mirror {
                    sides: &sizes,
                    options,
                    region_shift: record.head.sync.region_shift,
                };
                let kind = UnitKind::Mirror as u32;
                Ok(Plan::new(name, kind, &spec, components, units.database())?)
            }
        }
    }

    fn plan_stripe(
        &self,
        units: &UnitTable,
        name: UnitName,
        record: &Record<'_>,
    ) -> Result<Plan, NotMade> {
        let mut rows = KVVec::new();
        for row in record.rows() {
            let spec = RowSpec {
                interlace_sectors: row.interlace_sectors,
                component_count: row.component_count,
            };
            rows.push(spec, GFP_KERNEL)?;
        }
        let (mut components, mut specs): (Components, _) = (KVec::new(), KVVec::new());
        for (index, stored) in (0..).zip(record.components()) {
            let mut spared = record.spared();
            let spared = spared.find(|spared| spared.component == index);
            let component = self.component(units, &name, &stored, spared)?;
            let spec = ComponentSpec {
                capacity_sectors: stored.start_sector.saturating_add(stored.size_sectors),
                start_sectors: Some(stored.start_sector),
                block_sectors: component.device.logical_block_bytes() >> 9,
            };
            specs.push(spec, GFP_KERNEL)?;
            components.push(Arc::new(component, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        let spec = UnitSpec::Stripe {
            rows: &rows,
            components: &specs,
        };
        let kind = UnitKind::Stripe as u32;
        Ok(Plan::new(name, kind, &spec, components, units.database())?)
    }

    /// The device of a component, open and claimed.
    fn device(
        &self,
        name: &CStr,
        identity: &Identity,
    ) -> Result<Option<Arc<BlockDevice>>, NotMade> {
        let candidates = self.devices.candidates;
        let path = |index: usize| {
            let candidate = candidates.get(index);
            candidate.map(|candidate| candidate.device.health().path())
        };
        match self.devices.candidate(self.loaded.set, identity) {
            Found::Device(index) => {
                let Some(candidate) = candidates.get(index) else {
                    return Ok(None);
                };
                let unit = text(fmt!("{name}"))?;
                candidate.device.health().adopt(unit).map_err(no_memory)?;
                Ok(Some(candidate.device.clone()))
            }
            Found::Ambiguous(one, other) => {
                if let (Some(one), Some(other)) = (path(one), path(other)) {
                    let component = called(identity)?;
                    pr_err!(
                        "{name}: {one} and {other} both say that they are component {}, and \
                         neither is on the disk where it was: take the copy away, then 'mdctl \
                         stop' and 'mdctl start'\n",
                        &*component
                    );
                }
                Ok(None)
            }
            Found::Nobody if identity.uuid.is_nil() => self.bystander(name, identity),
            Found::Nobody => Ok(None),
        }
    }

    /// The same, of a component without a label, which is not open yet.
    fn bystander(
        &self,
        name: &CStr,
        identity: &Identity,
    ) -> Result<Option<Arc<BlockDevice>>, NotMade> {
        let Some(found) = self.devices.bystander(identity) else {
            return Ok(None);
        };
        let (unit, path) = (text(fmt!("{name}"))?, path_text(&found.device)?);
        match BlockDevice::open(found.dev, unit, path) {
            Ok(device) => Ok(Some(Arc::new(device, GFP_KERNEL)?)),
            Err(error) => {
                let path = path_text(&found.device)?;
                pr_err!("{name}: {} cannot be used: {error:?}\n", &*path);
                Ok(None)
            }
        }
    }

    fn component(
        &self,
        units: &UnitTable,
        name: &UnitName,
        stored: &StoredComponent,
        spared: Option<StoredSpared>,
    ) -> Result<Component, NotMade> {
        if let Some(number) = stored.unit {
            return child(units, name, number, name.number());
        }
        let identity = identity_of(stored);
        let spared = match spared {
            Some(stored) => self.spared(units, &identity, &stored)?,
            None => None,
        };
        let own = text(fmt!("{}", name.as_str()))?;
        let standing = match &spared {
            Some((Spared::StandsFor(_, spare), _)) => Some(spare.device.clone()),
            _ => None,
        };
        let found = match standing {
            Some(device) => {
                let unit = text(fmt!("{}", name.as_str()))?;
                device.health().adopt(unit).map_err(no_memory)?;
                Some(device)
            }
            None => self.device(&own, &identity)?,
        };
        let device = match found {
            Some(device) => device,
            None => absent(&own, &identity)?,
        };
        let path = match &spared {
            Some((Spared::StandsFor(..), path)) => *path,
            _ => path_field(device.health().path()),
        };
        let condition = Condition::new();
        condition.decide(stored.state);
        condition.take_effect();
        Ok(Component {
            child: None,
            condition,
            spared: spared.map(|(spared, _)| spared),
            dev: device.user_dev(),
            path,
            device,
            identity,
        })
    }
}

/// Stands for a device that was not found.
fn absent(name: &CStr, identity: &Identity) -> Result<Arc<BlockDevice>, Refused> {
    let called = called(identity)?;
    pr_err!("{name}: component {} was not found\n", &*called);
    let (unit, path) = (text(fmt!("{name}"))?, text(fmt!("missing {}", &*called))?);
    let absent = BlockDevice::absent(unit, path);
    let absent = absent.map_err(|error| Refused::new(error, Refusal::ComponentNotFound))?;
    Ok(Arc::new(absent, GFP_KERNEL)?)
}

/// What a component is called of which there is no device.
fn called(identity: &Identity) -> Result<CString, Refused> {
    let length = identity.wwn.iter().position(|byte| *byte == 0);
    let wwn = identity.wwn.get(..length.unwrap_or(0)).unwrap_or(&[]);
    if !identity.uuid.is_nil() {
        text(fmt!("{}", Shown(identity.uuid)))
    } else if !identity.partition.is_nil() {
        text(fmt!("PARTUUID={}", Shown(identity.partition)))
    } else {
        text(fmt!("{}", BStr::from_bytes(wwn)))
    }
}

/// The sides of a mirror, and their sizes.
fn sides_of(
    units: &UnitTable,
    name: UnitName,
    record: &Record<'_>,
) -> Result<(Components, KVec<u64>), NotMade> {
    let (mut components, mut sizes): (Components, _) = (KVec::new(), KVec::new());
    for side in record.sides() {
        let component = child(units, &name, side.number, name.number())?;
        let shape = component.child.as_ref().map(|child| child.body().shape());
        sizes.push(shape.map_or(0, |shape| shape.unit().sectors()), GFP_KERNEL)?;
        components.push(Arc::new(component, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    Ok((components, sizes))
}

/// A metadevice as a component of the one with number `parent`.
fn child(
    units: &UnitTable,
    name: &UnitName,
    number: u32,
    parent: u32,
) -> Result<Component, NotMade> {
    let own = UnitName::from_number(number).map_err(|_| NotMade::Waits)?;
    let Ok(metadevice) = units.get(&own) else {
        return Err(NotMade::Waits);
    };
    let (unit, path) = (
        text(fmt!("{}", name.as_str()))?,
        text(fmt!("/dev/md/dsk/{}", own.as_str()))?,
    );
    let field = path_field(&path);
    let device = BlockDevice::open(metadevice.user_dev(), unit, path).map_err(no_memory)?;
    Ok(Component {
        child: Some(Child::new(metadevice, parent)?),
        condition: Condition::new(),
        spared: None,
        dev: device.user_dev(),
        device: Arc::new(device, GFP_KERNEL)?,
        identity: Identity::default(),
        path: field,
    })
}

/// What a mirror remembers of its regions and sides. Where it was being written to when it was
/// left, its sides may differ; everywhere, if that is not remembered, or may have been another
/// place (`DURABILITY.md` clause 12). A side that was offline is back, and lacks what was written
/// meanwhile (`svm.md` section 4.2).
fn load_map(shape: &Shape, record: &Record<'_>, loaded: &Loaded) {
    let Some(mirror) = shape.unit().mirrored() else {
        return;
    };
    let map = mirror.map();
    map.track();
    map.forget_untracked();
    for (word, bits) in record.words(0).enumerate() {
        map.load_dirty(word, bits);
    }
    let is_unknown = record.head.sync.region_shift == 0 || loaded.may_be_old;
    if is_unknown && shape.components().len() > 1 {
        map.load_unknown();
    }
    if let Some(history) = record.history() {
        map.change_history(|kept| *kept = history);
    }
    map.begin_anew();
    for (side, stored) in (0..).zip(record.sides()) {
        let words = record.words((side as usize).saturating_add(1));
        for (word, bits) in words.enumerate() {
            map.load_behind(side, word, bits);
        }
        map.set_side_state(side, stored.state);
        map.step_side(side, SideEvent::Started);
    }
    // A mirror with pass 0 is not resynced after a crash (`svm.md` section 4.6).
    if mirror.options().pass != 0 && shape.components().len() > 1 {
        map.doubt_dirty();
    }
    map.set_cancelled(record.head.sync.is_cancelled);
    if loaded.is_read_only {
        map.freeze();
    }
    map.begin_resync();
    if map.remaining() > 0 || map.is_unfinished() {
        map.step_hold(Turn::Started(mirror.options().pass));
    }
}

/// Finds out what the sides of a mirror are good for, before anybody uses it. What is missing has
/// not failed for that: it is out of service when a write misses it (`svm.md` section 4.7). Whether
/// what was found is recorded, if it has to be.
fn settle(body: &crate::body::Body, loaded: &Loaded) -> bool {
    let shape = body.shape();
    let Some(mirror) = shape.unit().mirrored() else {
        return true;
    };
    let sides = Sides::of(shape);
    let changed = mirror.settle(&sides);
    let is_recorded = if loaded.is_read_only {
        !changed
    } else if loaded.may_be_old {
        // The next start finds all replicas that there are, and takes the map for the newest one.
        sides.record_with(Some(body.number()))
    } else {
        !changed || sides.record()
    };
    mirror.take_effect(&sides, is_recorded);
    is_recorded
}

fn no_memory(error: Error) -> NotMade {
    NotMade::Refused(Refused::new(error, Refusal::ComponentNotFound))
}
