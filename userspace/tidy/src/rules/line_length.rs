// SPDX-License-Identifier: GPL-2.0
//! Lines fit on a screen: 100 columns of code, 140 of Markdown. A tab reaches to the next multiple
//! of 8.

use crate::{
    finding::Finding,
    tree::{
        Kind,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        let most = match file.kind {
            Kind::Rust | Kind::C | Kind::Shell | Kind::Make => 100,
            Kind::Markdown => 140,
            Kind::Patch | Kind::Other => continue,
        };
        for (line, text) in file.lines() {
            let columns = columns(text);
            if columns > most {
                let what = format!("{columns} columns, {most} are allowed");
                findings.push(Finding::new(&file.path, line, what, "break the line"));
            }
        }
    }
    findings
}

fn columns(text: &str) -> usize {
    text.chars().fold(0, |column, character| match character {
        '\t' => (column / 8 + 1) * 8,
        _ => column + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_found() {
        let of = |length: usize| format!("short\n{}\n", "x".repeat(length));
        let tree = Tree::sample(&[
            ("a.rs", &of(101)),
            ("b.rs", &of(100)),
            ("c.md", &of(141)),
            ("d.md", &of(140)),
            ("e.sh", &format!("\t\t{}\n", "x".repeat(85))),
            ("f.json", &of(500)),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [("a.rs", 2), ("c.md", 2), ("e.sh", 1)];
        assert_eq!(places, expected.map(|(path, line)| (path.to_owned(), line)));
    }

    #[test]
    fn a_tab_reaches_to_the_next_stop() {
        assert_eq!(columns("\tx"), 9);
        assert_eq!(columns("abc\tx"), 9);
        assert_eq!(columns("12345678\tx"), 17);
    }
}
