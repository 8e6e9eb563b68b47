// SPDX-License-Identifier: GPL-2.0
//! Every Rust file can be parsed, or the other rules would not see what is in it.

use crate::{
    finding::Finding,
    tree::{
        Kind,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files_of(Kind::Rust) {
        if let Err(error) = file.code() {
            let line = error.span().start().line;
            let what = format!("not Rust that syn understands: {error}");
            findings.push(Finding::new(
                &file.path,
                line,
                what,
                "correct it, or update syn",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_code_is_found() {
        let tree = Tree::sample(&[("a.rs", "fn ok() {}\nfn {\n"), ("b.rs", "fn ok() {}\n")]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "a.rs");
    }
}
