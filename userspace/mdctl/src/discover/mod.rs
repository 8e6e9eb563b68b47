// SPDX-License-Identifier: GPL-2.0
//! What this machine knows about a block device: whether there is one, who uses it, and what is on
//! it.
//!
//! The kernel refuses a device that is in use, but it can only say *that* it is. The tool looks
//! into `/proc` and `/sys` first, to say *by what*, and what to type. What it does not find, or
//! what begins between the look and the request, the kernel still refuses.

pub mod members;
mod mounts;
pub mod signatures;
mod sysfs;

pub use sysfs::{
    is_partition,
    partition_of,
    Holder, //
};

use md_image::source::{
    OpenFile,
    Source, //
};
use mounts::Mount;
use rustix::fs::{
    major,
    minor,
    stat,
    FileType, //
};
use signal_hook::{
    consts::{
        SIGHUP,
        SIGINT,
        SIGTERM, //
    },
    flag, //
};
use std::{
    fs,
    io::{
        self,
        IsTerminal,
        Write, //
    },
    os::unix::fs::FileExt,
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        Output, //
    },
    sync::{
        atomic::AtomicBool,
        Arc, //
    },
    thread,
    time::Duration, //
};
use sysfs::Device;
use thiserror::Error;

/// The machine, as far as the tool looks at it.
pub trait Host {
    /// The folder that `/proc` and `/sys` are in.
    fn root(&self) -> &Path;

    /// What a path names, symbolic links followed.
    fn node(&self, path: &str) -> io::Result<Node>;

    /// Reads so many bytes of a device or file, from an offset on.
    fn read_at(&self, path: &str, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; bytes];
        fs::File::open(path)?.read_exact_at(&mut buffer, offset)?;
        Ok(buffer)
    }

    /// Opens a device or file to look at all of it.
    fn source(&self, path: &str) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(OpenFile::open(Path::new(path))?))
    }

    /// Runs another program to its end.
    fn run(&self, command: &mut Command) -> io::Result<Output>;

    /// Lets some time pass.
    fn pause(&self, time: Duration);

    /// Whether somebody sees what is written to standard error at once.
    fn is_watched(&self) -> bool;

    /// Writes a line to standard output at once.
    fn say(&self, line: &str) -> io::Result<()>;

    /// From now on an interruption does not end the process, but is told by what this returns.
    fn interruptions(&self) -> io::Result<Arc<AtomicBool>>;
}

/// The machine that the tool runs on.
#[derive(Clone, Copy, Debug)]
pub struct ThisHost;

impl Host for ThisHost {
    fn root(&self) -> &Path {
        Path::new("/")
    }

    fn node(&self, path: &str) -> io::Result<Node> {
        let stat = stat(path)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::BlockDevice => Ok(Node::Block { dev: stat.st_rdev }),
            FileType::RegularFile => Ok(Node::File),
            _ => Ok(Node::Other),
        }
    }

    fn run(&self, command: &mut Command) -> io::Result<Output> {
        command.output()
    }

    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }

    fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn say(&self, line: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()
    }

    fn interruptions(&self) -> io::Result<Arc<AtomicBool>> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, interrupted.clone())?;
        }
        Ok(interrupted)
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Node {
    /// A block device and its number, as `st_rdev` has it.
    Block {
        /// The number.
        dev: u64,
    },
    /// A regular file.
    File,
    /// Anything else.
    Other,
}

/// Who uses a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Path of the device in use: the one asked for, a partition of it, or the disk around it.
    pub device: String,
    /// How that device relates to the one asked for.
    pub relation: Relation,
    /// In what way it is used.
    pub by: User,
}

/// How a device in use relates to the one asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relation {
    /// It is the same.
    Same,
    /// It is a partition of the one asked for.
    Partition,
    /// The one asked for is a partition of it.
    Disk,
}

/// A user of a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum User {
    /// A file system on it is mounted at this place.
    Mount(String),
    /// It is swap space.
    Swap,
    /// Another block device is made of it.
    Holder(Holder),
}

/// A device about which nothing can be found out.
#[derive(Debug, Error)]
pub enum DiscoverError {
    /// A file in `/proc` or `/sys` cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// There is a device node, but no driver has a device of its number.
    #[error("no device {0}")]
    NoDriver(String),
}

/// Everything on the machine that may use a device, read once for many devices.
pub struct Users<'a> {
    host: &'a dyn Host,
    mounts: Vec<Mount>,
    swaps: Vec<u64>,
}

impl<'a> Users<'a> {
    /// Looks around on the machine.
    pub fn read(host: &'a dyn Host) -> Result<Self, DiscoverError> {
        Ok(Users {
            host,
            mounts: mounts::read_mounts(host)?,
            swaps: mounts::read_swaps(host)?,
        })
    }

    /// The first user found of a device, of the disk that it is a partition of, or of one of its
    /// partitions; `None` if nobody uses it.
    pub fn of(&self, dev: u64) -> Result<Option<Usage>, DiscoverError> {
        for device in sysfs::relatives(self.host, dev)? {
            if let Some(by) = self.of_one(&device)? {
                return Ok(Some(Usage {
                    device: device.path,
                    relation: device.relation,
                    by,
                }));
            }
        }
        Ok(None)
    }

    /// The first user found of one device.
    fn of_one(&self, device: &Device) -> Result<Option<User>, DiscoverError> {
        if let Some(mount) = self.mounts.iter().find(|mount| mount.is_on(device.dev)) {
            return Ok(Some(User::Mount(mount.place.clone())));
        }
        if self.swaps.contains(&device.dev) {
            return Ok(Some(User::Swap));
        }
        Ok(device.holder(self.host)?.map(User::Holder))
    }
}

/// A device number as `/sys/dev/block` and mountinfo write it, such as `8:0`.
fn dev_text(dev: u64) -> String {
    format!("{}:{}", major(dev), minor(dev))
}

/// A text file that somebody has named: below the machine's root, or below the folder that the
/// tool was started in.
pub fn read_named(host: &dyn Host, path: &str) -> io::Result<String> {
    let place = match path.strip_prefix('/') {
        Some(below) => host.root().join(below.trim_start_matches('/')),
        None => PathBuf::from(path),
    };
    Ok(String::from_utf8_lossy(&fs::read(place)?).into_owned())
}

/// A file below the machine's root.
fn read(host: &dyn Host, path: &str) -> Result<String, DiscoverError> {
    let path = host.root().join(path);
    let bytes = fs::read(&path).map_err(|error| DiscoverError::Unreadable { path, error })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_where_its_path_says() {
        let near = read_named(&ThisHost, "Cargo.toml").unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(read_named(&ThisHost, path).unwrap(), near);
        assert_eq!(read_named(&ThisHost, &format!("//{path}")).unwrap(), near);
        assert!(read_named(&ThisHost, "/Cargo.toml").is_err());
    }
}
