// SPDX-License-Identifier: GPL-2.0
//! File systems that were not unmounted, and disks that are damaged (dump.md 7, 15 and 16).

use crate::{
    env::{
        dump,
        succeeded,
        tool,
        tools,
        Place, //
    },
    in_process::{
        small_image,
        Shelf,
        Small, //
    },
    sample::bytes,
    test_live::debugfs,
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
use md_dump_format::decode::{
    decode,
    Dump, //
};
use md_extfs::{
    source::Source,
    FileSystem, //
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
    os::unix::fs::FileExt,
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

/// The checksums of a journal have two versions, of which the kernel writes the newer one; debugfs
/// writes both. What is damaged is not taken.
#[test]
fn a_journal_may_have_checksums_of_either_version() {
    for version in [2, 3] {
        let mut place = Place::new();
        let image = place.image("image", "20M", &["-t", "ext4", "-b", "1024"]);
        let at = place.mount(&image, "mount", "loop");
        let old = bytes(1, 4096);
        fs::write(at.join("file"), &old).unwrap();
        place.unmount(&at);
        let new = bytes(2, 1024);
        let (block, requests) = (place.path("block"), place.path("requests"));
        fs::write(&block, &new).unwrap();
        let blocks = debugfs(&image, "blocks file");
        let text = format!(
            "journal_open -c -v {version}\njournal_write -b {} {}\njournal_close\n",
            blocks.split_whitespace().next().unwrap(),
            block.display()
        );
        fs::write(&requests, text).unwrap();
        let mut command = tool(&tools().join("e2fs/debugfs"));
        let command = command.arg("-w").arg("-f").arg(&requests).arg(&image);
        succeeded("debugfs", &command.output().unwrap());
        let fs = FileSystem::open(std::fs::read(&image).unwrap()).unwrap();
        assert_eq!(fs.overlay().warnings(), [""; 0]);
        let has = |found: &Dump, data: &[u8]| found.files.iter().any(|file| file.bytes() == data);
        let newer = [&new[..], &old[1024..]].concat();
        assert!(has(&decoded(&place, &image), &newer), "{version}");
        let mut damaged = std::fs::read(&image).unwrap();
        let at = damaged.windows(1024).position(|window| *window == new);
        damaged[at.unwrap() + 500] ^= 1;
        std::fs::write(&image, &damaged).unwrap();
        let fs = FileSystem::open(damaged).unwrap();
        assert!(fs.overlay().warnings()[0].contains("is damaged in the journal"));
        assert!(has(&decoded(&place, &image), &old), "{version}");
    }
}

/// A journal on another device is not here to be read: what it has would be missing.
#[test]
fn a_journal_elsewhere_that_counts_is_refused() {
    let mut image = small_image(&mut Place::new());
    // Where the UUID of that journal is.
    image[1024 + 208..1024 + 224].fill(7);
    assert!(FileSystem::open(image.clone()).is_ok());
    // Not unmounted.
    image[1024 + 96] |= 4;
    let error = FileSystem::open(image.clone()).err().unwrap().to_string();
    assert!(error.contains("is on another device and counts"), "{error}");
}

/// An encrypted file is dumped as it lies on the disk, and that is told.
#[test]
fn encrypted_files_are_told() {
    let mut place = Place::new();
    let image = place.image("image", "10M", &["-t", "ext4"]);
    let at = place.mount(&image, "mount", "loop");
    fs::write(at.join("file"), bytes(1, 5000)).unwrap();
    place.unmount(&at);
    for request in ["feature encrypt", "set_inode_field file flags 0x80800"] {
        let mut command = tool(&tools().join("e2fs/debugfs"));
        let command = command.args(["-w", "-R", request]).arg(&image);
        succeeded("debugfs", &command.output().unwrap());
    }
    let file = place.path("dump");
    let said = dump(&format!("-0 -f {}", file.display()), &image);
    assert!(
        said.contains("1 encrypted inodes are dumped as they lie"),
        "{said}"
    );
    let found = decode(&[fs::read(&file).unwrap()]).unwrap();
    assert!(found
        .files
        .iter()
        .any(|file| file.bytes() == bytes(1, 5000)));
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

/// What is large is read past the page cache of a device: with blocks of the dump that are cut
/// where they do not lie as the device wants it, files with holes, and sectors of either size.
#[test]
fn a_device_is_dumped_as_its_image_is() {
    for (block, sector) in [("1024", "512"), ("4096", "512"), ("4096", "4096")] {
        let mut place = Place::new();
        let image = place.image("image", "60M", &["-t", "ext4", "-b", block]);
        let at = place.mount(&image, "mount", "loop");
        for (n, length) in [12_000_000, 700_001, 131_072, 5000].into_iter().enumerate() {
            synced(at.join(format!("file{n}")), &bytes(n as u32, length));
        }
        let holes = File::create(at.join("holes")).unwrap();
        for n in 0..5 {
            let data = bytes(50 + n, 300_000);
            holes.write_all_at(&data, u64::from(n) << 20).unwrap();
        }
        drop(holes);
        place.unmount(&at);
        let device = place.device(&image, sector);
        for options in ["-b 10", "-b 7", "-b 32"] {
            let file = place.path("dump");
            let mut dumps = [&image, &device].map(|path| {
                dump(&format!("-0 {options} -f {}", file.display()), path);
                decode(&[fs::read(&file).unwrap()]).unwrap()
            });
            let [of_image, of_device] = dumps.each_mut().map(|dump| {
                let files = dump.files.iter();
                files
                    .map(|file| (file.inode, file.bytes()))
                    .collect::<Vec<_>>()
            });
            assert!(of_image.iter().any(|(_, data)| data.len() == 12_000_000));
            assert!(of_image == of_device, "{block} {sector} {options}");
        }
    }
}
