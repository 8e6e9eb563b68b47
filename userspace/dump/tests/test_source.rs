// SPDX-License-Identifier: GPL-2.0
//! File systems that were not unmounted, and disks that are damaged (dump.md 7, 15 and 16); and
//! that the stream is that of Debian's dump (4).

use crate::{
    env::{
        dump,
        succeeded,
        tool,
        tools,
        versions,
        Place, //
    },
    in_process::{
        small_image,
        Shelf,
        Small, //
    },
    sample::{
        bytes,
        fill, //
    },
};
use md_dump::{
    console::{
        Console,
        Recorded, //
    },
    tolerant::{
        Tolerant,
        ERRORS_MAX, //
    },
};
use md_dump_format::{
    decode::{
        decode,
        Dump, //
    },
    header::{
        flags,
        Header, //
    },
    RECORD, //
};
use md_extfs::source::Source;
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
    sync::Arc, //
};

/// What the journal writes in the first bytes of its own blocks.
const MAGIC: [u8; 4] = [0xc0, 0x3b, 0x39, 0x98];

fn synced(path: PathBuf, data: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(data).unwrap();
    file.sync_all().unwrap();
}

/// Changes after which the journal has blocks of all kinds: those that are written, those that are
/// revoked since a folder is gone whose blocks are now those of files, and those that look like
/// blocks of the journal itself.
pub(crate) fn work(at: &Path) {
    for round in 0..4u32 {
        let folder = at.join(format!("folder{round}"));
        fs::create_dir(&folder).unwrap();
        for n in 0..100 {
            fs::write(folder.join(format!("{}{n}", "n".repeat(50))), "x").unwrap();
        }
        synced(at.join(format!("synced{round}")), &bytes(round, 30_000));
        let mut data = bytes(round, 20_000);
        for block in data.chunks_mut(1024) {
            block[..4].copy_from_slice(&MAGIC);
        }
        synced(at.join(format!("magic{round}")), &data);
        fs::remove_dir_all(&folder).unwrap();
        synced(at.join(format!("after{round}")), &bytes(round, 60_000));
    }
}

#[track_caller]
fn decoded(place: &Place, image: &Path) -> Dump {
    let file = place.path("dump");
    dump(&format!("-0 -f {}", file.display()), image);
    decode(&[fs::read(file).unwrap()]).unwrap()
}

/// An image that is copied while it is in use has what was synced, and is what recovery makes of
/// it.
#[test]
fn a_journal_is_read_as_recovery_reads_it() {
    for (options, mount) in [
        ("-t ext4", "loop"),
        ("-t ext4 -b 1024", "loop,data=journal"),
        (
            "-t ext4 -b 1024 -O ^metadata_csum,^64bit",
            "loop,data=journal",
        ),
        ("-t ext3 -b 4096", "loop,data=journal"),
    ] {
        let mut place = Place::new();
        let words: Vec<_> = options.split_whitespace().collect();
        let image = place.image("image", "40M", &words);
        let at = place.mount(&image, "mount", mount);
        work(&at);
        let copy = place.path("copy");
        fs::copy(&image, &copy).unwrap();
        place.unmount(&at);
        let ours = decoded(&place, &copy);
        let mut command = tool(&tools().join("e2fs/e2fsck"));
        let output = command
            .args(["-y", "-E", "journal_only"])
            .arg(&copy)
            .output()
            .unwrap();
        assert!(output.status.code() <= Some(1), "{output:?}");
        let recovered = decoded(&place, &copy);
        assert_eq!(ours.wanted, recovered.wanted, "{options} {mount}");
        assert_eq!(ours.files.len(), recovered.files.len());
        for (is, should) in ours.files.iter().zip(&recovered.files) {
            assert_eq!(
                is.header.inode, should.header.inode,
                "{options}: {}",
                is.inode
            );
            assert!(
                is.parts == should.parts,
                "{options} {mount}: inode {}",
                is.inode
            );
        }
        let synced = |seed, size| {
            ours.files
                .iter()
                .any(|file| file.bytes() == bytes(seed, size))
        };
        for round in 0..4 {
            assert!(
                synced(round, 30_000) && synced(round, 60_000),
                "{options} {mount}"
            );
        }
    }
}

/// A disk of which some sectors cannot be read.
struct Bad {
    image: Vec<u8>,
    sectors: Vec<u64>,
}

impl Source for Bad {
    fn bytes(&self) -> u64 {
        self.image.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset + buffer.len() as u64;
        let mut starts = self.sectors.iter().map(|sector| sector * 512);
        if starts.any(|start| start < end && start + 512 > offset) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.image.read_at(buffer, offset)
    }
}

/// What is damaged is zeros, and all else is right.
#[test]
fn bad_sectors_become_zeros() {
    let image = small_image(&mut Place::new());
    let data = bytes(6, 180_000);
    let start = image
        .windows(512)
        .position(|window| *window == data[..512])
        .unwrap();
    let sector = start as u64 / 512 + 6;
    let console = Arc::new(Recorded::default());
    let bad = Bad {
        image,
        sectors: vec![sector, sector + 3],
    };
    let told: Arc<dyn Console> = console.clone();
    let small = Small::new(Tolerant::new(Box::new(bad), "sdx", told, ERRORS_MAX));
    let mut shelf = Shelf::new(&[]);
    small.dump(&mut shelf, &Recorded::default(), None).unwrap();
    let dump = decode(&shelf.bytes()).unwrap();
    let mut should = data;
    should[6 * 512..7 * 512].fill(0);
    should[9 * 512..10 * 512].fill(0);
    assert!(dump.files.iter().any(|file| file.bytes() == should));
    assert_eq!(small.fs.source().errors(), 2);
    assert!(console.has(&format!("[sector {sector}]: count=512")));
}

/// What a header says about a file, as far as it does not depend on when and where it was dumped.
type Told = (u32, u32, u16, u64, u32, Vec<u8>);

/// The inode of the file in which ext4 keeps what was removed while it was open. Debian's dump
/// 0.4b47 takes it for somebody's.
const ORPHANS: u32 = 12;

/// The kind of a symbolic link in a mode.
const SYMLINK: u16 = 10;

/// The headers of files in a dump, and all that is in them: records of files, entries of folders.
fn told(dump: &[u8]) -> (Vec<Told>, Vec<Vec<u8>>) {
    let (mut headers, mut data) = (Vec::new(), Vec::new());
    let mut records = dump.chunks_exact(RECORD);
    let mut directory = Vec::new();
    while let Some(record) = records.next() {
        let header = Header::from_bytes(record.try_into().unwrap());
        assert!(header.is_sealed(), "no header where one should be");
        let count = header.count.get() as usize;
        let (kind, mut following) = (header.kind.get(), 0);
        if [3, 6].contains(&kind) {
            following = count as u64;
        } else if [2, 4].contains(&kind) {
            following = data_records(&header.addresses[..count]);
        }
        let is_attributes = header.flags.get() & flags::ATTRIBUTES != 0;
        let behind: Vec<_> = records.by_ref().take(following as usize).collect();
        let is_directory = header.inode.mode.get() >> 12 == 4;
        if is_directory {
            // Debian's dump has a header for each record of a directory.
            let size = header.inode.size.get() as usize;
            if kind == 2 && !is_attributes {
                let mode = header.inode.mode.get();
                headers.push((0, header.inumber.get(), mode, size as u64, 0, Vec::new()));
                directory.clear();
            }
            if !is_attributes {
                behind.iter().for_each(|bytes| directory.extend(*bytes));
            }
            if !is_attributes && directory.len() >= size {
                data.extend(entries(&directory, size));
            }
        } else if [2, 4].contains(&kind) && !is_attributes && header.inumber.get() != ORPHANS {
            let inode = header.inode;
            let addresses = header.addresses[..count].to_vec();
            let (mode, size) = (inode.mode.get(), inode.size.get());
            headers.push((
                kind,
                header.inumber.get(),
                mode,
                size,
                count as u32,
                addresses,
            ));
            let mut records: Vec<_> = behind.into_iter().map(<[u8]>::to_vec).collect();
            if mode >> 12 == SYMLINK {
                // Behind a target Debian's dump may have anything.
                records
                    .iter_mut()
                    .for_each(|record| record.truncate(size as usize));
            }
            data.extend(records);
        }
    }
    (headers, data)
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

#[test]
fn the_stream_is_that_of_debians_dump() {
    let mut place = Place::new();
    let image = place.image("image", "100M", &["-t", "ext4", "-b", "4096"]);
    let at = place.mount(&image, "mount", "loop");
    fill(&at);
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
        let ((our_headers, our_data), (headers, data)) = (told(&ours), told(&theirs));
        for (is, should) in our_headers.iter().zip(&headers) {
            assert_eq!(is, should, "{version}");
        }
        assert_eq!(our_headers.len(), headers.len(), "{version}");
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
