// SPDX-License-Identifier: GPL-2.0
//! Every script, and every file that scenarios source, is named by some other file.

use crate::{
    finding::Finding,
    tree::{
        File,
        Tree, //
    },
};

/// Folders whose files are for use from elsewhere.
const FOLDERS: &[&str] = &["scripts", "tests/lib"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| FOLDERS.contains(&file.folder()))
        .filter(|file| !is_named(tree, file))
        .map(|file| {
            let what = format!("no other file names {}", file.name());
            Finding::new(&file.path, 1, what, "remove it, or say where it is used")
        })
        .collect()
}

fn is_named(tree: &Tree, wanted: &File) -> bool {
    tree.files()
        .filter(|file| file.path != wanted.path)
        .any(|file| has_word(&file.text, wanted.name()))
}

/// Whether `name` stands in `text`, not as a part of a longer name.
fn has_word(text: &str, name: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + name.len()..].chars().next();
        !before.is_some_and(continues) && !after.is_some_and(continues)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_nothing_names_are_found() {
        let tree = Tree::sample(&[
            (
                "Makefile",
                "all:\n\tscripts/build-all --kit scripts/lib.sh\n",
            ),
            ("scripts/build-all", ""),
            ("scripts/build", "scripts/build"),
            ("scripts/lib.sh", ""),
            ("tests/lib/disks.sh", ""),
        ]);
        let paths: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        assert_eq!(paths, ["scripts/build", "tests/lib/disks.sh"]);
    }
}
