// SPDX-License-Identifier: GPL-2.0
//! `metastat`

use crate::{
    admin::requests,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::{
        text,
        Answer, //
    },
    syntax::name::MetadeviceName,
    unit::Unit,
    Machine,
};
use clap::{
    ArgMatches,
    FromArgMatches,
    Parser, //
};

/// Show metadevices.
///
/// Shows the metadevices that are named, else all. If one of them cannot be shown, none is.
#[derive(Debug, Parser)]
#[command(name = "metastat", verbatim_doc_comment)]
pub struct Arguments {
    /// One line for each metadevice
    #[arg(short = 'c', conflicts_with = "md_tab")]
    concise: bool,

    /// In md.tab syntax, which is also that of metainit
    #[arg(short = 'p')]
    md_tab: bool,

    /// Metadevices to show, such as d10
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// Runs the command.
pub fn run(
    matches: &ArgMatches,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let arguments =
        Arguments::from_arg_matches(matches).map_err(|error| explain::usage("metastat", &error))?;
    let names = explain::names("metastat", &arguments.names)?;
    let units = read(machine, &names)?;
    answer.text = if arguments.concise {
        text::concise(&units)
    } else if arguments.md_tab {
        text::md_tab(&units)
    } else {
        text::paragraphs(&units)
    };
    answer.document.metadevices = Some(units.iter().map(Into::into).collect());
    Ok(())
}

/// Reads the metadevices with the given names, or all.
fn read(machine: &mut Machine<'_>, names: &[MetadeviceName]) -> Result<Vec<Unit>, Failure> {
    if names.is_empty() {
        return requests::status_of_all(machine.admin)
            .map_err(|error| explain::request(&error, &Subject::none()));
    }
    names
        .iter()
        .map(|name| {
            requests::status(machine.admin, *name)
                .map_err(|error| explain::request(&error, &Subject::unit(*name)))
        })
        .collect()
}
