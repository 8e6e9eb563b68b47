// SPDX-License-Identifier: GPL-2.0
//! Images made by mke2fs with every layout that is read, filled from a tree: what is read is what
//! is in the tree. `scripts/dump-tools` fetches mke2fs.

use md_extfs::{
    inode::Kind,
    FileSystem, //
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{
        symlink,
        FileExt,
        MetadataExt, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::Command,
    sync::OnceLock, //
};

/// The folder with Debian's tools.
fn tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/dump-tools");
        let output = Command::new(script).output().expect("the script is there");
        let path = String::from_utf8(output.stdout).expect("a path");
        assert!(
            output.status.success(),
            "scripts/dump-tools: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        path.trim().into()
    })
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(tools().join("e2fs").join(program))
        .env("LD_LIBRARY_PATH", tools().join("lib"))
        .args(arguments)
        .output()
        .expect("it can be started");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A tree with files of all kinds of sizes, holes, long names and many entries.
fn tree(folder: &Path) {
    fs::create_dir_all(folder.join("sub/deep")).unwrap();
    for (name, bytes) in [("empty", 0), ("six", 6), ("inline", 90), ("block", 4096)] {
        fs::write(folder.join(name), vec![b'a'; bytes]).unwrap();
    }
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("sub/large"), large).unwrap();
    let sparse = fs::File::create(folder.join("sub/deep/sparse")).unwrap();
    for hole in [0, 40_000, 5_000_000, 400_000_000] {
        sparse.write_all_at(b"between holes", hole).unwrap();
    }
    sparse.set_len(500_000_000).unwrap();
    symlink("six", folder.join("short")).unwrap();
    symlink("x".repeat(200), folder.join("long")).unwrap();
    fs::hard_link(folder.join("six"), folder.join("sub/linked")).unwrap();
    fs::create_dir(folder.join("many")).unwrap();
    for n in 0..600 {
        let name = format!("many/{n}-{}", "n".repeat(n % 200));
        fs::write(folder.join(name), n.to_string()).unwrap();
    }
}

/// All files of a tree: their contents, or their targets.
fn expected(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}/{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            expected(&entry.path(), &name, found);
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            found.insert(name, target.to_str().unwrap().into());
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// The same of a file system.
fn found(fs: &FileSystem<Vec<u8>>, number: u32, below: &str, all: &mut BTreeMap<String, Vec<u8>>) {
    let inode = fs.inode(number).unwrap();
    let directory = fs.directory(&inode);
    assert!(directory.fault.is_none(), "{below}: {:?}", directory.fault);
    let names = directory.entries.iter().map(|entry| &entry.name[..]);
    assert_eq!(
        names.filter(|name| *name == b"." || *name == b"..").count(),
        2
    );
    for entry in directory.entries {
        let word = String::from_utf8(entry.name).unwrap();
        if [".", "..", "lost+found"].contains(&&word[..]) {
            continue;
        }
        let name = format!("{below}/{word}");
        let inode = fs.inode(entry.inode).unwrap();
        match inode.kind() {
            Kind::Directory => found(fs, entry.inode, &name, all),
            Kind::Symlink => drop(all.insert(name, fs.target(&inode).unwrap())),
            _ => drop(all.insert(name, contents(fs, &inode))),
        }
    }
}

fn contents(fs: &FileSystem<Vec<u8>>, inode: &md_extfs::inode::Inode) -> Vec<u8> {
    if let Some(bytes) = fs.inline(inode) {
        return bytes;
    }
    let block = u64::from(fs.superblock().block_bytes());
    let mut bytes = vec![0; inode.size.next_multiple_of(block) as usize];
    let mapped = fs.extents(inode);
    assert!(mapped.fault.is_none(), "{:?}", mapped.fault);
    for extent in mapped.extents.iter().filter(|one| !one.is_unwritten) {
        let start = (extent.logical * block) as usize;
        let data = fs.blocks(extent.physical, extent.blocks).unwrap();
        bytes[start..start + data.len()].copy_from_slice(&data);
    }
    bytes.truncate(inode.size as usize);
    bytes
}

const LAYOUTS: [(&str, &[&str]); 14] = [
    ("ext2 with blocks of 1 KiB", &["-t", "ext2", "-b", "1024"]),
    ("ext3 with blocks of 1 KiB", &["-t", "ext3", "-b", "1024"]),
    ("ext3", &["-t", "ext3", "-b", "4096"]),
    ("ext4", &["-t", "ext4", "-b", "4096"]),
    ("ext4 with blocks of 1 KiB", &["-t", "ext4", "-b", "1024"]),
    (
        "blocks of 2 KiB",
        &["-t", "ext4", "-b", "2048", "-I", "128"],
    ),
    ("64 bits", &["-t", "ext4", "-O", "64bit,metadata_csum"]),
    (
        "no 64 bits",
        &["-t", "ext4", "-O", "^64bit,^metadata_csum,uninit_bg"],
    ),
    (
        "large clusters",
        &["-t", "ext4", "-O", "bigalloc", "-C", "16384"],
    ),
    (
        "large clusters of small blocks",
        &["-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "16384"],
    ),
    (
        "meta groups",
        &[
            "-t",
            "ext4",
            "-b",
            "1024",
            "-g",
            "1024",
            "-O",
            "meta_bg,^resize_inode",
        ],
    ),
    (
        "data in inodes",
        &["-t", "ext4", "-O", "inline_data", "-I", "256"],
    ),
    (
        "several machines, names in any case, a journal with fast commits",
        &["-t", "ext4", "-O", "mmp,casefold,fast_commit"],
    ),
    (
        "what may be encrypted, and what may be sealed",
        &["-t", "ext4", "-O", "encrypt,verity,stable_inodes"],
    ),
];

#[test]
fn what_mke2fs_has_made_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tree");
    tree(&source);
    let mut should = BTreeMap::new();
    expected(&source, "", &mut should);
    assert_eq!(should.len(), 609);
    for (name, options) in LAYOUTS {
        let image = folder.path().join("image");
        let _ = fs::remove_file(&image);
        let mut arguments = vec!["-q", "-F", "-N", "4000", "-d", source.to_str().unwrap()];
        arguments.extend(options);
        let path = image.to_str().unwrap().to_string();
        arguments.extend([&path, "64M"]);
        run("mke2fs", &arguments);
        let fs = FileSystem::open(fs::read(&image).unwrap()).unwrap();
        let mut is = BTreeMap::new();
        found(&fs, 2, "", &mut is);
        assert!(is.keys().eq(should.keys()), "{name}: {:?}", is.keys());
        // With this feature mke2fs writes a sparse file with a wrong size.
        let is_inline = options.contains(&"inline_data");
        is.retain(|path, _| !is_inline || !path.ends_with("sparse"));
        for (path, bytes) in &is {
            assert!(*bytes == should[path], "{name}: {path} differs");
        }
    }
}

#[test]
fn tables_leave_out_what_was_never_used() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tree");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "x").unwrap();
    let metadata = fs::metadata(source.join("file")).unwrap();
    let image = folder.path().join("image");
    let [source, path] = [&source, &image].map(|path| path.to_str().unwrap());
    run(
        "mke2fs",
        &[
            "-q", "-F", "-t", "ext4", "-g", "2048", "-d", source, path, "32M",
        ],
    );
    let fs = FileSystem::open(fs::read(&image).unwrap()).unwrap();
    let mut table = fs.table();
    let (mut number, mut used, mut asked) = (0, Vec::new(), 0);
    while let Some(next) = table.next_number(number).unwrap() {
        number = next;
        asked += 1;
        let inode = table.inode(number).unwrap().unwrap();
        if inode.is_used() && !fs.superblock().is_internal(number) {
            used.push(inode);
        }
    }
    let numbers: Vec<u32> = used.iter().map(|inode| inode.number).collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
    assert!(asked < fs.superblock().inodes() / 2, "{asked}");
    let file = &used[2];
    assert_eq!((file.size, u32::from(file.mode)), (1, metadata.mode()));
    assert_eq!(file.modified.seconds, metadata.mtime());
    assert!(table.inode(fs.superblock().inodes() + 1).is_err());
}

/// Reads all that can be read of a file system; how many inodes are in use.
fn read_all(fs: &FileSystem<Vec<u8>>) -> md_extfs::Result<u32> {
    let mut table = fs.table();
    let (mut number, mut used) = (0, 0);
    while let Some(next) = table.next_number(number)? {
        number = next;
        let Some(inode) = table.inode(number)?.filter(|inode| inode.is_used()) else {
            continue;
        };
        used += 1;
        let _ = fs.attributes(&inode);
        let _ = fs.target(&inode);
        let mapped = fs.extents(&inode);
        let ends = mapped.extents.iter().map(|one| one.physical + one.blocks);
        assert!(ends.max().unwrap_or(0) <= fs.superblock().blocks());
        if inode.kind() == Kind::Directory {
            let _ = fs.directory(&inode);
        }
    }
    Ok(used)
}

/// Puts a transaction into the journal, as if the file system had not been unmounted. Where the
/// journal is, if there is one.
fn write_journal(folder: &Path, image: &Path) -> Option<usize> {
    const SUPERBLOCK: [u8; 8] = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 4];
    let bytes = fs::read(image).unwrap();
    let start = bytes.windows(8).position(|window| *window == SUPERBLOCK)?;
    let (block, requests) = (folder.join("block"), folder.join("requests"));
    fs::write(&block, vec![b'z'; 4096]).unwrap();
    let text = format!(
        "journal_open -c\njournal_write -b 300-303 {}\njournal_write -r 302\njournal_close\n",
        block.display()
    );
    fs::write(&requests, text).unwrap();
    let [requests, image] = [requests.as_path(), image].map(|path| path.to_str().unwrap());
    run("debugfs", &["-w", "-f", requests, image]);
    let fs = FileSystem::open(fs::read(image).unwrap()).unwrap();
    assert!(fs.superblock().needs_recovery());
    Some(start)
}

/// Whatever bytes of the metadata are changed, there is an answer, and it comes soon.
#[test]
fn no_damage_is_a_panic() {
    const ROUNDS: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("tree");
    fs::create_dir_all(source.join("sub")).unwrap();
    for n in 0..40 {
        fs::write(source.join(format!("sub/{n}")), vec![b'x'; n * n * 20]).unwrap();
    }
    symlink("y".repeat(80), source.join("link")).unwrap();
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    for options in [
        &["-t", "ext4", "-b", "1024", "-O", "inline_data"][..],
        &["-t", "ext2", "-b", "1024"],
        &[
            "-t",
            "ext4",
            "-b",
            "4096",
            "-O",
            "meta_bg,^resize_inode,bigalloc",
        ],
    ] {
        let image = folder.path().join("image");
        let _ = fs::remove_file(&image);
        let mut arguments = vec!["-q", "-F", "-N", "64", "-d", source.to_str().unwrap()];
        arguments.extend(options);
        let path = image.to_str().unwrap().to_string();
        arguments.extend([&path, "3M"]);
        run("mke2fs", &arguments);
        let journal = write_journal(folder.path(), &image);
        let whole = fs::read(&image).unwrap();
        assert!(read_all(&FileSystem::open(whole.clone()).unwrap()).unwrap() > 42);
        for _ in 0..ROUNDS {
            let mut bytes = whole.clone();
            // What tells where everything is lies at the beginning.
            let reach = [2048, 16 << 10, 128 << 10][random(3)];
            for _ in 0..=random(6) {
                bytes[1024 + random(reach)] = random(256) as u8;
            }
            // Its superblock, and the blocks of the transaction.
            if let Some(at) = journal.filter(|_| random(2) == 0) {
                bytes[at + random(7 << 10)] = random(256) as u8;
            }
            let _ = FileSystem::open(bytes).map(|fs| read_all(&fs));
        }
    }
}
