// SPDX-License-Identifier: GPL-2.0
//! `mdctl export`: the description of a set.

use crate::env::TestEnvironment;
use insta::assert_snapshot;

/// A mirror on labelled disks, with a state database.
pub(crate) fn mirrored() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.device("sda1", "sda", 8, 1);
    env.admin.disks.insert(rustix::fs::makedev(8, 1), 60_000);
    let partition = "DEVTYPE=partition\nPARTUUID=0a1b2c3d-0000-4000-8000-00000000000f\n";
    env.write("sys/devices/sda/sda1/uevent", partition);
    env.write("sys/devices/sdb/wwid", "naa.5000c500a1b2c3d4\n");
    env.label("/dev/sda1", 0x5e, 0x10, 0);
    env.label("/dev/sdb", 0x5e, 0x20, 1);
    for line in [
        "metadb -a -f /dev/sdb",
        "metadb -a -c 2 -l 128 /dev/sdc",
        "metadb -a -t /dev/sdd",
        "metainit d12 1 1 sdb",
        "metainit d11 1 1 sda1",
        "metainit -f d10 -m d11 d12 2",
        "metaparam -r first d10",
    ] {
        env.setup(line);
    }
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl export --help"), @r"
    $ mdctl export --help
    Print a description of the set, from which 'mdctl import' makes its metadevices again.

    It is in md.tab syntax, so that metainit -a reads it too. Comments tell where the replicas\
     of
    the state database are, and by what each device is known: the uuid in its label, that of i\
    ts
    partition, and the world-wide name of its disk. So one can find the devices again after th\
    eir
    paths have changed.

    Usage: mdctl export [OPTIONS] [SET]

    Arguments:
      [SET]  Name or uuid of the set: the running one, or local

    Options:
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help

    Examples:
      mdctl export >set.md       Keep the description
      mdctl import -n set.md     See whether it could be made of what is here
    ");
}

#[test]
fn a_description_has_replicas_metadevices_and_devices() {
    assert_snapshot!(mirrored().run("mdctl export"), @r"
    $ mdctl export
    # Set local (5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e), for 'mdctl import'.
    # Replicas of its state database, which 'metadb -a' makes, and not 'mdctl import':
    #   /dev/sdb: vote, 1536 blocks from block 256, replica 00000000-0000-0000-0000-0000000000\
    00
    #     component 20202020-2020-2020-2020-202020202020, wwn naa.5000c500a1b2c3d4
    #   /dev/sdc: vote, 128 blocks from block 256, replica 00000000-0000-0000-0000-00000000000\
    0
    #     nothing but its path is known
    #   /dev/sdc: vote, 128 blocks from block 384, replica 00000000-0000-0000-0000-00000000000\
    0
    #     nothing but its path is known
    #   /dev/sdd: tie-breaker, 1536 blocks from block 256, replica 00000000-0000-0000-0000-000\
    000000000
    #     nothing but its path is known
    d10 -m d11 d12 -r 2
    d11 1 1 /dev/sda1
    #   /dev/sda1: component 10101010-1010-1010-1010-101010101010, partition 0a1b2c3d-0000-400\
    0-8000-00000000000f
    d12 1 1 /dev/sdb
    #   /dev/sdb: component 20202020-2020-2020-2020-202020202020, wwn naa.5000c500a1b2c3d4
    ");
}

/// `svm.md` section 10.4: comments are none of metainit's business.
#[test]
fn a_description_is_an_md_tab() {
    let mut env = mirrored();
    let description = env.run("mdctl export").stdout;
    let before = env.run("metastat -p").stdout;
    env.write("etc/mdctl/md.tab", &description);
    env.setup("metaclear -a");
    env.setup("metainit -a");
    assert_eq!(env.run("metastat -p").stdout, before);
}

#[test]
fn without_a_database_there_are_no_replicas() {
    let mut env = TestEnvironment::with(&["metainit d1 1 1 sda"]);
    assert_snapshot!(env.run_all(&["mdctl export", "mdctl export local"]), @r"
    $ mdctl export
    # The metadevices, which live in memory, for 'mdctl import'.
    d1 1 1 /dev/sda
    #   /dev/sda: nothing but its path is known
    $ mdctl export local
    # The metadevices, which live in memory, for 'mdctl import'.
    d1 1 1 /dev/sda
    #   /dev/sda: nothing but its path is known
    ");
}

#[test]
fn json_has_the_same_text() {
    let mut env = mirrored();
    let text = env.run("mdctl export").stdout;
    let document = env.run("mdctl export --json").json();
    assert_eq!(document["description"], text);
    assert_eq!(document["metadevices"][0]["name"], "d10");
    assert_eq!(document["database"]["name"], "local");
}

#[test]
fn only_the_running_set_is_described() {
    let mut env = mirrored();
    let uuid = "5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e";
    let text = env.run("mdctl export").stdout;
    assert_eq!(env.run("mdctl export local").stdout, text);
    assert_eq!(env.run(&format!("mdctl export {uuid}")).stdout, text);
    assert_snapshot!(env.run("mdctl export blue"), @r"
    $ mdctl export blue
    err| mdctl export: blue: is not the set that is running, which is local (5e5e5e5e-5e5e-5e5\
    e-5e5e-5e5e5e5e5e5e)
    err| next: mdctl scan
    [exit status 1]
    ");
}
