// SPDX-License-Identifier: GPL-2.0
//! A set that starts for writing has everything that was acknowledged (`DURABILITY.md` clauses 1
//! and 2).

use md_model::database::identity::Generation;

use crate::{
    history::History,
    violation::{
        demand,
        Violation, //
    },
};

pub(crate) fn check(history: &History, chosen: Generation) -> Result<(), Violation> {
    let acknowledged = history.acknowledged;
    demand(
        history.descends(chosen, acknowledged),
        "acknowledged commits are never lost (clauses 1 and 2)",
        || format!("{chosen} was chosen, which does not descend from {acknowledged}"),
    )
}
