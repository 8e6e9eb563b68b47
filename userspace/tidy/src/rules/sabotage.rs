// SPDX-License-Identifier: GPL-2.0
//! A sabotage patch says in its head which clause it breaks and which test must then fail
//! (`DURABILITY.md` clause 25).

use crate::{
    finding::Finding,
    header::missing_fields,
    tree::{
        File,
        Tree, //
    },
};

const FIELDS: &[&str] = &["Clause:", "Fails:"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| file.folder() == "scripts/sabotage" && file.name().ends_with(".patch"))
        .flat_map(|file| missing_fields(file, head(file), FIELDS))
        .collect()
}

/// The text above the diff.
fn head(file: &File) -> impl Iterator<Item = &str> + Clone {
    let is_diff = |line: &&str| line.starts_with("diff ") || line.starts_with("--- ");
    file.text.lines().take_while(move |line| !is_diff(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_fields_are_found() {
        let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-Fails: a\n+b\n";
        let good = format!("Clause: 9\nFails: smoke/flush.sh\n\n{diff}");
        let empty = format!("Clause: \nFails: x\n{diff}");
        let tree = Tree::sample(&[
            ("scripts/sabotage/bad.patch", diff),
            ("scripts/sabotage/empty.patch", &empty),
            ("scripts/sabotage/good.patch", &good),
        ]);
        let found: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("scripts/sabotage/bad.patch:1: no Clause:"));
        assert!(found[1].starts_with("scripts/sabotage/bad.patch:1: no Fails:"));
        assert!(found[2].starts_with("scripts/sabotage/empty.patch:1: no Clause:"));
    }
}
