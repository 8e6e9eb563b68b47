// SPDX-License-Identifier: GPL-2.0
//! Everything that reads what it has not written itself, as targets of a fuzzer: the pages and
//! records of the state database, the load of a set, watermarks, names, md.tab, file systems that
//! are dumped, and dumps.
//!
//! A target panics on a bug and else returns. Beside not panicking, what a codec accepts has to
//! come out again as the very bytes that went in. Checksums and magic numbers are made to fit here,
//! since no fuzzer guesses them; what happens if they do not is in `model/tests/prop_fields.rs`.
//!
//! `scripts/fuzz` runs a target under libFuzzer. `tests/corpus.rs` runs all of them once over their
//! inputs in `corpus/`, of which each line is one, in hexadecimal digits.

mod backup;
mod ext_image;
mod image;
#[path = "../../../model/tests/offline/mod.rs"]
mod offline;
mod pages;
#[path = "../../../model/tests/reencode/mod.rs"]
mod reencode;
mod soft;
mod text;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which its file in `corpus/` has too.
    pub name: &'static str,
    /// Panics if there is a bug.
    pub run: fn(&[u8]),
}

/// A target that is named like its function.
macro_rules! target {
    ($module:ident, $name:ident) => {
        Target {
            name: stringify!($name),
            run: $module::$name,
        }
    };
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target!(pages, page),
    target!(pages, label),
    target!(pages, label_tree),
    target!(pages, header),
    target!(pages, root),
    target!(pages, table),
    target!(pages, records),
    target!(pages, metadevice),
    target!(pages, pool),
    target!(pages, failfast),
    target!(image, image),
    target!(backup, extfs),
    target!(backup, dump),
    target!(backup, dumpdates),
    target!(soft, watermark),
    target!(soft, watermarks),
    target!(text, name),
    target!(text, md_tab),
];

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The inputs in the text of a corpus file: hexadecimal digits, one input a line. Lines that begin
/// with `#` are remarks. An odd digit at the end of a line is left out.
pub fn inputs(corpus: &str) -> Vec<Vec<u8>> {
    let lines = corpus.lines().filter(|line| !line.starts_with('#'));
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok();
        u8::from_str_radix(digits?, 16).ok()
    };
    lines
        .map(|line| line.as_bytes().chunks_exact(2).filter_map(byte).collect())
        .collect()
}
