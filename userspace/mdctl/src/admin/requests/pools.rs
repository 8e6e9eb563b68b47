// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools.

use super::{
    field,
    header,
    judge,
    making::DeviceChoice,
    reading::event_of,
    text_of,
    Admin,
    Refused,
    RequestError, //
};
use crate::{
    syntax::{
        name::MetadeviceName,
        pool::{
            PoolName,
            PoolSpec, //
        },
        size::Sectors, //
    }, //
};
use md_abi::admin::{
    self as abi,
    Refusal,
    SpareState, //
};
use md_report::{
    self as report,
    SpareStatus, //
};
use zerocopy::FromZeros;

/// Room for pools, and for their spares, in the first question. More is asked for as needed.
const CAPACITY: usize = 64;

/// How often the list is asked for anew because there was not enough room.
const TRIES: usize = 8;

/// A hot spare pool that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: PoolName,
    /// How many stripes and concats have it.
    pub users: u32,
    /// Its spares, in order.
    pub spares: Vec<Spare>,
}

/// A hot spare.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spare {
    /// Path of its device.
    pub path: String,
    /// Number of its device; 0 if that is not there.
    pub dev: u64,
    /// How it is.
    pub status: SpareStatus,
    /// What it has room for.
    pub size: Sectors,
    /// The metadevice that has it.
    pub user: Option<MetadeviceName>,
    /// When it broke or was enabled, in UTC as RFC 3339 has it.
    pub event: Option<String>,
}

impl Pool {
    /// What one would give to `metainit` to make the same pool.
    pub fn specification(&self) -> PoolSpec {
        PoolSpec {
            name: self.name,
            devices: self.spares.iter().map(|spare| spare.path.clone()).collect(),
        }
    }
}

/// What becomes of a pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It is made, with spares.
    Create,
    /// It is deleted.
    Delete,
    /// It gets more spares.
    Add,
    /// It loses spares.
    Remove,
    /// The second device takes the place of the first.
    Replace,
    /// A spare works again, in whichever pools it is.
    Enable,
}

/// All hot spare pools, in the order of their numbers.
pub fn list(admin: &mut dyn Admin) -> Result<Vec<Pool>, RequestError> {
    let (mut pools, mut spares) = (CAPACITY, CAPACITY);
    let mut tries = 1;
    loop {
        match list_up_to(admin, pools, spares) {
            Err(RequestError::Refused(Refused {
                refusal: Refusal::ArrayTooSmall,
                values: [given, needed],
                ..
            })) if tries < TRIES => {
                let most = u64::from(abi::POOLS_MAX) * u64::from(abi::SPARES_MAX);
                let needed = needed.min(most) as usize;
                if given == pools as u64 && needed <= abi::POOLS_MAX as usize {
                    pools = needed.max(pools);
                }
                spares = needed.max(spares);
                tries += 1;
            }
            answer => return answer,
        }
    }
}

fn list_up_to(
    admin: &mut dyn Admin,
    pool_capacity: usize,
    spare_capacity: usize,
) -> Result<Vec<Pool>, RequestError> {
    let mut argument = abi::ListPools::new_zeroed();
    argument.header = header::<abi::ListPools>();
    let mut pools = vec![abi::PoolStatus::new_zeroed(); pool_capacity];
    let mut spares = vec![abi::SpareStatus::new_zeroed(); spare_capacity];
    let result = admin.list_pools(&mut argument, &mut pools, &mut spares);
    judge(result, &argument.header)?;
    pools.truncate(argument.pool_count as usize);
    spares.truncate(argument.spare_count as usize);
    let mut spares = spares.iter();
    pools
        .iter()
        .map(|pool| {
            let own = spares.by_ref().take(pool.spare_count as usize);
            Ok(Pool {
                name: PoolName::from_number(pool.number).ok_or_else(|| {
                    RequestError::Nonsense(format!("a hot spare pool {}", pool.number))
                })?,
                users: pool.user_count,
                spares: own.map(spare_of).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// A spare as the kernel described it.
fn spare_of(spare: &abi::SpareStatus) -> Result<Spare, RequestError> {
    let path = text_of(&spare.device);
    let states = [
        (SpareState::Available, SpareStatus::Available),
        (SpareState::InUse, SpareStatus::InUse),
        (SpareState::Broken, SpareStatus::Broken),
    ];
    let found = states
        .into_iter()
        .find(|(state, _)| *state as u32 == spare.state);
    let (_, status) = found.ok_or_else(|| {
        RequestError::Nonsense(format!("the hot spare {path} is in state {}", spare.state))
    })?;
    Ok(Spare {
        dev: spare.dev,
        status,
        size: Sectors(spare.size_sectors),
        user: MetadeviceName::from_number(spare.unit),
        event: event_of(&path, spare.event_seconds)?,
        path,
    })
}

/// Changes a pool; without one, whichever has the spare. With `check_only` it is only seen whether
/// it could be changed.
pub fn change(
    admin: &mut dyn Admin,
    pool: Option<PoolName>,
    change: Change,
    devices: &[DeviceChoice],
    check_only: bool,
) -> Result<(), RequestError> {
    let mut argument = abi::ChangePool::new_zeroed();
    argument.header = header::<abi::ChangePool>();
    argument.pool = pool.map_or(abi::ALL_POOLS, PoolName::number);
    argument.action = match change {
        Change::Create => abi::POOL_CREATE,
        Change::Delete => abi::POOL_DELETE,
        Change::Add => abi::POOL_ADD,
        Change::Remove => abi::POOL_REMOVE,
        Change::Replace => abi::POOL_REPLACE,
        Change::Enable => abi::POOL_ENABLE,
    };
    if check_only {
        argument.flags = abi::CREATE_CHECK_ONLY;
    }
    let device = |choice: &DeviceChoice| {
        Ok(abi::Device {
            dev: choice.dev,
            device: field(&choice.path)?,
            hints: choice.hints,
            flags: 0,
            reserved: 0,
        })
    };
    let devices: Result<Vec<_>, RequestError> = devices.iter().map(device).collect();
    let result = admin.change_pool(&mut argument, &devices?);
    judge(result, &argument.header)
}

/// Gives a stripe or concat a pool, or none.
pub fn set(
    admin: &mut dyn Admin,
    name: MetadeviceName,
    pool: Option<PoolName>,
) -> Result<(), RequestError> {
    let mut argument = abi::SetPool::new_zeroed();
    argument.header = header::<abi::SetPool>();
    argument.name = field(&name.to_string())?;
    argument.pool = pool.map_or(0, |pool| pool.number() + 1);
    let result = admin.set_pool(&mut argument);
    judge(result, &argument.header)
}

impl From<&Pool> for report::HotSparePool {
    fn from(pool: &Pool) -> Self {
        report::HotSparePool {
            name: pool.name.to_string(),
            users: pool.users,
            spares: pool.spares.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Spare> for report::HotSpare {
    fn from(spare: &Spare) -> Self {
        report::HotSpare {
            device: spare.path.clone(),
            status: spare.status,
            size: spare.size.bytes(),
            metadevice: spare.user.map(|user| user.to_string()),
            event: spare.event.clone(),
        }
    }
}
