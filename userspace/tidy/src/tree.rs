// SPDX-License-Identifier: GPL-2.0
//! The files of the repository, as git lists them: tracked ones, and new ones not ignored.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command, //
};

use anyhow::{
    bail,
    Context,
    Result, //
};

use crate::syntax::Code;

/// All files, by path from the top of the repository.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Rust,
    C,
    Shell,
    Make,
    Markdown,
    Patch,
    Other,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// Path from the top of the repository.
    pub(crate) path: String,
    /// Content; bytes that are not UTF-8 are replaced (the rule `ascii` reports them).
    pub(crate) text: String,
    /// What it is written in.
    pub(crate) kind: Kind,
    code: OnceCell<syn::Result<Code>>,
}

impl Tree {
    /// Reads the repository at `top`.
    pub fn read(top: &Path) -> Result<Self> {
        let output = Command::new("git")
            // Another user's checkout is as good to read as one's own.
            .args(["-c", "safe.directory=*", "ls-files", "-z"])
            .args(["--cached", "--others", "--exclude-standard"])
            .current_dir(top)
            .output()
            .context("git does not start: install git")?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("git cannot list {}: {}", top.display(), message.trim());
        }
        let mut tree = Self::default();
        for path in String::from_utf8(output.stdout)?.split_terminator('\0') {
            let place = top.join(path);
            // Neither links nor what was deleted and not yet committed.
            if place.symlink_metadata().is_ok_and(|data| data.is_file()) {
                let bytes = fs::read(&place).with_context(|| format!("cannot read {path}"))?;
                tree.add(path, &String::from_utf8_lossy(&bytes));
            }
        }
        Ok(tree)
    }

    fn add(&mut self, path: &str, text: &str) {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
            kind: Kind::of(path, text),
            code: OnceCell::new(),
        };
        self.files.insert(path.to_owned(), file);
    }

    /// Every file, in the order of paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// Every file of a kind.
    pub(crate) fn files_of(&self, kind: Kind) -> impl Iterator<Item = &File> {
        self.files().filter(move |file| file.kind == kind)
    }

    /// Every Rust file that syn understands, and its code. The rule `parses` reports the others.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Code)> {
        self.files_of(Kind::Rust)
            .filter_map(|file| Some((file, file.code().ok()?)))
    }

    /// The file at a path.
    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Whether there is a file, or a folder with files, at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files.contains_key(path) || self.files().any(|file| file.path.starts_with(&folder))
    }

    /// A made-up tree, for tests of rules.
    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add(path, text);
        }
        tree
    }
}

impl File {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The path without the last part; empty at the top.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Lines with their numbers, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Whether this file is, or may become, part of a kernel module.
    pub(crate) fn is_kernel_code(&self) -> bool {
        let kernel = self.path.starts_with("md_") || self.path.starts_with("model/");
        kernel && !self.path.contains("/tests/")
    }

    /// The code of a Rust file.
    pub(crate) fn code(&self) -> Result<&Code, &syn::Error> {
        self.code.get_or_init(|| Code::parse(&self.text)).as_ref()
    }
}

impl Kind {
    /// Tells a file's kind by its name, or by the interpreter that its first line names.
    fn of(path: &str, text: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "rs" => Self::Rust,
            "c" | "h" => Self::C,
            "sh" => Self::Shell,
            "mk" => Self::Make,
            "md" => Self::Markdown,
            "patch" => Self::Patch,
            _ if ["Makefile", "Kbuild"].contains(&name) => Self::Make,
            _ if text.starts_with("#!") && first_line(text).ends_with("sh") => Self::Shell,
            _ => Self::Other,
        }
    }
}

/// Joins two paths within the repository, and resolves `.` and `..`.
pub(crate) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_names_and_first_lines() {
        let kinds = [
            ("a/b.rs", "", Kind::Rust),
            ("shim.h", "", Kind::C),
            ("scripts/vm", "#!/usr/bin/env bash\n", Kind::Shell),
            ("scripts/list", "one\n", Kind::Other),
            ("Kbuild", "", Kind::Make),
            ("docs/a.md", "", Kind::Markdown),
        ];
        for (path, text, kind) in kinds {
            assert_eq!(Kind::of(path, text), kind, "{path}");
        }
    }

    #[test]
    fn kernel_code_is_the_modules_and_the_model_without_their_tests() {
        let tree = Tree::sample(&[
            ("md_rs/md.rs", ""),
            ("model/name.rs", ""),
            ("model/tests/prop.rs", ""),
            ("userspace/mdctl/src/main.rs", ""),
        ]);
        let kernel: Vec<_> = tree.files().filter(|file| file.is_kernel_code()).collect();
        assert_eq!(kernel.len(), 2);
    }

    #[test]
    fn paths_are_joined_and_resolved() {
        assert_eq!(join("a/b", "../c/./d.rs"), "a/c/d.rs");
        assert_eq!(join("", "/a"), "a");
        assert_eq!(join("a", "../../b"), "b");
    }

    #[test]
    fn a_folder_is_there_when_a_file_is_in_it() {
        let tree = Tree::sample(&[("docs/a.md", "")]);
        assert!(tree.has("docs") && tree.has("docs/a.md"));
        assert!(!tree.has("doc") && !tree.has("docs/a"));
    }
}
