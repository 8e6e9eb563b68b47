// SPDX-License-Identifier: GPL-2.0
//! `mdctl monitor` (`svm.md` section 12).

use crate::env::TestEnvironment;
use insta::assert_snapshot;
use md_model::events::kind::{
    Kind,
    State, //
};

/// A machine on which something has happened: the last 8 of 10 events.
fn eventful() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    let admin = &mut env.admin;
    admin.clock = 1_772_368_496;
    admin.happen(Kind::Create, "d10", "");
    admin.happen_to(
        Kind::Erred,
        "d11",
        "/dev/sda",
        [State::Okay, State::Maintenance],
    );
    let states = [State::Maintenance, State::Resyncing];
    admin.happen_to(Kind::Hotspared, "d11", "/dev/sda", states);
    admin.happen(Kind::Add, "", "/dev/sdb");
    let event = admin.happen(Kind::Grow, "d10", "");
    event.values = [129_024, 258_048];
    let event = admin.happen(Kind::Check, "d10", "");
    event.values = [24, 8];
    event.new_state = State::Done.number();
    let event = admin.happen(Kind::Start, "", "");
    event.values = [3, 1];
    [event.old_state, event.new_state] = [State::Stopped, State::Running].map(State::number);
    admin.happen_to(Kind::QuorumLost, "", "", [State::Running, State::ReadOnly]);
    let event = admin.happen(Kind::Replace, "d11", "/dev/sda");
    event.new_device[..8].copy_from_slice(b"/dev/sdc");
    admin.happen(Kind::Rename, "d20", "d10");
    env
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl monitor --help"), @r#"
    $ mdctl monitor --help
    Show changes of state as they happen.

    They are those of metadevices, components, hot spares, replicas and the set. Each is one l\
    ine;
    with --json, one document a line. The kernel keeps the last 256, and whoever reads too slo\
    wly is
    told how many are lost. Interrupt it to end it.

    Usage: mdctl monitor [OPTIONS]

    Options:
          --past            Begin with the events that the kernel has kept
          --after <NUMBER>  Begin behind the event with this number: the "sequence" of a docum\
    ent, the MD_SEQNUM of a uevent
          --once            Show what there is, and do not wait for more; without --after like\
     --past
          --count <EVENTS>  End when so many events were shown
          --json            Answer in JSON, also errors; may stand anywhere on the line
      -h, --help            Print help
    "#);
}

#[test]
fn what_has_happened_is_a_line_each() {
    let mut env = eventful();
    assert_snapshot!(env.run_all(&["mdctl monitor --once", "mdctl monitor --once --after 8"]), @r"
    $ mdctl monitor --once
    2026-03-01T12:34:56Z d10 create
    2026-03-01T12:34:56Z d11 erred /dev/sda: Okay -> Maintenance
    2026-03-01T12:34:56Z d11 hotspared /dev/sda: Maintenance -> Resyncing
    2026-03-01T12:34:56Z set add /dev/sdb
    2026-03-01T12:34:56Z d10 grow: 129024 -> 258048 blocks
    2026-03-01T12:34:56Z d10 check: Done, 24 blocks differ, 8 were repaired
    2026-03-01T12:34:56Z set start: Stopped -> Running, 3 metadevices, 1 could not be made
    2026-03-01T12:34:56Z set quorum_lost: Running -> Read-only
    2026-03-01T12:34:56Z d11 replace /dev/sda with /dev/sdc
    2026-03-01T12:34:56Z d20 rename d10
    $ mdctl monitor --once --after 8
    2026-03-01T12:34:56Z d11 replace /dev/sda with /dev/sdc
    2026-03-01T12:34:56Z d20 rename d10
    ");
}

#[test]
fn with_json_it_is_a_document_each() {
    assert_snapshot!(eventful().run("mdctl monitor --json --once"), @r#"
    $ mdctl monitor --json --once
    {"version":1,"event":{"sequence":1,"time":"2026-03-01T12:34:56Z","event":"create","volume"\
    :"d10"}}
    {"version":1,"event":{"sequence":2,"time":"2026-03-01T12:34:56Z","event":"erred","volume":\
    "d11","device":"/dev/sda","old_state":"Okay","new_state":"Maintenance"}}
    {"version":1,"event":{"sequence":3,"time":"2026-03-01T12:34:56Z","event":"hotspared","volu\
    me":"d11","device":"/dev/sda","old_state":"Maintenance","new_state":"Resyncing"}}
    {"version":1,"event":{"sequence":4,"time":"2026-03-01T12:34:56Z","event":"add","device":"/\
    dev/sdb"}}
    {"version":1,"event":{"sequence":5,"time":"2026-03-01T12:34:56Z","event":"grow","volume":"\
    d10","old_size":66060288,"new_size":132120576}}
    {"version":1,"event":{"sequence":6,"time":"2026-03-01T12:34:56Z","event":"check","volume":\
    "d10","new_state":"Done","differing":12288,"repaired":4096}}
    {"version":1,"event":{"sequence":7,"time":"2026-03-01T12:34:56Z","event":"start","old_stat\
    e":"Stopped","new_state":"Running","made":3,"failed":1}}
    {"version":1,"event":{"sequence":8,"time":"2026-03-01T12:34:56Z","event":"quorum_lost","ol\
    d_state":"Running","new_state":"Read-only"}}
    {"version":1,"event":{"sequence":9,"time":"2026-03-01T12:34:56Z","event":"replace","volume\
    ":"d11","device":"/dev/sda","new_device":"/dev/sdc"}}
    {"version":1,"event":{"sequence":10,"time":"2026-03-01T12:34:56Z","event":"rename","volume\
    ":"d20","device":"d10"}}
    "#);
}

/// Who waits is interrupted here, and what was there before that is not shown.
#[test]
fn only_what_is_new_is_shown_unless_asked_for() {
    let mut env = eventful();
    let lines = [
        "mdctl monitor",
        "mdctl monitor --past --count 2",
        "mdctl monitor --after 9",
        "mdctl monitor --count 0",
        "mdctl monitor --json --after 10",
    ];
    assert_snapshot!(env.run_all(&lines), @r"
    $ mdctl monitor
    $ mdctl monitor --past --count 2
    2026-03-01T12:34:56Z d10 create
    2026-03-01T12:34:56Z d11 erred /dev/sda: Okay -> Maintenance
    $ mdctl monitor --after 9
    2026-03-01T12:34:56Z d20 rename d10
    $ mdctl monitor --count 0
    $ mdctl monitor --json --after 10
    ");
}

/// DESIGN section 7: an error names the device, the reason and the next command.
#[test]
fn events_that_are_lost_are_told() {
    let mut env = TestEnvironment::new();
    env.admin.clock = 1_772_368_496;
    for _ in 0..300 {
        env.admin.happen(Kind::Create, "d10", "");
    }
    let text = env.run("mdctl monitor --once").stdout;
    assert_eq!(text.lines().next(), Some("44 events are lost"));
    assert_eq!(text.lines().count(), 257);
    let json = env.run("mdctl monitor --json --once --after 40").stdout;
    assert_eq!(json.lines().next(), Some(r#"{"version":1,"lost":4}"#));
    assert_eq!(json.lines().count(), 257);
    assert!(json.lines().last().unwrap().contains(r#""sequence":300"#));
    assert_snapshot!(env.run_all(&[
        "mdctl monitor --after 301",
        "mdctl monitor --json --after 301",
        "mdctl monitor --past --after 1",
        "mdctl monitor --after d10",
        "mdctl monitor d10",
    ]), @r#"
    $ mdctl monitor --after 301
    err| mdctl monitor: /dev/md/admin: event 301 has not happened since the module was loaded,\
     the last one is 300
    err| next: mdctl monitor --past
    [exit status 1]
    $ mdctl monitor --json --after 301
    {"version":1,"error":{"command":"mdctl monitor","device":"/dev/md/admin","reason":"event 3\
    01 has not happened since the module was loaded, the last one is 300","next":"mdctl monito\
    r --past"}}
    [exit status 1]
    $ mdctl monitor --past --after 1
    err| mdctl monitor: the argument '--past' cannot be used with '--after <NUMBER>'
    err| next: mdctl monitor --help
    [exit status 1]
    $ mdctl monitor --after d10
    err| mdctl monitor: invalid value 'd10' for '--after <NUMBER>': invalid digit found in str\
    ing
    err| next: mdctl monitor --help
    [exit status 1]
    $ mdctl monitor d10
    err| mdctl monitor: unexpected argument 'd10' found
    err| next: mdctl monitor --help
    [exit status 1]
    "#);
}
