// SPDX-License-Identifier: GPL-2.0
//! Nothing is left for later in the code: it is done, or it stands in an issue.

use crate::{
    finding::Finding,
    tree::{
        Kind,
        Tree, //
    },
};

/// Words that mark it, in two parts so that this file passes.
const WORDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"), //
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.kind != Kind::Markdown) {
        for (line, text) in file.lines() {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = words.find(|word| WORDS.contains(word)) {
                let fix = "do it, or write an issue";
                findings.push(Finding::new(
                    &file.path,
                    line,
                    format!("{word} in the code"),
                    fix,
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_as_whole_words() {
        for word in WORDS {
            let text = format!("ok\n// {word}: later\nx{word}x\n");
            let lines: Vec<_> = check(&Tree::sample(&[("a.rs", &text)]))
                .into_iter()
                .map(|finding| finding.line)
                .collect();
            assert_eq!(lines, [2]);
        }
    }
}
