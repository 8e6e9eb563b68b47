// SPDX-License-Identifier: GPL-2.0
//! The repository names no package registry and no place on somebody's machine: mirrors and caches
//! are the machine's own business.

use crate::{
    finding::Finding,
    tree::Tree, //
};

/// Hosts, in two parts so that this file passes.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("static.rust-lang", ".org"),
    concat!("py", "pi.org"),
    concat!("npm", "js"),
];

/// Home folders, in two parts for the same reason.
const HOMES: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Files that cargo writes, with its registry's name in them.
const GENERATED: &str = "Cargo.lock";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| file.name() != GENERATED) {
        for (line, text) in file.lines() {
            for host in HOSTS.iter().filter(|host| text.contains(**host)) {
                let what = format!("names the host {host}");
                let fix = "use what the machine is configured with";
                findings.push(Finding::new(&file.path, line, what, fix));
            }
            for home in HOMES.iter().filter(|home| has_path(text, home)) {
                let what = format!("names a place below {home}");
                let fix = "use a path below the tree, the cache or $HOME";
                findings.push(Finding::new(&file.path, line, what, fix));
            }
        }
    }
    findings
}

/// Whether an absolute path in `text` starts with `home`.
fn has_path(text: &str, home: &str) -> bool {
    text.match_indices(home).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-./}~*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found() {
        for host in HOSTS {
            let tree = Tree::sample(&[("a.sh", &format!("true\ncurl https://{host}/x\n"))]);
            let findings = check(&tree);
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].line, 2);
        }
        let tree = Tree::sample(&[("userspace/Cargo.lock", &HOSTS.join("\n"))]);
        assert!(check(&tree).is_empty());
    }

    #[test]
    fn home_folders_are_found() {
        for home in HOMES {
            let bad = format!("cat {home}x\nHOME={home}x\n(\"{home}\")\n");
            assert_eq!(check(&Tree::sample(&[("a.sh", &bad)])).len(), 3);
            let good = format!("cat $dir{home}x ${{dir}}{home}x build{home}x ~{home}\n");
            assert_eq!(check(&Tree::sample(&[("a.sh", &good)])), []);
        }
    }
}
