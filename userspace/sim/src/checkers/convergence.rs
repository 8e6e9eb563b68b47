// SPDX-License-Identifier: GPL-2.0
//! When all disks are back and nothing fails any more, the set can be written to, and every member
//! has the newest commit (`DURABILITY.md` clauses 1 to 4: nothing is for ever).

use md_model::database::{
    choice::{
        standing,
        Decision,
        Replica,
        Standing, //
    },
    members::Change,
};

use crate::violation::{
    demand,
    Violation, //
};

/// The name of the property.
pub(crate) const RULE: &str = "with all disks back the set converges (clauses 1 to 4)";

pub(crate) fn check(
    found: &[Option<Replica<'_>>],
    decision: &Decision<'_>,
) -> Result<(), Violation> {
    for member in decision.members {
        let is_current = (0..found.len()).any(|index| {
            let is_it = |replica: &Replica<'_>| replica.uuid == member.replica;
            found[index].as_ref().is_some_and(is_it)
                && standing(found, index, decision) == Standing::Current
        });
        demand(is_current, RULE, || {
            format!("replica {} is not current", member.replica)
        })?;
        demand(
            member.change == Change::Stays && !member.failed,
            RULE,
            || format!("the list has {member:?}"),
        )?;
    }
    Ok(())
}
