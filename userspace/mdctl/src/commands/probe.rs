// SPDX-License-Identifier: GPL-2.0
//! `mdctl probe`

use crate::{
    discover::{
        members::{
            look_at,
            Found, //
        },
        Node, //
    },
    explain::{
        self,
        Failure, //
    },
    output::Answer,
    Machine,
};
use clap::Parser;

/// Say what a device has of a set.
#[derive(Debug, Parser)]
#[command(name = "probe", verbatim_doc_comment)]
pub struct Arguments {
    /// As properties for udev; nothing if it has nothing
    #[arg(long)]
    udev: bool,

    /// The device
    #[arg(value_name = "DEVICE")]
    device: String,
}

/// Runs the command.
pub fn run(
    arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let path = arguments.device.as_str();
    let found = look_at(machine.host, path);
    if arguments.udev {
        if let Some(found) = &found {
            properties(found).for_each(|line| answer.line(&line));
        }
        return Ok(());
    }
    match (machine.host.node(path), found) {
        (Err(error), _) => Err(explain::device::not_found(path, &error)),
        (Ok(Node::Block { .. }), None) => Err(Failure::of(
            path,
            "has nothing of a set",
            "mdctl scan".to_string(),
        )),
        (Ok(_), None) => Err(explain::device::not_a_block_device(path)),
        (Ok(_), Some(found)) => {
            answer.document.members = Some(vec![(&found).into()]);
            answer.line(&found.line());
            Ok(())
        }
    }
}

/// The properties by which libblkid's users know what is on a device, and the set for our rules.
fn properties(found: &Found) -> impl Iterator<Item = String> {
    let label = (!found.set_name.is_empty()).then(|| safe(&found.set_name));
    [
        Some(format!("MD_RS_SET={}", found.set)),
        Some("ID_FS_TYPE=md_rs_member".to_string()),
        Some("ID_FS_USAGE=raid".to_string()),
        Some("ID_FS_VERSION=1".to_string()),
        Some(format!("ID_FS_UUID={}", found.set)),
        Some(format!("ID_FS_UUID_ENC={}", found.set)),
        found
            .component
            .map(|component| format!("ID_FS_UUID_SUB={component}")),
        label.as_ref().map(|label| format!("ID_FS_LABEL={label}")),
        label.map(|label| format!("ID_FS_LABEL_ENC={label}")),
    ]
    .into_iter()
    .flatten()
}

/// A name that a shell, a path and udev can take: it is from a disk that anybody may have written.
fn safe(name: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.chars()
        .map(|letter| if safe(letter) { letter } else { '_' })
        .collect()
}
