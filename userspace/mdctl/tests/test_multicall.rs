// SPDX-License-Identifier: GPL-2.0
//! Which command is run under which name.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use std::{
    os::unix::fs::symlink,
    path::Path,
    process::Command, //
};

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl --help"), @r"
    $ mdctl --help
    Volume manager: stripes, concats, mirrors and soft partitions of disks

    Usage: mdctl [OPTIONS] <COMMAND>

    Commands:
      metainit     Make a stripe, a concat, a concat of stripes, a mirror of these, a RAID5 me\
    tadevice, a soft
                   partition, or a hot spare pool.
      metastat     Show metadevices and hot spare pools.
      metaclear    Clear metadevices and hot spare pools.
      metattach    Attach a submirror to a mirror, or more components to a stripe, concat or R\
    AID5 metadevice; or
                   let a mirror or soft partition grow.
      metadetach   Take a submirror out of its mirror.
      metaoffline  Take a submirror out of service for a while.
      metaonline   Bring a submirror back that metaoffline has taken out of service.
      metaparam    Change the options of a mirror, how fast RAID5 is made, or the hot spare po\
    ol of a stripe,
                   concat or RAID5 metadevice, or show them.
      metarename   Give a metadevice another name.
      metareplace  Replace a component of a mirror or RAID5 metadevice, or use it again.
      metasync     Start or cancel the resync or a check of mirrors and RAID5 metadevices.
      metahs       Change hot spare pools, or show them.
      metarecover  Check or mend the watermarks of soft partitions, or make a whole set again.
      metadb       Make, delete and show replicas of the state database.
      mddump       Back up an ext2, ext3 or ext4 file system in dump format.
      scan         Show the devices on which sets have replicas and components.
      probe        Say what a device has of a set.
      start        Start the set whose replicas are on this machine's disks: its metadevices a\
    re there then.
      move         Move an extent of a soft partition to another place of what that is on.
      stop         Stop the set: its metadevices go, and their state stays in the state databa\
    se.
      export       Print a description of the set, from which 'mdctl import' makes its metadev\
    ices again.
      import       Make the metadevices of a description, as 'mdctl export' prints it.
      dump         Show and verify what is written on a device or image of one, offline.
      monitor      Show changes of state as they happen.
      mhd          Own disks that several hosts can reach, and find out when one is lost.
      version      Show the versions of the tool and the loaded module.

    Options:
          --json     Answer in JSON, also errors; may stand anywhere on the line
      -h, --help     Print help
      -V, --version  Print version
    ");
}

#[test]
fn the_program_name_decides() {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 1 sda");
    let expected = "d10              s   63MB /dev/sda\n";
    for line in [
        "metastat -c",
        "/usr/sbin/metastat -c",
        "mdctl metastat -c",
        "./tool metastat -c",
    ] {
        assert_eq!(env.run(line).stdout, expected, "{line}");
    }
}

#[test]
fn what_is_no_command_is_an_error() {
    let mut env = TestEnvironment::new();
    let lines = [
        "mdctl",
        "mdctl frobnicate",
        "mdctl --json",
        "mdctl metastatt",
        "mdctl -- metastat",
        "version",
        "",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mdctl
    err| mdctl: 'mdctl' requires a subcommand but one was not provided [subcommands: metainit,\
     metastat, metaclear, metattach, metadetach, metaoffline, metaonline, metaparam, metarenam\
    e, metareplace, metasync, metahs, metarecover, metadb, mddump, scan, probe, start, move, s\
    top, export, import, dump, monitor, mhd, version]
    err| next: mdctl --help
    [exit status 1]
    $ mdctl frobnicate
    err| mdctl: unrecognized subcommand 'frobnicate'
    err| next: mdctl --help
    [exit status 1]
    $ mdctl --json
    {"version":1,"error":{"command":"mdctl","device":null,"reason":"'mdctl' requires a subcomm\
    and but one was not provided [subcommands: metainit, metastat, metaclear, metattach, metad\
    etach, metaoffline, metaonline, metaparam, metarename, metareplace, metasync, metahs, meta\
    recover, metadb, mddump, scan, probe, start, move, stop, export, import, dump, monitor, mh\
    d, version]","next":"mdctl --help"}}
    [exit status 1]
    $ mdctl metastatt
    err| mdctl: unrecognized subcommand 'metastatt'
    err| next: mdctl --help
    [exit status 1]
    $ mdctl -- metastat
    err| mdctl: unexpected argument 'metastat' found
    err| next: mdctl --help
    [exit status 1]
    $ version
    err| mdctl: 'version' requires a subcommand but one was not provided [subcommands: metaini\
    t, metastat, metaclear, metattach, metadetach, metaoffline, metaonline, metaparam, metaren\
    ame, metareplace, metasync, metahs, metarecover, metadb, mddump, scan, probe, start, move,\
     stop, export, import, dump, monitor, mhd, version]
    err| next: mdctl --help
    [exit status 1]
    $
    err| mdctl: 'mdctl' requires a subcommand but one was not provided [subcommands: metainit,\
     metastat, metaclear, metattach, metadetach, metaoffline, metaonline, metaparam, metarenam\
    e, metareplace, metasync, metahs, metarecover, metadb, mddump, scan, probe, start, move, s\
    top, export, import, dump, monitor, mhd, version]
    err| next: mdctl --help
    [exit status 1]
    "#);
}

#[test]
fn the_tools_version_without_the_module() {
    assert_snapshot!(TestEnvironment::new().run("mdctl --version"), @r"
    $ mdctl --version
    mdctl 0.1.0
    ");
}

#[test]
fn help_has_svms_spelling_too() {
    let mut env = TestEnvironment::new();
    let page = env.run("metastat --help").stdout;
    for line in ["metastat -h", "metastat -?"] {
        assert_eq!(env.run(line).stdout, page);
    }
}

/// The real program, under the names that it is installed under.
#[test]
fn the_program_is_all_commands() {
    let program = Path::new(env!("CARGO_BIN_EXE_mdctl"));
    let folder = tempfile::tempdir().unwrap();
    for command in &mdctl::multicall::COMMANDS {
        let output = if command.own_program {
            let link = folder.path().join(command.name);
            symlink(program, &link).unwrap();
            Command::new(link).arg("--help").output().unwrap()
        } else {
            Command::new(program)
                .args([command.name, "--help"])
                .output()
                .unwrap()
        };
        assert!(output.status.success());
        let page = String::from_utf8(output.stdout).unwrap();
        let usage = page
            .lines()
            .find(|line| line.starts_with("Usage: "))
            .unwrap();
        assert!(usage.contains(command.name), "{usage}");
    }
}

#[test]
fn the_programs_exit_status_is_1_for_usage_errors() {
    let program = env!("CARGO_BIN_EXE_mdctl");
    let output = Command::new(program).arg("--nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert!(!output.stderr.is_empty());
}
