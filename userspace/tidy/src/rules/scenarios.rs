// SPDX-License-Identifier: GPL-2.0
//! A guest scenario says in the comment at its top what it is to show, where it runs, and how long
//! it may take. Files in `tests/lib/` are sourced by scenarios and are none.

use crate::{
    finding::Finding,
    header::missing_fields,
    tree::{
        File,
        Tree, //
    },
};

const FIELDS: &[&str] = &["Intent:", "Lanes:", "Timeout:"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| file.path.starts_with("tests/") && file.name().ends_with(".sh"))
        .filter(|file| !file.path.starts_with("tests/lib/"))
        .flat_map(|file| missing_fields(file, head(file), FIELDS))
        .collect()
}

/// The text of the comment at the top.
fn head(file: &File) -> impl Iterator<Item = &str> + Clone {
    let comment = file.text.lines().map_while(|line| line.strip_prefix('#'));
    comment.map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_fields_are_found() {
        let good = "#!/bin/bash\n# Intent: it works.\n#   It does.\n# Lanes: 7.3\n# Timeout: 60\n";
        let tree = Tree::sample(&[
            (
                "tests/smoke/bad.sh",
                "#!/bin/bash\n# Intent: x.\ntrue\n# Lanes: 7.3\n",
            ),
            ("tests/smoke/good.sh", good),
            ("tests/lib/disks.sh", "true\n"),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.what)).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(path, _)| path == "tests/smoke/bad.sh"));
        assert!(found[0].1.contains("Lanes:") && found[1].1.contains("Timeout:"));
    }
}
