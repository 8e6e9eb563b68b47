// SPDX-License-Identifier: GPL-2.0
//! The volume manager's tool.
//!
//! A command line goes through these modules, in this order:
//! [`multicall`] finds the command, [`commands`] has one file for each, [`syntax`] reads what
//! stands on the line or in md.tab, [`discover`] asks the machine who uses a device and what is on
//! it, [`components`] judges devices by that, [`admin`] talks to the kernel, [`making`] does all of
//! that for one metadevice, [`sides`] for a submirror, [`parts`] finds the component of a mirror
//! that a word means, [`waiting`] waits for a resync, [`watermarks`]
//! reads those of soft partitions, [`shrinking`] sees whether what is on one still fits, [`family`]
//! knows which is made of which,
//! [`building_order`] in which order several are made, [`repair`] what brings one back,
//! [`description`] puts all of it in md.tab's words, [`keeping`] writes that to files, [`explain`]
//! turns every failure into what, why and what to type next, and [`output`] writes the answer as
//! text or JSON.
//!
//! Everything outside the process is reached through [`Machine`], so that the tests run whole
//! command lines against a kernel and a machine that they made up.

pub mod admin;
pub mod building_order;
pub mod checking;
pub mod commands;
pub mod components;
pub mod description;
pub mod discover;
pub mod explain;
pub mod family;
pub mod keeping;
pub mod making;
pub mod multicall;
pub mod output;
pub mod partitioning;
pub mod parts;
pub mod rebuilding;
pub mod recovery;
pub mod repair;
pub mod returning;
pub mod scrub;
pub mod shrinking;
pub mod sides;
pub mod syntax;
pub mod unit;
pub mod waiting;
pub mod watermarks;

use admin::{
    kapi::AdminDevice,
    Admin, //
};
use discover::{
    Host,
    ThisHost, //
};
use md_report::ExitStatus;
use std::{
    ffi::OsString,
    io::{
        self,
        Write, //
    },
};

/// What a command works on.
pub struct Machine<'a> {
    /// The kernel's side.
    pub admin: &'a mut dyn Admin,
    /// Devices, mounts and the like.
    pub host: &'a dyn Host,
}

/// Runs a command line, the name of the program first, against the given machine.
pub fn run(
    arguments: Vec<OsString>,
    machine: &mut Machine<'_>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> ExitStatus {
    let finished = multicall::run(arguments, machine);
    output::write(&finished, stdout, stderr)
}

/// Runs a command line on the machine that the tool was started on.
pub fn run_on_this_machine(arguments: Vec<OsString>) -> ExitStatus {
    let mut admin = AdminDevice::default();
    let mut machine = Machine {
        admin: &mut admin,
        host: &ThisHost,
    };
    // Neither is locked: a command may have threads that tell something, too.
    run(
        arguments,
        &mut machine,
        &mut io::stdout(),
        &mut io::stderr(),
    )
}
