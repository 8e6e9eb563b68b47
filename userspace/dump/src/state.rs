// SPDX-License-Identifier: GPL-2.0
//! What a dump has to know to go on after a crash: a file that is written anew, whole, before each
//! volume is begun. Its first line is JSON, and the maps stand behind that.

use crate::{
    job::Totals,
    options::Arguments,
    selection::Selection, //
};
use md_dump_format::{
    item::Place,
    layout::{
        Identity,
        Position, //
    },
    map::Map,
};
use serde::{
    Deserialize,
    Serialize, //
};
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Write, //
    },
    path::{
        Path,
        PathBuf, //
    },
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Arc, //
    }, //
};

/// Version of the file.
const VERSION: u32 = 3;

/// A volume that is finished.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// crc32c of its bytes.
    pub checksum: u32,
}

/// Where a dump stands: before a volume.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Checkpoint {
    /// How records are numbered from here on.
    pub position: Position,
    /// What comes next.
    pub place: Place,
    /// What the inode looked like that is in the middle.
    pub digest: u32,
    /// The volumes before.
    pub volumes: Vec<Volume>,
    /// What was done for them.
    pub totals: Totals,
}

/// What the file system was when the dump was begun.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// Its UUID, in hexadecimal digits.
    pub uuid: String,
    /// When it was last written to.
    pub written: u32,
    /// A number that changes with anything in its superblock.
    pub digest: u32,
}

/// A state while a dump is made.
#[derive(Debug)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// What stands there.
    pub state: State,
    /// Whether there are finished volumes, for whoever wants to know it later.
    pub has_volumes: Arc<AtomicBool>,
    /// What to type to go on with it.
    pub next: String,
}

impl Kept {
    /// Keeps where the dump stands now.
    pub(crate) fn keep(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.state.checkpoint = checkpoint.clone();
        self.state.write(&self.path)?;
        let has_volumes = !checkpoint.volumes.is_empty();
        self.has_volumes.store(has_volumes, Ordering::Relaxed);
        Ok(())
    }
}

/// All of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct State {
    version: u32,
    /// The options of the dump.
    pub arguments: Arguments,
    /// What all headers say.
    pub identity: Identity,
    /// Where the dump comes from.
    pub origin: Origin,
    /// Where it stands.
    pub checkpoint: Checkpoint,
    inodes: u32,
    estimate: u64,
    #[serde(skip)]
    maps: Vec<u8>,
}

impl State {
    /// The state of a dump.
    pub fn new(
        arguments: Arguments,
        identity: Identity,
        origin: Origin,
        selection: &Selection,
    ) -> Self {
        let maps = [&selection.used, &selection.wanted, &selection.directories];
        State {
            version: VERSION,
            arguments,
            identity,
            origin,
            checkpoint: Checkpoint::default(),
            inodes: selection.used.inodes(),
            estimate: selection.estimate,
            maps: maps.into_iter().flat_map(Map::bytes).copied().collect(),
        }
    }

    /// What was selected.
    pub fn selection(&self) -> Selection {
        let third = self.maps.len() / 3;
        let map = |index: usize| {
            let bytes = self.maps.get(index * third..(index + 1) * third);
            Map::from_bytes(bytes.unwrap_or_default().to_vec(), self.inodes)
        };
        Selection {
            used: map(0),
            wanted: map(1),
            directories: map(2),
            estimate: self.estimate,
        }
    }

    /// Reads it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let bad = |what: &str| io::Error::other(format!("is no state of a dump: {what}"));
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (line, maps) = bytes.split_at(end.ok_or_else(|| bad("it has no end of line"))?);
        let read: serde_json::Result<State> = serde_json::from_slice(line);
        let mut state = read.map_err(|error| bad(&error.to_string()))?;
        if state.version != VERSION {
            return Err(bad("it is of another version"));
        }
        state.maps = maps.get(1..).unwrap_or_default().to_vec();
        if state.maps.len() != Map::new(state.inodes).bytes().len() * 3 {
            return Err(bad("it is cut off"));
        }
        Ok(state)
    }

    /// Writes it, so that there is always a whole one.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = File::create(&beside)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(&self.maps)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn sample() -> State {
        let mut selection = Selection {
            used: Map::new(9000),
            wanted: Map::new(9000),
            directories: Map::new(9000),
            estimate: 77,
        };
        selection.used.insert(8999);
        selection.wanted.insert(12);
        let origin = Origin {
            uuid: "00ff".into(),
            written: 5,
            digest: 6,
        };
        let arguments = Arguments::try_parse_from(["mddump", "--level=0", "x"]).unwrap();
        State::new(arguments, Identity::default(), origin, &selection)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = sample();
        state.write(&path).unwrap();
        let read = State::read(&path).unwrap();
        assert_eq!(read, state);
        assert_eq!(read.selection(), state.selection());
        assert!(read.selection().wanted.contains(12));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        sample().write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in [0, 5, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = State::read(&path).unwrap_err().to_string();
            assert!(error.starts_with("is no state of a dump"), "{error}");
        }
    }
}
