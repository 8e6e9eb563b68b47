// SPDX-License-Identifier: GPL-2.0
//! `metareplace`

use crate::{
    explain::{
        self,
        Failure, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;

/// Replace a component of a mirror: not possible yet.
///
/// That comes with resync. Until then this says what can be done for a mirror of which a component
/// is out of service.
#[derive(Debug, Parser)]
#[command(name = "metareplace", verbatim_doc_comment)]
pub struct Arguments {
    /// Use the component again that is there
    #[arg(short = 'e')]
    enable: bool,

    /// Also the last one that holds some data
    #[arg(short = 'f')]
    force: bool,

    /// The mirror, such as d10
    #[arg(value_name = "MIRROR")]
    name: String,

    /// The component; without -e also the new one
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
}

/// Runs the command, which always fails.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    _answer: &mut Answer,
) -> Result<(), Failure> {
    let name = explain::name("metareplace", &arguments.name)?;
    Err(explain::mirror::no_replacement(&super::read(
        machine, name,
    )?))
}
