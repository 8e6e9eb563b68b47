// SPDX-License-Identifier: GPL-2.0
//! The model and the personalities forbid unsafe code in their crate roots. A personality that has
//! a `kapi.rs` denies it, and `kapi.rs` allows it again for itself.

use syn::{
    AttrStyle,
    Attribute, //
};

use crate::{
    finding::Finding,
    rules::dead_rust::kbuild_roots,
    syntax::Code,
    tree::{
        File,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    kbuild_roots(tree)
        .iter()
        .filter(|path| !path.starts_with("md_rs/"))
        .filter_map(|path| tree.get(path))
        .filter_map(|file| check_root(tree, file, file.code().ok()?))
        .collect()
}

fn check_root(tree: &Tree, root: &File, code: &Code) -> Option<Finding> {
    let has_level = |level| {
        code.whole
            .file
            .attrs
            .iter()
            .any(|a| sets_unsafe_code(a, level))
    };
    if tree.has(&format!("{}/kapi.rs", root.folder())) {
        let what = "the crate root does not deny unsafe code";
        let finding = Finding::new(&root.path, 1, what, "add #![deny(unsafe_code)]");
        return (!has_level("deny")).then_some(finding);
    }
    let what = "the crate root does not forbid unsafe code";
    let finding = Finding::new(&root.path, 1, what, "add #![forbid(unsafe_code)]");
    (!has_level("forbid")).then_some(finding)
}

/// Whether an attribute is `#![level(unsafe_code)]`.
fn sets_unsafe_code(attribute: &Attribute, level: &str) -> bool {
    let inner = matches!(attribute.style, AttrStyle::Inner(_));
    inner
        && attribute.path().is_ident(level)
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|lint| lint.is_ident("unsafe_code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_allow_unsafe_code_are_found() {
        let kbuild = "a-y := md_a/a.o md_b/b.o md_c/c.o md_d/d.o md_rs/md.o model/md_model.o\n";
        let tree = Tree::sample(&[
            ("Kbuild", kbuild),
            ("md_a/a.rs", "#![forbid(unsafe_code)]\n"),
            ("md_b/b.rs", "#![deny(unsafe_code)]\n"),
            ("md_c/c.rs", "#![deny(unsafe_code)]\n"),
            ("md_c/kapi.rs", ""),
            ("md_d/d.rs", "#![allow(unsafe_code)]\n"),
            ("md_d/kapi.rs", ""),
            ("md_rs/md.rs", ""),
            ("model/md_model.rs", "//! None.\n"),
        ]);
        let paths: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        assert_eq!(paths, ["md_b/b.rs", "md_d/d.rs", "model/md_model.rs"]);
    }
}
