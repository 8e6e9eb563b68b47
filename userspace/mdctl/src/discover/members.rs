// SPDX-License-Identifier: GPL-2.0
//! Devices on which a set has something: a replica of its state database, or a component with a
//! label. They are found by what is written on them, whatever they are called.

use super::{
    sysfs,
    DiscoverError,
    Host,
    Node, //
};
use crate::admin::requests::database::Member;
use md_abi::admin::Hints;
use md_image::{
    replicas::headers,
    source::Source, //
};
use md_model::database::{
    identity::Uuid,
    label::LabelPage,
    layout::LABEL_PAGE,
    page::PAGE_BYTES, //
};
use std::{
    fs,
    io, //
};

/// A device that has something of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The device.
    pub member: Member,
    /// The set.
    pub set: Uuid,
    /// What people call it; empty if that is not known.
    pub set_name: String,
    /// Its identity as a component, if it has a label.
    pub component: Option<Uuid>,
    /// How many replicas it begins with, as far as one follows the other.
    pub replicas: u32,
}

impl Found {
    /// The same, for people.
    pub fn line(&self) -> String {
        let replicas = match self.replicas {
            0 => String::new(),
            1 => ", 1 replica".to_string(),
            count => format!(", {count} replicas"),
        };
        let component = self.component.map(|uuid| format!(", component {uuid}"));
        format!(
            "{}: set {} {}{}{replicas}",
            self.member.path,
            self.set_name,
            self.set,
            component.unwrap_or_default()
        )
    }

    /// The set, for people: its name, if that is known, and its uuid.
    pub fn set_words(&self) -> String {
        match self.set_name.as_str() {
            "" => format!("the set {}", self.set),
            name => format!("the set {name} ({})", self.set),
        }
    }
}

/// Looks at all block devices of the machine.
pub fn scan(host: &dyn Host) -> Result<Vec<Found>, DiscoverError> {
    let found = paths(host)?.into_iter();
    Ok(found.filter_map(|path| look_at(host, &path)).collect())
}

/// Paths of all block devices of the machine, but for metadevices.
pub fn paths(host: &dyn Host) -> Result<Vec<String>, DiscoverError> {
    let folder = host.root().join("sys/class/block");
    let mut names: Vec<_> = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
        Err(error) => {
            return Err(DiscoverError::Unreadable {
                path: folder,
                error,
            })
        }
    };
    names.sort();
    let names = names.iter().filter_map(|name| name.to_str());
    let names = names.filter(|name| !name.starts_with("md!"));
    Ok(names.map(|name| path_of(host, name)).collect())
}

/// The other block devices of the machine, on which nothing of a set was found, as far as there is
/// anything by which they would be known.
pub fn bystanders(host: &dyn Host, found: &[Found]) -> Result<Vec<Member>, DiscoverError> {
    let others = paths(host)?.into_iter().filter_map(|path| {
        let Ok(Node::Block { dev }) = host.node(&path) else {
            return None;
        };
        let hints = hints(host, dev);
        let is_known = hints.partition != [0; 16] || hints.wwn != [0; 32];
        let is_member = found.iter().any(|found| found.member.dev == dev);
        (is_known && !is_member).then_some(Member { path, dev, hints })
    });
    Ok(others.collect())
}

/// Path of the device with a name in sysfs, as people know it.
fn path_of(host: &dyn Host, name: &str) -> String {
    let mapper = host
        .root()
        .join("sys/class/block")
        .join(name)
        .join("dm/name");
    match fs::read_to_string(mapper) {
        Ok(mapped) => format!("/dev/mapper/{}", mapped.trim_end()),
        Err(_) => format!("/dev/{}", name.replace('!', "/")),
    }
}

/// What a device has, if it has anything.
pub fn look_at(host: &dyn Host, path: &str) -> Option<Found> {
    let Ok(Node::Block { dev }) = host.node(path) else {
        return None;
    };
    let label = label(host, path);
    let headers = headers(&OnHost { host, path });
    let set = match (&label, headers.first()) {
        (Some((set, ..)), _) => *set,
        (None, Some(header)) => header.set,
        (None, None) => return None,
    };
    Some(Found {
        member: Member {
            path: path.to_string(),
            dev,
            hints: hints(host, dev),
        },
        set,
        set_name: label
            .as_ref()
            .map(|label| label.2.clone())
            .unwrap_or_default(),
        component: label.map(|label| label.1),
        replicas: headers.len() as u32,
    })
}

/// By what else a device is known.
pub fn hints(host: &dyn Host, dev: u64) -> Hints {
    let mut hints = Hints::default();
    if let Some(wwn) = sysfs::wwn(host, dev) {
        let length = wwn.len().min(hints.wwn.len() - 1);
        hints.wwn[..length].copy_from_slice(&wwn.as_bytes()[..length]);
    }
    if let Some(partition) = sysfs::partition_uuid(host, dev) {
        hints.partition = partition;
    }
    hints
}

fn page(host: &dyn Host, path: &str, number: u64) -> Option<Vec<u8>> {
    let offset = number * PAGE_BYTES as u64;
    host.read_at(path, offset, PAGE_BYTES).ok()
}

/// Set, identity and name of the set, of the first copy of the label that can be read.
fn label(host: &dyn Host, path: &str) -> Option<(Uuid, Uuid, String)> {
    LABEL_PAGE.iter().enumerate().find_map(|(copy, first)| {
        let bytes = page(host, path, (*first).into())?;
        let label = LabelPage::decode(copy, 0, &bytes).ok()?.label;
        let name = String::from_utf8_lossy(&label.set_name);
        let name = name.trim_end_matches('\0').to_string();
        Some((label.set, label.component, name))
    })
}

/// A device of the machine, whose length nobody has to know.
struct OnHost<'a> {
    host: &'a dyn Host,
    path: &'a str,
}

impl Source for OnHost<'_> {
    fn bytes(&self) -> u64 {
        u64::MAX
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        buffer.copy_from_slice(&self.host.read_at(self.path, offset, buffer.len())?);
        Ok(())
    }
}
