// SPDX-License-Identifier: GPL-2.0
//! A function has at most 70 lines, better about 10. Tables may be longer: a function that is one
//! `match` with short arms, or one list.

use syn::{
    visit::{
        visit_impl_item_fn,
        visit_item_fn,
        Visit, //
    },
    Block,
    Expr,
    ImplItemFn,
    ItemFn,
    Signature,
    Stmt, //
};

use crate::{
    finding::Finding,
    ratchet::{
        Measured,
        Ratchet, //
    },
    syntax::{
        line_count,
        line_of, //
    },
    tree::Tree,
};

const RATCHET: Ratchet = Ratchet {
    limit: 70,
    exceptions: &[],
    home: "userspace/tidy/src/rules/function_length.rs",
    fix: "split it: one thought per function",
};

/// Longest arm of a `match` that still is a table.
const ARM_LINES_MAX: usize = 6;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    RATCHET.check(measure(tree))
}

fn measure(tree: &Tree) -> Vec<Measured> {
    let mut measured = Vec::new();
    for (file, code) in tree.rust() {
        let mut functions = Functions {
            path: &file.path,
            measured: &mut measured,
        };
        functions.visit_file(&code.whole.file);
    }
    measured
}

struct Functions<'a> {
    path: &'a str,
    measured: &'a mut Vec<Measured>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &Signature, body: &Block) {
        if !is_table(body) {
            self.measured.push(Measured {
                path: self.path.to_owned(),
                line: line_of(signature),
                key: format!("{} {}", self.path, signature.ident),
                size: line_count(signature) + line_count(body) - 1,
            });
        }
    }
}

impl<'a> Visit<'a> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.add(&function.sig, &function.block);
        visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit_impl_item_fn(self, function);
    }
}

fn is_table(body: &Block) -> bool {
    match body.stmts.as_slice() {
        [Stmt::Expr(Expr::Match(choice), None)] => choice
            .arms
            .iter()
            .all(|arm| line_count(arm) <= ARM_LINES_MAX),
        [Stmt::Expr(Expr::Array(_), None)] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_function_is_found_wherever_it_is() {
        let free = function(71);
        let method = format!("impl S {{\n{}}}\n", function(71));
        let fits = function(70);
        let tree = Tree::sample(&[("a.rs", &free), ("b.rs", &method), ("c.rs", &fits)]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert_eq!((findings[1].path.as_str(), findings[1].line), ("b.rs", 2));
    }

    #[test]
    fn a_table_may_be_long_if_its_arms_are_short() {
        let table = |arm: &str| format!("fn f() -> u8 {{\nmatch x {{\n{}}}\n}}\n", arm.repeat(80));
        let short = table("1 => 2,\n");
        let long = table("1 => {\n2;\n3;\n4;\n5;\n6\n}\n");
        let tree = Tree::sample(&[("a.rs", &short), ("b.rs", &long)]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].path, "b.rs");
    }
}
