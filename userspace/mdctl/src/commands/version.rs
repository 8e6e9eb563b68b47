// SPDX-License-Identifier: GPL-2.0
//! `mdctl version`

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
use md_abi::admin::ABI_VERSION;
use md_report::Release;

/// Show the versions of the tool and the loaded module.
///
/// "Interface" is the version of what the two say to each other on /dev/md/admin. They must have
/// the same.
#[derive(Debug, Parser)]
#[command(name = "version", verbatim_doc_comment)]
pub struct Arguments {}

/// Runs the command. The tool's version is there even if the module is not.
pub fn run(
    _arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let tool = Release {
        release: env!("CARGO_PKG_VERSION").to_string(),
        abi: ABI_VERSION,
    };
    answer.line(&line("mdctl", &tool));
    answer.document.tool = Some(tool);
    let module = requests::version(machine.admin)
        .map_err(|error| explain::request(&error, &Subject::none()))?;
    let module = Release {
        release: module.release,
        abi: module.abi,
    };
    answer.line(&line("md_rs", &module));
    answer.document.module = Some(module);
    Ok(())
}

/// A line of text about a part of the product.
fn line(part: &str, release: &Release) -> String {
    format!("{part} {} (interface {})", release.release, release.abi)
}
