// SPDX-License-Identifier: GPL-2.0
//! All tests of the tool: whole command lines, run in this process against a kernel and a machine
//! that are made up (see [`env`]). Each command has a file of its own.

mod env;
mod test_check;
mod test_configuration_file;
mod test_discover;
mod test_dump;
mod test_dump_damage;
mod test_export;
mod test_images;
mod test_import;
mod test_keep_data;
mod test_md_tab;
mod test_mddump;
mod test_metaclear;
mod test_metadb;
mod test_metadetach;
mod test_metahs;
mod test_metainit;
mod test_metaoffline;
mod test_metaonline;
mod test_metaparam;
mod test_metarecover;
mod test_metarename;
mod test_metareplace;
mod test_metastat;
mod test_metasync;
mod test_metattach;
mod test_mhd;
mod test_mirror;
mod test_mirror_states;
mod test_monitor;
mod test_move;
mod test_multicall;
mod test_output;
mod test_probe;
mod test_raid5;
mod test_resync;
mod test_scan;
mod test_soft_partitions;
mod test_start;
mod test_stop;
mod test_terminal;
mod test_trouble;
mod test_version;

use std::{
    collections::BTreeSet,
    fs,
    path::Path, //
};

/// Names of the Rust files in a folder of this crate, without their ending.
fn rust_files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(String::from))
        .collect()
}

/// A file that nobody named as a module is not compiled, and its tests are missed by nobody.
#[test]
fn no_test_file_is_forgotten() {
    let modules: BTreeSet<_> = include_str!("runner.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(String::from)
        .collect();
    let mut files = rust_files("tests");
    assert!(files.remove("runner"));
    assert_eq!(files, modules);
}

/// Every command in the table has a file, and every file is in the table and has a test.
#[test]
fn every_command_has_a_file_and_a_test_file() {
    let commands: BTreeSet<_> = mdctl::multicall::COMMANDS
        .iter()
        .map(|command| command.name.to_string())
        .collect();
    let mut files = rust_files("src/commands");
    assert!(files.remove("mod"));
    assert_eq!(files, commands);
    let tests = rust_files("tests");
    for command in commands {
        assert!(
            tests.contains(&format!("test_{command}")),
            "tests/test_{command}.rs is missing"
        );
    }
}
