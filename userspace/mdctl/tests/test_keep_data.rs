// SPDX-License-Identifier: GPL-2.0
//! `metainit --keep-data`: a component that begins where its device begins (`DURABILITY.md` clause
//! 19).

use crate::env::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn data_is_kept_on_demand() {
    let mut env = TestEnvironment::new();
    env.mkfs("/dev/sda");
    let transcript = env.run_all(&[
        "metainit d10 1 1 sda --keep-data",
        "metastat d10",
        "metastat -p",
        "metaclear d10",
        "metainit --keep-data d10 1 1 sda -i 64k",
        "metastat -p",
    ]);
    assert_snapshot!(transcript, @r"
    $ metainit d10 1 1 sda --keep-data
    d10: Concat/Stripe is setup
    $ metastat d10
    d10: Concat/Stripe
        Size: 131072 blocks (64 MB)
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sda          0     No
    $ metastat -p
    d10 1 1 /dev/sda --keep-data
    $ metaclear d10
    d10: Concat/Stripe is cleared
    $ metainit --keep-data d10 1 1 sda -i 64k
    d10: Concat/Stripe is setup
    $ metastat -p
    d10 1 1 /dev/sda -i 128b --keep-data
    ");
    env.setup("metainit d20 1 1 d10 --keep-data");
    assert_eq!(
        env.run("metastat -p d20").stdout.lines().next(),
        Some("d20 1 1 d10")
    );
}

/// `svm.md` section 10.2: -f also over a mounted file system, which is how a root is encapsulated.
#[test]
fn a_mounted_file_system_is_taken_over_at_the_next_boot() {
    let mut env = TestEnvironment::with(&["metadb -a -f /dev/sdb"]);
    env.mkfs("/dev/sda");
    env.append("proc/self/mountinfo", "30 1 8:0 / / rw - ext4 /dev/sda rw");
    let lines = [
        "metainit d10 1 1 sda --keep-data",
        "metainit -f d10 1 1 sda",
        "metainit -f d10 1 1 sda --keep-data",
        "metastat d10",
        "metastat --json d10",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metainit d10 1 1 sda --keep-data
    err| metainit: /dev/sda: is mounted on /
    err| next: umount /
    [exit status 1]
    $ metainit -f d10 1 1 sda
    err| metainit: /dev/sda: is mounted on /
    err| next: umount /
    [exit status 1]
    $ metainit -f d10 1 1 sda --keep-data
    d10: Concat/Stripe is setup
    err| metainit: warning: /dev/sda is mounted at /: d10 is read-only until the next boot; wr\
    ite /dev/md/dsk/d10 (or the metadevice that you make of it) for /dev/sda into /etc/fstab, \
    then reboot
    $ metastat d10
    d10: Concat/Stripe
        Size: 131072 blocks (64 MB)
        Access: read-only until the set is started again, at the next boot
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sda          0     No
    $ metastat --json d10
    {"version":1,"metadevices":[{"name":"d10","type":"concat","size":67108864,"state":"Okay","\
    pending":true,"rows":[{"interlace":524288,"components":[{"device":"/dev/sda","start":0,"si\
    ze":67108864,"state":"Okay","read_errors":0,"write_errors":0,"event":null}]}]}]}
    "#);
}

#[test]
fn data_is_kept_on_one_component_only() {
    let mut env = TestEnvironment::new();
    let transcript = env.run_all(&[
        "metainit d10 1 2 sda sdb --keep-data",
        "metainit --keep-data d10 2 1 sda 1 sdb",
        "metainit d10 1 1 sda --keep-data -i 64k",
        "metainit --keep-data d10",
        "metainit --keep-data -a",
    ]);
    assert_snapshot!(transcript, @r#"
    $ metainit d10 1 2 sda sdb --keep-data
    err| metainit: d10: "--keep-data" is for one component: ROWS and WIDTH are 1
    err|     d10 1 2 sda sdb --keep-data
    err|                     ^^^^^^^^^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit --keep-data d10 2 1 sda 1 sdb
    err| metainit: d10: "--keep-data" is for one component: ROWS and WIDTH are 1
    err|     d10 2 1 sda 1 sdb --keep-data
    err|                       ^^^^^^^^^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit d10 1 1 sda --keep-data -i 64k
    err| metainit: d10: "-i" is one word too many behind --keep-data
    err|     d10 1 1 sda --keep-data -i 64k
    err|                             ^^
    err| next: metainit --help
    [exit status 1]
    $ metainit --keep-data d10
    err| metainit: d10: "--keep-data" is not ROWS, a number from 1 to 1024
    err|     d10 --keep-data
    err|         ^^^^^^^^^^^
    err| next: metainit --help
    [exit status 1]
    $ metainit --keep-data -a
    err| metainit: the argument '--keep-data' cannot be used with '-a'
    err| next: metainit --help
    [exit status 1]
    "#);
    assert_eq!(env.admin.unit_count(), 0);
}
