// SPDX-License-Identifier: GPL-2.0
//! `metarename`

use super::read;
use crate::{
    admin::requests,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;
use md_abi::admin::Refusal;

/// Give a metadevice another name.
///
/// Nobody has it open, and it is part of no other metadevice. With -x a mirror and one of its
/// submirrors exchange their names: then what is mounted by its name can be mirrored, and a mirror
/// be given up, without a change of that name. Nothing of the mirror may be erred or have to be
/// resynced, and no hot spare in use.
#[derive(Debug, Parser)]
#[command(
    name = "metarename",
    verbatim_doc_comment,
    override_usage = "metarename NAME NEW
       metarename [-f] -x NAME NAME"
)]
pub struct Arguments {
    /// Exchange the names of a mirror and a submirror
    #[arg(short = 'x')]
    exchange: bool,

    /// Of no effect: there is nothing to be forced
    #[arg(short = 'f', requires = "exchange")]
    force: bool,

    /// The metadevice, such as d10
    #[arg(value_name = "NAME")]
    name: String,

    /// Its new name, or the other metadevice
    #[arg(value_name = "NEW")]
    new: String,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name("metarename", &arguments.name)?;
    let new = explain::name("metarename", &arguments.new)?;
    read(machine, name)?;
    // What is refused is so for the sake of the mirror.
    let is_new = arguments.exchange && read(machine, new)?.is_mirror();
    let about = if is_new { new } else { name };
    requests::rename(machine.admin, name, new, arguments.exchange).map_err(|error| match error
        .refusal()
    {
        Some(Refusal::UnitIsBase) => explain::rename::is_base(about),
        _ => explain::request(&error, &Subject::unit(about)),
    })?;
    answer.has_changed = true;
    if arguments.exchange {
        answer.line(&format!("{name} and {new} have exchanged identities"));
        return answer.show(machine, &[name, new]);
    }
    answer.line(&format!("{name}: has been renamed to {new}"));
    answer.show(machine, &[new])
}
