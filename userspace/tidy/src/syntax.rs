// SPDX-License-Identifier: GPL-2.0
//! Rust code as the rules look at it: without its tests, and with the bodies of macro calls parsed
//! where they read as expressions or statements.

use proc_macro2::{
    TokenStream,
    TokenTree, //
};
use syn::{
    parse::{
        Parse,
        ParseStream,
        Parser, //
    },
    punctuated::Punctuated,
    visit::Visit,
    Attribute,
    Block,
    Expr,
    ImplItem,
    Item,
    Macro,
    Stmt,
    Token, //
};

/// The code of one file.
#[derive(Debug)]
pub(crate) struct Code {
    /// All of it.
    pub(crate) whole: Source,
    /// All but the tests.
    pub(crate) shipped: Source,
}

/// Code that visitors can be shown.
#[derive(Debug)]
pub(crate) struct Source {
    /// As syn parses it, with macro calls unopened.
    pub(crate) file: syn::File,
    /// Bodies of macro calls, as far as they read as Rust.
    macro_bodies: Vec<Body>,
    /// Bodies of the other macro calls, token by token with groups opened.
    pub(crate) opaque: Vec<Vec<TokenTree>>,
}

impl Code {
    /// Parses a file.
    pub(crate) fn parse(text: &str) -> syn::Result<Self> {
        let whole = syn::parse_file(text)?;
        let mut shipped = whole.clone();
        remove_tests(&mut shipped.items);
        Ok(Self {
            whole: Source::new(whole),
            shipped: Source::new(shipped),
        })
    }
}

impl Source {
    fn new(file: syn::File) -> Self {
        let mut calls = MacroCalls::default();
        calls.visit_file(&file);
        Self {
            file,
            macro_bodies: calls.bodies,
            opaque: calls.opaque,
        }
    }

    /// Shows the code to a visitor, bodies of macro calls last.
    pub(crate) fn visit<'a>(&'a self, visitor: &mut impl Visit<'a>) {
        visitor.visit_file(&self.file);
        for body in &self.macro_bodies {
            body.statements
                .iter()
                .for_each(|statement| visitor.visit_stmt(statement));
        }
    }
}

/// Whether an item is only compiled for tests.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.is_ident("test")
            || path.is_ident("kunit_tests")
            || path.is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// The line that a span starts in, counted from 1.
pub(crate) fn line_of(node: &impl syn::spanned::Spanned) -> usize {
    node.span().start().line
}

/// The lines from the start of a node to its end.
pub(crate) fn line_count(node: &impl syn::spanned::Spanned) -> usize {
    node.span().end().line + 1 - node.span().start().line
}

fn remove_tests(items: &mut Vec<Item>) {
    items.retain(|item| !is_test(attributes_of(item)));
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    remove_tests(items);
                }
            }
            Item::Impl(block) => block.items.retain(|item| match item {
                ImplItem::Fn(function) => !is_test(&function.attrs),
                _ => true,
            }),
            _ => {}
        }
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The body of a macro call that reads as Rust.
#[derive(Debug)]
struct Body {
    statements: Vec<Stmt>,
}

impl Parse for Body {
    /// Statements, or else expressions with commas between them.
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let statements = if is_expression_list(input) {
            Punctuated::<Expr, Token![,]>::parse_terminated(input)?
                .into_iter()
                .map(|expression| Stmt::Expr(expression, None))
                .collect()
        } else {
            Block::parse_within(input)?
        };
        Ok(Self { statements })
    }
}

fn is_expression_list(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    Punctuated::<Expr, Token![,]>::parse_terminated(&fork).is_ok()
}

/// Collects the bodies of macro calls, and of the calls in them.
#[derive(Default)]
struct MacroCalls {
    bodies: Vec<Body>,
    opaque: Vec<Vec<TokenTree>>,
}

impl<'a> Visit<'a> for MacroCalls {
    fn visit_macro(&mut self, call: &'a Macro) {
        match Body::parse.parse2(call.tokens.clone()) {
            Ok(body) => {
                let mut inner = Self::default();
                body.statements
                    .iter()
                    .for_each(|statement| inner.visit_stmt(statement));
                self.bodies.push(body);
                self.bodies.append(&mut inner.bodies);
                self.opaque.append(&mut inner.opaque);
            }
            Err(_) => {
                let mut tokens = Vec::new();
                open_groups(call.tokens.clone(), &mut tokens);
                self.opaque.push(tokens);
            }
        }
    }
}

/// All tokens, in order; each group before the tokens in it.
fn open_groups(stream: TokenStream, tokens: &mut Vec<TokenTree>) {
    for token in stream {
        tokens.push(token.clone());
        if let TokenTree::Group(group) = token {
            open_groups(group.stream(), tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts method calls by name.
    struct Calls(Vec<String>);

    impl<'a> Visit<'a> for Calls {
        fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
            self.0.push(call.method.to_string());
            syn::visit::visit_expr_method_call(self, call);
        }
    }

    fn calls(text: &str) -> Vec<String> {
        let code = Code::parse(text).expect("valid Rust");
        let mut calls = Calls(Vec::new());
        code.shipped.visit(&mut calls);
        calls.0
    }

    #[test]
    fn tests_are_left_out() {
        let text = "
            fn f() { x.shipped(); }
            #[test] fn t() { x.test(); }
            #[cfg(test)] mod tests { fn f() { x.test(); } }
            #[kunit_tests(md)] mod kunit { fn f() { x.test(); } }
            mod inner { #[cfg(test)] fn f() { x.test(); } }
            impl S { #[cfg(test)] fn f() { x.test(); } }
            #[cfg(MD_KERNEL)] fn g() { x.shipped(); }";
        assert_eq!(calls(text), ["shipped", "shipped"]);
    }

    #[test]
    fn macro_bodies_are_looked_into() {
        let text = r#"fn f() {
            pr_info!("{} {}", x.first(), y);
            outer!({ let a = inner!(x.second()); });
            vec![x.third(); 3];
        }"#;
        assert_eq!(calls(text), ["first", "second", "third"]);
    }

    #[test]
    fn what_does_not_read_as_rust_is_kept_as_tokens() {
        let code = Code::parse("pin_init!(Self { a <- b.c(d) });").expect("valid Rust");
        let tokens: Vec<String> = code.whole.opaque[0]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(tokens.contains(&"d".to_owned()), "{tokens:?}");
    }
}
