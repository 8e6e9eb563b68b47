// SPDX-License-Identifier: GPL-2.0
//! `metainit`: the grammar, what is refused, and what is made.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::Refusal;
use mdctl::{
    admin::CallError,
    discover::Node, //
};
use rustix::{
    fs::makedev,
    io::Errno, //
};

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metainit --help"), @r"
    $ metainit --help
    Make a stripe, a concat, or a concat of stripes.

    A metadevice has one or more ROWS, one behind the other. Each has a WIDTH, as many COMPONE\
    NTs,
    and if there is more than one of these is striped over them. A component is a disk or part\
    ition
    that nobody uses; a name without a slash is one in /dev.

    Usage: metainit [OPTIONS] NAME ROWS (WIDTH COMPONENT... [-i INTERLACE])...

    Arguments:
      <NAME>  Name of the metadevice, d0 to d8191

    Options:
      -f          Force; a component in use is refused all the same
      -n          Check only, make nothing
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help

    Each row:
      -i INTERLACE  How much lies on one component before it is the next one's turn: a number \
    and k
                    (KiB), m (MiB) or b (blocks of 512 bytes), from 8k to 100m [default: 512k]

    Examples:
      metainit d10 1 2 sda sdb -i 64k    A stripe over two disks
      metainit d11 2 1 sda 1 sdb         The same two disks one behind the other
    ");
}

#[test]
fn stripe_and_concat_are_made() {
    let mut env = TestEnvironment::new();
    let transcript = env.run_all(&[
        "metainit d10 1 2 /dev/sda /dev/sdb -i 64k",
        "metainit d11 2 1 sdc 1 sdd",
        "metastat -p",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit d10 1 2 /dev/sda /dev/sdb -i 64k
    d10: Concat/Stripe is setup
    $ metainit d11 2 1 sdc 1 sdd
    d11: Concat/Stripe is setup
    $ metastat -p
    d10 1 2 /dev/sda /dev/sdb -i 128b
    d11 2 1 /dev/sdc 1 /dev/sdd
    ");
}

#[test]
fn json_shows_the_new_metadevice() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run("metainit --json d10 1 2 sda sdb -i 64k"), @r#"
    $ metainit --json d10 1 2 sda sdb -i 64k
    {"version":1,"metadevices":[{"name":"d10","type":"stripe","size":132120576,"state":"Okay",\
    "rows":[{"interlace":65536,"components":[{"device":"/dev/sda","start":1048576,"size":66060\
    288,"state":"Okay"},{"device":"/dev/sdb","start":1048576,"size":66060288,"state":"Okay"}]}\
    ]}]}
    "#);
    assert_snapshot!(env.run("mdctl metainit d11 2 1 sdc 1 sdd --json"), @r#"
    $ mdctl metainit d11 2 1 sdc 1 sdd --json
    {"version":1,"metadevices":[{"name":"d11","type":"concat","size":132120576,"state":"Okay",\
    "rows":[{"interlace":524288,"components":[{"device":"/dev/sdc","start":1048576,"size":6606\
    0288,"state":"Okay"}]},{"interlace":524288,"components":[{"device":"/dev/sdd","start":1048\
    576,"size":66060288,"state":"Okay"}]}]}]}
    "#);
}

#[test]
fn n_checks_and_makes_nothing() {
    let mut env = TestEnvironment::new();
    let transcript = env.run_all(&[
        "metainit -n d10 1 2 sda sdb",
        "metainit -n --json d10 1 2 sda sdb",
        "metainit -n d10 1 2 sda nosuch",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit -n d10 1 2 sda sdb
    d10: Concat/Stripe would be setup
    $ metainit -n --json d10 1 2 sda sdb
    {"version":1,"checked":["d10"]}
    $ metainit -n d10 1 2 sda nosuch
    err| metainit: /dev/nosuch: there is no such device
    err| next: lsblk
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn a_name_is_given_once() {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 1 sda");
    assert_snapshot!(env.run("metainit d10 1 1 sdb"), @r"
    $ metainit d10 1 1 sdb
    err| metainit: d10: exists already
    err| next: metastat d10
    [exit status 1]
    ");
    assert_snapshot!(env.run("metainit -n d10 1 1 sdb"), @r"
    $ metainit -n d10 1 1 sdb
    err| metainit: d10: exists already
    err| next: metastat d10
    [exit status 1]
    ");
}

#[test]
fn counts_and_names_that_are_wrong_are_pointed_at() {
    let mut env = TestEnvironment::new();
    let transcript = env.run_all(&[
        "metainit",
        "metainit d10",
        "metainit x10 1 1 sda",
        "metainit d10 1 3 sda sdb",
        "metainit d10 1 3 sda sdb -i 64k",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit
    err| metainit: the following required arguments were not provided: <NAME> <ROW>...
    err| next: metainit --help
    [exit status 1]
    $ metainit d10
    err| metainit: the following required arguments were not provided: <ROW>...
    err| next: metainit --help
    [exit status 1]
    $ metainit x10 1 1 sda
    err| metainit: "x10" is not the name of a metadevice: those are d0 to d8191
    err|     x10 1 1 sda
    err|     ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 3 sda sdb
    err| metainit: d10: row 0 has width 3, but only 2 components
    err|     d10 1 3 sda sdb
    err|                     ^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 3 sda sdb -i 64k
    err| metainit: d10: "-i" is not a component: row 0 has width 3, but only 2 components
    err|     d10 1 3 sda sdb -i 64k
    err|                     ^^
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn options_and_words_that_are_wrong_are_pointed_at() {
    let mut env = TestEnvironment::new();
    let transcript = env.run_all(&[
        "metainit d10 1 2 sda sdb -i 64",
        "metainit d10 1 2 sda sdb -i 4k",
        "metainit d10 1 2 sda sdb sdc",
        "metainit d10 1 2 sda sdb -h hsp001",
        "metainit d10 -m d20",
        "metainit -z d10 1 1 sda",
        "metainit --json d10 1 1 disk/by-id/x",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit d10 1 2 sda sdb -i 64
    err| metainit: d10: "64" is not a size: type a number and k, m or b, as in 64k
    err|     d10 1 2 sda sdb -i 64
    err|                        ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 2 sda sdb -i 4k
    err| metainit: d10: "4k" is out of range: an interlace is 8k to 100m
    err|     d10 1 2 sda sdb -i 4k
    err|                        ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 2 sda sdb sdc
    err| metainit: d10: "sdc" is one word too many: ROWS is 1 and WIDTH of the last row is 2
    err|     d10 1 2 sda sdb sdc
    err|                     ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 2 sda sdb -h hsp001
    err| metainit: d10: "-h" is not an option of a row, which has only -i INTERLACE
    err|     d10 1 2 sda sdb -h hsp001
    err|                     ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 -m d20
    err| metainit: d10: "-m" is not ROWS, a number from 1 to 1024
    err|     d10 -m d20
    err|         ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit -z d10 1 1 sda
    err| metainit: unexpected argument '-z' found
    err| next: metainit --help
    [exit status 1]
    $ metainit --json d10 1 1 disk/by-id/x
    {"version":1,"error":{"command":"metainit","device":"d10","reason":"\"disk/by-id/x\" is no\
    t a full path: type /dev/disk/by-id/x, if that is what you mean","next":"metainit --help"}\
    }
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn a_component_is_a_block_device_that_exists_once() {
    let mut env = TestEnvironment::new();
    env.node("/srv/disk.img", Node::File);
    env.node("/dev/null", Node::Other);
    env.node("/dev/disk/by-id/one", Node::Block { dev: makedev(8, 0) });
    let transcript = env.run_all(&[
        "metainit d10 1 2 sda sdx",
        "metainit d10 1 1 /srv/disk.img",
        "metainit d10 1 1 null",
        "metainit d10 2 1 sda 1 sda",
        "metainit d10 1 2 sda /dev/disk/by-id/one",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit d10 1 2 sda sdx
    err| metainit: /dev/sdx: there is no such device
    err| next: lsblk
    [exit status 1]
    $ metainit d10 1 1 /srv/disk.img
    err| metainit: /srv/disk.img: is a file; losetup makes a block device of it
    err| next: losetup --find --show /srv/disk.img
    [exit status 1]
    $ metainit d10 1 1 null
    err| metainit: /dev/null: is not a block device
    err| next: lsblk
    [exit status 1]
    $ metainit d10 2 1 sda 1 sda
    err| metainit: /dev/sda: is given twice, and a component has one place
    err| next: lsblk
    [exit status 1]
    $ metainit d10 1 2 sda /dev/disk/by-id/one
    err| metainit: /dev/disk/by-id/one: is the same device as /dev/sda, and a component has on\
    e place
    err| next: lsblk
    [exit status 1]
    ");
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn a_component_in_use_is_refused_also_with_force() {
    let mut env = TestEnvironment::new();
    env.append(
        "proc/self/mountinfo",
        "30 1 8:0 / /mnt rw - ext4 /dev/sda rw",
    );
    assert_snapshot!(env.run("metainit d10 1 2 sdb sda"), @r"
    $ metainit d10 1 2 sdb sda
    err| metainit: /dev/sda: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    ");
    assert_snapshot!(env.run("metainit -f d10 1 2 sdb sda"), @r"
    $ metainit -f d10 1 2 sdb sda
    err| metainit: /dev/sda: is mounted on /mnt
    err| next: umount /mnt
    [exit status 1]
    ");
    assert_snapshot!(env.run("metainit --json d10 1 2 sdb sda"), @r#"
    $ metainit --json d10 1 2 sdb sda
    {"version":1,"error":{"command":"metainit","device":"/dev/sda","reason":"is mounted on /mn\
    t","next":"umount /mnt"}}
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}

#[test]
fn the_kernels_refusal_names_the_component() {
    let mut env = TestEnvironment::new();
    env.admin.refuse_next(Refusal::ComponentReadOnly, 1, [0; 2]);
    assert_snapshot!(env.run("metainit d10 1 2 sda sdb"), @r"
    $ metainit d10 1 2 sda sdb
    err| metainit: /dev/sdb: is write-protected
    err| next: blockdev --setrw /dev/sdb
    [exit status 1]
    ");
    env.admin.disks.insert(makedev(8, 16), 100);
    assert_snapshot!(env.run("metainit --json d10 2 1 sda 1 sdb"), @r#"
    $ metainit --json d10 2 1 sda 1 sdb
    {"version":1,"error":{"command":"metainit","device":"/dev/sdb","reason":"is too small: it \
    has 100 blocks, and 3072 are needed","next":"lsblk -d -o NAME,SIZE"}}
    [exit status 1]
    "#);
}

#[test]
fn without_the_module_there_is_a_word_on_how_to_load_it() {
    let mut env = TestEnvironment::new();
    env.admin.fail_next(CallError::Open(Errno::NOENT));
    assert_snapshot!(env.run("metainit d10 1 2 sda sdb"), @r"
    $ metainit d10 1 2 sda sdb
    err| metainit: /dev/md/admin: does not exist: the module md_rs is not loaded
    err| next: modprobe md_rs
    [exit status 1]
    ");
}

#[test]
fn without_the_right_the_same_line_is_to_be_typed_as_root() {
    let mut env = TestEnvironment::new();
    env.admin.fail_next(CallError::Ioctl(Errno::PERM));
    assert_snapshot!(env.run("mdctl metainit d10 1 2 sda sdb -i 64k"), @r"
    $ mdctl metainit d10 1 2 sda sdb -i 64k
    err| metainit: /dev/md/admin: only root may use it (CAP_SYS_ADMIN)
    err| next: sudo mdctl metainit d10 1 2 sda sdb -i 64k
    [exit status 1]
    ");
    env.admin.fail_next(CallError::Open(Errno::ACCESS));
    assert_snapshot!(env.run("metainit -n d10 1 1 sda --json"), @r#"
    $ metainit -n d10 1 1 sda --json
    {"version":1,"error":{"command":"metainit","device":"/dev/md/admin","reason":"only root ma\
    y use it (CAP_SYS_ADMIN)","next":"sudo metainit -n d10 1 1 sda --json"}}
    [exit status 1]
    "#);
}
