// SPDX-License-Identifier: GPL-2.0
//! A set starts for writing only with more than half of its voters, or with exactly half and a
//! tie-breaker that holds the newest commit found on a voter (`DURABILITY.md` clause 2).

use std::collections::BTreeSet;

use md_model::database::{
    choice::Replica,
    members::{
        is_given_up,
        Change,
        Member,
        Role, //
    },
};

use crate::violation::{
    demand,
    Violation, //
};

pub(crate) fn check(found: &[Option<Replica<'_>>], members: &[Member]) -> Result<(), Violation> {
    let newest = found
        .iter()
        .flatten()
        .filter(|replica| replica.role == Role::Voter)
        .filter(|replica| members.iter().any(|member| member.replica == replica.uuid))
        .map(|replica| replica.generation)
        .max();
    let tie_agrees = members.iter().any(|member| {
        let agrees = |replica: &Replica<'_>| {
            replica.uuid == member.replica && Some(replica.generation) == newest
        };
        member.role == Role::TieBreaker
            && matches!(member.change, Change::Stays | Change::Joins)
            && found.iter().flatten().any(agrees)
    });
    for not_counted in [Change::Joins, Change::Leaves] {
        let voters: BTreeSet<_> = members
            .iter()
            .filter(|member| member.role == Role::Voter && !is_given_up(member))
            .filter(|member| member.change != not_counted)
            .map(|member| member.replica)
            .collect();
        let there: BTreeSet<_> = found.iter().flatten().map(|replica| replica.uuid).collect();
        let twice = 2 * voters.intersection(&there).count();
        demand(
            twice > voters.len() || twice == voters.len() && tie_agrees,
            "a set is read-only when the rules say so (clause 2)",
            || format!("it starts with {} of {} voters", twice / 2, voters.len()),
        )?;
    }
    Ok(())
}
