// SPDX-License-Identifier: GPL-2.0
//! `mdctl dump`

use crate::{
    explain::{
        self,
        Failure, //
    },
    output::{
        dump::text,
        Answer, //
    },
    Machine,
};
use clap::Parser;
use md_image::inspect;

/// Name of the command.
pub const NAME: &str = "dump";

/// Show and verify what is written on a device or image of one, offline.
///
/// Shows the component label and the replicas of the state database with all that is in them, and
/// verifies every byte that counts. Nothing is written, the modules are not needed, and neither is
/// root where the device or file can be read. Whatever is damaged is told with its page and byte.
/// What is in use may be in the middle of a change: then dump it once more.
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    verbatim_doc_comment,
    after_help = "Exit status:
  0  All is whole
  1  Something is damaged, or of a version that is not known
  2  Nothing could be looked at: the command line is wrong, or the file cannot be opened

An interrupted commit leaves a damaged root behind as well. As long as the other root is whole
nothing is lost, and the next start of the set writes over it.

Examples:
  mdctl dump /dev/sda              What is on a disk
  mdctl dump --replica 1 disk.img  The second replica in an image
  mdctl dump --json /dev/sda | jq .dump.damage"
)]
pub struct Arguments {
    /// Of the replicas only this one, counted from 0
    #[arg(long, value_name = "N")]
    replica: Option<u32>,

    /// A block device, or a file with the bytes of one
    #[arg(value_name = "DEVICE|IMAGE")]
    device: String,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let path = &arguments.device;
    let source = machine.host.source(path);
    let source = source.map_err(|error| explain::dump::unreadable(path, &error))?;
    let dump = inspect(&*source, path, arguments.replica);
    if let Some(number) = arguments.replica.filter(|_| dump.replicas.is_empty()) {
        return Err(explain::dump::no_replica(path, number));
    }
    answer.text = text(&dump);
    let damages = dump.damage.len();
    answer.document.dump = Some(dump);
    match damages {
        0 => Ok(()),
        damages => Err(explain::dump::damaged(path, damages)),
    }
}
