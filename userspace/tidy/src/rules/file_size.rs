// SPDX-License-Identifier: GPL-2.0
//! A file holds one concept: at most 600 lines of code, better 100 to 400.
//!
//! Empty lines, lines that are only comment, and Rust's test modules do not count.

use std::ops::RangeInclusive;

use syn::{
    spanned::Spanned,
    Item, //
};

use crate::{
    finding::Finding,
    ratchet::{
        Measured,
        Ratchet, //
    },
    syntax::is_test,
    tree::{
        File,
        Kind,
        Tree, //
    },
};

const RATCHET: Ratchet = Ratchet {
    limit: 600,
    exceptions: &[],
    home: "userspace/tidy/src/rules/file_size.rs",
    fix: "split it: one concept per file",
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    RATCHET.check(measure(tree))
}

fn measure(tree: &Tree) -> Vec<Measured> {
    tree.files()
        .filter(|file| [Kind::Rust, Kind::C, Kind::Shell, Kind::Make].contains(&file.kind))
        .map(|file| Measured {
            path: file.path.clone(),
            line: 1,
            key: file.path.clone(),
            size: code_lines(file),
        })
        .collect()
}

fn code_lines(file: &File) -> usize {
    let tests = test_modules(file);
    file.lines()
        .filter(|(line, _)| !tests.iter().any(|module| module.contains(line)))
        .filter(|(_, text)| is_code(file.kind, text.trim()))
        .count()
}

fn is_code(kind: Kind, text: &str) -> bool {
    let comments: &[&str] = match kind {
        Kind::Rust | Kind::C => &["//", "/*", "*/", "* "],
        _ => &["#"],
    };
    !text.is_empty() && text != "*" && !comments.iter().any(|comment| text.starts_with(comment))
}

fn test_modules(file: &File) -> Vec<RangeInclusive<usize>> {
    let Some(code) = file.code().ok().filter(|_| file.kind == Kind::Rust) else {
        return Vec::new();
    };
    let modules = code.whole.file.items.iter().filter_map(|item| match item {
        Item::Mod(module) if is_test(&module.attrs) => Some(module.span()),
        _ => None,
    });
    modules
        .map(|span| span.start().line..=span.end().line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let long = "fn f() {}\n".repeat(601);
        let tree = Tree::sample(&[("a.rs", &long), ("b.rs", &long[10..]), ("c.md", &long)]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].path, "a.rs");
    }

    #[test]
    fn comments_and_tests_do_not_count() {
        let rust =
            "//! Doc.\n\nfn f() {\n    // Why.\n}\n#[cfg(test)]\nmod tests {\n    a!();\n}\n";
        let tree = Tree::sample(&[
            ("a.rs", rust),
            ("b.sh", "#!/bin/bash\n# Why.\n\ntrue\n"),
            ("c.c", "/*\n * Why.\n */\nint a;\n"),
        ]);
        let sizes: Vec<usize> = measure(&tree)
            .iter()
            .map(|measured| measured.size)
            .collect();
        assert_eq!(sizes, [2, 1, 1]);
    }
}
