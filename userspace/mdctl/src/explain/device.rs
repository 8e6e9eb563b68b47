// SPDX-License-Identifier: GPL-2.0
//! What the machine knows about a device that cannot be used.

use super::{
    Failure,
    Next, //
};
use crate::{
    components::{
        Carrier,
        Used, //
    },
    discover::{
        signatures::SignatureError,
        DiscoverError,
        Holder,
        Relation,
        Usage,
        User, //
    },
    syntax::{
        name::MetadeviceName,
        rows::KEEP_DATA,
        shell::quoted, //
    },
};
use std::io;

/// A path that cannot be looked up.
pub fn not_found(path: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound if MetadeviceName::at_path(path).is_some() => {
            Failure::of(path, "there is no such metadevice", "metastat -c")
        }
        io::ErrorKind::NotFound => Failure::of(path, "there is no such device", "lsblk"),
        io::ErrorKind::PermissionDenied => Failure {
            next: Next::SameAsRoot,
            ..Failure::of(path, "only root may look it up", "")
        },
        _ => Failure::of(path, error.to_string(), format!("ls -l {}", quoted(path))),
    }
}

/// A path that names a regular file.
pub fn regular_file(path: &str) -> Failure {
    let next = format!("losetup --find --show {}", quoted(path));
    Failure::of(path, "is a file; losetup makes a block device of it", next)
}

/// A path that names neither a block device nor a file.
pub fn not_a_block_device(path: &str) -> Failure {
    Failure::of(path, "is not a block device", "lsblk")
}

/// A device that was given twice, the first time under the name `earlier`.
pub fn given_twice(path: &str, earlier: &str) -> Failure {
    let reason = if path == earlier {
        "is given twice, and a component has one place".to_string()
    } else {
        format!("is the same device as {earlier}, and a component has one place")
    };
    Failure::of(path, reason, "lsblk")
}

/// A device that carries something. `may_keep` says whether the data could be kept, because the
/// device is the only component.
pub fn carries(carrier: &Carrier, may_keep: bool) -> Failure {
    let mut reason = format!("carries {}, which would be lost", carrier.what);
    if carrier.is_member {
        reason += " ('mdctl start' starts it)";
    } else if may_keep {
        reason += &format!(" ({KEEP_DATA} would keep it)");
    }
    Failure {
        next: Next::SameWithForce,
        ..Failure::of(&carrier.path, reason, "")
    }
}

/// What becomes of a metadevice over a device that somebody uses, and will go on using.
pub fn shared(name: MetadeviceName, used: &Used) -> String {
    let (device, usage) = (&used.device_asked, &used.usage);
    let how = match &usage.by {
        User::Mount(place) => format!("{device} is mounted at {place}"),
        User::Swap => format!("{device} is swap space"),
        User::Holder(_) => format!("{device} is in use"),
    };
    format!(
        "{how}: {name} is read-only until the next boot; write /dev/md/dsk/{name} (or the \
         metadevice that you make of it) for {device} into /etc/fstab, then reboot"
    )
}

/// A device of which nobody knows what it carries.
pub fn may_carry(path: &str, error: &SignatureError) -> Failure {
    match error {
        SignatureError::NotInstalled => Failure::of(
            path,
            "cannot be searched for data without wipefs (-f does without)",
            "apt install util-linux",
        ),
        SignatureError::Failed(words) => Failure::of(
            path,
            format!("cannot be searched for data (-f does without): {words}"),
            format!("wipefs --no-act {}", quoted(path)),
        ),
    }
}

/// The machine cannot be asked about a device.
pub fn unknown(path: &str, error: &DiscoverError) -> Failure {
    match error {
        DiscoverError::NoDriver(number) => {
            Failure::of(path, format!("no driver has a device {number}"), "lsblk")
        }
        DiscoverError::Unreadable { path, error } => {
            let path = path.to_string_lossy();
            let next = if path.contains("/proc/") {
                "mount -t proc proc /proc"
            } else {
                "mount -t sysfs sysfs /sys"
            };
            Failure::of(path, format!("cannot be read: {error}"), next)
        }
    }
}

/// A device that someone uses. `name` is what the user calls it.
pub fn in_use(name: &str, usage: &Usage) -> Failure {
    let (what, next) = user(usage);
    let reason = match usage.relation {
        Relation::Same => what,
        Relation::Partition => format!("its partition {} {what}", usage.device),
        Relation::Disk => format!("the disk that it is on, {}, {what}", usage.device),
    };
    Failure::of(name, reason, next)
}

/// What a device in use is used for, and the command that ends it.
fn user(usage: &Usage) -> (String, String) {
    let device = quoted(&usage.device);
    match &usage.by {
        User::Mount(place) => (
            format!("is mounted on {place}"),
            format!("umount {}", quoted(place)),
        ),
        User::Swap => ("is swap space".into(), format!("swapoff {device}")),
        User::Holder(Holder::Metadevice(name)) => (
            format!("is part of the metadevice {name}"),
            format!("metaclear {name}"),
        ),
        User::Holder(Holder::LinuxMd(path)) => (
            format!("is part of the Linux md array {path}"),
            format!("mdadm --stop {path}"),
        ),
        User::Holder(Holder::LogicalVolume(path)) => (
            format!("holds the logical volume {path}"),
            format!("lvchange -an {}", quoted(path)),
        ),
        User::Holder(Holder::Crypt(name)) => (
            format!("is open as the encrypted disk {name}"),
            format!("cryptsetup close {}", quoted(name)),
        ),
        User::Holder(Holder::DeviceMapper(name)) => (
            format!("is part of the device mapper device {name}"),
            format!("dmsetup remove {}", quoted(name)),
        ),
        User::Holder(Holder::Other(path)) => {
            (format!("is held by {path}"), format!("lsblk {device}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_cannot_be_looked_up_is_named_with_the_reason() {
        let failure = not_found("/dev/x y", &io::ErrorKind::NotFound.into());
        assert_eq!(failure.reason, "there is no such device");
        let failure = not_found("/secret/x", &io::ErrorKind::PermissionDenied.into());
        assert_eq!(failure.next, Next::SameAsRoot);
        let failure = not_found("/dev/x y/z", &io::ErrorKind::NotADirectory.into());
        assert_eq!(failure.reason, "not a directory");
        assert_eq!(failure.next, Next::Command("ls -l '/dev/x y/z'".into()));
    }
}
