// SPDX-License-Identifier: GPL-2.0
//! That the stream is that of Debian's dump (dump.md 7, 4), but for what depends on when and where
//! it was dumped, and for what Debian's dump leaves to chance.

use crate::{
    env::{
        dump,
        succeeded,
        tool,
        tools,
        versions,
        Place, //
    },
    sample::fill,
};
use md_dump_format::{
    attributes::Attribute,
    header::{
        flags,
        text,
        Header, //
    },
    inode::Inode as DumpInode,
    RECORD, //
};
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    fs, //
};

/// What a header says about a file, as far as it does not depend on when and where it was dumped:
/// its kind, the inode, and which records follow.
type Told = (u32, u32, DumpInode, Vec<u8>);

/// What a dump says.
#[derive(Default)]
struct Stream {
    headers: Vec<Told>,
    /// All that is in files: records, entries of folders, targets of links.
    data: Vec<Vec<u8>>,
    /// The header of the volume, and the first of those at the end.
    volume: Option<Header>,
    end: Option<Header>,
    /// The maps, by the kinds of their headers.
    maps: BTreeMap<u32, Vec<u8>>,
    /// The extended attributes of inodes.
    attributes: BTreeMap<u32, BTreeSet<Attribute>>,
}

/// The inode of the file in which ext4 keeps what was removed while it was open. Debian's dump
/// 0.4b47 takes it for somebody's.
const ORPHANS: u32 = 12;

/// The kind of a symbolic link in a mode.
const SYMLINK: u16 = 10;

/// What a dump with one volume says.
fn told(dump: &[u8]) -> Stream {
    let mut stream = Stream::default();
    let mut records = dump.chunks_exact(RECORD);
    let mut directory = Vec::new();
    while let Some(record) = records.next() {
        let header = Header::from_bytes(record.try_into().unwrap());
        assert!(header.is_sealed(), "no header where one should be");
        let count = header.count.get() as usize;
        let number = header.inumber.get();
        let (kind, mut following) = (header.kind.get(), 0);
        if [3, 6].contains(&kind) {
            following = count as u64;
        } else if [2, 4].contains(&kind) {
            following = data_records(&header.addresses[..count]);
        }
        let is_attributes = header.flags.get() & flags::ATTRIBUTES != 0;
        let behind: Vec<_> = records.by_ref().take(following as usize).collect();
        match kind {
            1 => stream.volume = Some(header),
            5 => stream.end = stream.end.or(Some(header)),
            3 | 6 => drop(stream.maps.insert(kind, behind.concat())),
            _ if number == ORPHANS => {}
            _ if is_attributes => {
                let of_inode = stream.attributes.entry(number).or_default();
                of_inode.extend(attributes(&behind.concat()));
            }
            _ if header.inode.mode.get() >> 12 == 4 => {
                // Debian's dump has a header for each record of a directory.
                let size = header.inode.size.get() as usize;
                if kind == 2 {
                    stream
                        .headers
                        .push((0, number, known(header.inode), Vec::new()));
                    directory.clear();
                }
                behind.iter().for_each(|bytes| directory.extend(*bytes));
                if directory.len() >= size {
                    stream.data.extend(entries(&directory, size));
                }
            }
            _ => stream.file(&header, &behind),
        }
    }
    stream
}

impl Stream {
    /// Notes a header of a file with the records behind it.
    fn file(&mut self, header: &Header, behind: &[&[u8]]) {
        let inode = header.inode;
        let addresses = header.addresses[..header.count.get() as usize].to_vec();
        let (kind, number) = (header.kind.get(), header.inumber.get());
        self.headers.push((kind, number, known(inode), addresses));
        let mut records: Vec<_> = behind.iter().map(|record| record.to_vec()).collect();
        if inode.mode.get() >> 12 == SYMLINK {
            // Behind a target Debian's dump may have anything.
            let size = inode.size.get() as usize;
            records.iter_mut().for_each(|record| record.truncate(size));
        }
        self.data.extend(records);
    }
}

/// What both programs should say of an inode. Debian's dump copies the words for blocks, of which
/// restore uses only the number of a device; it loses one that is large, and parts of seconds.
fn known(inode: DumpInode) -> DumpInode {
    let is_device = [2, 6].contains(&(inode.mode.get() >> 12));
    let number = inode.blocks[0].get();
    let mut known = inode;
    known.blocks = Default::default();
    for time in [&mut known.accessed, &mut known.modified, &mut known.changed] {
        time.microseconds = 0.into();
    }
    if is_device && number < 1 << 16 {
        known.blocks[0] = number.into();
    }
    known
}

/// The extended attributes in a payload: those in the inode, with a magic number that differs in a
/// bit, and those of a block. Debian's dump may have one behind the other.
fn attributes(payload: &[u8]) -> Vec<Attribute> {
    const IN_INODE: u32 = 0xea02_0001;
    let word = |at: usize| u32::from_le_bytes(payload[at..at + 4].try_into().unwrap());
    if word(0) != IN_INODE {
        return md_dump_format::attributes::read(&payload[..4096]).expect("a block of attributes");
    }
    let mut list = Vec::new();
    let mut at = 4;
    while word(at) != 0 {
        let name = usize::from(payload[at]);
        let start = 4 + usize::from(payload[at + 2]) + 256 * usize::from(payload[at + 3]);
        list.push(Attribute {
            index: payload[at + 1],
            name: payload[at + 16..at + 16 + name].to_vec(),
            value: payload[start..start + word(at + 8) as usize].to_vec(),
        });
        at += (16 + name).next_multiple_of(4);
    }
    list
}

/// The entries of a directory of this size, but for what is behind their names, where Debian's dump
/// may have anything.
fn entries(records: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (mut at, mut entries) = (0, Vec::new());
    while at < size {
        let length = usize::from(u16::from_le_bytes([records[at + 4], records[at + 5]]));
        let name = usize::from(records[at + 7]);
        assert!(length >= 8 + name && at + length <= size);
        let number = &records[at..at + 4];
        if number != [0; 4] {
            entries.push([number, &records[at + 6..at + 8 + name]].concat());
        }
        at += length;
    }
    entries
}

fn data_records(addresses: &[u8]) -> u64 {
    let (mut records, mut bytes) = (0, addresses.iter());
    while let Some(byte) = bytes.next() {
        let small = u64::from((byte >> 1) & 63);
        let run = if byte & 0x80 == 0 {
            small + 1
        } else {
            u64::from(*bytes.next().unwrap()) * 64 + small + 65
        };
        records += run * u64::from(byte & 1);
    }
    records
}

/// The headers of volumes and at the end, and the maps, but for the inodes of the file system
/// itself, which mean nothing to restore.
#[track_caller]
fn assert_same_ends(version: &str, ours: &Stream, theirs: &Stream) {
    let [is, should] = [ours, theirs].map(|stream| {
        let [volume, end] = [&stream.volume, &stream.end].map(|one| one.clone().unwrap());
        let ends = [&volume, &end].map(|header| {
            (
                header.since,
                header.level,
                header.label,
                header.ntrec,
                header.first,
                header.flags,
            )
        });
        (ends, volume.count, volume.volume, text(&volume.host))
    });
    assert_eq!(is, should, "{version}");
    for kind in [3, 6] {
        let [is, should] = [ours, theirs].map(|stream| {
            let mut map = stream.maps[&kind].clone();
            // Inodes 1 to 10 but the root, and the one for what was removed while it was open.
            map[0] &= 0b10;
            map[1] &= !0b1011;
            map
        });
        assert!(is.iter().any(|byte| *byte != 0));
        assert!(is == should, "{version}: map {kind}");
    }
}

#[test]
fn the_stream_is_that_of_debians_dump() {
    let mut place = Place::new();
    let image = place.image("image", "100M", &["-t", "ext4", "-b", "4096"]);
    let at = place.mount(&image, "mount", "loop");
    fill(&at);
    // There Debian's dump has what happens to be on the disk, and ours a hole.
    fs::remove_file(at.join("sub/reserved")).unwrap();
    place.unmount(&at);
    for (version, format) in [("0.4b47", "classic"), ("0.4b56", "linux49")] {
        // One that cannot be had is told as skipped there.
        if !versions().contains(&version) {
            continue;
        }
        let (ours, theirs) = (place.path("ours"), place.path("theirs"));
        dump(
            &format!("-0 --format {format} -f {}", ours.display()),
            &image,
        );
        let mut command = tool(&tools().join(version).join("dump"));
        command.args(["-0", "-f"]).arg(&theirs).arg(&image);
        succeeded("dump", &command.output().unwrap());
        let [ours, theirs] = [ours, theirs].map(|path| fs::read(path).unwrap());
        let (ours, theirs) = (told(&ours), told(&theirs));
        assert_same_ends(version, &ours, &theirs);
        for (is, should) in ours.headers.iter().zip(&theirs.headers) {
            assert_eq!(is, should, "{version}");
        }
        assert_eq!(ours.headers.len(), theirs.headers.len(), "{version}");
        assert!(ours.attributes.len() >= 4, "{:?}", ours.attributes);
        assert_eq!(ours.attributes, theirs.attributes, "{version}");
        let (our_data, data) = (ours.data, theirs.data);
        assert_eq!(our_data.len(), data.len(), "{version}");
        for (index, (is, should)) in our_data.iter().zip(&data).enumerate() {
            let at = is.iter().zip(should).position(|(is, should)| is != should);
            if let Some(at) = at {
                let part = at & !15..(at | 15) + 1;
                let (is, should) = (&is[part.clone()], &should[part]);
                panic!(
                    "{version}: record {index} of {}, byte {at}: {is:02x?} {should:02x?}",
                    data.len()
                );
            }
        }
    }
}
