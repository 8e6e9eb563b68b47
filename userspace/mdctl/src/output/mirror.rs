// SPDX-License-Identifier: GPL-2.0
//! Mirrors as text (`svm.md` section 10.1).

use crate::{
    syntax::{
        mirror::{
            read_flag,
            write_flag,
            Options, //
        },
        name::component_word, //
    },
    unit::{
        Component,
        Mirror, //
    },
};

/// What is shown of a mirror between its name and its size; with times on demand.
pub(super) fn block(mirror: &Mirror, with_times: bool, in_memory: bool) -> String {
    let submirrors = mirror.submirrors.iter().enumerate();
    let submirrors = submirrors.map(|(number, side)| submirror(number, side, with_times));
    let warning = if in_memory {
        "    State is kept: in memory only, lost at reboot\n"
    } else {
        ""
    };
    submirrors.collect::<String>() + &parameters(&mirror.options) + warning
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
