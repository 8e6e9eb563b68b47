// SPDX-License-Identifier: GPL-2.0
//! Going on with a dump that stopped: what was finished must be what it was.

use crate::{
    failure::Failure,
    state::{
        Origin,
        State,
        Volume, //
    },
};
use std::{
    fs::File,
    io::{
        self,
        Read, //
    },
    path::Path, //
};

/// Reads the state of a dump, and looks at the volumes that it has finished. Those that cannot be
/// looked at are told to `say`.
pub(crate) fn read(path: &str, force: bool, say: &dyn Fn(&str)) -> Result<State, Failure> {
    let state = State::read(Path::new(path))
        .map_err(|error| Failure::new(path, &error.to_string(), &format!("ls -l {path}")))?;
    if !force {
        let mut volumes = state.checkpoint.volumes.iter();
        volumes.try_for_each(|volume| whole(volume, say))?;
    }
    Ok(state)
}

/// Whether a finished volume is as it was written. Of one that is not here any more, such as a
/// tape, nothing can be said.
fn whole(volume: &Volume, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let name = &volume.name;
    let file = File::open(name).ok();
    let Some(file) = file.filter(|file| file.metadata().is_ok_and(|found| found.is_file())) else {
        say(&format!(
            "{name} is no file here: it is taken for granted that it is whole"
        ));
        return Ok(());
    };
    let is = checksum(file).map_err(|error| {
        let next = format!("ls -l {}", volume.name);
        Failure::new(&volume.name, &error.to_string(), &next)
    })?;
    if is == (volume.bytes, volume.checksum) {
        return Ok(());
    }
    let reason = "is not as it was written: the dump cannot go on behind it";
    Err(Failure::new(
        &volume.name,
        reason,
        "mddump --resume ... --force",
    ))
}

/// How many bytes a file has, and their checksum.
fn checksum(mut file: File) -> io::Result<(u64, u32)> {
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut sum) = (0, 0);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((bytes, sum));
        }
        let read = buffer.get(..count).unwrap_or_default();
        sum = crc32c::crc32c_append(sum, read);
        bytes += count as u64;
    }
}

/// Why a file system that is mounted is not gone on with: what is written to it does not show.
pub(crate) const MOUNTED: &str =
    "is mounted, and so may have been written to since its dump stopped";

/// Refuses a file system that is another one, or was written to since, or may have been.
pub(crate) fn check(
    state: &State,
    now: &Origin,
    is_mounted: bool,
    force: bool,
) -> Result<(), Failure> {
    let then = &state.origin;
    let reason = if then.uuid != now.uuid {
        "is another file system than the one whose dump stopped"
    } else if then != now && !force {
        "was written to since its dump stopped"
    } else if is_mounted && !force {
        MOUNTED
    } else {
        return Ok(());
    };
    Err(changed(&state.identity.device, reason))
}

/// A file system that is not as it was.
pub(crate) fn changed(device: &str, reason: &str) -> Failure {
    Failure::new(device, reason, "mddump --resume ... --force")
}
