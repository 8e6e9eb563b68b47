// SPDX-License-Identifier: GPL-2.0
//! The state database of the fake kernel: a list of replicas, and whether the set is started.

use super::Refused;
use md_abi::admin::{
    AddReplicas,
    DeleteReplicas,
    Device,
    ListReplicas,
    Refusal,
    ReplicaStatus,
    SetState,
    StartSet,
    ADD_NEW_SET,
    ADD_TIE_BREAKER,
    DELETE_LAST,
    NO_INDEX,
    REPLICA_CURRENT,
    REPLICA_FAILED,
    REPLICA_TIE_BREAKER,
    START_GIVE_UP_MISSING,
    START_READ_ONLY,
    START_WHEN_COMPLETE, //
};
use zerocopy::FromZeros;

/// The uuid of its set.
const SET: [u8; 16] = [0x5e; 16];

/// The database.
#[derive(Debug, Default)]
pub(super) struct FakeDatabase {
    replicas: Vec<ReplicaStatus>,
    is_started: bool,
    is_read_only: bool,
}

fn refused<T>(refusal: Refusal) -> Result<T, Refused> {
    Err((refusal, NO_INDEX, [0; 2]))
}

impl FakeDatabase {
    pub(super) fn add(&mut self, argument: &AddReplicas, units: usize) -> Result<(), Refused> {
        let is_new = argument.flags & ADD_NEW_SET != 0;
        let dev = argument.device.dev;
        if is_new && self.is_started {
            return refused(Refusal::SetIsLoaded);
        }
        if is_new && units > 0 {
            return Err((Refusal::UnitsInMemory, NO_INDEX, [units as u64, 0]));
        }
        if !is_new && !self.is_started {
            return refused(Refusal::NoDatabase);
        }
        if self.replicas.iter().any(|replica| replica.dev == dev) {
            return refused(Refusal::ReplicaExists);
        }
        let is_voter = |one: &&ReplicaStatus| one.flags & REPLICA_TIE_BREAKER == 0;
        let voters = self.replicas.iter().filter(is_voter);
        let failed = voters.clone().filter(|one| one.flags & REPLICA_FAILED != 0);
        let (failed, of) = (failed.count(), voters.count());
        if argument.flags & ADD_TIE_BREAKER != 0 && failed > 0 && failed * 2 >= of {
            let values = [failed as u64, of as u64];
            return Err((Refusal::MembersCannotCount, NO_INDEX, values));
        }
        self.is_started = true;
        let sectors = if argument.size_sectors == 0 {
            1536
        } else {
            argument.size_sectors
        };
        for number in 0..u64::from(argument.count) {
            let mut replica = ReplicaStatus::new_zeroed();
            replica.dev = dev;
            replica.device = argument.device.device;
            replica.start_sectors = 256 + number * sectors;
            replica.size_sectors = sectors;
            replica.flags = REPLICA_CURRENT;
            if argument.flags & ADD_TIE_BREAKER != 0 {
                replica.flags |= REPLICA_TIE_BREAKER;
            }
            self.replicas.push(replica);
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, argument: &mut DeleteReplicas) -> Result<(), Refused> {
        let before = self.replicas.len();
        let here = |replica: &ReplicaStatus| match argument.dev {
            0 => replica.replica == argument.replica,
            dev => replica.dev == dev,
        };
        if !self.replicas.iter().any(here) {
            return refused(Refusal::NoSuchReplica);
        }
        let is_last = self.replicas.iter().all(here);
        if is_last && argument.flags & DELETE_LAST == 0 {
            return refused(Refusal::LastReplica);
        }
        self.is_started &= !is_last;
        self.replicas.retain(|replica| !here(replica));
        argument.count = (before - self.replicas.len()) as u32;
        Ok(())
    }

    pub(super) fn list(&self, argument: &mut ListReplicas, to: &mut [ReplicaStatus]) {
        if !self.is_started {
            argument.state = SetState::None as u32;
            return;
        }
        argument.set = SET;
        argument.set_name[..5].copy_from_slice(b"local");
        (argument.epoch, argument.sequence, argument.commits) = (2, 7, 7);
        argument.state = if self.is_read_only {
            SetState::ReadOnly as u32
        } else {
            SetState::Writable as u32
        };
        to[..self.replicas.len()].copy_from_slice(&self.replicas);
        argument.replica_count = self.replicas.len() as u32;
    }

    pub(super) fn start(
        &mut self,
        argument: &mut StartSet,
        devices: &[Device],
    ) -> Result<(), Refused> {
        if self.is_started {
            return refused(Refusal::SetIsLoaded);
        }
        let there = |replica: &&ReplicaStatus| {
            let mut devices = devices.iter().filter(|device| device.flags == 0);
            devices.any(|device| device.dev == replica.dev)
        };
        let (have, of) = (
            self.replicas.iter().filter(there).count(),
            self.replicas.len(),
        );
        if have == 0 {
            return refused(Refusal::NoReplicaFound);
        }
        let missing = |replica: &ReplicaStatus| !there(&replica);
        if argument.flags & START_WHEN_COMPLETE != 0 && have < of {
            return Err((Refusal::SetIncomplete, NO_INDEX, [(of - have) as u64, 0]));
        }
        self.is_read_only = false;
        if argument.flags & START_GIVE_UP_MISSING != 0 {
            self.replicas.retain(|replica| !missing(replica));
        } else if have * 2 <= of && argument.flags & START_READ_ONLY != 0 {
            self.is_read_only = true;
        } else if have * 2 <= of {
            return Err((Refusal::NoQuorum, NO_INDEX, [have as u64, of as u64]));
        }
        for replica in self.replicas.iter_mut().filter(|replica| missing(replica)) {
            (replica.dev, replica.flags) = (0, REPLICA_FAILED);
            replica.replica = [0x15; 16];
            replica.device.fill(0);
            replica.device[..7].copy_from_slice(b"missing");
        }
        argument.set = SET;
        self.is_started = true;
        Ok(())
    }

    /// Whether there is one.
    pub(super) fn is_started(&self) -> bool {
        self.is_started
    }

    pub(super) fn stop(&mut self) -> Result<(), Refused> {
        if !self.is_started {
            return refused(Refusal::NoDatabase);
        }
        self.is_started = false;
        Ok(())
    }
}
