// SPDX-License-Identifier: GPL-2.0
//! Partitions and holders of a block device, from `/sys` (`Documentation/ABI/stable/sysfs-block`).

use super::{
    dev_text,
    DiscoverError,
    Host,
    Relation, //
};
use rustix::fs::makedev;
use std::{
    fs,
    io::{
        self,
        ErrorKind, //
    },
    path::{
        Path,
        PathBuf, //
    },
};

/// A block device in `/sys`.
pub(super) struct Device {
    /// Its number.
    pub(super) dev: u64,
    /// Its path in `/dev`.
    pub(super) path: String,
    /// How it relates to the device asked for.
    pub(super) relation: Relation,
    /// Its folder in `/sys`.
    folder: PathBuf,
}

/// A block device that is made of another one, or the driver that keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Holder {
    /// One of our metadevices, by its name.
    Metadevice(String),
    /// An array of Linux md, by its path.
    LinuxMd(String),
    /// A device mapper device: a logical volume, by its path.
    LogicalVolume(String),
    /// A device mapper device: an encrypted disk, by its name.
    Crypt(String),
    /// Any other device mapper device, by its name.
    DeviceMapper(String),
    /// Any other device, by its path.
    Other(String),
}

/// The device with a number, its partitions, and the disk that it is a partition of.
pub(super) fn relatives(host: &dyn Host, dev: u64) -> Result<Vec<Device>, DiscoverError> {
    let all = host.root().join("sys/dev/block");
    fs::metadata(&all).map_err(unreadable(&all))?;
    let link = all.join(dev_text(dev));
    let folder = match fs::canonicalize(&link) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(DiscoverError::NoDriver(dev_text(dev)));
        }
        folder => folder.map_err(unreadable(&link))?,
    };
    let mut devices = vec![Device::at(folder.clone(), Relation::Same)?];
    if is_partition_folder(&folder) {
        if let Some(disk) = folder.parent() {
            devices.push(Device::at(disk.to_path_buf(), Relation::Disk)?);
        }
    }
    for entry in entries(&folder)? {
        if is_partition_folder(&entry) {
            devices.push(Device::at(entry, Relation::Partition)?);
        }
    }
    Ok(devices)
}

impl Device {
    /// The device with a given folder.
    fn at(folder: PathBuf, relation: Relation) -> Result<Self, DiscoverError> {
        let path = folder.join("dev");
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        let dev = parse_dev(&text).ok_or_else(|| {
            let error = io::Error::new(ErrorKind::InvalidData, "is not a device number");
            unreadable(&path)(error)
        })?;
        Ok(Device {
            dev,
            path: node_path(&folder),
            relation,
            folder,
        })
    }

    /// A device that this one is part of, if there is one.
    pub(super) fn holder(&self, host: &dyn Host) -> Result<Option<Holder>, DiscoverError> {
        let holders = entries(&self.folder.join("holders"))?;
        Ok(holders.first().map(|holder| Holder::named(host, holder)))
    }
}

impl Holder {
    /// The holder that an entry of a `holders` folder names.
    fn named(host: &dyn Host, entry: &Path) -> Self {
        let path = node_path(entry);
        if let Some(name) = path.strip_prefix("/dev/md/dsk/") {
            return Holder::Metadevice(name.to_string());
        }
        let Some(kernel_name) = entry.file_name() else {
            return Holder::Other(path);
        };
        let folder = host.root().join("sys/block").join(kernel_name);
        if folder.join("md").exists() {
            return Holder::LinuxMd(path);
        }
        let Ok(name) = fs::read_to_string(folder.join("dm/name")) else {
            return Holder::Other(path);
        };
        let name = name.trim_end().to_string();
        let uuid = fs::read_to_string(folder.join("dm/uuid")).unwrap_or_default();
        if uuid.starts_with("LVM-") {
            Holder::LogicalVolume(format!("/dev/mapper/{name}"))
        } else if uuid.starts_with("CRYPT-") {
            Holder::Crypt(name)
        } else {
            Holder::DeviceMapper(name)
        }
    }
}

/// World-wide name of the disk that a device is, or is a partition of.
pub(super) fn wwn(host: &dyn Host, dev: u64) -> Option<String> {
    let folder = folder_of(host, dev)?;
    let disk = if is_partition_folder(&folder) {
        folder.parent()?.to_path_buf()
    } else {
        folder
    };
    let texts = ["device/wwid", "wwid"].map(|name| fs::read_to_string(disk.join(name)).ok());
    let text = texts.into_iter().flatten().next()?;
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// Uuid of a partition.
pub(super) fn partition_uuid(host: &dyn Host, dev: u64) -> Option<[u8; 16]> {
    let text = fs::read_to_string(folder_of(host, dev)?.join("uevent")).ok()?;
    let uuid = text
        .lines()
        .find_map(|line| line.strip_prefix("PARTUUID="))?;
    let digits: String = uuid.chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16)
        .ok()
        .map(u128::to_be_bytes)
}

/// The folder of a device.
fn folder_of(host: &dyn Host, dev: u64) -> Option<PathBuf> {
    let link = host.root().join("sys/dev/block").join(dev_text(dev));
    fs::canonicalize(link).ok()
}

/// Whether a device is a partition.
pub fn is_partition(host: &dyn Host, dev: u64) -> bool {
    folder_of(host, dev).is_some_and(|folder| is_partition_folder(&folder))
}

/// Path of the first partition of a disk, if it has one.
pub fn partition_of(host: &dyn Host, dev: u64) -> Option<String> {
    let parts = entries(&folder_of(host, dev)?).ok()?;
    let first = parts.iter().find(|entry| is_partition_folder(entry))?;
    Some(node_path(first))
}

/// Whether a folder is that of a partition.
fn is_partition_folder(folder: &Path) -> bool {
    folder.join("partition").exists()
}

/// Path in `/dev` of the device with a folder in `/sys`, which has `!` for each slash.
fn node_path(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("/dev/{}", name.replace('!', "/"))
}

/// A device number such as `8:0` and a line feed.
fn parse_dev(text: &str) -> Option<u64> {
    let (major, minor) = text.trim_end().split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

/// Paths of everything in a folder, sorted; none if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let list = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        list => list.map_err(unreadable(folder))?,
    };
    let mut paths = list
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable(folder))?;
    paths.sort();
    Ok(paths)
}

/// Says which file an error is about.
fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> DiscoverError + '_ {
    |error| DiscoverError::Unreadable {
        path: path.to_path_buf(),
        error,
    }
}
