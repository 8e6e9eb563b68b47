// SPDX-License-Identifier: GPL-2.0
//! Names of metadevices and components.

use super::shell::quoted;
use md_abi::admin::DEVICE_LEN;
use md_model::{
    limits::UNITS_MAX,
    name::UnitName, //
};
use std::{
    fmt,
    str::FromStr, //
};

/// Folder in which metadevices appear as block devices.
const METADEVICE_DIR: &str = "/dev/md/dsk/";

/// The same as seen from `/dev`, which SVM's users type.
const METADEVICE_DIR_IN_DEV: &str = "md/dsk/";

/// Name of a metadevice, `d0` to `d8191` (`svm.md` section 1.3).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MetadeviceName(UnitName);

impl MetadeviceName {
    /// The name with a given number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        UnitName::from_number(number).ok().map(MetadeviceName)
    }

    /// The name of the metadevice whose block device has this path, if it is one's.
    pub fn at_path(path: &str) -> Option<Self> {
        let name = path.strip_prefix(METADEVICE_DIR)?.parse().ok()?;
        Some(MetadeviceName(name))
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0.number()
    }

    /// Path of the block device.
    pub fn path(self) -> String {
        format!("{METADEVICE_DIR}{self}")
    }
}

impl fmt::Display for MetadeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MetadeviceName {
    type Err = String;

    /// Reads `d10`, `/dev/md/dsk/d10` or `md/dsk/d10`. The error is a reason, in words.
    fn from_str(word: &str) -> Result<Self, String> {
        let name = word
            .strip_prefix(METADEVICE_DIR)
            .or(word.strip_prefix(METADEVICE_DIR_IN_DEV))
            .unwrap_or(word);
        name.parse().map(MetadeviceName).map_err(|_| {
            format!(
                "is not the name of a metadevice: those are d0 to d{}",
                UNITS_MAX - 1
            )
        })
    }
}

/// The device path that a component's name stands for, or the reason why it stands for none.
///
/// A path stands for itself, the name of a metadevice for its block device, any other name
/// without a slash for the device of that name in `/dev`.
pub fn component_path(word: &str) -> Result<String, String> {
    let path = if word.starts_with('/') {
        word.to_string()
    } else if let Ok(metadevice) = word.parse::<MetadeviceName>() {
        metadevice.path()
    } else if word.contains('/') {
        return Err(format!(
            "is not a full path: type /dev/{word}, if that is what you mean"
        ));
    } else {
        format!("/dev/{word}")
    };
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has a blank or control character, which md.tab syntax cannot hold".into());
    }
    if path.ends_with('\\') {
        return Err("ends in a backslash, which md.tab syntax cannot hold".into());
    }
    if path.len() >= DEVICE_LEN {
        return Err(format!("is longer than {} bytes", DEVICE_LEN - 1));
    }
    Ok(path)
}

/// The shortest word that stands for a device path: what [`component_path`] undoes.
pub fn component_word(path: &str) -> String {
    MetadeviceName::at_path(path).map_or(path.to_string(), |name| name.to_string())
}

/// By what a component is known whose device is not there, if this is how the kernel calls one: a
/// uuid, a partition's uuid, or the world-wide name of its disk.
pub fn missing(device: &str) -> Option<&str> {
    device.strip_prefix("missing ")
}

/// What one types for a component of a mirror: its shortest name, or by what it is known if it is
/// missing.
pub fn typed_word(device: &str) -> String {
    match missing(device) {
        Some(known) => quoted(known),
        None => quoted(&component_word(device)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_metadevice_has_exactly_one_short_name() {
        let read = |word: &str| {
            word.parse::<MetadeviceName>()
                .ok()
                .map(|name| name.to_string())
        };
        assert_eq!(read("d0").as_deref(), Some("d0"));
        assert_eq!(read("d8191").as_deref(), Some("d8191"));
        assert_eq!(read("/dev/md/dsk/d10").as_deref(), Some("d10"));
        assert_eq!(read("md/dsk/d10").as_deref(), Some("d10"));
        for wrong in [
            "", "d", "d8192", "d010", "d+1", "d-1", "D10", "10", "d1x", "d 1", "hsp001",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert_eq!(read("d99999999999999999999"), None);
        assert_eq!(read("/dev/md/rdsk/d10"), None);
    }

    #[test]
    fn a_component_name_without_a_slash_is_in_dev() {
        assert_eq!(component_path("sda"), Ok("/dev/sda".into()));
        assert_eq!(
            component_path("/dev/disk/by-id/x"),
            Ok("/dev/disk/by-id/x".into())
        );
        assert_eq!(component_path("d5"), Ok("/dev/md/dsk/d5".into()));
        assert_eq!(component_path("md/dsk/d5"), Ok("/dev/md/dsk/d5".into()));
        assert!(component_path("disk/by-id/x")
            .unwrap_err()
            .contains("/dev/disk/by-id/x"));
        assert!(component_path("/dev/a b").unwrap_err().contains("blank"));
        assert!(component_path(r"/dev/a\")
            .unwrap_err()
            .contains("backslash"));
    }

    #[test]
    fn a_metadevice_as_component_is_written_as_its_name() {
        for (path, word) in [
            ("/dev/md/dsk/d5", "d5"),
            ("/dev/md/dsk/d9999", "/dev/md/dsk/d9999"),
            ("/dev/md/dsk/dm", "/dev/md/dsk/dm"),
            ("/dev/sda", "/dev/sda"),
            ("/dev/d5", "/dev/d5"),
        ] {
            assert_eq!(component_word(path), word);
            assert_eq!(component_path(word).as_deref(), Ok(path));
        }
    }

    #[test]
    fn a_path_has_to_fit_into_the_kernels_structure() {
        let longest = format!("/{}", "x".repeat(DEVICE_LEN - 2));
        assert_eq!(component_path(&longest).as_ref(), Ok(&longest));
        assert!(component_path(&format!("{longest}x"))
            .unwrap_err()
            .contains("199 bytes"));
    }

    proptest! {
        #[test]
        fn printed_names_are_read_back(number in 0..UNITS_MAX) {
            let name = MetadeviceName::from_number(number).unwrap();
            prop_assert_eq!(name.to_string().parse(), Ok(name));
            prop_assert_eq!(name.path().parse(), Ok(name));
            prop_assert_eq!(MetadeviceName::at_path(&name.path()), Some(name));
        }
    }
}
