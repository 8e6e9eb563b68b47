// SPDX-License-Identifier: GPL-2.0
//! `metastat` when something is or was wrong: states, errors, times, and what to type.

use crate::env::{
    TestEnvironment,
    DISK_SECTORS, //
};
use insta::assert_snapshot;
use md_abi::admin::Refusal;
use rustix::fs::makedev;

/// A machine with a stripe and a concat.
fn with_metadevices() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d10 1 2 sda sdb -i 64k",
        "metainit d7 2 1 sdc 1 sdd",
    ])
}

/// A machine whose stripe `d10` has lost the disk `sdb`.
fn with_an_unplugged_disk() -> TestEnvironment {
    let mut env = with_metadevices();
    env.admin.clock = 1_772_368_496;
    env.admin.disks.remove(&makedev(8, 16));
    env.setup("metastat -i");
    env
}

#[test]
fn an_unplugged_disk_is_shown_with_what_to_do() {
    let mut env = with_an_unplugged_disk();
    let transcript = env.run_all(&[
        "metastat d10",
        "metastat -c",
        "metastat -t d10",
        "metastat -p",
    ]);
    assert_snapshot!(transcript, @r"
    $ metastat d10
    d10: Concat/Stripe
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear d10 && metainit d10 1 2 /dev/sda /dev/sdb -i 128b
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No            Okay  none
    	/dev/sdb       2048     No     Unavailable  none
    $ metastat -c
    d7               s  126MB /dev/sdc /dev/sdd
    d10              s  126MB /dev/sda /dev/sdb (unavail)
    $ metastat -t d10
    d10: Concat/Stripe
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear d10 && metainit d10 1 2 /dev/sda /dev/sdb -i 128b
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors  Time
    	/dev/sda       2048     No            Okay  none    -
    	/dev/sdb       2048     No     Unavailable  none    2026-03-01T12:34:56Z
    $ metastat -p
    d7 2 1 /dev/sdc 1 /dev/sdd
    d10 1 2 /dev/sda /dev/sdb -i 128b
    ");
    assert_snapshot!(env.run("metastat --json d10"), @r#"
    $ metastat --json d10
    {"version":1,"metadevices":[{"name":"d10","type":"stripe","size":132120576,"state":"Unavai\
    lable","rows":[{"interlace":65536,"components":[{"device":"/dev/sda","start":1048576,"size\
    ":66060288,"state":"Okay","read_errors":0,"write_errors":0,"event":null},{"device":"/dev/s\
    db","start":1048576,"size":66060288,"state":"Unavailable","read_errors":0,"write_errors":0\
    ,"event":"2026-03-01T12:34:56Z"}]}]}]}
    "#);
}

/// The command that stands behind "Invoke:" does what it says.
#[test]
fn what_is_to_be_invoked_brings_the_metadevice_back() {
    let mut env = with_an_unplugged_disk();
    env.setup("metaclear d7");
    env.setup("metainit d20 1 1 d10");
    env.mkfs("/dev/md/dsk/d10");
    assert_snapshot!(env.run("metastat d20"), @r"
    $ metastat d20
    d20: Concat/Stripe
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear -r d20 && metainit d10 1 2 /dev/sda /dev/sdb -i 128b && metainit\
     -f d20 1 1 d10
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device   Start Block  Dbase        State  Errors
    	d10             0     No     Unavailable  none

    d10: Subdevice of d20
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear -r d20 && metainit d10 1 2 /dev/sda /dev/sdb -i 128b && metainit\
     -f d20 1 1 d10
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No            Okay  none
    	/dev/sdb       2048     No     Unavailable  none
    ");
    let text = env.run("metastat d10").stdout;
    env.admin.disks.insert(makedev(8, 16), DISK_SECTORS);
    let commands = text
        .lines()
        .find(|line| line.contains("metaclear"))
        .unwrap();
    for command in commands.split("&&") {
        env.setup(command);
    }
    assert_snapshot!(env.run("metastat -i -c"), @r"
    $ metastat -i -c
    d20              s  126MB d10
        d10          s  126MB /dev/sda /dev/sdb
    ");
}

#[test]
fn errors_are_shown_though_all_is_in_service() {
    let mut env = with_metadevices();
    let component = env.admin.component(10, 0);
    component.read_errors = 3;
    component.event_seconds = 951_782_400;
    let component = env.admin.component(10, 1);
    component.write_errors = 1_234_567;
    component.event_seconds = 1;
    assert_snapshot!(env.run_all(&["metastat d10", "metastat -t d10", "metastat -c d10"]), @r"
    $ metastat d10
    d10: Concat/Stripe
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No            Okay  3 read, 0 write
    	/dev/sdb       2048     No            Okay  0 read, 1234567 write
    $ metastat -t d10
    d10: Concat/Stripe
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors                 Time
    	/dev/sda       2048     No            Okay  3 read, 0 write        2000-02-29T00:0\
    0:00Z
    	/dev/sdb       2048     No            Okay  0 read, 1234567 write  1970-01-01T00:0\
    0:01Z
    $ metastat -c d10
    d10              s  126MB /dev/sda /dev/sdb
    ");
}

#[test]
fn times_have_a_column_on_demand() {
    assert_snapshot!(with_metadevices().run("metastat -t d10 d7"), @r"
    $ metastat -t d10 d7
    d10: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase  Time
    	/dev/sda       2048     No     -
    	/dev/sdb       2048     No     -

    d7: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase  Time
    	/dev/sdc       2048     No     -
        Stripe 1:
    	Device     Start Block  Dbase  Time
    	/dev/sdd       2048     No     -
    ");
}

/// Without `-i` the kernel says what it knows; with it, it looks.
#[test]
fn components_are_read_on_demand() {
    let mut env = with_metadevices();
    env.setup("metainit d20 1 1 d10");
    env.admin.clock = 1_772_368_496;
    env.admin.silent.insert(makedev(8, 0));
    env.admin.silent.insert(makedev(8, 32));
    let before = env.run("metastat -c");
    assert_snapshot!(env.run_all(&["metastat -t d20", "metastat -i -t d20", "metastat -i d20"]), @r"
    $ metastat -t d20
    d20: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device   Start Block  Dbase  Time
    	d10             0     No     -

    d10: Subdevice of d20
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase  Time
    	/dev/sda       2048     No     -
    	/dev/sdb       2048     No     -
    $ metastat -i -t d20
    d20: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device   Start Block  Dbase  Time
    	d10             0     No     -

    d10: Subdevice of d20
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors           Time
    	/dev/sda       2048     No            Okay  1 read, 0 write  2026-03-01T12:34:56Z
    	/dev/sdb       2048     No            Okay  none             -
    $ metastat -i d20
    d20: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device   Start Block  Dbase
    	d10             0     No

    d10: Subdevice of d20
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No            Okay  2 read, 0 write
    	/dev/sdb       2048     No            Okay  none
    ");
    assert_eq!(env.run("metastat -c").stdout, before.stdout);
    assert_eq!(
        env.admin.component(7, 0).read_errors,
        0,
        "nobody asked for d7"
    );
}

#[test]
fn a_probe_that_the_kernel_refuses_is_an_error() {
    let mut env = with_metadevices();
    assert_snapshot!(env.run_all(&["metastat -i d11", "metastat -i -c d7 d11"]), @r"
    $ metastat -i d11
    err| metastat: d11: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metastat -i -c d7 d11
    err| metastat: d11: does not exist
    err| next: metastat -c
    [exit status 1]
    ");
    env.admin.answers.refuse_probe(Refusal::NoMemory);
    assert_snapshot!(env.run("metastat -i -c d7"), @r"
    $ metastat -i -c d7
    err| metastat: d7: the kernel is out of memory
    err| next: free -m
    [exit status 1]
    ");
}

#[test]
fn a_metadevice_that_is_cleared_before_the_probe_is_left_out() {
    let mut env = with_metadevices();
    env.admin.answers.refuse_probe(Refusal::NoSuchUnit);
    assert_eq!(env.run("metastat -i -c").stdout.lines().count(), 2);
}

#[test]
fn a_lost_disk_is_seen_in_all_that_is_made_of_it() {
    let mut env = TestEnvironment::with(&[
        "metainit d3 1 2 sda sdb -i 64k",
        "metainit d4 1 1 sdc",
        "metainit d20 2 1 d3 1 d4",
        "metainit d1 1 1 d20",
        "metainit d5 1 1 sdd",
    ]);
    env.admin.disks.remove(&makedev(8, 32));
    assert_snapshot!(env.run_all(&["metastat -i -c", "metastat d20", "metastat d5"]), @r"
    $ metastat -i -c
    d1               s  189MB d20 (unavail)
        d20          s  189MB d3 d4 (unavail)
            d3       s  126MB /dev/sda /dev/sdb
            d4       s   63MB /dev/sdc (unavail)
    d5               s   63MB /dev/sdd
    $ metastat d20
    d20: Subdevice of d1
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear -r d1 && metainit d4 1 1 /dev/sdc && metainit d3 1 2 /dev/sda /d\
    ev/sdb -i 128b && metainit -f d20 2 1 d3 1 d4 && metainit -f d1 1 1 d20
        Size: 387072 blocks (189 MB)
        Stripe 0:
    	Device   Start Block  Dbase        State  Errors
    	d3              0     No            Okay  none
        Stripe 1:
    	Device   Start Block  Dbase        State  Errors
    	d4              0     No     Unavailable  none

    d3: Subdevice of d20
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase
    	/dev/sda       2048     No
    	/dev/sdb       2048     No

    d4: Subdevice of d20
        State: Unavailable
        Invoke: after the missing device is back:
    		metaclear -r d1 && metainit d4 1 1 /dev/sdc && metainit d3 1 2 /dev/sda /d\
    ev/sdb -i 128b && metainit -f d20 2 1 d3 1 d4 && metainit -f d1 1 1 d20
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdc       2048     No     Unavailable  none
    $ metastat d5
    d5: Concat/Stripe
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sdd       2048     No
    ");
}
