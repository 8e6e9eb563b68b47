// SPDX-License-Identifier: GPL-2.0
//! What goes wrong with a description that is to be imported.

use super::Failure;
use crate::syntax::{
    name::MetadeviceName,
    shell::quoted, //
};
use std::io;

/// A file that cannot be read.
pub fn unreadable(file: &str, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        _ => format!("cannot be read: {error}"),
    };
    Failure::of(file, reason, "mdctl import --help")
}

/// Lines that cannot be carried out, so that nothing was made.
pub fn refused(file: &str, count: usize) -> Failure {
    let reason = match count {
        1 => "1 of its lines cannot be carried out, so that none was".to_string(),
        count => format!("{count} of its lines cannot be carried out, so that none was"),
    };
    Failure::of(file, reason, "metastat -p")
}

/// A line that could not be carried out, so that those behind it were not tried.
pub fn stopped(file: &str, left: usize, check_only: bool) -> Failure {
    let (reason, dry) = match left {
        _ if check_only => (
            "not all of its metadevices could be made".to_string(),
            " -n",
        ),
        1 => ("1 of its metadevices is not made".to_string(), ""),
        left => (format!("{left} of its metadevices are not made"), ""),
    };
    let next = format!("metainit{dry} -a -T {}", quoted(file));
    Failure::of(file, reason, next)
}

/// A device that stands in an earlier line too.
pub fn used_twice(path: &str, earlier: usize) -> Failure {
    let reason = format!("is a component in line {earlier} already");
    Failure::of(path, reason, "mdctl import --help")
}

/// A metadevice that would be a part of itself.
pub fn circle(name: MetadeviceName) -> Failure {
    let reason = "would be a part of itself";
    Failure::of(name.to_string(), reason, "mdctl import --help")
}
