// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools as text (`svm.md` section 10.1).

use crate::{
    admin::requests::pools::{
        Pool,
        Spare, //
    },
    syntax::name::component_word, //
};
use md_report::SpareStatus;

/// The long form, one paragraph for each pool.
pub fn paragraphs(pools: &[Pool]) -> String {
    let paragraphs: Vec<_> = pools.iter().map(paragraph).collect();
    paragraphs.join("\n")
}

fn paragraph(pool: &Pool) -> String {
    let name = pool.name;
    let mut text = match pool.spares.len() {
        0 => return format!("{name}: is empty\n"),
        1 => format!("{name}: 1 hot spare\n"),
        count => format!("{name}: {count} hot spares\n"),
    };
    let names = pool.spares.iter().map(|spare| component_word(&spare.path));
    let names: Vec<_> = names.collect();
    let widths = names.iter().map(|name| name.chars().count());
    let width = widths.max().unwrap_or(0).max("Device".len()) + 2;
    text += &format!("\t{:width$} Status       Length\n", "Device");
    for (name, spare) in names.iter().zip(&pool.spares) {
        let (status, size) = (spare.status.word(), spare.size.0);
        text += &format!("\t{name:width$} {status:12} {size} blocks\n");
    }
    text
}

/// The concise form, one line for each pool.
pub fn concise(pools: &[Pool]) -> String {
    let line = |pool: &Pool| {
        let spares: Vec<_> = pool.spares.iter().map(concise_spare).collect();
        let line = format!("{:16} h {:>6} {}", pool.name, "-", spares.join(" "));
        format!("{}\n", line.trim_end())
    };
    pools.iter().map(line).collect()
}

fn concise_spare(spare: &Spare) -> String {
    let word = component_word(&spare.path);
    match spare.status {
        SpareStatus::Available => word,
        SpareStatus::InUse => format!("{word} (in-use)"),
        SpareStatus::Broken => format!("{word} (broken)"),
    }
}

/// The form of md.tab, one line for each pool.
pub fn md_tab(pools: &[Pool]) -> String {
    let line = |pool: &Pool| format!("{}\n", pool.specification());
    pools.iter().map(line).collect()
}
