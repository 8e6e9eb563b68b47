// SPDX-License-Identifier: GPL-2.0
//! The ioctls of `/dev/md/admin`. The rules are in [`crate::abi`]; one file for each group.
//!
//! They are carried out one at a time: a mutex holds the unit table from the check of a request to
//! its end (SVM did the same, `svm.md` section 1.2).

mod argument;
mod components;
mod create;
mod database;
mod events;
mod grow;
mod grow_mirror;
mod lend;
mod options;
mod pools;
mod raid;
mod rename;
mod replace;
mod report;
mod returning;
mod scrub;
mod sides;
mod soft;
mod start;
mod sync;
mod takeover;

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    uaccess::UserPtr, //
};
use md_model::{
    events::kind::Kind,
    limits,
    name::UnitName, //
};

use crate::{
    abi::{
        self,
        ComponentState,
        Refusal, //
    },
    body::Shape,
    component::Component,
    database::Database,
    events::{
        Event,
        Events, //
    },
    fencing::Telling,
    kapi::{
        bdev::BlockDevice,
        chardev::Ioctl,
        leaving::{
            Departure,
            Leave, //
        },
        module::caller_is_admin,
        noio::NoIo,
        worker::Worker, //
    },
    multihost,
    soft::check::Checker,
    sync::upkeep::Kept,
    unit_table::UnitTable,
    Refused, //
};

pub(crate) use self::takeover::Takeover;

// The interface and the model name the same limits.
const _: () = assert!(abi::ROWS_MAX == limits::ROWS_MAX);
const _: () = assert!(abi::COMPONENTS_MAX == limits::COMPONENTS_MAX);
const _: () = assert!(abi::UNITS_MAX == limits::UNITS_MAX);
const _: () = assert!(abi::SUBMIRRORS_MAX == limits::SUBMIRRORS_MAX);
const _: () = assert!(abi::PASS_MAX == limits::PASS_MAX);
const _: () = assert!(abi::NAME_LEN == limits::NAME_BYTES);
const _: () = assert!(abi::POOLS_MAX == limits::POOLS_MAX);
const _: () = assert!(abi::SPARES_MAX == limits::SPARES_MAX);
const _: () = assert!(abi::EXTENTS_MAX == limits::EXTENTS_MAX);

/// The version of the modules, as text.
const MODULE_VERSION: &str = concat!("0.1.0 core ", env!("MD_CORE_ID"));

/// What the admin device does.
#[pin_data(PinnedDrop)]
pub(crate) struct Admin {
    // Dropped first: it waits for who is looking at metadevices.
    checker: Arc<Worker<Checker>>,
    units: Units,
    database: Arc<Database>,
    _telling: Telling,
    events: Arc<Events>,
}

/// All metadevices, with their lock.
type Units = Arc<Mutex<UnitTable>>;

impl Admin {
    /// No metadevices yet.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            events: Events::new()?,
            _telling: Telling::new(events.clone())?,
            database: Database::new(events.clone())?,
            units: no_units(database.clone())?,
            checker: Arc::pin_init(
                Worker::new(c"md_watermarks", Ok(Checker::new(units.clone()))),
                GFP_KERNEL,
            )?,
        }? Error)
    }
}

/// No metadevices, and somebody who gives hot spares to those that there will be.
fn no_units(database: Arc<Database>) -> Result<Units> {
    let table = UnitTable::new(database.clone());
    let units = Arc::pin_init(new_mutex!(table, "md_units"), GFP_KERNEL)?;
    let takeover = Takeover::new(units.clone());
    let worker = Arc::pin_init(Worker::new(c"md_spares", Ok(takeover)), GFP_KERNEL)?;
    database.set_spare_worker(Some(worker));
    Ok(units)
}

#[pinned_drop]
impl PinnedDrop for Admin {
    fn drop(self: Pin<&mut Self>) {
        let database = self.units.lock().database().clone();
        // It refers to the metadevices, and may need their lock to come to an end.
        drop(database.set_spare_worker(None));
        let units = self.units.lock();
        units.iter().for_each(|unit| unit.end_upkeep());
        units.database().settle();
        // The workers of its replicas refer to it.
        units.database().unload();
    }
}

impl Leave for Admin {
    /// Mirrors are clean then (`DURABILITY.md` clause 23). If a command is under way just now that
    /// does not end, they stay dirty: that costs a resync, and to wait might cost the reboot.
    fn leave(&self, departure: Departure) {
        let Some(units) = self.units.try_lock() else {
            pr_warn!("a command is under way: mirrors are left as they are\n");
            return;
        };
        for unit in units.iter() {
            if departure == Departure::ForGood {
                unit.interrupt_scrub();
            }
            unit.leave_clean();
        }
        units.database().settle();
    }
}

impl Ioctl for Admin {
    fn ioctl(&self, command: u32, at: UserPtr) -> Result {
        if !caller_is_admin() {
            return Err(EPERM);
        }
        // Locks are held here that requests wait for, when a region is to be written to first.
        let _noio = NoIo::begin();
        let command = argument::Command::decode(command)?;
        match command.number {
            abi::IOC_VERSION => command.run(at, version),
            abi::IOC_CREATE => command.run(at, |create| create::create(&self.units, create)),
            abi::IOC_CLEAR => command.run(at, |clear| self.clear(clear)),
            abi::IOC_LIST => command.run(at, |list| report::list(&self.units, list)),
            abi::IOC_STATUS => command.run(at, |status| report::status(&self.units, status)),
            abi::IOC_PROBE => command.run(at, |probe| self.probe(probe)),
            abi::IOC_SET_OPTIONS => command.run(at, |set| options::set(&self.units, set)),
            abi::IOC_GROW => command.run(at, |grow| grow::grow(&self.units, grow)),
            abi::IOC_GROW_MIRROR => {
                command.run(at, |grow| grow_mirror::grow_mirror(&self.units, grow))
            }
            abi::IOC_ATTACH => command.run(at, |attach| sides::attach(&self.units, attach)),
            abi::IOC_CHANGE_SIDE => command.run(at, |change| sides::change(&self.units, change)),
            abi::IOC_REPLACE => command.run(at, |asked| replace::replace(&self.units, asked)),
            abi::IOC_SYNC => command.run(at, |sync| sync::sync(&self.units, sync)),
            abi::IOC_LIST_POOLS => command.run(at, |list| pools::list(&self.units, list)),
            abi::IOC_CHANGE_POOL => command.run(at, |change| pools::change(&self.units, change)),
            abi::IOC_SET_POOL => command.run(at, |set| pools::set(&self.units, set)),
            abi::IOC_SCRUB => command.run(at, |asked| scrub::scrub(&self.units, asked)),
            abi::IOC_SCRUB_STATUS => command.run(at, |asked| scrub::status(&self.units, asked)),
            abi::IOC_LIST_LOST => command.run(at, |list| raid::list_lost(&self.units, list)),
            abi::IOC_RENAME => command.run(at, |asked| rename::rename(&self.units, asked)),
            abi::IOC_READ_EVENTS => command.run(at, |read| events::read(&self.events, read)),
            abi::IOC_CREATE_SOFT => command.run(at, |asked| soft::create(&self.units, asked)),
            abi::IOC_CHANGE_SOFT => command.run(at, |asked| soft::change(&self.units, asked)),
            abi::IOC_SOFT_STATUS => command.run(at, |asked| soft::status(&self.units, asked)),
            abi::IOC_MOVE_SOFT => command.run(at, |asked| soft::relocate(&self.units, asked)),
            abi::IOC_MEND_SOFT => command.run(at, |asked| soft::mend(&self.units, asked)),
            // Without the lock of the unit table: a disk may take minutes to answer.
            abi::IOC_MULTIHOST => command.run(at, |asked| {
                multihost::carry_out((&self.database, &self.units), asked)
            }),
            abi::IOC_ADD_REPLICAS => command.run(at, |add| database::add(&self.units, add)),
            abi::IOC_DELETE_REPLICAS => {
                command.run(at, |delete| database::delete(&self.units, delete))
            }
            abi::IOC_LIST_REPLICAS => command.run(at, |list| database::list(&self.units, list)),
            abi::IOC_START_SET => {
                let started = command.run(at, |start| start::start(&self.units, start));
                self.checker.kick();
                started
            }
            abi::IOC_STOP_SET => command.run(at, |stop| database::stop(&self.units, stop)),
            _ => Err(ENOTTY),
        }
    }
}

impl Admin {
    fn clear(&self, clear: &mut abi::Clear) -> Result<(), Refused> {
        argument::check_zero(&[clear.flags & !abi::CLEAR_FORCE, clear.reserved])?;
        let name = argument::unit_name(&clear.name)?;
        // Dropped with the lock held: a metadevice of the same name cannot be made before the disk
        // of the old one is gone.
        let mut units = self.units.lock();
        let force = clear.flags & abi::CLEAR_FORCE != 0;
        let body = match units.get(&name) {
            Ok(metadevice) => metadevice.body().clone(),
            Err(refused) => return forget_record(units.database(), &name, force, refused),
        };
        body.check_no_parent()?;
        if body.shape().unit().soft().is_some() {
            soft::clear(&mut units, &name, force)?;
            let event = Event::of_unit(Kind::Delete, name.number());
            units.database().events().record(&event);
            return Ok(());
        }
        if !force {
            check_healthy(body.shape())?;
        }
        body.close()?;
        let database = units.database().clone();
        units.get(&name)?.end_upkeep();
        if let Err(refused) = database.remove_unit(name.number()) {
            units.get(&name)?.resume_upkeep();
            body.reopen();
            return Err(refused);
        }
        database.unlabel_components(body.shape());
        takeover::release_all(&body);
        let offline = sides::offline_sides(&body);
        drop(units.take(&name)?);
        for side in &offline {
            units.get(side)?.make_writable();
        }
        database
            .events()
            .record(&Event::of_unit(Kind::Delete, name.number()));
        database.ask_spares();
        Ok(())
    }

    fn probe(&self, probe: &mut abi::Probe) -> Result<(), Refused> {
        argument::check_zero(&[probe.flags, probe.failed_count])?;
        let name = argument::unit_name(&probe.name)?;
        // A device that does not answer may take minutes to say so, and nobody else shall wait.
        let leaves = self.units.lock().get(&name)?.body().leaves()?;
        let mut dead = KVec::with_capacity(leaves.len(), GFP_KERNEL)?;
        for (device, sector) in &leaves {
            let is_gone = device.health().is_gone();
            if is_gone || device.probe(*sector).is_err() {
                probe.failed_count = probe.failed_count.saturating_add(1);
                // A block may be lost on a device that works.
                if is_gone || device.probe_end().is_err() {
                    dead.push(device.clone(), GFP_KERNEL)?;
                }
            }
        }
        if !dead.is_empty() {
            judge_dead(&self.units.lock(), &dead);
        }
        Ok(())
    }
}

/// Clears a metadevice that is on record, and could not be made, if somebody insists. Of any other
/// that is not there it is `refused`.
fn forget_record(
    database: &Database,
    name: &UnitName,
    is_forced: bool,
    refused: Refused,
) -> Result<(), Refused> {
    match database.check_unrecorded(name.number()) {
        Ok(()) => Err(refused),
        Err(_) if is_forced => {
            database.remove_unit(name.number())?;
            let event = Event::of_unit(Kind::Delete, name.number());
            database.events().record(&event);
            Ok(())
        }
        Err(unrecorded) => Err(unrecorded),
    }
}

/// Components of mirrors and RAID5 whose devices do not answer are out of service, as if a write to
/// them had failed; those of one that nobody has open may be there again before somebody does
/// (`svm.md` section 4.7).
fn judge_dead(units: &UnitTable, dead: &[Arc<BlockDevice>]) {
    for unit in units.iter().filter(|unit| unit.body().open_count() > 0) {
        let is_dead = |part: &&Component| dead.iter().any(|dead| Arc::ptr_eq(dead, &part.device));
        crate::raid::judge_dead(unit.body(), |part| is_dead(&part));
        let Some(kept) = Kept::of(unit.body()) else {
            continue;
        };
        let mut found = false;
        for side in 0..kept.sides().count() {
            // What is not there has not failed: see `returning`.
            let parts = kept.sides().components(side);
            for part in parts.filter(|part| is_dead(part) && !part.is_gone()) {
                part.condition.note_write_failed();
                found = true;
            }
        }
        if found {
            kept.judge();
        }
    }
}

/// Refuses a mirror that somebody should have a look at first: which side has the data is known
/// only as long as it exists (`svm.md` section 4.9).
fn check_healthy(shape: &Shape) -> Result<(), Refused> {
    if shape.unit().mirrored().is_none() {
        return Ok(());
    }
    let sides = (0..).zip(shape.components());
    let mut states = sides.map(|(index, side)| (index, shape.state_of(index, side)));
    match states
        .find(|(_, state)| !matches!(state, ComponentState::Okay | ComponentState::Unavailable))
    {
        Some((side, _)) => Err(Refused::new(EBUSY, Refusal::SubmirrorErred).at(side)),
        None => Ok(()),
    }
}

fn version(version: &mut abi::Version) -> Result<(), Refused> {
    argument::check_zero(&version.module_version)?;
    argument::write_text(&mut version.module_version, MODULE_VERSION);
    Ok(())
}
