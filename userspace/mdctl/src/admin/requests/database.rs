// SPDX-License-Identifier: GPL-2.0
//! The state database, its replicas, starting and stopping a set.

use super::{
    field,
    header,
    judge,
    text_of,
    Admin,
    RequestError, //
};
use md_abi::admin::{
    self as abi,
    Hints,
    SetState,
    REPLICAS_MAX, //
};
use md_model::database::identity::Uuid;
use zerocopy::FromZeros;

/// A device on which a set has something, or is to have something.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Member {
    /// Path of the device.
    pub path: String,
    /// Its number.
    pub dev: u64,
    /// By what else it is known.
    pub hints: Hints,
}

/// What is to be done where a set cannot be started for writing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Loss {
    /// It is not started.
    #[default]
    Refused,
    /// It is not started unless everything is there, its metadevices' components, too.
    WaitForAll,
    /// It is started to read.
    ReadOnly,
    /// Replicas that are not there are given up for ever.
    GivenUp,
}

/// Replicas to be made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NewReplicas {
    /// How many.
    pub count: u32,
    /// Sectors of each; 0 for the usual size.
    pub size_sectors: u64,
    /// Whether it is the tie-breaker.
    pub tie_breaker: bool,
    /// Whether they begin a new set.
    pub new_set: bool,
}

/// A replica.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replica {
    /// Its uuid.
    pub uuid: Uuid,
    /// Path of its device.
    pub path: String,
    /// Number of its device; 0 if that is not there.
    pub dev: u64,
    /// First sector.
    pub start_sectors: u64,
    /// Length.
    pub size_sectors: u64,
    /// [`abi::REPLICA_CURRENT`] and the like.
    pub flags: u32,
}

/// How the state database is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Database {
    /// The set's uuid.
    pub set: Uuid,
    /// Its name.
    pub name: String,
    /// Epoch and sequence of the newest commit.
    pub generation: (u64, u64),
    /// Commits since it was loaded.
    pub commits: u64,
    /// Whether it can be written.
    pub is_writable: bool,
    /// The replicas.
    pub replicas: Vec<Replica>,
}

/// What a start has brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Started {
    /// The set.
    pub set: Uuid,
    /// Metadevices that were made.
    pub units: u32,
    /// Metadevices that could not be made.
    pub failed: u32,
}

/// Adds replicas on a device.
pub fn add(admin: &mut dyn Admin, on: &Member, new: &NewReplicas) -> Result<(), RequestError> {
    let mut argument = abi::AddReplicas::new_zeroed();
    argument.header = header::<abi::AddReplicas>();
    argument.device = device(on, 0)?;
    argument.count = new.count;
    argument.size_sectors = new.size_sectors;
    if new.tie_breaker {
        argument.flags |= abi::ADD_TIE_BREAKER;
    }
    if new.new_set {
        argument.flags |= abi::ADD_NEW_SET;
        argument.set_name = field("local")?;
    }
    let result = admin.add_replicas(&mut argument);
    judge(result, &argument.header)
}

/// Which replicas are to be deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chosen {
    /// Those on the device with this number.
    On(u64),
    /// The one with this uuid, which may be missing.
    Replica(Uuid),
}

/// Deletes replicas; how many there were. `with_last`: also if no voting replica is left then.
pub fn delete(admin: &mut dyn Admin, chosen: Chosen, with_last: bool) -> Result<u32, RequestError> {
    let mut argument = abi::DeleteReplicas::new_zeroed();
    argument.header = header::<abi::DeleteReplicas>();
    match chosen {
        Chosen::On(dev) => argument.dev = dev,
        Chosen::Replica(uuid) => argument.replica = uuid.to_bytes(),
    }
    if with_last {
        argument.flags |= abi::DELETE_LAST;
    }
    let result = admin.delete_replicas(&mut argument);
    judge(result, &argument.header)?;
    Ok(argument.count)
}

/// How the state database is; `None` if there is none.
pub fn database(admin: &mut dyn Admin) -> Result<Option<Database>, RequestError> {
    let mut argument = abi::ListReplicas::new_zeroed();
    argument.header = header::<abi::ListReplicas>();
    let mut list = vec![abi::ReplicaStatus::new_zeroed(); REPLICAS_MAX as usize];
    let result = admin.list_replicas(&mut argument, &mut list);
    judge(result, &argument.header)?;
    if argument.state == SetState::None as u32 {
        return Ok(None);
    }
    list.truncate(argument.replica_count as usize);
    let replica = |status: &abi::ReplicaStatus| Replica {
        uuid: Uuid::from_bytes(status.replica),
        path: text_of(&status.device),
        dev: status.dev,
        start_sectors: status.start_sectors,
        size_sectors: status.size_sectors,
        flags: status.flags,
    };
    Ok(Some(Database {
        set: Uuid::from_bytes(argument.set),
        name: text_of(&argument.set_name),
        generation: (argument.epoch, argument.sequence),
        commits: argument.commits,
        is_writable: argument.state == SetState::Writable as u32,
        replicas: list.iter().map(replica).collect(),
    }))
}

/// Starts a set from what is on these devices. Of `bystanders`, on which nothing was found, those
/// are used that are known to be components without a label.
pub fn start(
    admin: &mut dyn Admin,
    set: Option<Uuid>,
    members: &[Member],
    bystanders: &[Member],
    loss: Loss,
) -> Result<Started, RequestError> {
    let mut argument = abi::StartSet::new_zeroed();
    argument.header = header::<abi::StartSet>();
    argument.set = set.unwrap_or(Uuid::NIL).to_bytes();
    argument.flags = match loss {
        Loss::Refused => 0,
        Loss::WaitForAll => abi::START_WHEN_COMPLETE,
        Loss::ReadOnly => abi::START_READ_ONLY,
        Loss::GivenUp => abi::START_GIVE_UP_MISSING,
    };
    let members = members.iter().map(|member| (member, 0));
    let bystanders = bystanders
        .iter()
        .map(|member| (member, abi::DEVICE_BY_HINT));
    let devices = members
        .chain(bystanders)
        .take(abi::DEVICES_MAX as usize)
        .map(|(member, flags)| device(member, flags));
    let devices: Result<Vec<_>, _> = devices.collect();
    let result = admin.start_set(&mut argument, &devices?);
    judge(result, &argument.header)?;
    Ok(Started {
        set: Uuid::from_bytes(argument.set),
        units: argument.unit_count,
        failed: argument.failed_count,
    })
}

/// Stops the set; how many metadevices it had.
pub fn stop(admin: &mut dyn Admin) -> Result<u32, RequestError> {
    let mut argument = abi::StopSet::new_zeroed();
    argument.header = header::<abi::StopSet>();
    let result = admin.stop_set(&mut argument);
    judge(result, &argument.header)?;
    Ok(argument.unit_count)
}

fn device(member: &Member, flags: u32) -> Result<abi::Device, RequestError> {
    Ok(abi::Device {
        dev: member.dev,
        device: field(&member.path)?,
        hints: member.hints,
        flags,
        reserved: 0,
    })
}
