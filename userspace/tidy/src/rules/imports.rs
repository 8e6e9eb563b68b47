// SPDX-License-Identifier: GPL-2.0
//! Imports are vertical, as in the kernel: one item per line as soon as there are braces, so that
//! two changes to a list do not conflict. An empty comment after the last item keeps rustfmt from
//! joining the lines.

use syn::{
    visit::{
        visit_use_group,
        Visit, //
    },
    UseGroup, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::Tree, //
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        let mut groups = Groups {
            path: &file.path,
            findings: &mut findings,
        };
        groups.visit_file(&code.whole.file);
    }
    findings
}

struct Groups<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Visit<'a> for Groups<'_> {
    fn visit_use_group(&mut self, group: &'a UseGroup) {
        let mut line_before = group.brace_token.span.open().start().line;
        for item in &group.items {
            let line = line_of(item);
            if line == line_before {
                let what = "two imports on one line";
                let fix = "put each on a line of its own, and // after the last one";
                self.findings.push(Finding::new(self.path, line, what, fix));
                break;
            }
            line_before = line;
        }
        visit_use_group(self, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let findings = check(&Tree::sample(&[("a.rs", text)]));
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn two_imports_on_a_line_are_found() {
        assert_eq!(lines("use a::{b, c};\n"), [1]);
        assert_eq!(lines("use a::{\n    b, c,\n};\n"), [2]);
        assert_eq!(lines("use a::{\n    b,\n    c::{d, e},\n};\n"), [3]);
        assert_eq!(lines("fn f() {\n    use a::{b, c};\n}\n"), [2]);
    }

    #[test]
    fn vertical_imports_pass() {
        assert_eq!(
            lines("use a::b;\nuse a::{\n    b,\n    c, //\n};\n"),
            [0; 0]
        );
    }
}
