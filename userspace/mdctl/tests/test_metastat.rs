// SPDX-License-Identifier: GPL-2.0
//! `metastat`: its forms of output, which follow `svm.md` section 10.1. What it
//! says when something is wrong has a file of its own.

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::Refusal;
use mdctl::{
    admin::CallError,
    syntax::rows::StripeSpec, //
};
use rustix::{
    fs::makedev,
    io::Errno, //
};
use serde_json::json;

/// A machine with a stripe, a concat and a concat of both kinds of rows.
fn with_metadevices() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    env.setup("metainit d10 1 2 sda sdb -i 64k");
    env.setup("metainit d7 2 1 sdc 1 sdd");
    env.device("nvme0n1", "", 259, 0);
    env.device("nvme0n1p12", "nvme0n1", 259, 12);
    env.device("sde", "", 8, 64);
    env.device("sdf", "", 8, 80);
    let sizes = [(259, 12, 2_098_176), (8, 64, 4096), (8, 80, 10_241)];
    for (major, minor, sectors) in sizes {
        env.admin.disks.insert(makedev(major, minor), sectors);
    }
    env.setup("metainit d8191 2 1 nvme0n1p12 2 sde sdf -i 16b");
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metastat --help"), @r"
    $ metastat --help
    Show metadevices and hot spare pools.

    Shows the metadevices that are named, else all; each is followed by those that are compone\
    nts
    of it. If one of them cannot be shown, none is. States and errors are shown where there is
    something to see: a component that was removed, or to which a request has failed.

    Usage: metastat [OPTIONS] [NAME]...

    Arguments:
      [NAME]...  Metadevices to show, such as d10, and hot spare pools, such as hsp001

    Options:
      -c          One line for each metadevice
      -p          In md.tab syntax, which is also that of metainit
      -t          Also when the state of each component last changed or an error last occurred
      -i          Read from every component first, to see whether it answers. A disk of a mirr\
    or that was not there, and has missed nothing, is used again
          --json  Answer in JSON, also errors; may stand anywhere on the line
      -h, --help  Print help
    ");
}

#[test]
fn long_form() {
    assert_snapshot!(with_metadevices().run("metastat"), @r"
    $ metastat
    d7: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sdc       2048     No
        Stripe 1:
    	Device     Start Block  Dbase
    	/dev/sdd       2048     No

    d10: Concat/Stripe
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase
    	/dev/sda       2048     No
    	/dev/sdb       2048     No

    d8191: Concat/Stripe
        Size: 2100224 blocks (1.0 GB)
        Stripe 0:
    	Device            Start Block  Dbase
    	/dev/nvme0n1p12       2048     No
        Stripe 1: (interlace: 16 blocks)
    	Device     Start Block  Dbase
    	/dev/sde       2048     No
    	/dev/sdf       2048     No
    ");
}

#[test]
fn concise_form() {
    assert_snapshot!(with_metadevices().run("metastat -c"), @r"
    $ metastat -c
    d7               s  126MB /dev/sdc /dev/sdd
    d10              s  126MB /dev/sda /dev/sdb
    d8191            s  1.0GB /dev/nvme0n1p12 /dev/sde /dev/sdf
    ");
}

#[test]
fn md_tab_form() {
    assert_snapshot!(with_metadevices().run("metastat -p"), @r"
    $ metastat -p
    d7 2 1 /dev/sdc 1 /dev/sdd
    d10 1 2 /dev/sda /dev/sdb -i 128b
    d8191 2 1 /dev/nvme0n1p12 2 /dev/sde /dev/sdf -i 16b
    ");
}

#[test]
fn json_form() {
    let (start, size) = (1 << 20, 63 << 20);
    let component = |device: &str| {
        json!({"device": device, "start": start, "size": size, "state": "Okay",
            "read_errors": 0, "write_errors": 0, "event": null})
    };
    let expected = json!({"version": 1, "metadevices": [{
        "name": "d10",
        "type": "stripe",
        "size": 132_120_576,
        "state": "Okay",
        "rows": [{
            "interlace": 65_536,
            "components": [component("/dev/sda"), component("/dev/sdb")],
        }],
    }]});
    assert_eq!(
        with_metadevices().run("metastat --json d10").json(),
        expected
    );
}

#[test]
fn json_calls_it_a_stripe_if_one_row_is_striped() {
    let document = with_metadevices().run("metastat --json").json();
    let metadevices = document["metadevices"].as_array().unwrap();
    let kinds: Vec<_> = metadevices
        .iter()
        .map(|unit| (&unit["name"], &unit["type"]))
        .collect();
    let (concat, stripe) = (&json!("concat"), &json!("stripe"));
    let names = [json!("d7"), json!("d10"), json!("d8191")];
    assert_eq!(
        kinds,
        [
            (&names[0], concat),
            (&names[1], stripe),
            (&names[2], stripe)
        ]
    );
}

/// What `-p` prints makes the same metadevices again.
#[test]
fn md_tab_form_is_what_metainit_reads() {
    let mut env = with_metadevices();
    let before = env.run("metastat --json").json();
    let lines = env.run("metastat -p").stdout;
    env.setup("metaclear -a");
    assert_eq!(lines.lines().count(), 3);
    for line in lines.lines() {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        assert_eq!(StripeSpec::parse(&words).unwrap().to_string(), line);
        env.setup(&format!("metainit {line}"));
    }
    assert_eq!(env.run("metastat --json").json(), before);
}

#[test]
fn only_the_named_ones_in_the_given_order() {
    assert_snapshot!(with_metadevices().run("metastat -c d10 /dev/md/dsk/d7"), @r"
    $ metastat -c d10 /dev/md/dsk/d7
    d10              s  126MB /dev/sda /dev/sdb
    d7               s  126MB /dev/sdc /dev/sdd
    ");
}

#[test]
fn nothing_to_show_is_not_an_error() {
    let mut env = TestEnvironment::new();
    assert_snapshot!(env.run_all(&["metastat", "metastat -c", "metastat --json"]), @r#"
    $ metastat
    $ metastat -c
    $ metastat --json
    {"version":1,"metadevices":[]}
    "#);
}

#[test]
fn an_unknown_name_is_an_error_and_nothing_is_shown() {
    let mut env = with_metadevices();
    assert_snapshot!(env.run("metastat -c d10 d11"), @r"
    $ metastat -c d10 d11
    err| metastat: d11: does not exist
    err| next: metastat -c
    [exit status 1]
    ");
    assert_snapshot!(env.run("metastat --json d11"), @r#"
    $ metastat --json d11
    {"version":1,"error":{"command":"metastat","device":"d11","reason":"does not exist","next"\
    :"metastat -c"}}
    [exit status 1]
    "#);
    assert_snapshot!(env.run("metastat d9999"), @r"
    $ metastat d9999
    err| metastat: d9999: is not the name of a metadevice: those are d0 to d8191
    err| next: metastat --help
    [exit status 1]
    ");
}

#[test]
fn only_one_form_at_a_time() {
    let lines = ["metastat -c -p", "metastat -t -c", "metastat -p -t"];
    assert_snapshot!(TestEnvironment::new().run_all(&lines), @r"
    $ metastat -c -p
    err| metastat: the argument '-c' cannot be used with '-p'
    err| next: metastat --help
    [exit status 1]
    $ metastat -t -c
    err| metastat: the argument '-t' cannot be used with '-c'
    err| next: metastat --help
    [exit status 1]
    $ metastat -p -t
    err| metastat: the argument '-p' cannot be used with '-t'
    err| next: metastat --help
    [exit status 1]
    ");
}

#[test]
fn without_the_module_there_is_a_word_on_how_to_load_it() {
    let mut env = TestEnvironment::new();
    env.admin.answers.fail_next(CallError::Open(Errno::NOENT));
    assert_snapshot!(env.run("metastat"), @r"
    $ metastat
    err| metastat: /dev/md/admin: does not exist: the module md_rs is not loaded
    err| next: modprobe md_rs
    [exit status 1]
    ");
    env.admin.answers.fail_next(CallError::Open(Errno::NOENT));
    assert_snapshot!(env.run("metastat --json"), @r#"
    $ metastat --json
    {"version":1,"error":{"command":"metastat","device":"/dev/md/admin","reason":"does not exi\
    st: the module md_rs is not loaded","next":"modprobe md_rs"}}
    [exit status 1]
    "#);
}

#[test]
fn a_module_of_another_version_is_refused() {
    let mut env = TestEnvironment::new();
    env.admin.answers.mismatch_next(10);
    assert_snapshot!(env.run("metastat"), @r"
    $ metastat
    err| metastat: /dev/md/admin: the loaded module md_rs is newer than the tool (interface 10\
    , tool: 9)
    err| next: make tool
    [exit status 1]
    ");
    env.admin.answers.mismatch_next(2);
    assert_snapshot!(env.run("metastat"), @r"
    $ metastat
    err| metastat: /dev/md/admin: the loaded module md_rs is older than the tool (interface 2,\
     tool: 9)
    err| next: modprobe -r md_failfast md_raid md_sp md_mirror md_stripe md_rs && modprobe md_\
    rs
    [exit status 1]
    ");
}

#[test]
fn a_list_longer_than_expected_is_asked_for_again() {
    let mut env = TestEnvironment::new();
    for number in 0..70 {
        let minor = 1000 + number;
        env.device(&format!("x{number}"), "", 250, minor);
        env.admin.disks.insert(makedev(250, minor), 4096);
        env.setup(&format!("metainit d{number} 1 1 x{number}"));
    }
    assert_eq!(env.run("metastat -c").stdout.lines().count(), 70);
}

/// Someone makes metadevices faster than they can be listed. That ends, one way or the other.
#[test]
fn a_list_that_keeps_growing_is_given_up() {
    let mut env = with_metadevices();
    env.admin.answers.grow_list(&[100, 200, 300]);
    assert_eq!(env.run("metastat -c").stdout.lines().count(), 3);
    let sizes: Vec<u64> = (1..100).map(|step| step * 70).collect();
    env.admin.answers.grow_list(&sizes);
    assert_snapshot!(env.run("metastat -c"), @r"
    $ metastat -c
    err| metastat: /dev/md/admin: grew while it was read, from 490 to 560 entries
    err| next: metastat
    [exit status 1]
    ");
}

#[test]
fn a_metadevice_that_is_cleared_meanwhile_is_left_out() {
    let mut env = with_metadevices();
    env.admin.answers.clear_after_list(10);
    assert_snapshot!(env.run("metastat -c"), @r"
    $ metastat -c
    d7               s  126MB /dev/sdc /dev/sdd
    d8191            s  1.0GB /dev/nvme0n1p12 /dev/sde /dev/sdf
    ");
}

/// A size that would take all memory is not believed.
#[test]
fn a_list_of_absurd_length_is_not_asked_for() {
    let mut env = TestEnvironment::new();
    env.admin
        .answers
        .refuse_next(Refusal::ArrayTooSmall, u32::MAX, [64, u64::MAX]);
    assert_snapshot!(env.run("metastat"), @r"
    $ metastat
    err| metastat: /dev/md/admin: grew while it was read, from 64 to 18446744073709551615 entr\
    ies
    err| next: metastat
    [exit status 1]
    ");
}

#[test]
fn an_answer_that_makes_no_sense_is_an_error() {
    let mut env = with_metadevices();
    env.admin.component(10, 1).state = 77;
    assert_snapshot!(env.run("metastat d10"), @r"
    $ metastat d10
    err| metastat: /dev/md/admin: the module gave an answer that this tool cannot read: /dev/s\
    db is in state 77
    err| next: mdctl version
    [exit status 1]
    ");
}

/// A machine with `d3` and `d4` made of disks, `d20` made of these, and `d1` made of that.
fn with_components() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d3 1 2 sda sdb -i 64k",
        "metainit d4 1 1 sdc",
        "metainit d20 2 1 d3 1 d4",
        "metainit d1 1 1 d20",
        "metainit d5 1 1 sdd",
    ])
}

#[test]
fn components_follow_what_is_made_of_them() {
    let mut env = with_components();
    assert_snapshot!(env.run_all(&["metastat -c", "metastat -p", "metastat d20"]), @r"
    $ metastat -c
    d1               s  189MB d20
        d20          s  189MB d3 d4
            d3       s  126MB /dev/sda /dev/sdb
            d4       s   63MB /dev/sdc
    d5               s   63MB /dev/sdd
    $ metastat -p
    d1 1 1 d20
    d20 2 1 d3 1 d4
    d3 1 2 /dev/sda /dev/sdb -i 128b
    d4 1 1 /dev/sdc
    d5 1 1 /dev/sdd
    $ metastat d20
    d20: Subdevice of d1
        Size: 387072 blocks (189 MB)
        Stripe 0:
    	Device   Start Block  Dbase
    	d3              0     No
        Stripe 1:
    	Device   Start Block  Dbase
    	d4              0     No

    d3: Subdevice of d20
        Size: 258048 blocks (126 MB)
        Stripe 0: (interlace: 128 blocks)
    	Device     Start Block  Dbase
    	/dev/sda       2048     No
    	/dev/sdb       2048     No

    d4: Subdevice of d20
        Size: 129024 blocks (63 MB)
        Stripe 0:
    	Device     Start Block  Dbase
    	/dev/sdc       2048     No
    ");
    let document = env.run("metastat --json").json();
    let kin: Vec<_> = document["metadevices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| format!("{} {}", unit["name"], unit["parent"]))
        .collect();
    assert_eq!(
        kin,
        [
            r#""d1" null"#,
            r#""d20" "d1""#,
            r#""d3" "d20""#,
            r#""d4" "d20""#,
            r#""d5" null"#
        ]
    );
    assert!(document["metadevices"][0].get("parent").is_none());
}

#[test]
fn none_is_shown_twice() {
    let mut env = with_components();
    assert_snapshot!(env.run("metastat -c d4 d20 d5 d3 d4"), @r"
    $ metastat -c d4 d20 d5 d3 d4
    d4               s   63MB /dev/sdc
    d20              s  189MB d3 d4
        d3           s  126MB /dev/sda /dev/sdb
    d5               s   63MB /dev/sdd
    ");
}

#[test]
fn numbers_that_make_no_sense_are_errors() {
    let mut env = with_metadevices();
    env.admin.component(10, 0).event_seconds = 253_402_300_799;
    let last = env.run("metastat --json d10").json();
    let component = &last["metadevices"][0]["rows"][0]["components"][0];
    assert_eq!(component["event"], "9999-12-31T23:59:59Z");
    env.admin.component(10, 0).event_seconds = 253_402_300_800;
    assert_snapshot!(env.run("metastat d10"), @r"
    $ metastat d10
    err| metastat: /dev/md/admin: the module gave an answer that this tool cannot read: /dev/s\
    da has changed 253402300800 seconds after 1970
    err| next: mdctl version
    [exit status 1]
    ");
    env.admin.component(10, 0).event_seconds = 0;
    env.admin.set_parent(10, 8192);
    assert_snapshot!(env.run("metastat d10"), @r"
    $ metastat d10
    err| metastat: /dev/md/admin: the module gave an answer that this tool cannot read: d10 is\
     part of a metadevice with number 8192
    err| next: mdctl version
    [exit status 1]
    ");
}
