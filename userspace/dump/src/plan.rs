// SPDX-License-Identifier: GPL-2.0
//! What the dump consists of, from any place on: the maps, then passes III and IV.

use crate::{
    file,
    selection::Selection, //
};
use md_dump_format::{
    addresses::Encoding,
    header::{
        Header,
        Kind, //
    },
    item::{
        Contents,
        Item,
        Place,
        Stage, //
    },
    map::Map,
    RECORD, //
};
use md_extfs::{
    inode::Kind as InodeKind,
    source::Source,
    table::Table,
    FileSystem, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// Who can read the dump.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Format {
    /// Every `restore` of Linux.
    #[default]
    Classic,
    /// Those of Linux from 0.4b49 on; shorter for files with large holes.
    Linux49,
    /// Those of BSD too: no extended attributes.
    Bsd,
}

/// How files are put into the dump.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Who can read it.
    pub format: Format,
    /// Files whose contents are older than this are dumped without them.
    pub only_inodes_before: Option<i64>,
}

/// A dump that is planned.
pub struct Plan<'a, S> {
    /// Where it comes from.
    pub fs: &'a FileSystem<S>,
    /// What is in it.
    pub selection: &'a Selection,
    /// How.
    pub manner: Manner,
    /// Told of what is lost.
    pub warn: &'a (dyn Fn(&str) + Sync),
}

impl<S> std::fmt::Debug for Plan<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("manner", &self.manner)
            .finish_non_exhaustive()
    }
}

impl Manner {
    /// How addresses are written.
    pub fn encoding(self) -> Encoding {
        match self.format {
            Format::Linux49 => Encoding::Runs,
            Format::Classic | Format::Bsd => Encoding::Classic,
        }
    }

    /// Whether extended attributes are in it.
    pub fn has_attributes(self) -> bool {
        self.format != Format::Bsd
    }
}

impl<'a, S: Source> Plan<'a, S> {
    /// All items from a place on.
    pub fn items_from(&self, place: Place) -> Items<'_, 'a, S> {
        Items {
            plan: self,
            table: self.fs.table(),
            unit: Some((place.stage, place.inode)),
            skip: place.record,
            record: 0,
            contents: Box::new(std::iter::empty()),
            is_begun: false,
        }
    }

    /// A number that changes if the rest of an inode changes, with which a dump is to go on.
    pub fn digest(&self, place: Place) -> u32 {
        let start = Place { record: 0, ..place };
        let items = self.items_from(start);
        let of_inode = items
            .take_while(|item| (item.place.stage, item.place.inode) == (place.stage, place.inode));
        of_inode.fold(0, |sum, item| {
            let sum = crc32c::crc32c_append(sum, &item.records().to_le_bytes());
            match &item.contents {
                Contents::Disk { offset, .. } => crc32c::crc32c_append(sum, &offset.to_le_bytes()),
                Contents::Header(header) => {
                    let sum = crc32c::crc32c_append(sum, &header.addresses);
                    crc32c::crc32c_append(sum, &header.count.get().to_le_bytes())
                }
                Contents::Bytes { .. } => sum,
            }
        })
    }

    /// The unit behind one: a map, or an inode.
    fn next_unit(&self, stage: Stage, inode: u32) -> Option<(Stage, u32)> {
        let next = inode.saturating_add(1);
        match stage {
            Stage::Used => Some((Stage::Wanted, 0)),
            Stage::Wanted => self.first_of(Stage::Directories, 1),
            Stage::Directories | Stage::Files => self.first_of(stage, next),
            Stage::End => None,
        }
    }

    /// The first inode of a stage from one on, or the first of the next stage.
    fn first_of(&self, stage: Stage, inode: u32) -> Option<(Stage, u32)> {
        let is_directories = stage == Stage::Directories;
        let mut wanted = self.selection.wanted.iter_from(inode);
        let found =
            wanted.find(|inode| self.selection.directories.contains(*inode) == is_directories);
        match (found, is_directories) {
            (Some(inode), _) => Some((stage, inode)),
            (None, true) => self.first_of(Stage::Files, 1),
            (None, false) => None,
        }
    }
}

/// The items of a plan.
pub struct Items<'p, 'a, S> {
    plan: &'p Plan<'a, S>,
    table: Table<'a, S>,
    /// The unit that `contents` are of, or are to be.
    unit: Option<(Stage, u32)>,
    /// Records of the first unit that are left out.
    skip: u64,
    /// Records of the unit that came before.
    record: u64,
    contents: Box<dyn Iterator<Item = Contents> + 'p>,
    is_begun: bool,
}

impl<S> std::fmt::Debug for Items<'_, '_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items")
            .field("unit", &self.unit)
            .finish_non_exhaustive()
    }
}

impl<'p, S: Source> Items<'p, '_, S> {
    /// What a unit consists of.
    fn begin(&mut self, stage: Stage, inode: u32) -> Box<dyn Iterator<Item = Contents> + 'p> {
        let selection = self.plan.selection;
        match stage {
            Stage::Used => Box::new(map(Kind::Used, selection.used.inodes(), &selection.used)),
            // The number of the root, as Debian's dump has it there.
            Stage::Wanted => Box::new(map(Kind::Wanted, 2, &selection.wanted)),
            Stage::Directories | Stage::Files => self.inode(stage, inode),
            Stage::End => Box::new(std::iter::empty()),
        }
    }

    /// An inode, unless it is not any more what it was when it was selected: restore takes the
    /// first file for the end of all directories.
    fn inode(&mut self, stage: Stage, number: u32) -> Box<dyn Iterator<Item = Contents> + 'p> {
        let lost = match self.table.inode(number) {
            Ok(Some(inode)) if inode.is_used() => {
                let is_directory = inode.kind() == InodeKind::Directory;
                if is_directory == (stage == Stage::Directories) {
                    return file::contents(self.plan, &inode);
                }
                format!("inode {number} was removed and is another file now: it is left out")
            }
            Ok(_) => format!("inode {number} is gone"),
            Err(error) => error.to_string(),
        };
        (self.plan.warn)(&lost);
        Box::new(std::iter::empty())
    }

    /// The next contents with their place.
    fn next_whole(&mut self) -> Option<Item> {
        loop {
            let (stage, inode) = self.unit?;
            if !self.is_begun {
                self.contents = self.begin(stage, inode);
                self.is_begun = true;
                self.record = 0;
            }
            if let Some(contents) = self.contents.next() {
                let place = Place {
                    stage,
                    inode,
                    record: self.record,
                };
                let item = Item { place, contents };
                self.record += item.records();
                return Some(item);
            }
            self.unit = self.plan.next_unit(stage, inode);
            self.is_begun = false;
            self.skip = 0;
        }
    }
}

impl<S: Source> Iterator for Items<'_, '_, S> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let mut item = self.next_whole()?;
            let records = item.records();
            if self.skip == 0 {
                return Some(item);
            }
            if self.skip >= records {
                self.skip -= records;
                continue;
            }
            let rest = item.cut(self.skip);
            self.skip = 0;
            return rest;
        }
    }
}

/// The header of a map and its bytes.
fn map(kind: Kind, number: u32, map: &Map) -> impl Iterator<Item = Contents> {
    let mut header = Header::new(kind, number);
    header.count = ((map.bytes().len() / RECORD) as u32).into();
    let bytes = Contents::of_bytes(map.bytes().to_vec());
    [Contents::Header(Box::new(header)), bytes].into_iter()
}
