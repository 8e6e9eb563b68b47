// SPDX-License-Identifier: GPL-2.0
//! How the fake kernel shows its metadevices below `/sys`, where the tool looks for who uses a
//! device.

use super::{
    FakeAdmin,
    MAJOR, //
};
use rustix::fs::{
    major,
    minor, //
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// Of a test's folder, everything can be read and written.
const OURS: &str = "the folder belongs to the test";

impl FakeAdmin {
    /// Shows a metadevice, and that its components are held by it.
    pub(super) fn show(&self, number: u32) {
        let Some(root) = &self.root else { return };
        let folder = folder(root, number);
        fs::create_dir_all(folder.join("holders")).expect(OURS);
        fs::write(folder.join("dev"), format!("{MAJOR}:{number}\n")).expect(OURS);
        symlink(&folder, link(root, Self::dev(number))).expect(OURS);
        for entry in self.entries(root, number) {
            fs::write(entry, "").expect(OURS);
        }
    }

    /// Shows a metadevice no longer.
    pub(super) fn hide(&self, number: u32) {
        let Some(root) = &self.root else { return };
        for entry in self.entries(root, number) {
            // With a device that was removed, the entry went as well.
            let _ = fs::remove_file(entry);
        }
        fs::remove_file(link(root, Self::dev(number))).expect(OURS);
        fs::remove_dir_all(folder(root, number)).expect(OURS);
    }

    /// The entries that say of its components that a metadevice holds them.
    fn entries(&self, root: &Path, number: u32) -> Vec<PathBuf> {
        let components = self.units[&number].components.iter();
        components
            .map(|component| {
                let holders = link(root, component.dev).join("holders");
                holders.join(format!("md!dsk!d{number}"))
            })
            .collect()
    }
}

/// Folder of a metadevice.
fn folder(root: &Path, number: u32) -> PathBuf {
    root.join(format!("sys/devices/md!dsk!d{number}"))
}

/// Link to the folder of a device.
fn link(root: &Path, dev: u64) -> PathBuf {
    root.join(format!("sys/dev/block/{}:{}", major(dev), minor(dev)))
}
