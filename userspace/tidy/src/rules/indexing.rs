// SPDX-License-Identifier: GPL-2.0
//! Kernel code does not index: `x[i]` and `x[a..b]` panic when they miss.

use syn::{
    visit::{
        visit_expr_index,
        Visit, //
    },
    ExprIndex, //
};

use crate::{
    finding::Finding,
    syntax::line_of,
    tree::Tree, //
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, code) in tree.rust().filter(|(file, _)| file.is_kernel_code()) {
        code.shipped.visit(&mut Indexing {
            path: &file.path,
            findings: &mut findings,
        });
    }
    findings
}

struct Indexing<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Visit<'a> for Indexing<'_> {
    fn visit_expr_index(&mut self, index: &'a ExprIndex) {
        let what = "indexing can panic";
        let fix = "use get(), split_at_checked() or an iterator, and handle None";
        self.findings
            .push(Finding::new(self.path, line_of(index), what, fix));
        visit_expr_index(self, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexing_is_found_in_code_and_in_macro_calls() {
        let text = "fn f(x: &[u8]) -> [u8; 2] {
            let a = x[1];
            let b = &x[..2];
            pr_info!(\"{}\", x[3]);
            let [c, d] = vec![1, 2];
            [c, d]
        }
        #[cfg(test)]
        mod tests { fn f() { x[0]; } }\n";
        let tree = Tree::sample(&[("md_rs/a.rs", text), ("userspace/a.rs", text)]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        assert_eq!(
            places,
            [2, 3, 4].map(|line| ("md_rs/a.rs".to_owned(), line))
        );
    }
}
