// SPDX-License-Identifier: GPL-2.0
//! `metaparam`: options of mirrors (`svm.md` sections 4.1 and 10).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_abi::admin::{
    Refusal,
    OPTION_PASS, //
};
use serde_json::json;

/// A machine with the mirror `d10` over `d11`, and `d12`.
fn with_mirror() -> TestEnvironment {
    TestEnvironment::with(&[
        "metainit d11 1 1 sda",
        "metainit d12 1 1 sdb",
        "metainit d10 -m d11",
    ])
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("metaparam --help"), @r"
    $ metaparam --help
    Change the options of a mirror, how fast RAID5 is made, or the hot spare pool of a stripe,
    concat or RAID5 metadevice, or show them.

    What is not given stays as it is; without options all are shown. The metadevice may be in \
    use.

    Usage: metaparam [OPTIONS] <NAME>

    Arguments:
      <NAME>  The metadevice, such as d10

    Options:
      -r <POLICY>                  Where a read goes: roundrobin (to each side in turn), geome\
    tric (to the side that has its part of the blocks), first (to the first side) or hedged (t\
    o each in turn, and to another one as well if it takes long, into memory of our own, so th\
    at a stuck disk holds nobody up)
      -w <POLICY>                  How a write goes to the sides: parallel (to all at once), s\
    erial (to one after the other) or copy (to all at once, from a copy of the data, so that a\
     program that changes its memory meanwhile does not make the sides differ)
      -p <PASS>                    When the mirror is resynced after a crash: in pass 1 to 9, \
    the lowest first; 0 for never
          --resync-floor <RATE>    How fast the resync is at least, however busy the mirror is\
    , in KiB per second; none for no floor
          --resync-ceiling <RATE>  How fast the resync is at most while the mirror is in use, \
    in KiB per second; none for no ceiling
          --resync-latency <TIME>  How long requests to the mirror may take on average before \
    the resync gives way, such as 20ms, up to a minute
      -h <POOL>                    The hot spare pool of a stripe, concat or RAID5 metadevice,\
     such as hsp001; none for none
          --json                   Answer in JSON, also errors; may stand anywhere on the line
      -?, --help                   Print help
    ");
}

#[test]
fn options_are_shown_as_svm_does() {
    let mut env = with_mirror();
    assert_snapshot!(env.run("metaparam d10"), @r"
    $ metaparam d10
    d10: Mirror current parameters are:
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        Resync floor: 1000 KB/s
        Resync ceiling: 200000 KB/s
        Resync gives way above: 20ms
    ");
    env.setup("metaparam -r first -w serial -p 0 d10");
    assert_snapshot!(env.run("metaparam md/dsk/d10"), @r"
    $ metaparam md/dsk/d10
    d10: Mirror current parameters are:
        Pass: 0
        Read option: first (-r)
        Write option: serial (-S)
        Resync floor: 1000 KB/s
        Resync ceiling: 200000 KB/s
        Resync gives way above: 20ms
    ");
    env.setup("metaparam -r geometric d10");
    assert_snapshot!(env.run("metaparam d10"), @r"
    $ metaparam d10
    d10: Mirror current parameters are:
        Pass: 0
        Read option: geometric (-g)
        Write option: serial (-S)
        Resync floor: 1000 KB/s
        Resync ceiling: 200000 KB/s
        Resync gives way above: 20ms
    ");
}

#[test]
fn what_is_not_given_stays_as_it_is() {
    let mut env = with_mirror();
    let transcript = env.run_all(&[
        "metaparam -r geometric d10",
        "metaparam -w serial d10",
        "metaparam -p 9 d10",
        "metastat -p d10",
        "metaparam -r roundrobin d10",
        "metastat -p d10",
        "metaparam -w parallel d10",
        "metastat -p d10",
    ]);
    assert_snapshot!(transcript, @r"
    $ metaparam -r geometric d10
    $ metaparam -w serial d10
    $ metaparam -p 9 d10
    $ metastat -p d10
    d10 -m d11 -g -S 9
    d11 1 1 /dev/sda
    $ metaparam -r roundrobin d10
    $ metastat -p d10
    d10 -m d11 -S 9
    d11 1 1 /dev/sda
    $ metaparam -w parallel d10
    $ metastat -p d10
    d10 -m d11 9
    d11 1 1 /dev/sda
    ");
}

#[test]
fn json_is_the_mirror_as_it_is_now() {
    let mut env = with_mirror();
    let expected = json!({"version": 1, "metadevices": [{
        "name": "d10",
        "type": "mirror",
        "size": 63 << 20,
        "state": "Okay",
        "submirrors": [{"name": "d11", "state": "Okay"}],
        "read_policy": "first",
        "write_policy": "serial",
        "pass": 4,
    }]});
    let changed = env.run("metaparam --json -r first -w serial -p 4 d10");
    assert_eq!(changed.json(), expected);
    assert_eq!(env.run("metaparam --json d10").json(), expected);
}

#[test]
fn only_a_mirror_has_options() {
    let mut env = with_mirror();
    let lines = [
        "metaparam d12",
        "metaparam -r first d11",
        "metaparam -p 0 d99",
        "metaparam sda",
        "metaparam --json d12",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ metaparam d12
    d12: Concat/Stripe current parameters are:
        Hot spare pool: none
    $ metaparam -r first d11
    err| metaparam: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metaparam -p 0 d99
    err| metaparam: d99: does not exist
    err| next: metastat -c
    [exit status 1]
    $ metaparam sda
    err| metaparam: sda: is not the name of a metadevice: those are d0 to d8191
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --json d12
    {"version":1,"metadevices":[{"name":"d12","type":"concat","size":66060288,"state":"Okay","\
    rows":[{"interlace":524288,"components":[{"device":"/dev/sdb","start":1048576,"size":66060\
    288,"state":"Okay","read_errors":0,"write_errors":0,"event":null}]}]}]}
    "#);
}

#[test]
fn options_out_of_range_change_nothing() {
    let mut env = with_mirror();
    let lines = [
        "metaparam -r last d10",
        "metaparam -w both d10",
        "metaparam -p 10 d10",
        "metaparam -p -1 d10",
        "metaparam",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaparam -r last d10
    err| metaparam: invalid value 'last' for '-r <POLICY>': those are roundrobin, geometric, f\
    irst and hedged
    err| next: metaparam --help
    [exit status 1]
    $ metaparam -w both d10
    err| metaparam: invalid value 'both' for '-w <POLICY>': those are parallel, serial and cop\
    y
    err| next: metaparam --help
    [exit status 1]
    $ metaparam -p 10 d10
    err| metaparam: invalid value '10' for '-p <PASS>': is not a pass number: those are 0 to 9
    err| next: metaparam --help
    [exit status 1]
    $ metaparam -p -1 d10
    err| metaparam: unexpected argument '-1' found
    err| next: metaparam --help
    [exit status 1]
    $ metaparam
    err| metaparam: the following required arguments were not provided: <NAME>
    err| next: metaparam --help
    [exit status 1]
    ");
    assert_eq!(
        env.run("metastat -p d10").stdout.lines().next(),
        Some("d10 -m d11 1")
    );
    let values = [OPTION_PASS.into(), 9];
    env.admin
        .answers
        .refuse_next(Refusal::BadOption, u32::MAX, values);
    assert_snapshot!(env.run("metaparam -p 9 d10"), @r"
    $ metaparam -p 9 d10
    err| metaparam: d10: the pass number 9 is not possible
    err| next: metaparam --help
    [exit status 1]
    ");
}

#[test]
fn the_pace_of_a_resync_is_chosen_and_shown() {
    let mut env = TestEnvironment::with_mirror();
    let lines = [
        "metaparam --resync-floor 2048 --resync-latency 1500us d10",
        "metaparam --resync-ceiling none d10",
        "metaparam d10",
        "metaparam --resync-floor 0 d10",
        "metaparam --resync-floor 4294967296 d10",
        "metaparam --resync-latency 61s d10",
        "metaparam --resync-latency 10ns d10",
        "metaparam --resync-latency soon d10",
        "metaparam --resync-floor 5 d11",
        "metaparam -h none --resync-floor 5 d11",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ metaparam --resync-floor 2048 --resync-latency 1500us d10
    $ metaparam --resync-ceiling none d10
    $ metaparam d10
    d10: Mirror current parameters are:
        Pass: 1
        Read option: roundrobin (default)
        Write option: parallel (default)
        Resync floor: 2048 KB/s
        Resync ceiling: none
        Resync gives way above: 1ms 500us
    $ metaparam --resync-floor 0 d10
    err| metaparam: invalid value '0' for '--resync-floor <RATE>': a speed is a number of KiB \
    per second, 1 to 4294967295, or none
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --resync-floor 4294967296 d10
    err| metaparam: invalid value '4294967296' for '--resync-floor <RATE>': a speed is a numbe\
    r of KiB per second, 1 to 4294967295, or none
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --resync-latency 61s d10
    err| metaparam: invalid value '61s' for '--resync-latency <TIME>': a time is 1us to 1min, \
    such as 20ms
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --resync-latency 10ns d10
    err| metaparam: invalid value '10ns' for '--resync-latency <TIME>': a time is 1us to 1min,\
     such as 20ms
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --resync-latency soon d10
    err| metaparam: invalid value 'soon' for '--resync-latency <TIME>': expected number at 0
    err| next: metaparam --help
    [exit status 1]
    $ metaparam --resync-floor 5 d11
    err| metaparam: d11: is not a mirror
    err| next: metastat d11
    [exit status 1]
    $ metaparam -h none --resync-floor 5 d11
    err| metaparam: the argument '-h <POOL>' cannot be used with '--resync-floor <RATE>'
    err| next: metaparam --help
    [exit status 1]
    ");
    let metadevice = env.run("metastat --json d10").json()["metadevices"][0].clone();
    let expected = serde_json::json!({"latency_us": 1500, "floor": 2 << 20, "ceiling": 0});
    assert_eq!(metadevice["resync_pace"], expected);
    env.setup("metaparam --resync-floor 1000 --resync-ceiling 200000 --resync-latency 20ms d10");
    let metadevice = env.run("metastat --json d10").json()["metadevices"][0].clone();
    assert!(
        metadevice.get("resync_pace").is_none(),
        "it is the one that everybody has"
    );
}
