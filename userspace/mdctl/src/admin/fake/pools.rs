// SPDX-License-Identifier: GPL-2.0
//! The hot spare pools of the fake kernel (`svm.md` section 7). No spare takes over by itself: a
//! test says that one has.

use super::{
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    ChangePool,
    ComponentState,
    Device,
    ListPools,
    PoolStatus,
    Refusal,
    SpareState,
    SpareStatus,
    UnitKind,
    ALL_POOLS,
    COMPONENT_SPARE,
    CREATE_CHECK_ONLY,
    NO_INDEX,
    NO_PARENT,
    POOLS_MAX,
    POOL_ADD,
    POOL_CREATE,
    POOL_DELETE,
    POOL_ENABLE,
    POOL_REMOVE,
    POOL_REPLACE, //
};
use md_model::limits::RESERVED_HEAD_SECTORS;

impl FakeAdmin {
    /// Lets the spare of a pool with an index stand for a component.
    pub fn spare_takes_over(&mut self, pool: u32, index: usize, unit: u32, component: usize) {
        let spares = self.pools.get_mut(&pool).expect("the test has made it");
        let spare = &mut spares[index];
        spare.state = SpareState::InUse as u32;
        (spare.unit, spare.component) = (unit, component as u32);
        let dev = spare.dev;
        let part = self.component(unit, component);
        (part.dev, part.flags) = (dev, COMPONENT_SPARE);
        part.state = ComponentState::Okay as u32;
    }

    /// Says how a spare is.
    pub fn set_spare_state(&mut self, pool: u32, index: usize, state: SpareState) {
        let spares = self.pools.get_mut(&pool).expect("the test has made it");
        spares[index].state = state as u32;
        spares[index].event_seconds = self.clock;
    }

    /// The device of a spare was not there when the set was started.
    pub fn lose_spare(&mut self, pool: u32, index: usize, known: &str) {
        let spares = self.pools.get_mut(&pool).expect("the test has made it");
        let spare = &mut spares[index];
        let path = format!("missing {known}");
        (spare.dev, spare.size_sectors) = (0, 0);
        spare.state = SpareState::Broken as u32;
        spare.device.fill(0);
        spare.device[..path.len()].copy_from_slice(path.as_bytes());
    }

    /// A pool that has a device as a spare.
    pub(super) fn pool_with(&self, dev: u64) -> Option<u32> {
        let has = |spares: &Vec<SpareStatus>| spares.iter().any(|spare| spare.dev == dev);
        let found = self.pools.iter().find(|(_, spares)| has(spares));
        found.map(|(number, _)| *number)
    }

    /// Whether a metadevice of a kind may have a pool, by its number plus 1.
    pub(super) fn check_pool(&self, pool: u32, kind: u32) -> Result<(), Refused> {
        let kinds = [UnitKind::Stripe, UnitKind::Raid].map(|kind| kind as u32);
        if pool != 0 && !kinds.contains(&kind) {
            return Err((Refusal::PoolIsForStripes, NO_INDEX, [0; 2]));
        }
        match pool.checked_sub(1) {
            Some(_) if !self.database.is_started() => Err((Refusal::NoDatabase, NO_INDEX, [0; 2])),
            Some(pool) if !self.pools.contains_key(&pool) => {
                Err((Refusal::NoSuchPool, NO_INDEX, [pool.into(), 0]))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn describe_pools(
        &self,
        argument: &mut ListPools,
        pools: &mut [PoolStatus],
        spares: &mut [SpareStatus],
    ) -> Result<(), Refused> {
        let total: usize = self.pools.values().map(Vec::len).sum();
        for (given, needed) in [(pools.len(), self.pools.len()), (spares.len(), total)] {
            if given < needed {
                let values = [given as u64, needed as u64];
                return Err((Refusal::ArrayTooSmall, NO_INDEX, values));
            }
        }
        for (place, (number, spares)) in pools.iter_mut().zip(&self.pools) {
            let users = self.units.values();
            let users = users.filter(|unit| unit.summary.pool == number + 1);
            *place = PoolStatus {
                number: *number,
                spare_count: spares.len() as u32,
                user_count: users.count() as u32,
                reserved: 0,
            };
        }
        for (place, spare) in spares.iter_mut().zip(self.pools.values().flatten()) {
            *place = *spare;
        }
        argument.pool_count = self.pools.len() as u32;
        argument.spare_count = total as u32;
        Ok(())
    }

    pub(super) fn changed_pool(
        &mut self,
        argument: &ChangePool,
        devices: &[Device],
    ) -> Result<(), Refused> {
        assert_eq!(argument.flags & !CREATE_CHECK_ONLY, 0);
        let number = argument.pool;
        let is_any = number == ALL_POOLS && argument.action == POOL_ENABLE;
        assert!(number < POOLS_MAX || is_any);
        if !self.database.is_started() {
            return Err((Refusal::NoDatabase, NO_INDEX, [0; 2]));
        }
        let about = |refusal| (refusal, NO_INDEX, [number.into(), 0]);
        let mut spares = match self.pools.get(&number) {
            Some(_) if argument.action == POOL_CREATE => return Err(about(Refusal::PoolExists)),
            Some(spares) => spares.clone(),
            None if argument.action == POOL_CREATE || is_any => Vec::new(),
            None => return Err(about(Refusal::NoSuchPool)),
        };
        match argument.action {
            POOL_CREATE | POOL_ADD => {
                for (index, device) in devices.iter().enumerate() {
                    spares.push(self.new_spare(number, &spares, device, index)?);
                }
            }
            POOL_DELETE => return self.delete_pool(number, &spares),
            POOL_REMOVE => {
                for (index, device) in devices.iter().enumerate() {
                    let place = unused(number, &spares, device, index)?;
                    spares.remove(place);
                }
            }
            POOL_REPLACE => {
                let place = unused(number, &spares, &devices[0], 0)?;
                spares[place] = self.new_spare(number, &spares, &devices[1], 1)?;
            }
            POOL_ENABLE => return self.enable_spare(&devices[0]),
            action => panic!("an action {action}"),
        }
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            self.pools.insert(number, spares);
        }
        Ok(())
    }

    fn new_spare(
        &self,
        pool: u32,
        others: &[SpareStatus],
        device: &Device,
        index: usize,
    ) -> Result<SpareStatus, Refused> {
        let refused = |refusal, values| (refusal, index as u32, values);
        if others.iter().any(|other| other.dev == device.dev) {
            return Err(refused(Refusal::DeviceIsSpare, [pool.into(), 0]));
        }
        let shared = self.pools.values().flatten();
        if let Some(shared) = shared.into_iter().find(|spare| spare.dev == device.dev) {
            return Ok(SpareStatus { pool, ..*shared });
        }
        if self.unit_at(device.dev).is_some() {
            return Err(refused(Refusal::SpareIsMetadevice, [0; 2]));
        }
        if self.holder(device.dev).is_some() {
            return Err(refused(Refusal::ComponentBusy, [0; 2]));
        }
        let sectors = self.disks.get(&device.dev).copied();
        let sectors = sectors.ok_or(refused(Refusal::ComponentNotFound, [6, 0]))?;
        Ok(SpareStatus {
            dev: device.dev,
            size_sectors: sectors - RESERVED_HEAD_SECTORS,
            event_seconds: 0,
            pool,
            state: SpareState::Available as u32,
            unit: NO_PARENT,
            component: 0,
            device: device.device,
        })
    }

    fn delete_pool(&mut self, number: u32, spares: &[SpareStatus]) -> Result<(), Refused> {
        let mut users = self.units.iter();
        let user = users.find(|(_, unit)| unit.summary.pool == number + 1);
        match (spares.len(), user) {
            (0, None) => {
                self.pools.remove(&number);
                Ok(())
            }
            (0, Some((user, _))) => {
                let values = [number.into(), (*user).into()];
                Err((Refusal::PoolHasUsers, NO_INDEX, values))
            }
            (count, _) => {
                let values = [number.into(), count as u64];
                Err((Refusal::PoolNotEmpty, NO_INDEX, values))
            }
        }
    }

    fn enable_spare(&mut self, device: &Device) -> Result<(), Refused> {
        let spares = self.pools.values_mut().flatten();
        let mut found = spares.filter(|spare| spare.dev == device.dev).peekable();
        match found.peek() {
            None => Err((Refusal::NoSuchSpare, 0, [ALL_POOLS.into(), 0])),
            Some(spare) if spare.state != SpareState::Broken as u32 => {
                Err((Refusal::SpareNotBroken, 0, [0; 2]))
            }
            Some(_) => {
                found.for_each(|spare| spare.state = SpareState::Available as u32);
                Ok(())
            }
        }
    }
}

/// The place of a spare that nobody has.
fn unused(
    pool: u32,
    spares: &[SpareStatus],
    device: &Device,
    index: usize,
) -> Result<usize, Refused> {
    let is_it = |spare: &SpareStatus| spare.dev == device.dev || spare.device == device.device;
    let place = spares.iter().position(is_it);
    let place = place.ok_or((Refusal::NoSuchSpare, index as u32, [pool.into(), 0]))?;
    let spare = &spares[place];
    if spare.unit != NO_PARENT {
        let values = [spare.unit.into(), spare.component.into()];
        return Err((Refusal::SpareInUse, index as u32, values));
    }
    Ok(place)
}
