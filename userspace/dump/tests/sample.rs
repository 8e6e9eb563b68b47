// SPDX-License-Identifier: GPL-2.0
//! A tree with everything that a file system can hold.

use rustix::{
    fs::{
        fallocate,
        lsetxattr,
        makedev,
        mknodat,
        FallocateFlags,
        FileType,
        Mode,
        XattrFlags,
        CWD, //
    },
    io::Errno, //
};
use std::{
    fs::{
        self,
        File,
        Permissions, //
    },
    os::unix::{
        fs::{
            chown,
            lchown,
            symlink,
            FileExt,
            PermissionsExt, //
        },
        net::UnixListener, //
    },
    path::Path,
    time::{
        Duration,
        SystemTime, //
    },
};

/// An access control list for a file: the owner, user 1000, the group, a mask, others.
const ACL: &[u8] = &[
    2, 0, 0, 0, // version
    1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, // owner
    2, 0, 7, 0, 0xe8, 3, 0, 0, // user 1000
    4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, // group
    0x10, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, // mask
    0x20, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, // others
];

/// Bytes that are the same nowhere else.
pub(crate) fn bytes(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Sets an extended attribute, where the file system has these.
pub(crate) fn attribute(path: &Path, name: &str, value: &[u8]) {
    match lsetxattr(path, name, value, XattrFlags::empty()) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSPC) => {}
        Err(error) => panic!("{path:?} {name}: {error}"),
    }
}

/// Makes a device, or what else has no contents.
pub(crate) fn device(path: &Path, kind: FileType, major: u32, minor: u32) {
    let mode = Mode::from_raw_mode(0o640);
    mknodat(CWD, path, kind, mode, makedev(major, minor)).expect("root may make devices");
}

/// Puts a time on a file that has microseconds.
fn touch(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_000);
    let times = fs::FileTimes::new().set_accessed(time).set_modified(time);
    File::open(path)
        .and_then(|file| file.set_times(times))
        .expect("a time");
}

/// Makes the tree.
pub(crate) fn fill(folder: &Path) {
    files(folder);
    special(folder);
    attributes(folder);
    let many = folder.join("many");
    fs::create_dir(&many).expect("a folder");
    for n in 0..500 {
        let name = format!("{n}-{}", "n".repeat(n % 230));
        fs::write(many.join(name), bytes(n as u32, n * 7 % 5000)).expect("a file");
    }
    touch(&many, 1_500_000_000);
}

fn files(folder: &Path) {
    fs::create_dir_all(folder.join("sub/deep/deeper")).expect("a folder");
    for (index, size) in [
        0, 1, 6, 60, 61, 90, 150, 511, 512, 1023, 1024, 1025, 4096, 10_000,
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.join(format!("size{size}"));
        fs::write(&path, bytes(size as u32, size)).expect("a file");
        let mode = [0o644, 0o600, 0o4755, 0o2711, 0o000, 0o1777][index % 6];
        chown(&path, Some(1000 + index as u32), Some(70_000)).expect("an owner");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        touch(&path, 1_000_000_000 + index as u64);
    }
    // More than a header describes, and more than the numbers in an inode.
    fs::write(folder.join("sub/large"), bytes(7, 3_100_000)).expect("a file");
    let sparse = File::create(folder.join("sub/deep/sparse")).expect("a file");
    for (index, hole) in [0, 40_000, 5_000_000, 200_000_000].into_iter().enumerate() {
        let data = bytes(index as u32, 5000);
        sparse.write_all_at(&data, hole).expect("written");
    }
    sparse.set_len(300_000_001).expect("a length");
    let hole = File::create(folder.join("sub/hole")).expect("a file");
    hole.set_len(1_000_000).expect("a length");
    reserved(&folder.join("sub/reserved"));
}

/// A file with blocks that were never written, between others and behind its end, where the file
/// system has these. They are few enough for it not to count as sparse.
fn reserved(path: &Path) {
    let file = File::create(path).expect("a file");
    for at in [0, 40_000] {
        file.write_all_at(&bytes(3, 5000), at).expect("written");
    }
    file.set_len(55_000).expect("a length");
    // What is not on the disk yet would be turned into written blocks.
    file.sync_all().expect("synced");
    for (flags, bytes) in [
        (FallocateFlags::empty(), 55_000),
        (FallocateFlags::KEEP_SIZE, 90_000),
    ] {
        match fallocate(&file, flags, 0, bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(error) => panic!("{path:?}: {error}"),
        }
    }
}

fn special(folder: &Path) {
    symlink("size6", folder.join("short")).expect("a link");
    symlink("x".repeat(300), folder.join("long")).expect("a link");
    lchown(folder.join("long"), Some(12), Some(34)).expect("an owner");
    fs::hard_link(folder.join("size1024"), folder.join("sub/linked")).expect("a link");
    fs::hard_link(folder.join("size1024"), folder.join("sub/deep/linked")).expect("a link");
    device(&folder.join("zero"), FileType::CharacterDevice, 1, 5);
    device(&folder.join("disk"), FileType::BlockDevice, 8, 3);
    device(&folder.join("metadevice"), FileType::BlockDevice, 253, 300);
    device(&folder.join("fifo"), FileType::Fifo, 0, 0);
    // A socket's address is short, wherever the folder is.
    let here = folder.join("socket");
    let near = std::env::temp_dir().join(format!("md-socket-{}", std::process::id()));
    drop(UnixListener::bind(&near));
    let _ = fs::remove_file(&near);
    device(&here, FileType::Socket, 0, 0);
}

fn attributes(folder: &Path) {
    let path = folder.join("size60");
    attribute(&path, "user.short", b"value");
    attribute(&path, "user.empty", b"");
    attribute(&path, "system.posix_acl_access", ACL);
    let path = folder.join("sub/large");
    for n in 0..6 {
        attribute(&path, &format!("user.number{n}"), &bytes(n, 200));
    }
    attribute(&folder.join("sub"), "user.of a folder", b"x");
    attribute(&folder.join("sub"), "system.posix_acl_default", ACL);
    attribute(&folder.join("short"), "trusted.of a link", b"y");
    attribute(&folder.join("size6"), "security.something", b"z");
}
