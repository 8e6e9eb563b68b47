// SPDX-License-Identifier: GPL-2.0
//! Relative links in Markdown lead to files of the repository.

use pulldown_cmark::{
    Event,
    Parser,
    Tag, //
};

use crate::{
    finding::Finding,
    tree::{
        join,
        File,
        Kind,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files_of(Kind::Markdown)
        .flat_map(|file| check_file(tree, file))
        .collect()
}

fn check_file(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (event, range) in Parser::new(&file.text).into_offset_iter() {
        let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) =
            event
        else {
            continue;
        };
        if let Some(path) = target(file, &dest_url).filter(|path| !tree.has(path)) {
            let line = file.text[..range.start].matches('\n').count() + 1;
            let what = format!("the link leads to {path}, which is not there");
            findings.push(Finding::new(&file.path, line, what, "correct the path"));
        }
    }
    findings
}

/// The path from the top that a relative link means; `None` for links to elsewhere.
fn target(file: &File, link: &str) -> Option<String> {
    let path = link.split('#').next().unwrap_or("");
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    Some(join(file.folder(), path)).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found() {
        let text = "\
[file](b.md) [up](../README.md#top) [folder](../scripts/) [self](#here) [top](..)
[web](https://example.org/x) `[code](none.md)`

[dead](none.md) ![image](none.png)
[by name]

[by name]: ../none
";
        let tree = Tree::sample(&[
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("README.md", ""),
            ("scripts/vm", ""),
        ]);
        let findings = check(&tree);
        let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [4, 4, 5], "{findings:?}");
        assert_eq!(
            findings[0].what,
            "the link leads to docs/none.md, which is not there"
        );
        assert!(findings[2].what.contains("to none,"), "{findings:?}");
    }
}
