// SPDX-License-Identifier: GPL-2.0
//! The model is pure: it names neither the kernel nor the standard library nor an allocator, so
//! that it can be compiled anywhere, and simulated.

use syn::{
    visit::{
        visit_path,
        Visit, //
    },
    Ident,
    ItemExternCrate,
    ItemUse,
    Path,
    UseTree, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::Tree, //
};

const FOREIGN: &[&str] = &["alloc", "kernel", "md", "std"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let model = |path: &str| path.starts_with("model/") && !path.starts_with("model/tests/");
    for (file, code) in tree.rust().filter(|(file, _)| model(&file.path)) {
        code.shipped.visit(&mut Names {
            path: &file.path,
            findings: &mut findings,
        });
    }
    findings
}

struct Names<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Names<'_> {
    fn check(&mut self, name: &Ident) {
        if FOREIGN.iter().any(|foreign| name == foreign) {
            let what = format!("the model names the crate {name}");
            let fix = "take what is needed as an argument, or hand it back as a result";
            self.findings
                .push(Finding::new(self.path, line_of(name), what, fix));
        }
    }
}

impl<'a> Visit<'a> for Names<'_> {
    fn visit_path(&mut self, path: &'a Path) {
        if let Some(first) = path.segments.first().filter(|_| path.segments.len() > 1) {
            self.check(&first.ident);
        }
        visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        match &item.tree {
            UseTree::Path(path) => self.check(&path.ident),
            UseTree::Name(name) => self.check(&name.ident),
            UseTree::Rename(rename) => self.check(&rename.ident),
            UseTree::Glob(_) | UseTree::Group(_) => {}
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'a ItemExternCrate) {
        self.check(&item.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_crates_are_found() {
        let text = "\
use kernel::prelude::*;
use core::num;
extern crate alloc;
fn f() -> std::io::Result<()> { pr_info!(\"{}\", kernel::c()); Ok(()) }
#[cfg(test)]
mod tests { use std::vec; }
";
        let tree = Tree::sample(&[("model/a.rs", text), ("model/tests/a.rs", text)]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        assert_eq!(
            places,
            [1, 3, 4, 4].map(|line| ("model/a.rs".to_owned(), line))
        );
    }
}
