// SPDX-License-Identifier: GPL-2.0
//! The configuration as text in md.tab syntax: what `metastat -p` prints, what md.cf keeps, and
//! what `mdctl export` says with everything by which devices are known.

use crate::{
    admin::{
        requests::{
            self,
            database::{
                Database,
                Replica, //
            },
            pools::Pool,
            RequestError, //
        },
        Admin, //
    },
    discover::{
        members::{
            hints,
            look_at, //
        },
        Host,
        Node, //
    },
    family::Family,
    output::pools::md_tab,
    syntax::name::MetadeviceName,
    unit::Unit,
};
use md_abi::admin::REPLICA_TIE_BREAKER;
use md_model::database::identity::Uuid;
use std::collections::BTreeMap;

/// All metadevices in the order of `metastat`: each is followed by those that it is made of.
pub fn units(admin: &mut dyn Admin) -> Result<Vec<Unit>, RequestError> {
    let units = requests::status_of_all(admin)?;
    let family: Family = units.iter().map(Into::into).collect();
    let mut units: BTreeMap<_, _> = units.into_iter().map(|unit| (unit.name, unit)).collect();
    let places = family.places(&[]).into_iter();
    Ok(places
        .filter_map(|place| units.remove(&place.name))
        .collect())
}

/// What md.cf holds: the lines of `metastat -p`, and whose they are.
pub fn md_cf(database: &Database, units: &[Unit], pools: &[Pool]) -> String {
    let (name, set) = (&database.name, database.set);
    let mut text = format!(
        "# Metadevices of set {name} ({set}).\n\
         # Do not edit: mdctl writes this file after each change of the configuration.\n"
    );
    for unit in units {
        text += &line(unit);
    }
    text + &md_tab(pools)
}

/// What `mdctl export` prints: also the replicas, and by what the devices are known.
pub fn exported(
    host: &dyn Host,
    database: Option<&Database>,
    units: &[Unit],
    pools: &[Pool],
) -> String {
    let mut text = match database {
        Some(database) => heading(host, database),
        None => "# The metadevices, which live in memory, for 'mdctl import'.\n".to_string(),
    };
    for unit in units {
        text += &line(unit);
        for component in unit.components() {
            if MetadeviceName::at_path(&component.device).is_none() {
                let known = identity(host, &component.device);
                text += &format!("#   {}: {known}\n", component.device);
            }
        }
    }
    for pool in pools {
        text += &format!("{}\n", pool.specification());
        for spare in &pool.spares {
            let known = identity(host, &spare.path);
            text += &format!("#   {}: {known}\n", spare.path);
        }
    }
    text
}

/// What mddb.cf holds: where the replicas are, and by what their devices are known.
pub fn mddb_cf(host: &dyn Host, database: &Database) -> String {
    let (name, set) = (&database.name, database.set);
    let mut text = format!(
        "# Replicas of the state database of set {name} ({set}).\n\
         # Do not edit: metadb -p writes this file.\n\
         # device\tfirst block\tblocks\trole\treplica\tpartition\twwn\n"
    );
    for replica in &database.replicas {
        let (partition, wwn) = hints_of(host, replica.dev);
        let Replica {
            uuid,
            path,
            start_sectors,
            size_sectors,
            ..
        } = replica;
        let role = role(replica);
        let [partition, wwn] = [partition, wwn].map(|hint| hint.unwrap_or("-".to_string()));
        text += &format!(
            "{path}\t{start_sectors}\t{size_sectors}\t{role}\t{uuid}\t{partition}\t{wwn}\n"
        );
    }
    text
}

fn line(unit: &Unit) -> String {
    format!("{}\n", unit.specification())
}

fn heading(host: &dyn Host, database: &Database) -> String {
    let (name, set) = (&database.name, database.set);
    let mut text = format!(
        "# Set {name} ({set}), for 'mdctl import'.\n\
         # Replicas of its state database, which 'metadb -a' makes, and not 'mdctl import':\n"
    );
    for replica in &database.replicas {
        let Replica {
            uuid,
            path,
            start_sectors,
            size_sectors,
            ..
        } = replica;
        let role = role(replica);
        let known = identity(host, path);
        text += &format!(
            "#   {path}: {role}, {size_sectors} blocks from block {start_sectors}, replica {uuid}\n\
             #     {known}\n"
        );
    }
    text
}

fn role(replica: &Replica) -> &'static str {
    if replica.flags & REPLICA_TIE_BREAKER != 0 {
        "tie-breaker"
    } else {
        "vote"
    }
}

/// By what a device is known, whatever its path is after the next boot.
fn identity(host: &dyn Host, path: &str) -> String {
    let found = look_at(host, path);
    let component = found.and_then(|found| found.component);
    let (partition, wwn) = match host.node(path) {
        Ok(Node::Block { dev }) => hints_of(host, dev),
        _ => (None, None),
    };
    let named = |name, value: Option<String>| value.map(|value| format!("{name} {value}"));
    let parts = [
        named("component", component.map(|uuid| uuid.to_string())),
        named("partition", partition),
        named("wwn", wwn),
    ];
    let known: Vec<_> = parts.into_iter().flatten().collect();
    if known.is_empty() {
        "nothing but its path is known".to_string()
    } else {
        known.join(", ")
    }
}

/// Uuid of the partition that a device is, and world-wide name of its disk.
fn hints_of(host: &dyn Host, dev: u64) -> (Option<String>, Option<String>) {
    let hints = hints(host, dev);
    let partition = Uuid::from_bytes(hints.partition);
    let end = hints.wwn.iter().position(|byte| *byte == 0);
    let wwn = hints.wwn.get(..end.unwrap_or(hints.wwn.len()));
    let wwn = String::from_utf8_lossy(wwn.unwrap_or(&[])).into_owned();
    (
        (!partition.is_nil()).then(|| partition.to_string()),
        (!wwn.is_empty()).then_some(wwn),
    )
}
