// SPDX-License-Identifier: GPL-2.0
//! `mddump` by itself, for machines without the volume manager. The tool `mdctl` is all of this
//! too.

use md_dump::{
    backup,
    submirror::NoManager, //
};
use std::{
    env,
    process::ExitCode, //
};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match backup::run(&words, &mut NoManager) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("mddump: {failure}");
            eprintln!("next: {}", failure.next);
            failure.exit.code().into()
        }
    }
}
