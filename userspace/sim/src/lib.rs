// SPDX-License-Identifier: GPL-2.0
//! A deterministic simulator: it runs the model's machines, the very source that the kernel runs,
//! on simulated disks, hurts them in an order that a seed decides, and checks what is promised.
//!
//! What to read first:
//! 1. `world.rs`: a schedule. `plan.rs`: what it is made of.
//! 2. `disk.rs`: the faults of a disk. `work.rs`: a job carried out on it, step by step.
//! 3. `node.rs`, `steps.rs`, `changes.rs`, `boot.rs`: what the kernel's side of the state database
//!    does. `faults.rs`: what happens to it.
//! 4. `history.rs`, `checkers/`: what really happened, and what was promised.
//! 5. `many.rs`, `coverage.rs`: many schedules, and what they have hit.
//! 6. `mirror/`: the same for a mirror, whose states are recorded before callers are answered.
//! 7. `soft/`: the same for soft partitions, whose layouts are on their base as well.
//! 8. `raid/`: RAID5, of which a column may be lost with the power.

mod boot;
mod changes;
mod checkers;
mod coverage;
mod disk;
mod faults;
mod history;
mod image;
mod many;
mod mirror;
mod node;
mod plan;
mod raid;
mod random;
mod rules;
mod soft;
mod steps;
mod violation;
mod work;
mod world;

pub use self::{
    coverage::{
        Coverage,
        HITS_MIN, //
    },
    many::{
        run_all,
        Failure,
        Span,
        Total, //
    },
    raid::{
        run_raid,
        RaidRules,
        RaidSeen, //
    },
    rules::Rules,
    violation::Violation,
    world::{
        describe,
        run,
        Outcome, //
    },
};
