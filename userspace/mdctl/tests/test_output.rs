// SPDX-License-Identifier: GPL-2.0
//! Standard output that cannot be written.

use insta::assert_snapshot;
use mdctl::{
    admin::fake::FakeAdmin,
    discover::ThisHost,
    Machine, //
};
use std::io::{
    self,
    ErrorKind,
    Write, //
};

/// A file that takes nothing.
struct Broken(ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Exit status and standard error of a command with output that cannot be written.
fn run(line: &str, kind: ErrorKind) -> (u8, String) {
    let arguments = line.split(' ').map(Into::into).collect();
    let mut machine = Machine {
        admin: &mut FakeAdmin::default(),
        host: &ThisHost,
    };
    let mut stderr = Vec::new();
    let status = mdctl::run(arguments, &mut machine, &mut Broken(kind), &mut stderr);
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_full_disk_is_an_error() {
    let (status, stderr) = run("mdctl version", ErrorKind::StorageFull);
    assert_eq!(status, 1);
    assert_snapshot!(stderr, @r"
    mdctl version: standard output: cannot be written: no storage space
    next: df -h
    ");
    assert_eq!(
        run("mdctl version --json", ErrorKind::StorageFull),
        (1, stderr)
    );
}

#[test]
fn a_reader_who_left_hears_nothing() {
    assert_eq!(
        run("mdctl version", ErrorKind::BrokenPipe),
        (1, String::new())
    );
}
