// SPDX-License-Identifier: GPL-2.0
//! The records of one inode: headers, contents, and extended attributes behind them.

use crate::plan::Plan;
use md_dump_format::{
    addresses::{
        Encoding,
        Run,
        Windows, //
    },
    attributes,
    directory,
    header::{
        flags,
        Header,
        ATTRIBUTES_XATTR, //
    },
    inode::{
        Inode as DumpInode,
        Time as DumpTime, //
    },
    item::Contents,
    records,
    RECORD, //
};
use md_extfs::{
    inode::{
        flags as inode_flags,
        Inode,
        Kind,
        Time, //
    },
    source::Source, //
};
use std::{
    collections::VecDeque,
    vec, //
};

/// Records of a file that lie together, or are not there.
enum Stretch {
    Hole(u64),
    Data(Contents),
}

impl Stretch {
    fn run(&self) -> Run {
        match self {
            Stretch::Hole(records) => Run {
                is_data: false,
                records: *records,
            },
            Stretch::Data(contents) => Run {
                is_data: true,
                records: contents.records(),
            },
        }
    }
}

/// All records of an inode.
pub(crate) fn contents<'p, S: Source>(
    plan: &'p Plan<'_, S>,
    inode: &Inode,
) -> Box<dyn Iterator<Item = Contents> + 'p> {
    let mut header = Header::new(md_dump_format::header::Kind::Inode, inode.number);
    header.inode = dump_inode(inode, plan.warn);
    let before = plan.manner.only_inodes_before;
    let is_old = before.is_some_and(|since| inode.modified.seconds < since);
    let mut stretches = Vec::new();
    if is_old && inode.kind() == Kind::Regular {
        header.flags = flags::META_ONLY.into();
    } else {
        stretches = body(plan, inode, &mut header);
    }
    let first = Records::new(plan.manner.encoding(), header, stretches);
    let rest = extended(plan, inode);
    Box::new(first.chain(rest.into_iter().flatten()))
}

/// The extended attributes of an inode: for each block of them a header and the block.
fn extended<S: Source>(plan: &Plan<'_, S>, inode: &Inode) -> Vec<Records> {
    if !plan.manner.has_attributes() {
        return Vec::new();
    }
    let found = plan.fs.attributes(inode);
    if let Some(fault) = found.fault {
        (plan.warn)(&fault.to_string());
    }
    let list: Vec<_> = found
        .list
        .into_iter()
        .map(|one| attributes::Attribute {
            index: one.index,
            name: one.name,
            value: one.value,
        })
        .collect();
    for one in list.iter().filter(|one| !one.fits()) {
        let name = String::from_utf8_lossy(&one.name);
        let bytes = one.value.len();
        (plan.warn)(&format!(
            "inode {}: the extended attribute {name} of {bytes} bytes has no place in a dump, \
             and is left out",
            inode.number
        ));
    }
    let blocks = attributes::write(&list).into_iter();
    let with_header = |block: Vec<u8>| {
        let mut header = Header::new(md_dump_format::header::Kind::Inode, inode.number);
        header.inode = dump_inode(inode, &|_| {});
        header.inode.size = (block.len() as u64).into();
        header.flags = flags::ATTRIBUTES.into();
        header.attributes = ATTRIBUTES_XATTR.into();
        let stretches = vec![Stretch::Data(Contents::of_bytes(block))];
        Records::new(plan.manner.encoding(), header, stretches)
    };
    blocks.map(with_header).collect()
}

/// What lies in a file, and its size in the header if that is another one in a dump.
fn body<S: Source>(plan: &Plan<'_, S>, inode: &Inode, header: &mut Header) -> Vec<Stretch> {
    let of_bytes = |bytes: Vec<u8>| {
        if bytes.is_empty() {
            return Vec::new();
        }
        vec![Stretch::Data(Contents::of_bytes(bytes))]
    };
    match inode.kind() {
        Kind::Directory => {
            let bytes = directory_bytes(plan, inode);
            header.inode.size = (bytes.len() as u64).into();
            of_bytes(bytes)
        }
        Kind::Regular | Kind::Symlink => match plan.fs.inline(inode) {
            Some(bytes) => of_bytes(bytes),
            None => regular(plan, inode),
        },
        _ => Vec::new(),
    }
}

/// A directory in dump's form.
fn directory_bytes<S: Source>(plan: &Plan<'_, S>, inode: &Inode) -> Vec<u8> {
    let directory = plan.fs.directory(inode);
    if let Some(fault) = directory.fault {
        (plan.warn)(&fault.to_string());
    }
    let entries = directory.entries.into_iter().map(|entry| directory::Entry {
        inode: entry.inode,
        kind: entry_kind(entry.kind),
        name: entry.name,
    });
    directory::write(&entries.collect::<Vec<_>>())
}

/// The type in an entry, from ext4's number to that of `d_type`.
fn entry_kind(kind: u8) -> u8 {
    match kind {
        1 => 8,
        2 => 4,
        3 => 2,
        4 => 6,
        5 => 1,
        6 => 12,
        7 => 10,
        _ => 0,
    }
}

/// Most blocks of a file: their numbers have 32 bits. What is larger is damaged.
const BLOCKS_MAX: u64 = 1 << 32;

/// A file with blocks of its own. A dump has all records of a block, also behind the end.
fn regular<S: Source>(plan: &Plan<'_, S>, inode: &Inode) -> Vec<Stretch> {
    let block_bytes = u64::from(plan.fs.superblock().block_bytes());
    let end = inode.size.div_ceil(block_bytes).min(BLOCKS_MAX);
    let in_block = block_bytes / RECORD as u64;
    let mapped = plan.fs.extents(inode);
    if let Some(fault) = mapped.fault {
        (plan.warn)(&format!(
            "{fault}: what lies behind that is dumped as a hole"
        ));
    }
    let mut stretches = Vec::new();
    let mut next = 0;
    for extent in mapped.extents.iter().filter(|one| !one.is_unwritten) {
        let blocks = extent.blocks.min(end.saturating_sub(extent.logical));
        if blocks == 0 {
            break;
        }
        if extent.logical > next {
            stretches.push(Stretch::Hole((extent.logical - next) * in_block));
        }
        on_disk(plan, extent.physical, blocks, &mut stretches);
        next = extent.logical + blocks;
    }
    if end > next {
        stretches.push(Stretch::Hole((end - next) * in_block));
    }
    stretches
}

/// Blocks of the device, of which some may be in the journal.
fn on_disk<S: Source>(
    plan: &Plan<'_, S>,
    mut first: u64,
    mut blocks: u64,
    stretches: &mut Vec<Stretch>,
) {
    let block_bytes = u64::from(plan.fs.superblock().block_bytes());
    let disk = |first: u64, blocks: u64| {
        Stretch::Data(Contents::Disk {
            offset: first * block_bytes,
            records: records(blocks * block_bytes),
        })
    };
    for (block, _) in plan.fs.overlay().range(first, blocks) {
        if block > first {
            stretches.push(disk(first, block - first));
        }
        match plan.fs.block(block) {
            Ok(bytes) => stretches.push(Stretch::Data(Contents::of_bytes(bytes))),
            Err(error) => {
                (plan.warn)(&error.to_string());
                stretches.push(disk(block, 1));
            }
        }
        blocks -= block + 1 - first;
        first = block + 1;
    }
    if blocks > 0 {
        stretches.push(disk(first, blocks));
    }
}

/// The headers of a file, each with the data that it describes behind it.
struct Records {
    /// The next header, but for what describes its data.
    header: Header,
    is_first: bool,
    windows: Windows<vec::IntoIter<Run>>,
    stretches: VecDeque<Stretch>,
    ready: VecDeque<Contents>,
}

impl Records {
    fn new(encoding: Encoding, header: Header, stretches: Vec<Stretch>) -> Self {
        let runs: Vec<Run> = stretches.iter().map(Stretch::run).collect();
        Records {
            header,
            is_first: true,
            windows: Windows::new(encoding, runs.into_iter()),
            stretches: stretches.into(),
            ready: VecDeque::new(),
        }
    }

    /// Moves the data among so many records to what comes next.
    fn take(&mut self, mut count: u64) {
        while count > 0 {
            let Some(stretch) = self.stretches.pop_front() else {
                return;
            };
            let records = stretch.run().records;
            let taken = records.min(count);
            count -= taken;
            match stretch {
                Stretch::Hole(records) if taken < records => {
                    self.stretches.push_front(Stretch::Hole(records - taken));
                }
                Stretch::Hole(_) => {}
                Stretch::Data(mut contents) => {
                    if let Some(rest) = contents.cut(taken) {
                        self.stretches.push_front(Stretch::Data(rest));
                    }
                    self.ready.push_back(contents);
                }
            }
        }
    }
}

impl Iterator for Records {
    type Item = Contents;

    fn next(&mut self) -> Option<Contents> {
        if let Some(contents) = self.ready.pop_front() {
            return Some(contents);
        }
        let window = self.windows.next();
        if window.is_none() && !self.is_first {
            return None;
        }
        let window = window.unwrap_or_default();
        let mut header = self.header.clone();
        if !self.is_first {
            header.kind = md_dump_format::header::Kind::More.number().into();
        }
        self.is_first = false;
        header.count = (window.addresses.len() as u32).into();
        let to = header.addresses.iter_mut();
        to.zip(&window.addresses).for_each(|(to, byte)| *to = *byte);
        self.take(window.records);
        Some(Contents::Header(Box::new(header)))
    }
}

/// The inode in a header.
fn dump_inode(inode: &Inode, warn: &dyn Fn(&str)) -> DumpInode {
    let mut to = DumpInode {
        mode: inode.mode.into(),
        links: inode.links.into(),
        old_uid: (inode.uid as u16).into(),
        old_gid: (inode.gid as u16).into(),
        size: inode.size.into(),
        accessed: time(inode, inode.accessed, warn),
        modified: time(inode, inode.modified, warn),
        changed: time(inode, inode.changed, warn),
        // Its data is told by headers, like everybody's: left set, restore would want it elsewhere.
        flags: (inode.flags & !inode_flags::INLINE).into(),
        sectors: u32::try_from(inode.sectors).unwrap_or(u32::MAX).into(),
        generation: inode.generation.into(),
        uid: inode.uid.into(),
        gid: inode.gid.into(),
        ..DumpInode::default()
    };
    if matches!(inode.kind(), Kind::Character | Kind::Block) {
        to.blocks[0] = device(inode, warn).into();
    }
    to
}

/// Number of a device: in the old encoding if that has room for it, else in the new one.
fn device(inode: &Inode, warn: &dyn Fn(&str)) -> u32 {
    let (major, minor) = inode.device();
    if major < 256 && minor < 256 {
        return (major << 8) | minor;
    }
    let number = (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12);
    if number >= 1 << 31 {
        warn(&format!(
            "inode {}: restore may not make the device {major}:{minor}",
            inode.number
        ));
    }
    number
}

/// A time, in the 32 bits that there are for its seconds.
fn time(inode: &Inode, time: Time, warn: &dyn Fn(&str)) -> DumpTime {
    let seconds = time.seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    if seconds != time.seconds {
        warn(&format!(
            "inode {}: a time is outside of what a dump can say, and was put to its limit",
            inode.number
        ));
    }
    DumpTime {
        seconds: (seconds as u32).into(),
        microseconds: (time.nanoseconds / 1000).min(999_999).into(),
    }
}
