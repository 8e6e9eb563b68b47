// SPDX-License-Identifier: GPL-2.0
//! `-A`: the table of contents of a dump in a file of its own, from which `restore -A` tells what
//! is in the dump and on which volume. It is a dump of the maps and directories alone, whose end
//! tells the volumes of the whole one.

use crate::{
    compression::Compression,
    pipeline::{
        self,
        Ended,
        Settings,
        Watcher, //
    },
    plan::Plan,
    sink::{
        file::FileSink,
        Sink, //
    }, //
};
use md_dump_format::{
    item::{
        Place,
        Stage, //
    },
    layout::{
        Identity,
        Layout,
        Position, //
    }, //
};
use md_extfs::source::Source;
use std::{
    fs::File,
    io,
    path::Path, //
};

/// Nobody: there is little to wait for.
struct Unwatched;

impl Watcher for Unwatched {
    fn begins(&mut self, _inode: u32, _block: u64, _byte: u64) {}

    fn goes_on(&mut self, _blocks: u64) -> bool {
        true
    }
}

/// Writes the table of contents of a dump of which these are the first inodes of its volumes.
pub(crate) fn write<S: Source>(
    path: &Path,
    plan: &Plan<'_, S>,
    source: &dyn Source,
    identity: &Identity,
    volumes: &[u32],
) -> io::Result<()> {
    let items = plan.items_from(Place::default());
    let items = items.take_while(|item| item.place.stage <= Stage::Directories);
    let identity = Identity {
        is_compressed: false,
        ..identity.clone()
    };
    let settings = Settings {
        ntrec: identity.ntrec,
        compression: Compression::None,
        volume_bytes: None,
        has_checksum: false,
    };
    let mut layout = Layout::new(identity, items, Position::default());
    layout.begin_volume();
    layout.tell_volumes(volumes.to_vec());
    let mut sink = FileSink::new(File::create(path)?, false)?;
    let outcome = pipeline::run(&mut layout, source, &mut sink, settings, &mut Unwatched);
    match outcome.ended {
        Ended::Finished => sink.close(),
        Ended::Failed(error) => Err(error),
        Ended::Full | Ended::EndOfMedium => Err(io::ErrorKind::StorageFull.into()),
        Ended::Broken(reason) => Err(io::Error::other(reason)),
        Ended::Stopped => Err(io::ErrorKind::Interrupted.into()),
    }
}
