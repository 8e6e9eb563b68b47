// SPDX-License-Identifier: GPL-2.0
//! Holds this repository against every rule.

use std::path::Path;

use md_tidy::{
    Tree,
    RULES, //
};

#[test]
fn the_repository_keeps_its_rules() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tree = Tree::read(&top).unwrap_or_else(|error| panic!("{error:#}"));
    let mut report = Vec::new();
    for rule in RULES {
        let mut findings = (rule.check)(&tree);
        findings.sort();
        report.extend(
            findings
                .iter()
                .map(|found| format!("{}: {found}", rule.name)),
        );
    }
    let count = report.len();
    assert!(
        report.is_empty(),
        "{count} places break a rule:\n{}",
        report.join("\n")
    );
}
