// SPDX-License-Identifier: GPL-2.0
//! The table of the components of a row (`svm.md` section 10.1).

use crate::{
    syntax::name::component_word,
    unit::{
        Component,
        Row, //
    },
};
use std::collections::BTreeSet;

/// The columns that a table of components has beside those that it always has. A stripe that is
/// not below a mirror has no states in SVM; but whoever looks because something is wrong must see
/// what it is.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) states: bool,
    pub(super) errors: bool,
    pub(super) times: bool,
}

impl Columns {
    /// The components of a row.
    pub(super) fn table(self, row: &Row, replicas: Option<&BTreeSet<String>>) -> String {
        let components = row.components.iter();
        let names: Vec<_> = components
            .map(|part| component_word(&part.device))
            .collect();
        let errors: Vec<_> = row.components.iter().map(errors).collect();
        let name_width = width("Device", &names) + 2;
        let error_width = width("Errors", &errors);
        let has_spares = row.components.iter().any(|part| part.spare.is_some());
        let line = |start: String, [state, errors, time, spare]: [&str; 4]| {
            // The heading of the columns that are always there is wider than what stands in them.
            let mut line = format!("\t{start:width$}", width = name_width + 19);
            if self.states {
                line += &format!("{state:>13}");
            }
            if self.errors {
                line += &format!("  {errors:error_width$}");
            }
            if self.times {
                line += &format!("  {time}");
            }
            if has_spares {
                line += &format!("  {spare}");
            }
            format!("{}\n", line.trim_end())
        };
        let heading = format!("{:name_width$} Start Block  Dbase", "Device");
        let mut text = line(heading, ["State", "Errors", "Time", "Hot Spare"]);
        for ((name, errors), component) in names.iter().zip(&errors).zip(&row.components) {
            let has_replica = replicas.is_some_and(|paths| paths.contains(&component.device));
            let dbase = if has_replica { "Yes" } else { "No" };
            let start = format!("{name:name_width$} {:>8}    {dbase:>3}", component.start.0);
            let time = component.event.as_deref().unwrap_or("-");
            let spare = component.spare.as_deref().map(component_word);
            let spare = spare.unwrap_or_default();
            text += &line(start, [component.state_word(), errors, time, &spare]);
        }
        text
    }
}

/// Width of a column with a heading.
fn width(heading: &str, cells: &[String]) -> usize {
    let widths = cells.iter().map(|cell| cell.chars().count());
    widths.max().unwrap_or(0).max(heading.len())
}

/// How many requests to a component have failed.
fn errors(component: &Component) -> String {
    match (component.read_errors, component.write_errors) {
        (0, 0) => "none".to_string(),
        (reads, writes) => {
            let healed = component.healed_errors;
            let healed = match healed {
                0 => String::new(),
                healed => format!(", {healed} healed"),
            };
            format!("{reads} read, {writes} write{healed}")
        }
    }
}
