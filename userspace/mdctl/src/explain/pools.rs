// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with hot spare pools.

use super::{
    soft,
    Failure, //
};
use crate::syntax::{
    name::component_word,
    pool::PoolName,
    shell::quoted, //
};
use md_abi::admin::Refusal;

/// Why a request was refused in which a hot spare pool, or a spare, is named. `unit` is the
/// metadevice or pool that it was about, `part` the device.
pub(super) fn refusal(refusal: Refusal, values: [u64; 2], unit: &str, part: &str) -> Failure {
    let [a, b] = values;
    match refusal {
        Refusal::NoSuchPool => {
            let pool = pool(a);
            let next = format!("metainit {pool} <device>");
            Failure::of(pool, "there is no such hot spare pool", next)
        }
        Refusal::PoolExists => {
            let pool = pool(a);
            Failure::of(&pool, "exists already", format!("metahs -i {pool}"))
        }
        Refusal::PoolNotEmpty => {
            let pool = pool(a);
            let next = format!("metahs -i {pool}");
            Failure::of(
                &pool,
                format!("has {}, which come out first", spares(b)),
                next,
            )
        }
        Refusal::PoolHasUsers => {
            let next = format!("metaparam -h none d{b}");
            Failure::of(pool(a), format!("is the hot spare pool of d{b}"), next)
        }
        Refusal::PoolIsForStripes => Failure::of(
            unit,
            "is a mirror, and a hot spare pool is for its submirrors",
            format!("metastat {unit}"),
        ),
        Refusal::PoolsExist => Failure::of(
            part,
            format!(
                "holds the last voting replica, without which {} cannot be",
                pool(a)
            ),
            "metahs -i",
        ),
        other => spare_refusal(other, values, unit, part),
    }
}

/// The same, where it is about the spare.
fn spare_refusal(refusal: Refusal, values: [u64; 2], unit: &str, part: &str) -> Failure {
    let [a, b] = values;
    let word = quoted(&component_word(part));
    let about_part = |reason: String, next: String| Failure::of(part, reason, next);
    match refusal {
        Refusal::DeviceIsSpare => {
            let pool = pool(a);
            let next = format!("metahs -d {pool} {word}");
            about_part(format!("is a hot spare of {pool}"), next)
        }
        Refusal::NoSuchSpare => match PoolName::from_number(number(a)) {
            Some(pool) => about_part(
                format!("is no hot spare of {pool}"),
                format!("metahs -i {pool}"),
            ),
            None => about_part("is no hot spare".into(), "metahs -i".into()),
        },
        Refusal::SpareInUse => about_part(
            format!("is in use: it stands for component {b} of d{a}, or is about to go back"),
            format!("metastat d{a}"),
        ),
        Refusal::SpareNotBroken => about_part(
            "is not broken: there is nothing to be enabled".into(),
            "metahs -i".into(),
        ),
        Refusal::TooManySpares => Failure::of(
            unit,
            format!("would have {a} hot spares, and {b} are possible"),
            "metahs -i",
        ),
        Refusal::SpareIsMetadevice => about_part(
            "is a metadevice, and a hot spare is a disk or partition".into(),
            "lsblk".into(),
        ),
        Refusal::SpareBlockTooLarge => about_part(
            format!("logical blocks of a hot spare have {a} bytes, those of what it is for {b}"),
            "lsblk -d -o NAME,LOG-SEC".into(),
        ),
        other => soft::refusal(other, values, unit, part),
    }
}

/// What a pool with a number is called.
fn pool(value: u64) -> String {
    PoolName::from_number(number(value)).map_or("the pool".to_string(), |name| name.to_string())
}

fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn spares(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} hot spare{plural}")
}

/// Both a hot spare and nothing else can be named "all" or "none".
pub fn no_pools() -> Failure {
    Failure::of(
        "all",
        "there are no hot spare pools",
        "metainit hsp001 <device>",
    )
}

/// A pool, or a metadevice that is to have one, without a state database.
pub fn no_database(of: String) -> Failure {
    let reason = "hot spare pools need a state database, and there is none";
    Failure::of(of, reason, "metadb -a -f DEVICE")
}

/// A device that is to leave all pools, and is in none.
pub fn in_no_pool(path: &str) -> Failure {
    Failure::of(path, "is no hot spare", "metahs -i")
}

/// A pool that one wants to see.
pub fn unknown(pool: PoolName) -> Failure {
    let next = format!("metainit {pool} <device>");
    Failure::of(pool.to_string(), "there is no such hot spare pool", next)
}
