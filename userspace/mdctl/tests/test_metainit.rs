// SPDX-License-Identifier: GPL-2.0
//! `metainit`: the grammar, what is refused, and what is made.

use crate::env::{
    TestEnvironment,
    Wipefs, //
};
use insta::assert_snapshot;
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
    assert_snapshot!(TestEnvironment::new().run("metainit --help"));
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
    288,"state":"Okay","read_errors":0,"write_errors":0,"event":null},{"device":"/dev/sdb","st\
    art":1048576,"size":66060288,"state":"Okay","read_errors":0,"write_errors":0,"event":null}\
    ]}]}]}
    "#);
    assert_snapshot!(env.run("mdctl metainit d11 2 1 sdc 1 sdd --json"), @r#"
    $ mdctl metainit d11 2 1 sdc 1 sdd --json
    {"version":1,"metadevices":[{"name":"d11","type":"concat","size":132120576,"state":"Okay",\
    "rows":[{"interlace":524288,"components":[{"device":"/dev/sdc","start":1048576,"size":6606\
    0288,"state":"Okay","read_errors":0,"write_errors":0,"event":null}]},{"interlace":524288,"\
    components":[{"device":"/dev/sdd","start":1048576,"size":66060288,"state":"Okay","read_err\
    ors":0,"write_errors":0,"event":null}]}]}]}
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

/// `-n` asks the kernel too, so that what it says can be relied on.
#[test]
fn n_finds_what_only_the_kernel_knows() {
    let mut env = TestEnvironment::new();
    env.admin.disks.insert(makedev(8, 16), 3000);
    assert_snapshot!(env.run("metainit -n d10 1 2 sda sdb"), @r"
    $ metainit -n d10 1 2 sda sdb
    err| metainit: /dev/sdb: is too small: it has 3000 blocks, and 3072 are needed
    err| next: lsblk -d -o NAME,SIZE
    [exit status 1]
    ");
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
    assert_snapshot!(env.run("metainit -n d10 1 1 sda"), @r"
    $ metainit -n d10 1 1 sda
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
        "metainit x10 1 1 sda",
        "metainit d10 1",
        "metainit d10 1 3 sda sdb",
        "metainit d10 1 3 sda sdb -i 64k",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit
    err| metainit: the following required arguments were not provided: <NAME>
    err| next: metainit --help
    [exit status 1]
    $ metainit x10 1 1 sda
    err| metainit: "x10" is not the name of a metadevice: those are d0 to d8191
    err|     x10 1 1 sda
    err|     ^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1
    err| metainit: d10: WIDTH of row 0 is missing
    err|     d10 1
    err|           ^
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
    err| metainit: d10: hot spare pools need a state database, and there is none
    err| next: metadb -a -f DEVICE
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
    env.admin.read_only.insert(makedev(8, 16));
    assert_snapshot!(env.run("metainit d10 1 2 sda sdb"), @r"
    $ metainit d10 1 2 sda sdb
    err| metainit: /dev/sdb: is write-protected
    err| next: blockdev --setrw /dev/sdb
    [exit status 1]
    ");
    env.admin.read_only.clear();
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
    env.admin.answers.fail_next(CallError::Open(Errno::NOENT));
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
    env.admin.answers.fail_next(CallError::Ioctl(Errno::PERM));
    assert_snapshot!(env.run("mdctl metainit d10 1 2 sda sdb -i 64k"), @r"
    $ mdctl metainit d10 1 2 sda sdb -i 64k
    err| metainit: /dev/md/admin: only root may use it (CAP_SYS_ADMIN)
    err| next: sudo mdctl metainit d10 1 2 sda sdb -i 64k
    [exit status 1]
    ");
    env.admin.answers.fail_next(CallError::Open(Errno::ACCESS));
    assert_snapshot!(env.run("metainit -n d10 1 1 sda --json"), @r#"
    $ metainit -n d10 1 1 sda --json
    {"version":1,"error":{"command":"metainit","device":"/dev/md/admin","reason":"only root ma\
    y use it (CAP_SYS_ADMIN)","next":"sudo metainit -n d10 1 1 sda --json"}}
    [exit status 1]
    "#);
}

#[test]
fn a_metadevice_may_be_a_component() {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 2 sda sdb");
    env.setup("metainit d11 1 2 sdc sdd");
    let transcript = env.run_all(&[
        "metainit d20 1 2 d10 /dev/md/dsk/d11 -i 64k",
        "metastat -p d20",
        "metainit d30 1 1 d10",
        "metainit d30 1 1 d99",
        "metainit d30 2 1 d20 1 d20",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit d20 1 2 d10 /dev/md/dsk/d11 -i 64k
    d20: Concat/Stripe is setup
    $ metastat -p d20
    d20 1 2 d10 d11 -i 128b
    d10 1 2 /dev/sda /dev/sdb -i 1024b
    d11 1 2 /dev/sdc /dev/sdd -i 1024b
    $ metainit d30 1 1 d10
    err| metainit: /dev/md/dsk/d10: is part of the metadevice d20
    err| next: metaclear d20
    [exit status 1]
    $ metainit d30 1 1 d99
    err| metainit: /dev/md/dsk/d99: there is no such metadevice
    err| next: metastat -c
    [exit status 1]
    $ metainit d30 2 1 d20 1 d20
    err| metainit: /dev/md/dsk/d20: is given twice, and a component has one place
    err| next: lsblk
    [exit status 1]
    ");
    let document = env.run("metastat --json d20").json();
    let component = &document["metadevices"][0]["rows"][0]["components"][0];
    assert_eq!(component["device"], "/dev/md/dsk/d10");
    assert_eq!(component["start"], 0);
}

/// Somebody has it open for writing, or makes it a component at the same moment.
#[test]
fn a_metadevice_in_use_is_no_component() {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 1 sda");
    env.admin.open_unit(10, 1);
    assert_snapshot!(env.run("metainit d20 1 1 d10"), @r"
    $ metainit d20 1 1 d10
    err| metainit: /dev/md/dsk/d10: is in use
    err| next: lsblk /dev/md/dsk/d10
    [exit status 1]
    ");
    env.append(
        "proc/self/mountinfo",
        "30 1 252:10 / /srv rw - ext4 /dev/md/dsk/d10 rw",
    );
    assert_snapshot!(env.run("metainit -f d20 1 1 d10"), @r"
    $ metainit -f d20 1 1 d10
    err| metainit: /dev/md/dsk/d10: is mounted on /srv
    err| next: umount /srv
    [exit status 1]
    ");
    assert_eq!(env.admin.unit_count(), 1);
}

#[test]
fn a_file_system_is_not_lost_without_force() {
    let mut env = TestEnvironment::new();
    env.mkfs("/dev/sdb");
    let transcript = env.run_all(&[
        "metainit d10 1 2 sda sdb",
        "metainit d10 1 1 sdb",
        "metainit --json d10 1 1 sdb",
        "mdctl metainit -n d10 1 2 sda sdb -i 64k",
        "/usr/sbin/metainit -n d10 1 1 sdb",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit d10 1 2 sda sdb
    err| metainit: /dev/sdb: carries an ext4 file system (label web), which would be lost
    err| next: metainit -f d10 1 2 sda sdb
    [exit status 1]
    $ metainit d10 1 1 sdb
    err| metainit: /dev/sdb: carries an ext4 file system (label web), which would be lost (--k\
    eep-data would keep it)
    err| next: metainit -f d10 1 1 sdb
    [exit status 1]
    $ metainit --json d10 1 1 sdb
    {"version":1,"error":{"command":"metainit","device":"/dev/sdb","reason":"carries an ext4 f\
    ile system (label web), which would be lost (--keep-data would keep it)","next":"metainit \
    -f --json d10 1 1 sdb"}}
    [exit status 1]
    $ mdctl metainit -n d10 1 2 sda sdb -i 64k
    err| metainit: /dev/sdb: carries an ext4 file system (label web), which would be lost
    err| next: mdctl metainit -f -n d10 1 2 sda sdb -i 64k
    [exit status 1]
    $ /usr/sbin/metainit -n d10 1 1 sdb
    err| metainit: /dev/sdb: carries an ext4 file system (label web), which would be lost (--k\
    eep-data would keep it)
    err| next: /usr/sbin/metainit -f -n d10 1 1 sdb
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
    assert_snapshot!(env.run_all(&["metainit -f -n d10 1 1 sdb", "metainit -f d10 1 1 sdb"]), @r"
    $ metainit -f -n d10 1 1 sdb
    d10: Concat/Stripe would be setup
    $ metainit -f d10 1 1 sdb
    d10: Concat/Stripe is setup
    ");
}

#[test]
fn other_things_that_are_on_a_device() {
    let mut env = TestEnvironment::new();
    env.wipefs("/dev/sda", Wipefs::Finds("gpt", "partition-table", None));
    env.wipefs("/dev/sdb", Wipefs::Finds("LVM2_member", "raid", None));
    env.wipefs("/dev/sdc", Wipefs::Finds("swap", "other", Some("")));
    let lines = ["sda", "sdb", "sdc"].map(|disk| format!("metainit d10 2 1 sdd 1 {disk}"));
    let refusals = lines.map(|line| env.run(&line).stderr);
    assert_snapshot!(refusals.concat(), @r"
    metainit: /dev/sda: carries a gpt partition table, which would be lost
    next: metainit -f d10 2 1 sdd 1 sda
    metainit: /dev/sdb: carries an LVM2_member signature, which would be lost
    next: metainit -f d10 2 1 sdd 1 sdb
    metainit: /dev/sdc: carries a swap signature, which would be lost
    next: metainit -f d10 2 1 sdd 1 sdc
    ");
}

/// A metadevice has no reserved head, so that what is on it would be overwritten too.
#[test]
fn a_file_system_on_a_metadevice_is_not_lost_either() {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 1 sda");
    env.mkfs("/dev/md/dsk/d10");
    assert_snapshot!(env.run("metainit d20 1 1 d10"), @r"
    $ metainit d20 1 1 d10
    err| metainit: /dev/md/dsk/d10: carries an ext4 file system (label web), which would be lo\
    st (--keep-data would keep it)
    err| next: metainit -f d20 1 1 d10
    [exit status 1]
    ");
    env.setup("metainit -f d20 1 1 d10");
}

/// What cannot be overridden is said first: whoever then types `-f` is not refused once more.
#[test]
fn the_kernels_reasons_come_before_signatures() {
    let mut env = TestEnvironment::new();
    env.mkfs("/dev/sda");
    env.admin.disks.insert(makedev(8, 0), 100);
    let transcript = env.run("metainit d10 1 1 sda");
    assert!(transcript.stderr.contains("is too small"), "{transcript}");
}

#[test]
fn without_wipefs_only_force_helps() {
    let mut env = TestEnvironment::new();
    env.wipefs("/dev/sda", Wipefs::Missing);
    let words = "wipefs: error: /dev/sdb: probing initialization failed: Input/output error\n";
    env.wipefs("/dev/sdb", Wipefs::Fails(words));
    assert_snapshot!(env.run_all(&["metainit d10 1 1 sda", "metainit d10 1 1 sdb"]), @r"
    $ metainit d10 1 1 sda
    err| metainit: /dev/sda: cannot be searched for data without wipefs (-f does without)
    err| next: apt install util-linux
    [exit status 1]
    $ metainit d10 1 1 sdb
    err| metainit: /dev/sdb: cannot be searched for data (-f does without): wipefs: error: /de\
    v/sdb: probing initialization failed: Input/output error
    err| next: wipefs --no-act /dev/sdb
    [exit status 1]
    ");
    env.setup("metainit -f d10 1 2 sda sdb");
}

/// A set that is stopped, or another one's disk: `wipefs` does not know that it is somebody's.
#[test]
fn a_member_of_a_set_that_does_not_run_is_wanted_back() {
    let mut env = TestEnvironment::new();
    env.label("/dev/sda", 1, 0x10, 2);
    let lines = [
        "metainit d10 1 1 /dev/sda",
        "metadb -a -f /dev/sdb",
        "metadb -a /dev/sda",
        "metadb -a -f /dev/sda",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metainit d10 1 1 /dev/sda
    err| metainit: /dev/sda: carries a part of the set local (01010101-0101-0101-0101-01010101\
    0101), which would be lost ('mdctl start' starts it)
    err| next: metainit -f d10 1 1 /dev/sda
    [exit status 1]
    $ metadb -a -f /dev/sdb
    $ metadb -a /dev/sda
    err| metadb: /dev/sda: carries a part of the set local (01010101-0101-0101-0101-0101010101\
    01), which would be lost ('mdctl start' starts it)
    err| next: metadb -f -a /dev/sda
    [exit status 1]
    $ metadb -a -f /dev/sda
    ");
}
