// SPDX-License-Identifier: GPL-2.0
//! The state database as JSON.

use crate::{
    admin::requests::database::{
        Database,
        Replica, //
    },
    discover::members::Found,
};
use md_abi::admin::{
    REPLICA_CURRENT,
    REPLICA_FAILED,
    REPLICA_TIE_BREAKER,
    SECTOR_BYTES, //
};
use md_report as report;

impl From<&Database> for report::Database {
    fn from(database: &Database) -> Self {
        let (epoch, sequence) = database.generation;
        report::Database {
            set: database.set.to_string(),
            name: database.name.clone(),
            writable: database.is_writable,
            commit: format!("{epoch}.{sequence}"),
            commits: database.commits,
            replicas: database.replicas.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Replica> for report::Replica {
    fn from(replica: &Replica) -> Self {
        report::Replica {
            uuid: replica.uuid.to_string(),
            device: replica.path.clone(),
            start: replica.start_sectors.saturating_mul(SECTOR_BYTES),
            size: replica.size_sectors.saturating_mul(SECTOR_BYTES),
            current: replica.flags & REPLICA_CURRENT != 0,
            failed: replica.flags & REPLICA_FAILED != 0,
            tie_breaker: replica.flags & REPLICA_TIE_BREAKER != 0,
        }
    }
}

impl From<&Found> for report::Member {
    fn from(found: &Found) -> Self {
        report::Member {
            device: found.member.path.clone(),
            set: found.set.to_string(),
            name: found.set_name.clone(),
            component: found.component.map(|uuid| uuid.to_string()),
            replicas: found.replicas,
        }
    }
}
