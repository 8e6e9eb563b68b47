// SPDX-License-Identifier: GPL-2.0
//! Fields at the top of a file, one per line: `Name: value`.

use crate::{
    finding::Finding,
    tree::File, //
};

/// Finds the fields that a file's head lacks, or gives no value.
pub(crate) fn missing_fields<'a>(
    file: &File,
    head: impl Iterator<Item = &'a str> + Clone,
    fields: &[&str],
) -> Vec<Finding> {
    let has = |field: &str| {
        let mut values = head.clone().filter_map(|line| line.strip_prefix(field));
        values.any(|value| !value.trim().is_empty())
    };
    let missing = fields.iter().filter(|field| !has(field));
    missing
        .map(|field| {
            let what = format!("no {field} at the top");
            Finding::new(&file.path, 1, what, "add the line, with a value")
        })
        .collect()
}
