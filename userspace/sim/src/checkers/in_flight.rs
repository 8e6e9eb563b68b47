// SPDX-License-Identifier: GPL-2.0
//! A replica with a write in flight gets no other (`DURABILITY.md` clause 4).

use crate::violation::{
    demand,
    Violation, //
};

pub(crate) fn check(disk: usize, writes_in_flight: usize) -> Result<(), Violation> {
    demand(
        writes_in_flight == 0,
        "a replica with a write in flight gets no other (clause 4)",
        || format!("disk {disk} has {writes_in_flight} writes in flight"),
    )
}
