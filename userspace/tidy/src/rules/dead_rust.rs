// SPDX-License-Identifier: GPL-2.0
//! Every Rust file is compiled: it is the root of a crate that Kbuild or cargo builds, or such a
//! root leads to it by `mod` or `include!`. A forgotten test file passes without being run.

use std::collections::BTreeSet;

use syn::{
    visit::{
        visit_item_mod,
        Visit, //
    },
    Expr,
    ExprLit,
    ItemMod,
    Lit,
    LitStr,
    Macro,
    Meta, //
};
use toml::{
    Table,
    Value, //
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
    let mut roots = kbuild_roots(tree);
    roots.extend(cargo_roots(tree));
    let mut alive = BTreeSet::new();
    for root in &roots {
        follow(tree, root, true, &mut alive);
    }
    tree.files_of(Kind::Rust)
        .filter(|file| !alive.contains(&file.path))
        .map(|file| {
            let what = "no crate contains this file";
            let fix = "name it with mod, or as a target in Cargo.toml or Kbuild, or remove it";
            Finding::new(&file.path, 1, what, fix)
        })
        .collect()
}

/// The crate roots that Kbuild files name by their objects.
pub(crate) fn kbuild_roots(tree: &Tree) -> BTreeSet<String> {
    tree.files_of(Kind::Make)
        .filter(|file| file.name() == "Kbuild")
        .flat_map(|file| {
            let words = file
                .text
                .split(|c: char| c.is_whitespace() || ":=()".contains(c));
            let objects = words.filter_map(|word| word.strip_suffix(".o"));
            objects.map(|stem| join(file.folder(), &format!("{stem}.rs")))
        })
        .filter(|path| tree.get(path).is_some())
        .collect()
}

/// The crate roots of all targets that cargo knows from Cargo.toml or finds by itself.
fn cargo_roots(tree: &Tree) -> BTreeSet<String> {
    tree.files()
        .filter(|file| file.name() == "Cargo.toml")
        .flat_map(|file| package_roots(tree, file))
        .collect()
}

fn package_roots(tree: &Tree, manifest: &File) -> Vec<String> {
    let Ok(table) = manifest.text.parse::<Table>() else {
        return Vec::new();
    };
    let folder = manifest.folder();
    let mut roots = vec![join(folder, "build.rs")];
    for kind in ["lib", "bin", "test", "bench", "example"] {
        let targets: &[Value] = match table.get(kind) {
            Some(Value::Array(targets)) => targets,
            Some(target) => std::slice::from_ref(target),
            None => &[],
        };
        let paths = targets
            .iter()
            .filter_map(|target| target.get("path")?.as_str());
        roots.extend(paths.map(|path| join(folder, path)));
    }
    let package = table.get("package");
    let finds = |key| package.and_then(|package| package.get(key)?.as_bool()) != Some(false);
    for (key, place) in [
        ("autolib", "src"),
        ("autobins", "src/bin"),
        ("autotests", "tests"),
        ("autobenches", "benches"),
        ("autoexamples", "examples"),
    ] {
        if package.is_some() && finds(key) {
            roots.extend(found_targets(tree, &join(folder, place), key == "autolib"));
        }
    }
    roots
}

/// What cargo finds in a folder of targets: `x.rs` and `x/main.rs`; in `src/` two files by name.
fn found_targets(tree: &Tree, folder: &str, is_source: bool) -> Vec<String> {
    if is_source {
        return vec![join(folder, "lib.rs"), join(folder, "main.rs")];
    }
    let of_folder = |file: &&File| {
        let main = file.name() == "main.rs" && file.folder().rsplit_once('/').is_some();
        let parent = file
            .folder()
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent);
        file.folder() == folder || main && parent == folder
    };
    let files = tree.files_of(Kind::Rust).filter(of_folder);
    files.map(|file| file.path.clone()).collect()
}

/// Marks a file and everything it leads to.
fn follow(tree: &Tree, path: &str, is_root: bool, alive: &mut BTreeSet<String>) {
    let Some(file) = tree.get(path).filter(|_| !alive.contains(path)) else {
        return;
    };
    alive.insert(path.to_owned());
    let Ok(code) = file.code() else { return };
    let stem = file.name().strip_suffix(".rs").unwrap_or(file.name());
    let own_folder = is_root || stem == "mod";
    let mut modules = Modules {
        here: file.folder().to_owned(),
        children: match own_folder {
            true => file.folder().to_owned(),
            false => join(file.folder(), stem),
        },
        named: Vec::new(),
        included: Vec::new(),
    };
    modules.visit_file(&code.whole.file);
    for path in modules.named {
        follow(tree, &path, false, alive);
    }
    // What is included stands in this file's place.
    for path in modules.included {
        follow(tree, &path, own_folder, alive);
    }
}

/// Collects where the modules of a file can be.
struct Modules {
    /// Folder of the file, which `#[path]` starts from.
    here: String,
    /// Folder of the modules' files.
    children: String,
    /// Paths of modules, whether they exist or not.
    named: Vec<String>,
    /// Paths that are included.
    included: Vec<String>,
}

impl<'a> Visit<'a> for Modules {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        // A module may be called by a word of the language.
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#").to_string();
        let path = module
            .attrs
            .iter()
            .find_map(|attribute| match &attribute.meta {
                Meta::NameValue(pair) if pair.path.is_ident("path") => text_of(&pair.value),
                _ => None,
            });
        if module.content.is_some() {
            let inner = join(&self.children, &path.unwrap_or(name));
            let before = (
                std::mem::replace(&mut self.children, inner.clone()),
                std::mem::replace(&mut self.here, inner),
            );
            visit_item_mod(self, module);
            (self.children, self.here) = before;
        } else if let Some(path) = path {
            self.named.push(join(&self.here, &path));
        } else {
            self.named.push(join(&self.children, &format!("{name}.rs")));
            self.named
                .push(join(&self.children, &format!("{name}/mod.rs")));
        }
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        if call.path.is_ident("include") {
            if let Ok(path) = call.parse_body::<LitStr>() {
                self.included.push(join(&self.here, &path.value()));
            }
        }
    }
}

fn text_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything in this tree is alive, except files named `dead.rs`.
    const FILES: &[(&str, &str)] = &[
        (
            "Kbuild",
            "a-y := md_rs/md.o md_rs/shim.o\n$(obj)/md_rs/md.o: $(obj)/model/m.o\n",
        ),
        (
            "md_rs/md.rs",
            "mod kapi;\n#[path = \"../userspace/abi/src/admin.rs\"]\nmod abi;\n",
        ),
        ("md_rs/kapi/mod.rs", "mod bio;\nmod inner { mod leaf; }\n"),
        ("md_rs/kapi/bio.rs", "mod page;\n"),
        ("md_rs/kapi/bio/page.rs", "include!(\"table.rs\");\n"),
        ("md_rs/kapi/bio/table.rs", ""),
        ("md_rs/kapi/inner/leaf.rs", ""),
        ("md_rs/kapi/dead.rs", ""),
        ("model/m.rs", ""),
        ("model/tests/prop.rs", ""),
        ("model/tests/dead.rs", ""),
        ("userspace/Cargo.toml", "[workspace]\nmembers = [\"abi\"]\n"),
        ("userspace/src/dead/main.rs", ""),
        ("userspace/abi/Cargo.toml", "[package]\nname = \"abi\"\n"),
        ("userspace/abi/src/lib.rs", "pub mod admin;\n"),
        ("userspace/abi/src/admin.rs", ""),
        ("userspace/abi/src/bin/tool.rs", ""),
        ("userspace/abi/tests/it.rs", "mod env;\n"),
        ("userspace/abi/tests/env/mod.rs", ""),
        ("userspace/abi/tests/env/dead.rs", ""),
        (
            "userspace/model/Cargo.toml",
            "[package]\nautotests = false\n[lib]\npath = \"../../model/m.rs\"\n\
             [[test]]\npath = \"../../model/tests/prop.rs\"\n",
        ),
        ("userspace/model/tests/dead.rs", ""),
    ];

    #[test]
    fn files_that_no_crate_contains_are_found() {
        let paths: Vec<_> = check(&Tree::sample(FILES))
            .into_iter()
            .map(|f| f.path)
            .collect();
        assert_eq!(
            paths,
            [
                "md_rs/kapi/dead.rs",
                "model/tests/dead.rs",
                "userspace/abi/tests/env/dead.rs",
                "userspace/model/tests/dead.rs",
                "userspace/src/dead/main.rs",
            ]
        );
    }

    #[test]
    fn what_kbuild_names_are_the_roots() {
        let roots = kbuild_roots(&Tree::sample(FILES));
        assert_eq!(
            roots.into_iter().collect::<Vec<_>>(),
            ["md_rs/md.rs", "model/m.rs"]
        );
    }
}
