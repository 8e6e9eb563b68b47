// SPDX-License-Identifier: GPL-2.0
//! Kernel code does not panic: that is the end of the machine. Where the compiler evaluates the
//! code, in constants, a panic is an error of the build and welcome.

use proc_macro2::TokenTree;
use syn::{
    visit::{
        visit_expr_method_call,
        visit_macro,
        visit_path,
        Visit, //
    },
    ExprConst,
    ExprMethodCall,
    ImplItemConst,
    ItemConst,
    ItemStatic,
    Macro,
    Path, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::Tree, //
};

const METHODS: &[&str] = &["expect", "expect_err", "unwrap", "unwrap_err"];

const MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust().filter(|(file, _)| file.is_kernel_code()) {
        let mut panics = Panics {
            path: &file.path,
            findings: &mut findings,
        };
        code.shipped.visit(&mut panics);
        code.shipped
            .opaque
            .iter()
            .for_each(|tokens| panics.check_tokens(tokens));
    }
    findings
}

struct Panics<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Panics<'_> {
    fn add(&mut self, line: usize, what: String) {
        let fix = "hand an error to the caller";
        self.findings.push(Finding::new(self.path, line, what, fix));
    }

    fn check_method(&mut self, name: &syn::Ident) {
        if METHODS.iter().any(|method| name == method) {
            self.add(line_of(name), format!("{name}() can panic"));
        }
    }

    fn check_macro(&mut self, name: &syn::Ident) {
        if MACROS.iter().any(|known| name == known) {
            self.add(line_of(name), format!("{name}! can panic"));
        }
    }

    /// Looks for `.name` and `name!` in what could not be parsed.
    fn check_tokens(&mut self, tokens: &[TokenTree]) {
        for pair in tokens.windows(2) {
            match pair {
                [TokenTree::Punct(dot), TokenTree::Ident(name)] if dot.as_char() == '.' => {
                    self.check_method(name);
                }
                [TokenTree::Ident(name), TokenTree::Punct(mark)] if mark.as_char() == '!' => {
                    self.check_macro(name);
                }
                _ => {}
            }
        }
    }
}

impl<'a> Visit<'a> for Panics<'_> {
    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        self.check_method(&call.method);
        visit_expr_method_call(self, call);
    }

    /// Finds `Option::unwrap` that is handed to a function.
    fn visit_path(&mut self, path: &'a Path) {
        if let Some(last) = path.segments.last().filter(|_| path.segments.len() > 1) {
            self.check_method(&last.ident);
        }
        visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        if let Some(last) = call.path.segments.last() {
            self.check_macro(&last.ident);
        }
        visit_macro(self, call);
    }

    // The compiler evaluates these.
    fn visit_item_const(&mut self, _: &'a ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'a ImplItemConst) {}
    fn visit_item_static(&mut self, _: &'a ItemStatic) {}
    fn visit_expr_const(&mut self, _: &'a ExprConst) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let findings = check(&Tree::sample(&[
            ("md_rs/a.rs", text),
            ("userspace/a.rs", text),
        ]));
        assert!(findings.iter().all(|finding| finding.path == "md_rs/a.rs"));
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn each_way_to_panic_is_found() {
        for method in METHODS {
            assert_eq!(
                lines(&format!("fn f() {{\n x.{method}(y);\n}}")),
                [2],
                "{method}"
            );
        }
        for name in MACROS {
            assert_eq!(
                lines(&format!("fn f() {{\n {name}!(x);\n}}")),
                [2],
                "{name}"
            );
        }
        assert_eq!(lines("fn f() { x.map(Option::unwrap); }"), [1]);
        assert_eq!(lines("fn f() { pr_info!(\"{}\", x.unwrap()); }"), [1]);
        assert_eq!(
            lines("fn f() { pin_init!(S { a <- b.unwrap(), c: panic!() }); }"),
            [1, 1]
        );
        assert_eq!(lines("impl S { fn f() { core::panic!(); } }"), [1]);
    }

    #[test]
    fn tests_constants_and_kind_methods_pass() {
        let text = "
            const A: u8 = B.unwrap();
            const _: () = assert!(A > 1);
            fn f() { x.unwrap_or(1); const { assert!(A > 1) } }
            #[cfg(test)]
            mod tests { fn f() { x.unwrap(); } }";
        assert_eq!(lines(text), [0; 0]);
    }
}
