// SPDX-License-Identifier: GPL-2.0
//! The program that libFuzzer drives: the target that `$MD_FUZZ_TARGET` names.

#![no_main]

use std::{
    env,
    process,
    sync::OnceLock, //
};

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn chosen() -> fn(&[u8]) {
    let name = env::var("MD_FUZZ_TARGET").unwrap_or_default();
    match md_fuzz::target(&name) {
        Some(target) => target.run,
        None => {
            eprintln!("md-fuzz: MD_FUZZ_TARGET={name} is no target: see 'scripts/fuzz --list'");
            process::exit(2);
        }
    }
}

fuzz_target!(|data: &[u8]| TARGET.get_or_init(chosen)(data));
