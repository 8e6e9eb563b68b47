// SPDX-License-Identifier: GPL-2.0
//! `metastat` for mirrors: its forms, states and what to type (`svm.md` section 10.1).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    Component,
    ComponentState,
    COMPONENT_SLOW, //
};
use rustix::fs::makedev;
use serde_json::json;

/// A machine with the mirror `d10` over the concat `d11` and the stripe `d12`, and `d1`.
fn with_mirror() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.device("sde", "", 8, 64);
    env.admin.disks.insert(makedev(8, 64), 131_072);
    for line in [
        "metainit d1 1 1 sde",
        "metainit d11 2 1 sda 1 sdb",
        "metainit d12 1 2 sdc sdd -i 64k",
        "metainit d10 -m d11 d12 --assume-clean",
    ] {
        env.setup(line);
    }
    env
}

/// What `metastat` says of the mirror, without its submirrors.
fn mirror_block(env: &mut TestEnvironment, line: &str) -> String {
    let text = env.run(line).stdout;
    text.split("\n\n").next().unwrap().to_string()
}

/// Puts a component into a state, as a failed write would.
fn fail(component: &mut Component, state: ComponentState) {
    component.state = state as u32;
    component.write_errors += 1;
    component.event_seconds = 1_772_368_496;
}

#[test]
fn long_form() {
    assert_snapshot!(with_mirror().run("metastat"), @r"
    $ metastat
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)

    d11: Submirror of d10
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State
    	/dev/sda       2048     No            Okay
        Stripe 1:
    	Device     Start Block  Dbase        State
    	/dev/sdb       2048     No            Okay

    d12: Submirror of d10
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State
    	/dev/sdc       2048     No            Okay
    	/dev/sdd       2048     No            Okay

    d1: Concat/Stripe
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sde       2048     No
    ");
}

#[test]
fn other_forms() {
    let mut env = with_mirror();
    let lines = ["metastat -c", "metastat -p", "metastat -c d12"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat -c
    d10              m  126MB d11 d12
        d11          s  126MB /dev/sda /dev/sdb
        d12          s  126MB /dev/sdc /dev/sdd
    d1               s   63MB /dev/sde
    $ metastat -p
    d10 -m d11 d12 1
    d11 2 1 /dev/sda 1 /dev/sdb
    d12 1 2 /dev/sdc /dev/sdd -i 128b
    d1 1 1 /dev/sde
    $ metastat -c d12
    d12              s  126MB /dev/sdc /dev/sdd
    ");
}

#[test]
fn options_are_shown_with_what_one_types_for_them() {
    let mut env = with_mirror();
    env.setup("metaclear d10");
    env.setup("metainit d10 -m d11 d12 -g -S 3 --assume-clean");
    assert_snapshot!(mirror_block(&mut env, "metastat d10"), @r"
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Okay
        Pass: 3
        Read option: geometric (-g)
        Write option: serial (-S)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)
    ");
    assert_snapshot!(env.run("metastat -p d10"), @r"
    $ metastat -p d10
    d10 -m d11 d12 -g -S 3
    d11 2 1 /dev/sda 1 /dev/sdb
    d12 1 2 /dev/sdc /dev/sdd -i 128b
    ");
}

#[test]
fn json_form() {
    let mut env = with_mirror();
    fail(env.admin.component(11, 1), ComponentState::Maintenance);
    let document = env.run("metastat --json d10").json();
    let units = &document["metadevices"];
    let mirror = json!({
        "name": "d10",
        "type": "mirror",
        "size": 126 << 20,
        "state": "Needs maintenance",
        "submirrors": [
            {"name": "d11", "state": "Needs maintenance"},
            {"name": "d12", "state": "Okay"},
        ],
        "read_policy": "roundrobin",
        "write_policy": "parallel",
        "pass": 1,
    });
    assert_eq!(units[0], mirror);
    assert_eq!(units[1]["state"], "Needs maintenance");
    assert_eq!(units[1]["parent"], "d10");
    assert_eq!(units[1]["rows"][1]["components"][0]["state"], "Maintenance");
    assert_eq!(units[2]["type"], "stripe");
    fail(env.admin.component(12, 0), ComponentState::LastErred);
    let document = env.run("metastat --json d12").json();
    let unit = &document["metadevices"][0];
    assert_eq!(unit["state"], "Needs maintenance");
    assert_eq!(unit["rows"][0]["components"][0]["state"], "Last Erred");
}

/// `svm.md` section 13.3, test 14.
#[test]
fn a_component_in_maintenance_is_to_be_replaced() {
    let mut env = with_mirror();
    fail(env.admin.component(11, 1), ComponentState::Maintenance);
    assert_snapshot!(mirror_block(&mut env, "metastat d10"), @r"
    d10: Mirror
        Submirror 0: d11
          State: Needs maintenance
        Submirror 1: d12
          State: Okay
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)
    ");
    let lines = ["metastat d11", "metastat -c d10", "metastat -t d11"];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metastat d11
    d11: Submirror of d10
        State: Needs maintenance
        Invoke: metareplace d10 /dev/sdb <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No            Okay  none
        Stripe 1:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No     Maintenance  0 read, 1 write
    $ metastat -c d10
    d10              m  126MB d11 (maint) d12
        d11          s  126MB /dev/sda /dev/sdb (maint)
        d12          s  126MB /dev/sdc /dev/sdd
    $ metastat -t d11
    d11: Submirror of d10
        State: Needs maintenance
        Invoke: metareplace d10 /dev/sdb <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors  Time
    	/dev/sda       2048     No            Okay  none    -
        Stripe 1:
    	Device     Start Block  Dbase        State  Errors           Time
    	/dev/sdb       2048     No     Maintenance  0 read, 1 write  2026-03-01T12:34:56Z
    ");
    assert_snapshot!(mirror_block(&mut env, "metastat -t d10"), @r"
    d10: Mirror
        Submirror 0: d11
          State: Needs maintenance -
        Submirror 1: d12
          State: Okay         -
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)
    ");
}

/// `svm.md` section 13.3, test 15.
#[test]
fn the_last_copy_is_replaced_after_the_others() {
    let mut env = with_mirror();
    fail(env.admin.component(11, 0), ComponentState::Maintenance);
    fail(env.admin.component(12, 0), ComponentState::LastErred);
    assert_snapshot!(mirror_block(&mut env, "metastat d10"), @r"
    d10: Mirror
        Submirror 0: d11
          State: Needs maintenance
        Submirror 1: d12
          State: Needs maintenance
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)
    ");
    let lines = ["metastat d11", "metastat d12", "metastat -c d10"];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metastat d11
    d11: Submirror of d10
        State: Needs maintenance
        Invoke: metareplace d10 /dev/sda <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No     Maintenance  0 read, 1 write
        Stripe 1:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    $ metastat d12
    d12: Submirror of d10
        State: Needs maintenance
        Invoke: after replacing "Maintenance" components:
    		metareplace d10 /dev/sdc <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdc       2048     No      Last Erred  0 read, 1 write
    	/dev/sdd       2048     No            Okay  none
    $ metastat -c d10
    d10              m  126MB d11 (maint) d12 (maint)
        d11          s  126MB /dev/sda (maint) /dev/sdb
        d12          s  126MB /dev/sdc (last-erred) /dev/sdd
    "#);
    fail(env.admin.component(12, 1), ComponentState::Maintenance);
    assert_snapshot!(env.run("metastat d12"), @r"
    $ metastat d12
    d12: Submirror of d10
        State: Needs maintenance
        Invoke: metareplace d10 /dev/sdd <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdc       2048     No      Last Erred  0 read, 1 write
    	/dev/sdd       2048     No     Maintenance  0 read, 1 write
    ");
}

/// What is said to be typed is what the kernel does then: it replaces no last copy.
#[test]
fn a_last_copy_says_how_another_submirror_gets_it() {
    let mut env = with_mirror();
    fail(env.admin.component(12, 0), ComponentState::LastErred);
    let invoke = |env: &mut TestEnvironment| {
        let text = env.run("metastat d12").stdout;
        let lines = text.lines().skip_while(|line| !line.contains("Invoke:"));
        let lines: Vec<_> = lines
            .take_while(|line| !line.contains("Size:"))
            .map(str::trim)
            .collect();
        lines.join(" ")
    };
    let mut said = Vec::new();
    for state in [
        ComponentState::NeedsResync,
        ComponentState::Offline,
        ComponentState::Unavailable,
        ComponentState::Maintenance,
    ] {
        env.admin.component(10, 0).state = state as u32;
        said.push(invoke(&mut env));
    }
    let mut env = TestEnvironment::with(&["metainit d12 1 1 sda", "metainit d10 -m d12"]);
    fail(env.admin.component(12, 0), ComponentState::LastErred);
    said.push(invoke(&mut env));
    assert_snapshot!(said.join("\n"), @r#"
    Invoke: after the device can be read again: metasync d10
    Invoke: metaonline d10 d11
    Invoke: after repairing "Unavailable" submirrors: metareplace d10 /dev/sdc <new device>
    Invoke: after replacing "Maintenance" components: metareplace d10 /dev/sdc <new device>
    Invoke: metattach d10 <new submirror>
    "#);
}

#[test]
fn a_submirror_without_its_disk_is_unavailable() {
    let mut env = with_mirror();
    env.admin.clock = 1_772_368_496;
    env.admin.disks.remove(&makedev(8, 48));
    assert_snapshot!(mirror_block(&mut env, "metastat -i d10"), @r"
    d10: Mirror
        Submirror 0: d11
          State: Okay
        Submirror 1: d12
          State: Unavailable
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)
    ");
    assert_snapshot!(env.run_all(&["metastat d12", "metastat -c d10"]), @r"
    $ metastat d12
    d12: Submirror of d10
        State: Unavailable
        Invoke: after the missing device is back:
    		metareplace -e d10 /dev/sdd
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdc       2048     No            Okay  none
    	/dev/sdd       2048     No     Unavailable  none
    $ metastat -c d10
    d10              m  126MB d11 d12 (unavail)
        d11          s  126MB /dev/sda /dev/sdb
        d12          s  126MB /dev/sdc /dev/sdd (unavail)
    ");
}

#[test]
fn metadevices_below_a_submirror_have_states_too() {
    let mut env = TestEnvironment::with(&[
        "metainit d1 1 1 sda",
        "metainit d11 2 1 d1 1 sdb",
        "metainit d10 -m d11",
    ]);
    fail(env.admin.component(1, 0), ComponentState::LastErred);
    assert_snapshot!(env.run_all(&["metastat d10", "metastat -c"]), @r"
    $ metastat d10
    d10: Mirror
        Submirror 0: d11
          State: Needs maintenance
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        State is kept: in memory only, lost at reboot
        Size: 258048 blocks (126 MB)

    d11: Submirror of d10
        State: Needs maintenance
        Invoke: metareplace d10 d1 <new device>
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device   Start Block  Dbase        State  Errors
    	d1              0     No     Maintenance  none
        Stripe 1:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none

    d1: Subdevice of d11
        State: Needs maintenance
        Invoke: metattach d10 <new submirror>
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No      Last Erred  0 read, 1 write
    $ metastat -c
    d10              m  126MB d11 (maint)
        d11          s  126MB d1 (maint) /dev/sdb
            d1       s   63MB /dev/sda (last-erred)
    ");
}

/// What is left of a mirror that was cleared by force.
#[test]
fn an_erred_stripe_without_a_mirror_is_made_anew() {
    let mut env = with_mirror();
    fail(env.admin.component(11, 0), ComponentState::Maintenance);
    env.setup("metaclear -f d10");
    assert_snapshot!(env.run("metastat d11"), @r"
    $ metastat d11
    d11: Concat/Stripe
        State: Needs maintenance
        Invoke: metaclear d11 && metainit d11 2 1 /dev/sda 1 /dev/sdb
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sda       2048     No     Maintenance  0 read, 1 write
        Stripe 1:
    	Device     Start Block  Dbase        State  Errors
    	/dev/sdb       2048     No            Okay  none
    ");
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let mut env = with_mirror();
    env.admin.options(10).read_policy = 4;
    assert_snapshot!(env.run("metastat d10"), @r"
    $ metastat d10
    err| metastat: /dev/md/admin: the module gave an answer that this tool cannot read: d10 ha\
    s read policy 4 and write policy 0
    err| next: mdctl version
    [exit status 1]
    ");
    env.admin.options(10).read_policy = 0;
    env.admin.options(10).write_policy = 3;
    assert_snapshot!(env.run("metaparam d10"), @r"
    $ metaparam d10
    err| metaparam: /dev/md/admin: the module gave an answer that this tool cannot read: d10 h\
    as read policy 0 and write policy 3
    err| next: mdctl version
    [exit status 1]
    ");
}

/// `DURABILITY.md` clause 13.
#[test]
fn a_slow_component_is_shown() {
    let mut env = with_mirror();
    env.admin.component(12, 1).flags |= COMPONENT_SLOW;
    let transcript = env.run_all(&["metastat d12", "metastat -c d10"]);
    assert_snapshot!(transcript, @r"
    $ metastat d12
    d12: Submirror of d10
        State: Okay
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase        State
    	/dev/sdc       2048     No            Okay
    	/dev/sdd       2048     No     Okay (slow)
    $ metastat -c d10
    d10              m  126MB d11 d12
        d11          s  126MB /dev/sda /dev/sdb
        d12          s  126MB /dev/sdc /dev/sdd (slow)
    ");
    let document = env.run("metastat --json d12").stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let components = &document["metadevices"][0]["rows"][0]["components"];
    assert_eq!(components[1]["slow"], json!(true));
    assert_eq!(components[0].get("slow"), None);
}

/// A machine with a state database, whose mirror was started without a disk, which is `missing` or
/// has a path.
fn without_disk(device: &[u8]) -> TestEnvironment {
    let mut env = TestEnvironment::with(&[
        "metadb -a -f /dev/sda",
        "metainit d11 1 1 sdb",
        "metainit d12 1 1 sdc",
        "metainit d10 -m d11 d12 --assume-clean",
    ]);
    let part = env.admin.component(12, 0);
    part.device.fill(0);
    part.device[..device.len()].copy_from_slice(device);
    part.state = ComponentState::Unavailable as u32;
    env
}

/// What a command says in text.
fn said(env: &mut TestEnvironment, line: &str) -> String {
    env.run(line).stdout
}

/// `svm.md` 13.3, case 22. What is looked for is the label.
#[test]
fn a_disk_that_is_back_is_used_again() {
    let mut env = without_disk(b"missing 15151515-1515-1515-1515-151515151515");
    assert!(said(&mut env, "metastat d12").contains("metastat -i d10"));
    // It was looked for just now, and is not there: there is another way.
    let text = said(&mut env, "metastat -i d12");
    assert!(text.contains("State: Unavailable") && text.contains("Invoke: metareplace d10 15"));
    env.label("/dev/sdd", 0x5e, 0x14, 0);
    env.label("/dev/sdc", 0x5e, 0x15, 0);
    assert!(said(&mut env, "metastat -i -c d10").contains("s   63MB /dev/sdc\n"));
}

/// Of several disks that may be it the kernel knows which one is.
#[test]
fn a_disk_that_was_pulled_is_used_again() {
    let mut env = without_disk(b"/dev/sdz");
    env.label("/dev/sdb", 0x5e, 0x14, 0);
    env.label("/dev/sdc", 0x5e, 0x15, 0);
    assert!(said(&mut env, "metastat d12").contains("metastat -i d10"));
    assert!(said(&mut env, "metastat -i -c d10").contains("s   63MB /dev/sdc\n"));
}

/// udev calls this for each device that appears.
#[test]
fn a_disk_that_appears_is_used_again() {
    let mut env = without_disk(b"missing 15151515-1515-1515-1515-151515151515");
    env.label("/dev/sda", 0x5e, 0x10, 1);
    env.label("/dev/sdc", 0x5e, 0x15, 0);
    assert_eq!(said(&mut env, "mdctl start --when-complete"), "");
    assert!(said(&mut env, "metastat -c d10").contains("s   63MB /dev/sdc\n"));
}

/// A component without a label cannot be known again for sure.
#[test]
fn what_has_no_label_is_replaced() {
    let mut env = without_disk(b"missing PARTUUID=15151515-1515-1515-1515-151515151515");
    assert!(said(&mut env, "metastat d12").contains("metareplace d10 PARTUUID=15"));
}
