// SPDX-License-Identifier: GPL-2.0
//! Every unsafe block or impl says why it is sound, in a `// SAFETY:` comment directly above it or
//! above the statement, match arm, field or item it is in.

use proc_macro2::TokenTree;
use syn::{
    visit::{
        visit_arm,
        visit_expr_unsafe,
        visit_field_value,
        visit_impl_item,
        visit_item,
        visit_item_impl,
        visit_stmt,
        Visit, //
    },
    Arm,
    ExprUnsafe,
    FieldValue,
    ImplItem,
    Item,
    ItemImpl,
    Stmt, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::{
        File,
        Tree, //
    },
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust() {
        let mut blocks = Blocks {
            lines: file.text.lines().collect(),
            anchors: Vec::new(),
            bare: Vec::new(),
        };
        code.whole.visit(&mut blocks);
        blocks.visit_tokens(&code.whole.opaque);
        findings.extend(blocks.bare.into_iter().map(|line| finding(file, line)));
    }
    findings
}

fn finding(file: &File, line: usize) -> Finding {
    let what = "unsafe code without a reason";
    Finding::new(
        &file.path,
        line,
        what,
        "put // SAFETY: and the reason above it",
    )
}

struct Blocks<'a> {
    lines: Vec<&'a str>,
    /// First lines of the statements, arms, fields and items around, innermost last.
    anchors: Vec<usize>,
    /// Lines of unsafe code without a comment.
    bare: Vec<usize>,
}

impl Blocks<'_> {
    fn check(&mut self, line: usize) {
        let anchor = self.anchors.last().copied().unwrap_or(line);
        if !self.has_comment_above(line) && !self.has_comment_above(anchor) {
            self.bare.push(line);
        }
    }

    /// Whether the comment directly above a line, attributes in between left out, has a reason.
    fn has_comment_above(&self, line: usize) -> bool {
        let above = self
            .lines
            .iter()
            .take(line - 1)
            .rev()
            .map(|text| text.trim());
        above
            .take_while(|text| text.starts_with("//") || text.starts_with("#["))
            .any(|text| text.starts_with("// SAFETY:"))
    }

    fn inside(&mut self, anchor: usize, visit: impl FnOnce(&mut Self)) {
        self.anchors.push(anchor);
        visit(self);
        self.anchors.pop();
    }

    /// Checks what could not be parsed; types of function pointers and the like are no blocks.
    fn visit_tokens(&mut self, calls: &[Vec<TokenTree>]) {
        for pair in calls.iter().flat_map(|tokens| tokens.windows(2)) {
            if let [TokenTree::Ident(word), TokenTree::Group(_)] = pair {
                if word == "unsafe" {
                    self.check(line_of(word));
                }
            }
        }
    }
}

impl<'a> Visit<'a> for Blocks<'_> {
    fn visit_expr_unsafe(&mut self, block: &'a ExprUnsafe) {
        self.check(line_of(&block.unsafe_token));
        visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        if let Some(word) = &item.unsafety {
            self.check(line_of(word));
        }
        visit_item_impl(self, item);
    }

    fn visit_stmt(&mut self, node: &'a Stmt) {
        self.inside(line_of(node), |this| visit_stmt(this, node));
    }

    fn visit_arm(&mut self, node: &'a Arm) {
        self.inside(line_of(node), |this| visit_arm(this, node));
    }

    fn visit_field_value(&mut self, node: &'a FieldValue) {
        self.inside(line_of(node), |this| visit_field_value(this, node));
    }

    fn visit_item(&mut self, node: &'a Item) {
        self.inside(line_of(node), |this| visit_item(this, node));
    }

    fn visit_impl_item(&mut self, node: &'a ImplItem) {
        self.inside(line_of(node), |this| visit_impl_item(this, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let findings = check(&Tree::sample(&[("md_rs/kapi/a.rs", text)]));
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unsafe_code_without_a_reason_is_found() {
        assert_eq!(lines("fn f() {\n    unsafe { g() };\n}\n"), [2]);
        assert_eq!(
            lines("fn f() {\n    // Because.\n    unsafe { g() };\n}\n"),
            [3]
        );
        assert_eq!(
            lines("// SAFETY: far away.\n\nunsafe impl Send for S {}\n"),
            [3]
        );
        assert_eq!(
            lines("fn f() {\n    pin_init!(S { a <- unsafe { b } });\n}\n"),
            [2]
        );
        let second = "fn f() {\n// SAFETY: one.\nunsafe { a() };\nunsafe { b() };\n}\n";
        assert_eq!(lines(second), [4]);
        // A reason above the function is not one for every block in it.
        assert_eq!(
            lines("// SAFETY: all.\nfn f() {\n    unsafe { g() };\n}\n"),
            [3]
        );
    }

    #[test]
    fn a_reason_above_block_or_statement_passes() {
        assert_eq!(
            lines("fn f() {\n// SAFETY: ok.\nunsafe { g() };\n}\n"),
            [0; 0]
        );
        assert_eq!(
            lines("fn f() {\n// SAFETY: ok,\n// still.\nlet x =\nunsafe { g() };\n}\n"),
            [0; 0]
        );
        assert_eq!(
            lines("fn f() {\n// SAFETY: ok.\na(\nb,\nunsafe { g() },\n);\n}\n"),
            [0; 0]
        );
        assert_eq!(
            lines("// SAFETY: ok.\n#[cfg(a)]\nunsafe impl Send for S {}\n"),
            [0; 0]
        );
        let arm = "fn f() {\nmatch x {\n// SAFETY: ok.\n1 => unsafe { g() },\n}\n}\n";
        assert_eq!(lines(arm), [0; 0]);
        let field = "fn f() {\nS {\n// SAFETY: ok.\na: unsafe { g() },\n}\n}\n";
        assert_eq!(lines(field), [0; 0]);
    }
}
