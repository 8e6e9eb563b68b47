// SPDX-License-Identifier: GPL-2.0
//! Text is ASCII: it looks the same everywhere, and nothing in it looks like something else.

use crate::{
    finding::Finding,
    tree::Tree, //
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        for (line, text) in file.lines() {
            if let Some(found) = text.chars().find(|character| !character.is_ascii()) {
                let what = format!("{} is not ASCII", found.escape_unicode());
                findings.push(Finding::new(&file.path, line, what, "write it in ASCII"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_characters_are_found() {
        let tree = Tree::sample(&[("a.md", "plain\nan \u{2026} ellipsis\n")]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].to_string(),
            "a.md:2: \\u{2026} is not ASCII; write it in ASCII"
        );
    }
}
