// SPDX-License-Identifier: GPL-2.0
//! No blanks at ends of lines, no empty lines at the end of a file, and a newline there.
//!
//! Patches and snapshots hold other programs' text and are left alone.

use crate::{
    finding::Finding,
    tree::{
        File,
        Kind,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !is_foreign(file)) {
        for (line, text) in file.text.split('\n').enumerate() {
            if text.ends_with(char::is_whitespace) {
                let what = "blanks at the end of the line";
                findings.push(Finding::new(&file.path, line + 1, what, "remove them"));
            }
        }
        let last = file.text.lines().count();
        if file.text.ends_with("\n\n") {
            let what = "empty lines at the end of the file";
            findings.push(Finding::new(&file.path, last, what, "remove them"));
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            let what = "no newline at the end of the file";
            findings.push(Finding::new(&file.path, last, what, "add it"));
        }
    }
    findings
}

fn is_foreign(file: &File) -> bool {
    file.kind == Kind::Patch || file.name().ends_with(".snap")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_line_ends_are_found() {
        let tree = Tree::sample(&[
            ("a.rs", "fn a() {} \nfn b() {}\t\nfn c() {}\r\n"),
            ("b.rs", "fn b() {}\n\n"),
            ("c.rs", "fn c() {}"),
            ("d.patch", " \n"),
            ("e.rs", "fn e() {}\n"),
            ("empty", ""),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [
            ("a.rs", 1),
            ("a.rs", 2),
            ("a.rs", 3),
            ("b.rs", 2),
            ("c.rs", 1),
        ];
        assert_eq!(places, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
