// SPDX-License-Identifier: GPL-2.0
//! The tie-breaker never holds what half of the voters have not had before (`DURABILITY.md` clause
//! 2).

use md_model::database::{
    identity::Generation,
    members::{
        is_given_up,
        Change,
        Role, //
    },
};

use crate::{
    history::History,
    violation::{
        demand,
        Violation, //
    },
};

pub(crate) fn check(history: &History, generation: Generation) -> Result<(), Violation> {
    let Some(commit) = history.commits.get(&generation) else {
        return Ok(());
    };
    for not_counted in [Change::Joins, Change::Leaves] {
        let voters = || {
            let voters = commit.members.iter();
            let voters = voters.filter(|voter| voter.role == Role::Voter && !is_given_up(voter));
            voters.filter(move |voter| voter.change != not_counted)
        };
        let had = voters().filter(|voter| commit.held_by.contains(&voter.replica));
        let (had, all) = (had.count(), voters().count());
        demand(
            2 * had >= all,
            "the tie-breaker is written after the voters (clause 2)",
            || format!("it holds {generation}, which {had} of {all} voters have had"),
        )?;
    }
    Ok(())
}
