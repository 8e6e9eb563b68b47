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
    admin.happen_to(Kind::Erred, "d11", "/dev/sda", [State::Okay, State::Maintenance]);
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
    assert_snapshot!(TestEnvironment::new().run("mdctl monitor --help"), @"");
}

#[test]
fn what_has_happened_is_a_line_each() {
    let mut env = eventful();
    assert_snapshot!(env.run_all(&["mdctl monitor --once", "mdctl monitor --once --after 8"]), @"");
}

#[test]
fn with_json_it_is_a_document_each() {
    assert_snapshot!(eventful().run("mdctl monitor --json --once"), @"");
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
    assert_snapshot!(env.run_all(&lines), @"");
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
    assert!(json.ends_with("\"sequence\":300,\"time\":\"2026-03-01T12:34:56Z\",\"event\":\"create\",\"volume\":\"d10\"}}\n"));
    assert_snapshot!(env.run_all(&[
        "mdctl monitor --after 301",
        "mdctl monitor --json --after 301",
        "mdctl monitor --past --after 1",
        "mdctl monitor --after d10",
        "mdctl monitor d10",
    ]), @"");
}
