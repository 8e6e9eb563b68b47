// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools: which there are, and changing them (`svm.md` section 7). They belong to the
//! state database: without one a takeover would be forgotten, and the old disk be read again.

use kernel::{
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::Kind,
    limits::{
        POOLS_MAX,
        RESERVED_HEAD_SECTORS,
        SPARES_MAX, //
    },
    spare::{
        choose::room,
        state::{
            Event,
            State, //
        }, //
    }, //
};

use super::{
    argument::{
        bad_address,
        check_capacity,
        check_zero,
        count,
        read_array,
        unit_name,
        write_array, //
    },
    components::{
        identity_of,
        open_claimed, //
    }, //
};
use crate::{
    abi::{
        self,
        Refusal,
        SpareState, //
    },
    body::{
        Body,
        Shape, //
    },
    database::{
        Database,
        OnRecord,
        Written, //
    },
    events::Event as Told,
    kapi::errno::eopnotsupp,
    refused::text,
    spare::{
        Pool,
        Spare, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Spares of a pool.
type Spares = KVec<Arc<Spare>>;

/// Carries out [`abi::IOC_LIST_POOLS`].
pub(super) fn list(units: &Mutex<UnitTable>, request: &mut abi::ListPools) -> Result<(), Refused> {
    check_zero(&[request.pool_count, request.spare_count])?;
    let units = units.lock();
    let (mut pools, mut spares) = (KVec::new(), KVVec::new());
    for pool in units.database().pools() {
        let users = units
            .iter()
            .filter(|unit| unit.body().pool() == Some(pool.number));
        let status = abi::PoolStatus {
            number: pool.number,
            spare_count: count(&pool.spares),
            user_count: u32::try_from(users.count()).unwrap_or(u32::MAX),
            reserved: 0,
        };
        pools.push(status, GFP_KERNEL)?;
        for spare in &pool.spares {
            spares.push(describe(&units, pool.number, spare), GFP_KERNEL)?;
        }
    }
    check_capacity(request.pool_capacity, pools.len())?;
    check_capacity(request.spare_capacity, spares.len())?;
    write_array(request.pools, pools.iter().copied()).map_err(bad_address)?;
    write_array(request.spares, spares.iter().copied()).map_err(bad_address)?;
    request.pool_count = count(&pools);
    request.spare_count = count(&spares);
    Ok(())
}

fn describe(units: &UnitTable, pool: u32, spare: &Arc<Spare>) -> abi::SpareStatus {
    let (unit, component) = user_of(units, spare).unwrap_or((abi::NO_PARENT, 0));
    let state = match spare.state() {
        State::Available => SpareState::Available,
        State::InUse => SpareState::InUse,
        State::Broken => SpareState::Broken,
    };
    abi::SpareStatus {
        dev: spare.dev,
        size_sectors: room(spare.device.sectors()),
        event_seconds: spare.changed_at(),
        pool,
        state: state as u32,
        unit,
        component,
        device: spare.path,
    }
}

/// The metadevice and component that have a spare.
fn user_of(units: &UnitTable, spare: &Arc<Spare>) -> Option<(u32, u32)> {
    units.iter().find_map(|unit| {
        let body = unit.body();
        let mut components = (0..).zip(body.shape().components());
        let found = components.find(|(_, component)| {
            let own = component.spare();
            own.is_some_and(|own| Arc::ptr_eq(own, spare))
        });
        found.map(|(index, _)| (body.number(), index))
    })
}

/// Carries out [`abi::IOC_CHANGE_POOL`].
pub(super) fn change(
    units: &Mutex<UnitTable>,
    request: &mut abi::ChangePool,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::CREATE_CHECK_ONLY])?;
    check_request(request)?;
    let asked = read_array::<abi::Device>(request.devices, request.device_count);
    let asked = asked.map_err(bad_address)?;
    let units = units.lock();
    let database = units.database().clone();
    if !database.is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    let change = Change {
        units: &units,
        database: &database,
        number: request.pool,
        asked: &asked,
        is_check: request.flags & abi::CREATE_CHECK_ONLY != 0,
    };
    match request.action {
        abi::POOL_CREATE => change.create(),
        abi::POOL_DELETE => change.delete(),
        abi::POOL_ADD => change.add(),
        abi::POOL_REMOVE => change.remove(),
        abi::POOL_REPLACE => change.replace(),
        _ => change.enable(),
    }?;
    if !change.is_check {
        change.tell(request.action);
        // There may be somebody who waits for a spare.
        database.ask_spares();
    }
    Ok(())
}

/// Whether the request is one that there can be.
fn check_request(request: &abi::ChangePool) -> Result<(), Refused> {
    let devices = request.device_count;
    let is_known = match request.action {
        abi::POOL_CREATE => true,
        abi::POOL_DELETE => devices == 0,
        abi::POOL_ADD | abi::POOL_REMOVE => devices > 0,
        abi::POOL_REPLACE => devices == 2,
        abi::POOL_ENABLE => devices == 1,
        _ => false,
    };
    if !is_known {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    let is_any = request.action == abi::POOL_ENABLE && request.pool == abi::ALL_POOLS;
    if request.pool >= POOLS_MAX && !is_any {
        return Err(Refused::new(EINVAL, Refusal::BadName));
    }
    check_count(devices as usize)
}

/// A change of a pool.
struct Change<'a> {
    units: &'a UnitTable,
    database: &'a Arc<Database>,
    number: u32,
    asked: &'a [abi::Device],
    is_check: bool,
}

impl Change<'_> {
    /// The pool as it is.
    fn pool(&self) -> Result<Arc<Pool>, Refused> {
        let values = [self.number.into(), 0];
        let none = Refused::new(ENXIO, Refusal::NoSuchPool).with(values);
        self.database.pool(self.number).ok_or(none)
    }

    /// Tells what was done.
    fn tell(&self, action: u32) {
        let tell = |event: &Told<'_>| self.database.events().record(event);
        let of_pool = |kind| Told::of_pool(kind, self.number);
        match action {
            abi::POOL_CREATE => tell(&of_pool(Kind::Create)),
            abi::POOL_DELETE => tell(&of_pool(Kind::Delete)),
            _ => {}
        }
        for (index, asked) in self.asked.iter().enumerate() {
            let kind = match action {
                abi::POOL_REMOVE => Kind::Remove,
                abi::POOL_REPLACE if index == 0 => Kind::Remove,
                abi::POOL_ENABLE => {
                    let event = Told::of_set(Kind::HotspareChanged).device(&asked.device);
                    tell(&event.states(State::Broken, State::Available));
                    continue;
                }
                _ => Kind::Add,
            };
            tell(&of_pool(kind).device(&asked.device));
        }
    }

    fn create(&self) -> Result<(), Refused> {
        if self.database.pool(self.number).is_some() {
            let values = [self.number.into(), 0];
            return Err(Refused::new(EEXIST, Refusal::PoolExists).with(values));
        }
        let mut spares = Spares::new();
        self.open_all(&mut spares)?;
        self.put(spares)
    }

    fn add(&self) -> Result<(), Refused> {
        let mut spares = copy_of(&self.pool()?.spares)?;
        self.open_all(&mut spares)?;
        check_count(spares.len())?;
        self.put(spares)
    }

    fn delete(&self) -> Result<(), Refused> {
        let pool = self.pool()?;
        if !pool.spares.is_empty() {
            let values = [self.number.into(), pool.spares.len() as u64];
            return Err(Refused::new(EBUSY, Refusal::PoolNotEmpty).with(values));
        }
        let mut users = self.units.iter();
        let user = users.find(|unit| unit.body().pool() == Some(self.number));
        if let Some(user) = user {
            let values = [self.number.into(), user.name().number().into()];
            return Err(Refused::new(EBUSY, Refusal::PoolHasUsers).with(values));
        }
        if self.is_check {
            return Ok(());
        }
        self.database.remove_pool(self.number)
    }

    fn remove(&self) -> Result<(), Refused> {
        let pool = self.pool()?;
        let mut gone = Spares::new();
        for (index, asked) in (0..).zip(self.asked) {
            let spare = self.find(&pool.spares, asked);
            let spare = spare.map_err(|why| why.at(index))?;
            self.check_unused(&spare).map_err(|why| why.at(index))?;
            gone.push(spare, GFP_KERNEL)?;
        }
        let mut kept = Spares::new();
        for spare in &pool.spares {
            if !gone.iter().any(|gone| Arc::ptr_eq(gone, spare)) {
                kept.push(spare.clone(), GFP_KERNEL)?;
            }
        }
        self.put(kept)?;
        self.forget(&gone);
        Ok(())
    }

    fn replace(&self) -> Result<(), Refused> {
        let pool = self.pool()?;
        let (Some(old), Some(new)) = (self.asked.first(), self.asked.get(1)) else {
            return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
        };
        let old = self.find(&pool.spares, old).map_err(|why| why.at(0))?;
        self.check_unused(&old).map_err(|why| why.at(0))?;
        let new = self
            .open(new, &pool.spares, OnRecord::Nothing)
            .map_err(|why| why.at(1))?;
        let mut spares = Spares::new();
        for spare in &pool.spares {
            let spare = if Arc::ptr_eq(spare, &old) {
                &new
            } else {
                spare
            };
            spares.push(spare.clone(), GFP_KERNEL)?;
        }
        self.put(spares)?;
        let mut gone = Spares::new();
        gone.push(old, GFP_KERNEL)?;
        self.forget(&gone);
        Ok(())
    }

    fn enable(&self) -> Result<(), Refused> {
        let Some(asked) = self.asked.first() else {
            return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
        };
        let spare = if self.number == abi::ALL_POOLS {
            let mut pools = self.database.pools();
            let found = pools.find_map(|pool| self.find(&pool.spares, asked).ok());
            found.ok_or_else(|| self.no_such_spare().at(0))?
        } else {
            let found = self.find(&self.pool()?.spares, asked);
            found.map_err(|why| why.at(0))?
        };
        if spare.state() != State::Broken {
            return Err(Refused::new(EBUSY, Refusal::SpareNotBroken).at(0));
        }
        if let Some((unit, component)) = user_of(self.units, &spare) {
            let values = [unit.into(), component.into()];
            return Err(Refused::new(EBUSY, Refusal::SpareInUse).with(values).at(0));
        }
        if self.is_check {
            return Ok(());
        }
        if spare.device.health().is_gone() {
            return self.enable_anew(&spare, asked);
        }
        self.database.label_spare(&spare).map_err(|why| why.at(0))?;
        spare.step(Event::Enabled);
        if let Err(refused) = self.database.record_spare(&spare) {
            spare.step(Event::Failed);
            return Err(refused);
        }
        Ok(())
    }

    /// A spare whose device was away: the one with that path now takes its place in all pools.
    fn enable_anew(&self, old: &Arc<Spare>, asked: &abi::Device) -> Result<(), Refused> {
        let on_record = OnRecord::Spare(old.identity.uuid);
        let new = self.open(asked, &[], on_record);
        let new = new.map_err(|why| why.at(0))?;
        let mut labels = Written::new();
        let labelled = self.database.label_new_spare(&new, &mut labels);
        labelled.map_err(|why| why.at(0))?;
        for pool in self.database.pools().filter(|pool| pool.has(old)) {
            let mut spares = Spares::new();
            for spare in &pool.spares {
                let spare = if Arc::ptr_eq(spare, old) { &new } else { spare };
                spares.push(spare.clone(), GFP_KERNEL)?;
            }
            let number = pool.number;
            let pool = Arc::new(Pool { number, spares }, GFP_KERNEL)?;
            self.database.put_pool(&pool)?;
        }
        labels.keep();
        Ok(())
    }

    /// The spare that is meant.
    fn find(&self, spares: &[Arc<Spare>], asked: &abi::Device) -> Result<Arc<Spare>, Refused> {
        let by_path = || spares.iter().find(|spare| spare.path == asked.device);
        let by_number = spares
            .iter()
            .find(|spare| spare.is_called(asked.dev, &asked.device));
        let found = by_path().or(by_number);
        found.cloned().ok_or_else(|| self.no_such_spare())
    }

    fn no_such_spare(&self) -> Refused {
        Refused::new(ENXIO, Refusal::NoSuchSpare).with([self.number.into(), 0])
    }

    /// Refuses a spare that a metadevice has.
    fn check_unused(&self, spare: &Arc<Spare>) -> Result<(), Refused> {
        match user_of(self.units, spare) {
            Some((unit, component)) => {
                let values = [unit.into(), component.into()];
                Err(Refused::new(EBUSY, Refusal::SpareInUse).with(values))
            }
            None => Ok(()),
        }
    }

    /// Opens all devices, and puts them behind these spares.
    fn open_all(&self, spares: &mut Spares) -> Result<(), Refused> {
        for (index, asked) in (0..).zip(self.asked) {
            let spare = self
                .open(asked, spares, OnRecord::Nothing)
                .map_err(|why| why.at(index))?;
            spares.push(spare, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// The spare that a device is, beside these: one that another pool has is shared.
    fn open(
        &self,
        asked: &abi::Device,
        others: &[Arc<Spare>],
        on_record: OnRecord,
    ) -> Result<Arc<Spare>, Refused> {
        check_zero(&[asked.flags, asked.reserved])?;
        if others
            .iter()
            .any(|other| other.is_called(asked.dev, &asked.device))
        {
            let values = [self.number.into(), 0];
            return Err(Refused::new(EBUSY, Refusal::DeviceIsSpare).with(values));
        }
        if let Some((_, spare)) = self.database.spare_with_dev(asked.dev) {
            self.check_blocks(spare.device.logical_block_bytes())?;
            return Ok(spare);
        }
        if self.units.with_dev(asked.dev).is_some() {
            return Err(Refused::new(EINVAL, Refusal::SpareIsMetadevice));
        }
        let holder = pool_name(self.number)?;
        let device = open_claimed(asked.dev, &asked.device, holder, self.units)?;
        if device.is_zoned() {
            return Err(Refused::new(eopnotsupp(), Refusal::ComponentZoned));
        }
        if device.read_only() {
            return Err(Refused::new(EROFS, Refusal::ComponentReadOnly));
        }
        if room(device.sectors()) == 0 {
            let values = [RESERVED_HEAD_SECTORS.saturating_add(1), device.sectors()];
            return Err(Refused::new(ENOSPC, Refusal::ComponentTooSmall).with(values));
        }
        self.check_blocks(device.logical_block_bytes())?;
        let mut identity = identity_of(&asked.hints);
        identity.uuid = self.database.identity_for(&device, on_record)?;
        let spare = Spare::new(device, identity, asked.device);
        Ok(Arc::new(spare, GFP_KERNEL)?)
    }

    /// Refuses a spare with larger blocks than one of the pool's users has: it could not stand for
    /// a component of that.
    fn check_blocks(&self, found: u32) -> Result<(), Refused> {
        let users = self.units.iter();
        let users = users.filter(|unit| unit.body().pool() == Some(self.number));
        let least = users.map(|unit| block_bytes(unit.body().shape())).min();
        match least.filter(|least| found > *least) {
            Some(least) => {
                let values = [found.into(), least.into()];
                Err(Refused::new(EINVAL, Refusal::SpareBlockTooLarge).with(values))
            }
            None => Ok(()),
        }
    }

    /// Gives the pool these spares.
    fn put(&self, spares: Spares) -> Result<(), Refused> {
        check_count(spares.len())?;
        if self.is_check {
            return Ok(());
        }
        let mut labels = Written::new();
        for spare in &spares {
            // One that is there already has its label, and may be part of something.
            if self.database.spare_with_dev(spare.dev).is_none() {
                self.database.label_new_spare(spare, &mut labels)?;
            }
        }
        let number = self.number;
        let pool = Arc::new(Pool { number, spares }, GFP_KERNEL)?;
        self.database.put_pool(&pool)?;
        labels.keep();
        Ok(())
    }

    /// These are not in the pool any more: one that is in no other one is a device like any other.
    fn forget(&self, gone: &[Arc<Spare>]) {
        for spare in gone.iter().filter(|_| !self.is_check) {
            if !self.database.pools().any(|pool| pool.has(spare)) {
                self.database.unlabel_spare(spare);
            }
        }
    }
}

/// Carries out [`abi::IOC_SET_POOL`].
pub(super) fn set(units: &Mutex<UnitTable>, request: &mut abi::SetPool) -> Result<(), Refused> {
    check_zero(&[request.reserved])?;
    let name = unit_name(&request.name)?;
    let pool = request.pool.checked_sub(1);
    let units = units.lock();
    let body = units.get(&name)?.body();
    let database = units.database();
    if let Some(pool) = pool {
        check_users_pool(database, pool, body)?;
    }
    if !body.shape().unit().may_have_pool() {
        return Err(Refused::new(EINVAL, Refusal::PoolIsForStripes));
    }
    let before = body.pool();
    body.set_pool(pool);
    if let Err(refused) = database.record(core::iter::once(body.number())) {
        body.set_pool(before);
        return Err(refused);
    }
    database.ask_spares();
    Ok(())
}

/// Whether a metadevice may have a pool.
pub(super) fn check_users_pool(database: &Database, pool: u32, body: &Body) -> Result<(), Refused> {
    if !body.shape().unit().may_have_pool() {
        return Err(Refused::new(EINVAL, Refusal::PoolIsForStripes));
    }
    if !database.is_loaded() {
        return Err(Refused::new(ENODEV, Refusal::NoDatabase));
    }
    let none = Refused::new(ENXIO, Refusal::NoSuchPool).with([pool.into(), 0]);
    let found = database.pool(pool).ok_or(none)?.block_bytes();
    let most = block_bytes(body.shape());
    if found > most {
        let values = [found.into(), most.into()];
        return Err(Refused::new(EINVAL, Refusal::SpareBlockTooLarge).with(values));
    }
    Ok(())
}

/// The largest logical block of a metadevice's components, in bytes: who uses it relies on that.
pub(super) fn block_bytes(shape: &Shape) -> u32 {
    let components = shape.components().iter();
    let blocks = components.map(|component| component.device.logical_block_bytes());
    blocks.max().unwrap_or(512)
}

/// What a pool is called.
pub(super) fn pool_name(number: u32) -> Result<CString, Refused> {
    text(fmt!("hsp{number:03}"))
}

fn copy_of(spares: &[Arc<Spare>]) -> Result<Spares, Refused> {
    let mut copy = Spares::new();
    for spare in spares {
        copy.push(spare.clone(), GFP_KERNEL)?;
    }
    Ok(copy)
}

fn check_count(found: usize) -> Result<(), Refused> {
    if found > SPARES_MAX as usize {
        let values = [found as u64, SPARES_MAX.into()];
        return Err(Refused::new(ENOSPC, Refusal::TooManySpares).with(values));
    }
    Ok(())
}
