// SPDX-License-Identifier: GPL-2.0
//! Every source file starts with its licence; a script has it behind the interpreter's line.

use crate::{
    finding::Finding,
    tree::{
        File,
        Kind,
        Tree, //
    },
};

/// The words, in two parts so that tools which look for them find only the line at the top.
const LICENCE: &str = concat!("SPDX-License-", "Identifier: GPL-2.0");

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| !has_licence(file))
        .map(|file| {
            let fix = "start it with the line that other files of its kind start with";
            Finding::new(&file.path, 1, "no SPDX licence line at the top", fix)
        })
        .collect()
}

fn has_licence(file: &File) -> bool {
    let first = file.text.lines().find(|line| !line.starts_with("#!/"));
    let first = first.unwrap_or("");
    match file.kind {
        Kind::Rust => first == format!("// {LICENCE}"),
        // As the kernel does: // in sources, /* */ in headers, and a note in those that programs of
        // any licence may include.
        Kind::C if file.name().ends_with(".h") => {
            first == format!("/* {LICENCE} */")
                || first == format!("/* {LICENCE} WITH Linux-syscall-note */")
        }
        Kind::C => first == format!("// {LICENCE}"),
        Kind::Shell | Kind::Make => first == format!("# {LICENCE}"),
        Kind::Markdown | Kind::Patch | Kind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_licence_are_found() {
        let rust = format!("// {LICENCE}\n");
        let header = format!("/* {LICENCE} */\n");
        let shell = format!("#!/bin/bash\n# {LICENCE}\n");
        let late = format!("//! Doc.\n{rust}");
        let other = format!("// {LICENCE}-or-later\n");
        let tree = Tree::sample(&[
            ("bad/a.rs", "fn f() {}\n"),
            ("bad/b.rs", &late),
            ("bad/c.rs", &other),
            ("bad/d", "#!/bin/sh\ntrue\n"),
            ("bad/Makefile", ""),
            ("good/a.rs", &rust),
            ("good/b.h", &header),
            ("good/c", &shell),
            ("good/d.md", ""),
        ]);
        let paths: Vec<_> = check(&tree)
            .into_iter()
            .map(|finding| finding.path)
            .collect();
        assert_eq!(
            paths,
            ["bad/Makefile", "bad/a.rs", "bad/b.rs", "bad/c.rs", "bad/d"]
        );
    }
}
