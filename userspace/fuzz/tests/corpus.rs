// SPDX-License-Identifier: GPL-2.0
//! Every target runs once over its inputs in `corpus/`: those that once failed are among them.

use std::{
    fs,
    panic,
    path::PathBuf, //
};

use md_fuzz::{
    inputs,
    Target,
    TARGETS, //
};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn run(target: &Target) {
    let path = corpus().join(target.name).with_extension("hex");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let inputs = inputs(&text);
    assert!(!inputs.is_empty(), "{path:?} has no input");
    for input in inputs {
        let done = panic::catch_unwind(|| (target.run)(&input));
        assert!(
            done.is_ok(),
            "the target {} fails on {input:02x?}",
            target.name
        );
    }
}

#[test]
fn no_target_fails_on_its_corpus() {
    TARGETS.iter().for_each(run);
}

/// A corpus file of no target is never run.
#[test]
fn every_corpus_file_is_that_of_a_target() {
    for entry in fs::read_dir(corpus()).expect("the corpus is there") {
        let path = entry.expect("readable").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_known = stem.is_some_and(|stem| md_fuzz::target(stem).is_some());
        assert!(is_known, "{path:?} belongs to no target");
    }
}

#[test]
fn an_input_is_a_line_of_digits() {
    let text = "# a remark\n00ff\n\nabc\n";
    assert_eq!(inputs(text), [vec![0, 0xff], vec![], vec![0xab]]);
}
