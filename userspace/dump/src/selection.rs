// SPDX-License-Identifier: GPL-2.0
//! Passes I and II: which inodes are in use, and which are to be in the dump.

use md_dump_format::{
    header::ROOT,
    map::Map,
    records, //
};
use md_extfs::{
    inode::{
        flags,
        Inode,
        Kind, //
    },
    source::Source,
    FileSystem, //
};
use std::collections::{
    HashMap,
    HashSet, //
};

/// Records that extended attributes are likely to take: a header and a block.
const ATTRIBUTES: u64 = 5;

/// Entries of which the numbers belong to other directories.
const DOTS: [&[u8]; 2] = [b".", b".."];

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only what has changed since then, in seconds since 1970.
    pub since: Option<i64>,
    /// Whether `chattr +d` counts.
    pub honours_nodump: bool,
    /// Inodes that are left out, with all below them.
    pub excluded: HashSet<u32>,
}

/// What is to be dumped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// Inodes in use.
    pub used: Map,
    /// Inodes that are in the dump.
    pub wanted: Map,
    /// Directories among all inodes in use.
    pub directories: Map,
    /// How many records the dump is likely to have.
    pub estimate: u64,
}

/// Selects. What cannot be read is told to `warn`, and left out.
pub fn select<S: Source>(
    fs: &FileSystem<S>,
    wish: &Wish,
    warn: &dyn Fn(&str),
) -> md_extfs::Result<Selection> {
    let inodes = fs.superblock().inodes();
    let mut chosen = Chooser {
        fs,
        wish,
        selection: Selection {
            used: Map::new(inodes),
            wanted: Map::new(inodes),
            directories: Map::new(inodes),
            estimate: 0,
        },
        left_out: HashSet::new(),
        sizes: HashMap::new(),
        encrypted: 0,
    };
    chosen.pass_1()?;
    if chosen.encrypted > 0 {
        warn(&format!(
            "{} encrypted inodes are dumped as they lie on the disk, and will not be readable \
             again: back them up by name while they are unlocked",
            chosen.encrypted
        ));
    }
    let is_whole = wish.since.is_none() && chosen.left_out.is_empty();
    if !is_whole {
        chosen.pass_2(warn)?;
    }
    let maps = 2 * (1 + records(chosen.selection.used.bytes().len() as u64));
    chosen.selection.estimate += 2 + maps;
    Ok(chosen.selection)
}

struct Chooser<'a, S> {
    fs: &'a FileSystem<S>,
    wish: &'a Wish,
    selection: Selection,
    /// Inodes that were not to be dumped, with all below them.
    left_out: HashSet<u32>,
    /// Records of directories that pass II may still add.
    sizes: HashMap<u32, u64>,
    /// How many inodes in the dump are encrypted.
    encrypted: u32,
}

impl<S: Source> Chooser<'_, S> {
    /// Looks at all inodes.
    fn pass_1(&mut self) -> md_extfs::Result<()> {
        let mut table = self.fs.table();
        let mut number = 0;
        while let Some(next) = table.next_number(number)? {
            number = next;
            if let Some(inode) = table.inode(number)?.filter(Inode::is_used) {
                self.look_at(&inode);
            }
        }
        Ok(())
    }

    fn look_at(&mut self, inode: &Inode) {
        let number = inode.number;
        self.selection.used.insert(number);
        let is_ours = !self.fs.superblock().is_internal(number)
            && !inode.is_attribute_value()
            && inode.kind() != Kind::Unknown;
        if !is_ours {
            return;
        }
        let is_directory = inode.kind() == Kind::Directory;
        if is_directory {
            self.selection.directories.insert(number);
        }
        let is_nodump = self.wish.honours_nodump && inode.flags & flags::NODUMP != 0;
        if is_nodump || self.wish.excluded.contains(&number) {
            self.left_out.insert(number);
            return;
        }
        let size = self.estimate(inode);
        if self.is_new(inode) || number == ROOT {
            self.encrypted += u32::from(inode.flags & flags::ENCRYPTED != 0);
            self.selection.wanted.insert(number);
            self.selection.estimate += size;
        } else if is_directory {
            self.sizes.insert(number, size);
        }
    }

    /// How many records an inode is likely to take.
    fn estimate(&self, inode: &Inode) -> u64 {
        let has_attributes = self.fs.has_attributes(inode) && !inode.is_inline();
        estimate(inode) + if has_attributes { ATTRIBUTES } else { 0 }
    }

    fn is_new(&self, inode: &Inode) -> bool {
        self.wish
            .since
            .is_none_or(|since| inode.changed.seconds >= since)
    }

    /// Goes down from the root: what is below something that is left out is left out as well,
    /// unless it has another name; and the directories on the way to what is in the dump are in it.
    fn pass_2(&mut self, warn: &dyn Fn(&str)) -> md_extfs::Result<()> {
        let mut parents = HashMap::from([(ROOT, ROOT)]);
        let mut reached = Map::new(self.fs.superblock().inodes());
        let mut with_wanted = Vec::new();
        let mut is_damaged = false;
        reached.insert(ROOT);
        let mut queue = vec![ROOT];
        while let Some(number) = queue.pop() {
            let inode = self.fs.inode(number)?;
            let directory = self.fs.directory(&inode);
            if let Some(fault) = directory.fault {
                warn(&fault.to_string());
                is_damaged = true;
            }
            let mut has_wanted = false;
            for entry in directory.entries {
                let is_dot = DOTS.contains(&&entry.name[..]);
                if is_dot || self.left_out.contains(&entry.inode) {
                    continue;
                }
                reached.insert(entry.inode);
                has_wanted |= self.selection.wanted.contains(entry.inode);
                let is_directory = self.selection.directories.contains(entry.inode);
                if is_directory && !parents.contains_key(&entry.inode) {
                    parents.insert(entry.inode, number);
                    queue.push(entry.inode);
                }
            }
            if has_wanted {
                with_wanted.push(number);
            }
        }
        // Without anything left out, or in a damaged directory, what has no name may be somebody's
        // file all the same, and is dumped.
        if !self.left_out.is_empty() && !is_damaged {
            self.leave_out_unreached(&reached)?;
        }
        self.add_ways(&parents, with_wanted);
        Ok(())
    }

    fn leave_out_unreached(&mut self, reached: &Map) -> md_extfs::Result<()> {
        let wanted = self.selection.wanted.iter_from(1);
        let lost: Vec<u32> = wanted.filter(|inode| !reached.contains(*inode)).collect();
        for number in lost {
            self.selection.wanted.remove(number);
            let size = self.estimate(&self.fs.inode(number)?);
            self.selection.estimate = self.selection.estimate.saturating_sub(size);
        }
        Ok(())
    }

    /// Adds directories that have something that is in the dump, and those on the way to them.
    fn add_ways(&mut self, parents: &HashMap<u32, u32>, mut directories: Vec<u32>) {
        directories.extend(self.selection.wanted.iter_from(1));
        for start in directories {
            let mut number = start;
            loop {
                let is_directory = self.selection.directories.contains(number);
                if is_directory && !self.selection.wanted.contains(number) {
                    self.selection.wanted.insert(number);
                    self.selection.estimate += self.sizes.get(&number).copied().unwrap_or(1);
                }
                match parents.get(&number) {
                    Some(parent) if *parent != number => number = *parent,
                    _ => break,
                }
            }
        }
    }
}

/// How many records the contents of an inode are likely to take.
fn estimate(inode: &Inode) -> u64 {
    let size = records(inode.size);
    let data = match inode.kind() {
        Kind::Regular if inode.is_inline() => size,
        Kind::Regular => {
            let headers = size.saturating_sub(1) / 512;
            size.next_multiple_of(4).min(inode.sectors.div_ceil(2)) + headers
        }
        Kind::Directory => size + size / 512,
        Kind::Symlink => 1,
        _ => 0,
    };
    1 + data
}
