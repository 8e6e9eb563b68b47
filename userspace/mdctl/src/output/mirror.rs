// SPDX-License-Identifier: GPL-2.0
//! Mirrors as text (`svm.md` section 10.1).

use super::scrub;
use crate::{
    explain::mirror::STUCK,
    syntax::{
        mirror::{
            read_flag,
            write_flag,
            Options, //
        },
        name::component_word,
        pace::Pace, //
    },
    unit::{
        Component,
        Mirror,
        Resync,
        Unit, //
    },
};
use md_report::ResyncState;
use std::time::Duration;

/// What is shown of a mirror between its name and its size; with times on demand.
pub(super) fn block(unit: &Unit, mirror: &Mirror, with_times: bool, in_memory: bool) -> String {
    let submirrors = mirror.submirrors.iter().enumerate();
    let submirrors = submirrors.map(|(number, side)| submirror(number, side, with_times));
    let warning = if in_memory {
        "    State is kept: in memory only, lost at reboot\n"
    } else {
        ""
    };
    let resync = mirror.resync.map(|resync| progress(unit, &resync));
    let resync = resync.unwrap_or_default() + &scrub::block(unit);
    let pace = Some(&mirror.pace).filter(|pace| !pace.is_default());
    let pace = pace.map(self::pace).unwrap_or_default();
    let options = parameters(&mirror.options) + &pace;
    submirrors.collect::<String>() + &resync + &options + warning
}

/// How fast a mirror is resynced.
pub fn pace(pace: &Pace) -> String {
    let limit = |kib_s| match kib_s {
        0 => "none".to_string(),
        kib_s => format!("{kib_s} KB/s"),
    };
    let latency = Duration::from_micros(pace.target_us.into());
    format!(
        "    Resync floor: {}\n    Resync ceiling: {}\n    Resync gives way above: {}\n",
        limit(pace.floor_kib_s),
        limit(pace.ceiling_kib_s),
        humantime::format_duration(latency)
    )
}

/// How far the resync of a mirror is, and what to type if it stands still.
fn progress(unit: &Unit, resync: &Resync) -> String {
    let percent = resync.percent(unit.size);
    let invoke = format!("    Invoke: metasync {}\n", unit.name);
    match resync.state {
        ResyncState::Running => format!("    Resync in progress: {percent} % done\n"),
        ResyncState::Cancelled => format!("    Resync cancelled: {percent} % done\n{invoke}"),
        ResyncState::Stuck => {
            format!("    Resync stands still: {percent} % done, {STUCK}\n{invoke}")
        }
        ResyncState::Paused => format!("    Resync pauses: {percent} % done\n{invoke}"),
        ResyncState::Waiting => {
            format!("    Resync waits for mirrors with a lower pass: {percent} % done\n")
        }
        ResyncState::LeftOut => format!("    Resync is not started: pass 0\n{invoke}"),
    }
}

/// A side of a mirror.
fn submirror(number: usize, side: &Component, with_times: bool) -> String {
    let name = component_word(&side.device);
    let state = side.state.word();
    let time = match &side.event {
        _ if !with_times => "",
        None => "-",
        Some(time) => time,
    };
    let state = format!("      State: {state:12} {time}");
    format!("    Submirror {number}: {name}\n{}\n", state.trim_end())
}

/// The options of a mirror, with what one would type for them.
pub fn parameters(options: &Options) -> String {
    let flag = |flag: Option<&'static str>| flag.unwrap_or("default");
    format!(
        "    Pass: {}\n    Read option: {} ({})\n    Write option: {} ({})\n",
        options.pass,
        options.read_policy.word(),
        flag(read_flag(options.read_policy)),
        options.write_policy.word(),
        flag(write_flag(options.write_policy)),
    )
}
