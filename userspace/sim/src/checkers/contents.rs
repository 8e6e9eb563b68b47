// SPDX-License-Identifier: GPL-2.0
//! What is loaded is exactly what one commit had: all of its records, and nothing else
//! (`DURABILITY.md` clauses 4 and 20).

use md_model::database::identity::Generation;

use crate::{
    history::{
        Contents,
        History, //
    },
    violation::{
        demand,
        Violation, //
    },
};

pub(crate) fn check(
    history: &History,
    generation: Generation,
    loaded: &Contents,
) -> Result<(), Violation> {
    let commit = history.commits.get(&generation);
    demand(
        commit.is_some_and(|commit| *commit.contents == *loaded),
        "a commit is loaded whole or not at all (clauses 4 and 20)",
        || format!("what was loaded as {generation} is not what was committed"),
    )
}
