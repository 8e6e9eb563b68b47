// SPDX-License-Identifier: GPL-2.0
//! A change of the list of members that was asked for never stops the set: what could not count
//! with it is not begun (`DURABILITY.md` clause 2).

use md_model::database::members::{
    Change,
    Member,
    Role, //
};

use crate::violation::{
    demand,
    Violation, //
};

/// Of a commit that stops the set as it begins, with this list. A tie-breaker that is lost is taken
/// out whether that can count or not.
pub(crate) fn check(members: &[Member], tie_was_lost: bool) -> Result<(), Violation> {
    for member in members {
        let was_asked_for = match member.change {
            Change::Joins => true,
            Change::Leaves => member.role == Role::Voter || !tie_was_lost,
            Change::Stays | Change::GivenUp => false,
        };
        demand(
            !was_asked_for,
            "no change of the members stops the set (clause 2)",
            || format!("a commit cannot count with {member:?}"),
        )?;
    }
    Ok(())
}
