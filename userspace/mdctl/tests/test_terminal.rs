// SPDX-License-Identifier: GPL-2.0
//! What somebody sees at a terminal who waits for a resync or a check: a bar, and an estimate.

#[expect(dead_code, reason = "nobody types anything here")]
#[path = "../../dump/tests/terminal.rs"]
mod terminal;

use crate::env::TestEnvironment;
use md_abi::admin::{
    ComponentState,
    ResyncState, //
};
use std::{
    env,
    process::Command, //
};
use terminal::AtTerminal;

/// Set to a command line where a test runs on a terminal, and is to run that there.
const LINE: &str = "MDCTL_TEST_LINE";

/// Sectors of the mirror.
const SECTORS: u64 = 129_024;

/// Runs a command line on a mirror that is to be resynced, at a terminal. It takes two seconds.
fn sit_at_terminal(line: &str) {
    let mut env = TestEnvironment::with_mirror();
    env.admin.component(10, 1).state = ComponentState::NeedsResync as u32;
    env.admin.set_resync(10, ResyncState::Cancelled, 0, SECTORS);
    if line.contains("--check") {
        env.admin.component(10, 1).state = ComponentState::Okay as u32;
        env.admin.set_resync(10, ResyncState::Idle, 0, 0);
    }
    (env.admin.resync_step, env.admin.scrub_step) = (SECTORS / 20, SECTORS / 20);
    env.sit_at_terminal();
    env.setup(line);
}

/// What is on a terminal in the end and has been there before, if the test of this name sits at it
/// and runs a command line.
fn on_terminal(test: &str, line: &str) -> String {
    let program = env::current_exe().unwrap();
    let module = module_path!().split_once("::").unwrap().1;
    let mut command = Command::new(program);
    command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
    let at = AtTerminal::run(command.env(LINE, line).env("TERM", "xterm"));
    let (said, status) = at.ended();
    assert!(status.success() && said.contains("1 passed"), "{said}");
    said
}

/// What a bar has shown, one after the other: percent, and the time that was left.
fn shown<'a>(said: &'a str, prefix: &str) -> Vec<(u32, &'a str)> {
    let bars = said.split(prefix).skip(1);
    bars.filter_map(|bar| {
        let (before, after) = bar.split_once(" % done, ")?;
        let (drawn, percent) = before.rsplit_once(' ')?;
        assert!(drawn.contains(['\u{2588}', '\u{2591}']), "{said}");
        let (left, _) = after.split_once(" left")?;
        Some((percent.parse().unwrap(), left))
    })
    .collect()
}

/// Sees that a bar has gone on from the beginning to the end, and knew how long it takes.
fn assert_bar(said: &str, prefix: &str) {
    let shown = shown(said, prefix);
    assert!(shown.len() >= 5, "{said}");
    assert!(shown.is_sorted_by_key(|(percent, _)| *percent), "{said}");
    let (first, last) = (shown[0].0, shown[shown.len() - 1].0);
    assert!(first <= 20 && (80..=100).contains(&last), "{said}");
    let is_estimate = |left: &str| matches!(left, "1s" | "2s" | "3s");
    assert!(shown.iter().any(|(_, left)| is_estimate(left)), "{said}");
}

#[test]
fn who_waits_for_a_resync_sees_how_far_it_is() {
    if let Ok(line) = env::var(LINE) {
        return sit_at_terminal(&line);
    }
    let test = "who_waits_for_a_resync_sees_how_far_it_is";
    assert_bar(&on_terminal(test, "metasync -w d10"), "d10: resync");
    let said = on_terminal(test, "metasync --json -w d10");
    assert!(shown(&said, "d10: resync").is_empty(), "for scripts");
}

#[test]
fn who_waits_for_a_check_sees_how_far_it_is() {
    if let Ok(line) = env::var(LINE) {
        return sit_at_terminal(&line);
    }
    let test = "who_waits_for_a_check_sees_how_far_it_is";
    assert_bar(&on_terminal(test, "metasync --check -w d10"), "d10: check");
}
