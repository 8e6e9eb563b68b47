// SPDX-License-Identifier: GPL-2.0
//! Files, folders and modules are named for what is in them; a drawer for odds and ends fills up.

use syn::{
    visit::{
        visit_item_mod,
        Visit, //
    },
    ItemMod, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::Tree, //
};

const DRAWERS: &[&str] = &[
    "common", "helper", "helpers", "imp", "misc", "util", "utils",
];

const FIX: &str = "name it for what is in it, or put that where it belongs";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        if let Some(name) = file.path.split('/').find(|part| is_drawer(stem(part))) {
            let what = format!("the name {name} says nothing");
            findings.push(Finding::new(&file.path, 1, what, FIX));
        }
    }
    for (file, code) in tree.rust() {
        let mut modules = Modules {
            path: &file.path,
            findings: &mut findings,
        };
        modules.visit_file(&code.whole.file);
    }
    findings
}

struct Modules<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Visit<'a> for Modules<'_> {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        // One without a body is found by its file's name.
        let name = module.ident.to_string();
        if module.content.is_some() && is_drawer(&name) {
            let what = format!("the name {name} says nothing");
            self.findings
                .push(Finding::new(self.path, line_of(module), what, FIX));
        }
        visit_item_mod(self, module);
    }
}

fn is_drawer(name: &str) -> bool {
    DRAWERS.contains(&name)
}

/// A file's name without what follows the first dot.
fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        let tree = Tree::sample(&[
            ("a/util.rs", ""),
            ("a/common/b.rs", ""),
            ("scripts/helpers.sh", ""),
            ("a/utility.rs", "mod ok;\nmod misc { }\n"),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [
            ("a/common/b.rs", 1),
            ("a/util.rs", 1),
            ("scripts/helpers.sh", 1),
            ("a/utility.rs", 2),
        ];
        assert_eq!(places, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
