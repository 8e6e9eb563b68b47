// SPDX-License-Identifier: GPL-2.0
//! md.cf, the configuration after the last change (`svm.md` section 10.4).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use std::fs;

/// The file.
const MD_CF: &str = "etc/md/md.cf";

/// The file's lines that are no comments.
fn lines(env: &TestEnvironment) -> String {
    let text = env.read(MD_CF).expect("it is written");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn every_change_of_the_configuration_is_written() {
    let mut env = TestEnvironment::new();
    for line in [
        "metadb -a -f /dev/sda",
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit -f d10 -m d11 d12",
        "metaparam -p 3 d10",
        "metaclear d10",
        "metattach d11 sdc",
        "metadb -a /dev/sdd",
        "metadb -d /dev/sdd",
        "metaclear -a",
    ] {
        let _ = fs::remove_file(env.path(MD_CF));
        env.setup(line);
        assert_eq!(lines(&env), env.run("metastat -p").stdout, "{line}");
    }
}

#[test]
fn the_file_says_whose_it_is() {
    let env = TestEnvironment::with(&[
        "metadb -a -f /dev/sda",
        "metainit d11 1 1 sda",
        "metainit -f d10 -m d11",
    ]);
    assert_snapshot!(env.read(MD_CF).unwrap(), @r"
    # Metadevices of set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e).
    # Do not edit: mdctl writes this file after each change of the configuration.
    d10 -m d11 1
    d11 1 1 /dev/sda
    ");
    let names = fs::read_dir(env.path("etc/md")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["md.cf"], "nothing else is left behind");
}

/// What is in the file can be made again.
#[test]
fn the_file_is_an_md_tab() {
    let mut env = TestEnvironment::with(&[
        "metadb -a -f /dev/sda",
        "metainit d11 1 2 sda sdb -i 8k",
        "metainit d10 -m d11",
    ]);
    let before = env.run("metastat -p").stdout;
    env.write("srv/md.cf", &env.read(MD_CF).unwrap());
    env.setup("metaclear -a");
    env.setup("metainit -a -T /srv/md.cf");
    assert_eq!(env.run("metastat -p").stdout, before);
}

/// Who only asks, fails, or has no database, writes nothing.
#[test]
fn nothing_is_written_without_a_change_or_without_a_database() {
    let mut env = TestEnvironment::with(&["metainit d1 1 1 sda", "metaclear d1"]);
    assert_eq!(env.read(MD_CF), None);
    env.setup("metadb -a -f /dev/sda");
    env.remove("etc/md");
    env.setup("metainit -n d1 1 1 sda");
    env.setup("metastat");
    assert_eq!(env.run("metainit d1 1 1 sdx").status, 1);
    assert_eq!(env.read(MD_CF), None);
}

/// A command that did some of its work has changed something.
#[test]
fn what_was_changed_before_a_failure_is_written() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda"]);
    env.write("etc/mdctl/md.tab", "d1 1 1 sdb\nd2 1 1 sdx\n");
    assert_eq!(env.run("metainit -a").status, 1);
    assert_eq!(lines(&env), "d1 1 1 /dev/sdb\n");
}

/// The change is made: that the file is not is no error, and is said.
#[test]
fn a_file_that_cannot_be_written_is_a_warning() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sda"]);
    env.remove("etc/md");
    env.write("etc/md", "not a folder");
    let lines = ["metainit d1 1 1 sdb", "metaclear d1 --json"];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d1 1 1 sdb
    d1: Concat/Stripe is setup
    err| metainit: warning: /etc/md/md.cf cannot be written: File exists (os error 17), and is\
     not up to date
    $ metaclear d1 --json
    {"version":1,"cleared":["d1"],"warnings":["/etc/md/md.cf cannot be written: File exists (o\
    s error 17), and is not up to date"]}
    "#);
    env.remove("etc/md");
    env.write("etc/md/md.cf/file", "");
    assert_snapshot!(env.run("metainit d1 1 1 sdb"), @r"
    $ metainit d1 1 1 sdb
    d1: Concat/Stripe is setup
    err| metainit: warning: /etc/md/md.cf cannot be written: Is a directory (os error 21), and\
     is not up to date
    ");
    let names = fs::read_dir(env.path("etc/md")).unwrap();
    assert_eq!(names.count(), 1, "nothing else is left behind");
}
