// SPDX-License-Identifier: GPL-2.0
//! No two loads commit under one epoch (`DURABILITY.md` clause 3).

use md_model::database::identity::Generation;

use crate::{
    history::History,
    violation::{
        demand,
        Violation, //
    },
};

pub(crate) fn check(
    history: &mut History,
    generation: Generation,
    load: u32,
) -> Result<(), Violation> {
    let epoch = generation.epoch;
    let owner = *history.epochs.entry(epoch).or_insert(load);
    demand(
        owner == load && !history.commits.contains_key(&generation),
        "two loads never write under one epoch (clause 3)",
        || format!("load {load} commits {generation}, and so did load {owner}"),
    )
}
