// SPDX-License-Identifier: GPL-2.0
//! `mdctl`, also run as `metainit`, `metastat` and so on; see [`mdctl::multicall`].

use std::process::ExitCode;

fn main() -> ExitCode {
    mdctl::run_on_this_machine(std::env::args_os().collect()).into()
}
