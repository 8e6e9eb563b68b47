// SPDX-License-Identifier: GPL-2.0
//! The labels of all devices, and what they say of metadevices.

use crate::{
    discover::{
        members::{
            look_at,
            paths, //
        },
        Host, //
    },
    explain::{
        self,
        Failure, //
    },
};
use md_image::inspect;
use md_model::database::identity::Uuid;
use md_report::dump::Metadevice;

/// A device with a label.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Its path.
    pub path: String,
    /// The set that it is of.
    pub set: Uuid,
    /// What people call that.
    pub set_name: String,
    /// Its identity as a component.
    pub component: String,
    /// Whether there is a replica of the set on it as well.
    pub has_replica: bool,
    /// The metadevices that it is part of.
    pub tree: Vec<Metadevice>,
}

/// All devices of the machine that have something of a set; those without a label have no tree.
pub fn read(host: &dyn Host) -> Result<Vec<Labelled>, Failure> {
    let paths = paths(host).map_err(|error| explain::device::unknown("", &error))?;
    let mut labels = Vec::new();
    for path in paths {
        let Some(found) = look_at(host, &path) else {
            continue;
        };
        labels.push(Labelled {
            component: found
                .component
                .map(|uuid| uuid.to_string())
                .unwrap_or_default(),
            tree: tree(host, &path),
            path,
            set: found.set,
            set_name: found.set_name,
            has_replica: found.replicas > 0,
        });
    }
    Ok(labels)
}

/// What the label on a device says of metadevices; nothing if it cannot be read.
fn tree(host: &dyn Host, path: &str) -> Vec<Metadevice> {
    let Ok(source) = host.source(path) else {
        return Vec::new();
    };
    // No replica has this number: only the label is read.
    let label = inspect(&*source, path, Some(u32::MAX)).label;
    let records = label.into_iter().flat_map(|label| label.tree);
    records.filter_map(|record| record.metadevice).collect()
}
