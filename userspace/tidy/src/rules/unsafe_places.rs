// SPDX-License-Identifier: GPL-2.0
//! Unsafe code lives in `md_rs/kapi/` and in files named `kapi.rs`, and nowhere else.

use proc_macro2::{
    Span,
    TokenTree, //
};
use syn::{
    spanned::Spanned,
    visit::{
        visit_expr_unsafe,
        visit_signature,
        Visit, //
    },
    Attribute,
    ExprUnsafe,
    ItemForeignMod,
    ItemImpl,
    ItemTrait,
    Signature, //
};

use crate::{
    finding::Finding,
    tree::{
        File,
        Tree, //
    },
};

/// Attributes that promise something to the linker which nobody checks.
const ATTRIBUTES: &[&str] = &["export_name", "link_section", "no_mangle", "unsafe"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust().filter(|(file, _)| !may_be_unsafe(file)) {
        let mut places = Places(Vec::new());
        code.whole.visit(&mut places);
        let opaque = code
            .whole
            .opaque
            .iter()
            .flatten()
            .filter(|token| is_unsafe(token));
        places.0.extend(opaque.map(TokenTree::span));
        findings.extend(places.0.into_iter().map(|span| {
            let fix = "move it to md_rs/kapi/ (or a kapi.rs) behind a safe interface";
            Finding::new(&file.path, span.start().line, "unsafe code", fix)
        }));
    }
    findings
}

fn may_be_unsafe(file: &File) -> bool {
    file.path.starts_with("md_rs/kapi/") || file.name() == "kapi.rs"
}

fn is_unsafe(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word == "unsafe")
}

struct Places(Vec<Span>);

impl<'a> Visit<'a> for Places {
    fn visit_expr_unsafe(&mut self, block: &'a ExprUnsafe) {
        self.0.push(block.unsafe_token.span);
        visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'a Signature) {
        self.0.extend(signature.unsafety.map(|word| word.span));
        visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        self.0.extend(item.unsafety.map(|word| word.span));
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a ItemTrait) {
        self.0.extend(item.unsafety.map(|word| word.span));
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'a ItemForeignMod) {
        self.0.push(item.abi.span());
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        let path = attribute.path();
        if ATTRIBUTES.iter().any(|name| path.is_ident(name)) {
            self.0.push(attribute.span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_unsafe_code_is_found() {
        let samples = [
            "fn f() { unsafe { g() } }",
            "unsafe fn f() {}",
            "impl S { unsafe fn f() {} }",
            "unsafe impl Send for S {}",
            "unsafe trait T {}",
            "extern \"C\" { fn f(); }",
            "#[no_mangle] fn f() {}",
            "#[unsafe(no_mangle)] fn f() {}",
            "fn f() { pin_init!(S { a <- unsafe { b } }); }",
            "fn f() { pr_info!(\"{}\", { unsafe { b() } }); }",
            "#[cfg(test)] mod tests { fn f() { unsafe { g() } } }",
        ];
        for text in samples {
            let tree = Tree::sample(&[
                ("md_rs/engine.rs", text),
                ("md_rs/kapi/bio.rs", text),
                ("md_raid/kapi.rs", text),
            ]);
            let findings = check(&tree);
            assert_eq!(findings.len(), 1, "{text}: {findings:?}");
            assert_eq!(findings[0].path, "md_rs/engine.rs");
        }
    }

    #[test]
    fn the_word_alone_is_no_unsafe_code() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\nfn f() { \"unsafe { }\"; }\n";
        assert_eq!(check(&Tree::sample(&[("md_stripe/stripe.rs", text)])), []);
    }
}
