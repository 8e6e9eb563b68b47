// SPDX-License-Identifier: GPL-2.0
//! `mdctl version`

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use mdctl::admin::CallError;
use rustix::io::Errno;

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl version --help"), @r#"
    $ mdctl version --help
    Show the versions of the tool and the loaded module.

    "Interface" is the version of what the two say to each other on /dev/md/admin. They must h\
    ave
    the same.

    Usage: mdctl version [OPTIONS]

    Options:
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    "#);
}

#[test]
fn tool_and_module_are_shown() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&["mdctl version", "mdctl version --json"]), @r#"
    $ mdctl version
    mdctl 0.1.0 (interface 9)
    md_rs 0.9.1 (interface 9)
    $ mdctl version --json
    {"version":1,"tool":{"release":"0.1.0","abi":9},"module":{"release":"0.9.1","abi":9}}
    "#);
}

#[test]
fn the_tools_version_is_shown_without_a_module() {
    let mut env = TestEnvironment::new();
    env.admin.answers.fail_next(CallError::Open(Errno::NOENT));
    assert_snapshot!(env.run("mdctl version"), @r"
    $ mdctl version
    mdctl 0.1.0 (interface 9)
    err| mdctl version: /dev/md/admin: does not exist: the module md_rs is not loaded
    err| next: modprobe md_rs
    [exit status 1]
    ");
    env.admin.answers.fail_next(CallError::Ioctl(Errno::NOTTY));
    assert_snapshot!(env.run("mdctl version --json"), @r#"
    $ mdctl version --json
    {"version":1,"tool":{"release":"0.1.0","abi":9},"error":{"command":"mdctl version","device\
    ":"/dev/md/admin","reason":"does not know this request","next":"mdctl version"}}
    [exit status 1]
    "#);
}
