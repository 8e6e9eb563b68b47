// SPDX-License-Identifier: GPL-2.0
//! The answer as text, in SVM's forms (`svm.md` section 10.1).
//!
//! Two of SVM's columns are left out, since Linux has nothing to say in them: "Reloc", whether a
//! disk has a device id that follows it to another place, and with it the table of device ids.

use super::next_command;
use crate::{
    explain::Failure,
    multicall::Finished,
    syntax::{
        name::component_word,
        size::Sectors, //
    },
    unit::{
        Component,
        Row,
        Unit, //
    },
};
use md_abi::admin::SECTOR_BYTES;
use md_report::State;

/// A metadevice in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The metadevice.
    pub unit: Unit,
    /// How many steps below the first one of its tree it stands; the others follow that one.
    pub depth: usize,
    /// What brings it back into service, if it is not.
    pub repair: Option<String>,
}

/// A failure, for standard error.
pub fn failure(finished: &Finished, failure: &Failure) -> String {
    let mut text = format!("{}: ", finished.command);
    if let Some(entry) = &failure.entry {
        text += &format!("{}:{}: ", entry.file, entry.line);
        if failure.device.as_ref() != Some(&entry.name) {
            text += &format!("{}: ", entry.name);
        }
    }
    if let Some(device) = &failure.device {
        text += &format!("{device}: ");
    }
    text += &failure.reason;
    text.push('\n');
    for line in failure.pointer.iter().flat_map(|pointer| pointer.lines()) {
        text += &format!("    {line}\n");
    }
    text + &format!("next: {}\n", next_command(finished, failure))
}

/// The long form, one paragraph for each metadevice; with a column of times on demand.
pub fn paragraphs(units: &[Listed], with_times: bool) -> String {
    let paragraphs: Vec<_> = units
        .iter()
        .map(|listed| paragraph(listed, with_times))
        .collect();
    paragraphs.join("\n")
}

/// The long form of one metadevice.
fn paragraph(listed: &Listed, with_times: bool) -> String {
    let unit = &listed.unit;
    let columns = Columns {
        trouble: unit.has_trouble(),
        times: with_times,
    };
    let mut text = match unit.parent {
        Some(parent) => format!("{}: Subdevice of {parent}\n", unit.name),
        None => format!("{}: Concat/Stripe\n", unit.name),
    };
    if columns.trouble {
        text += &format!("    State: {}\n", unit.state.word());
    }
    if let Some(repair) = &listed.repair {
        text += &format!("    Invoke: after the missing device is back:\n\t\t{repair}\n");
    }
    text += &format!(
        "    Size: {} blocks ({})\n",
        unit.size.0,
        human_size(unit.size)
    );
    for (number, row) in unit.rows.iter().enumerate() {
        text += &format!("    Stripe {number}:");
        if row.components.len() > 1 {
            text += &format!(" (interlace: {} blocks)", row.interlace.0);
        }
        text.push('\n');
        text += &columns.table(row);
    }
    text
}

/// The columns that a table of components has beside those that it always has. A stripe has no
/// states in SVM; but whoever looks because something is wrong must see what it is.
#[derive(Clone, Copy)]
struct Columns {
    trouble: bool,
    times: bool,
}

impl Columns {
    /// The components of a row.
    fn table(self, row: &Row) -> String {
        let components = row.components.iter();
        let names: Vec<_> = components
            .map(|part| component_word(&part.device))
            .collect();
        let errors: Vec<_> = row.components.iter().map(errors).collect();
        let name_width = width("Device", &names) + 2;
        let error_width = width("Errors", &errors);
        let line = |start: String, [state, errors, time]: [&str; 3]| {
            // The heading of the columns that are always there is wider than what stands in them.
            let mut line = format!("\t{start:width$}", width = name_width + 19);
            if self.trouble {
                line += &format!("{state:>13}  {errors:error_width$}");
            }
            if self.times {
                line += &format!("  {time}");
            }
            format!("{}\n", line.trim_end())
        };
        let heading = format!("{:name_width$} Start Block  Dbase", "Device");
        let mut text = line(heading, ["State", "Errors", "Time"]);
        for ((name, errors), component) in names.iter().zip(&errors).zip(&row.components) {
            // No replica of the state database lies on a component before there is one.
            let start = format!("{name:name_width$} {:>8}     No", component.start.0);
            let time = component.event.as_deref().unwrap_or("-");
            text += &line(start, [component.state.word(), errors, time]);
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
        (reads, writes) => format!("{reads} read, {writes} write"),
    }
}

/// The form of md.tab, one line for each metadevice.
pub fn md_tab(units: &[Listed]) -> String {
    let line = |listed: &Listed| format!("{}\n", listed.unit.specification());
    units.iter().map(line).collect()
}

/// The concise form, one line for each metadevice.
pub fn concise(units: &[Listed]) -> String {
    let line = |listed: &Listed| {
        let unit = &listed.unit;
        let name = format!("{:indent$}{}", "", unit.name, indent = 4 * listed.depth);
        let components: Vec<_> = unit.components().map(concise_component).collect();
        let size = concise_size(unit.size);
        format!("{name:16} s {size:>6} {}\n", components.join(" "))
    };
    units.iter().map(line).collect()
}

/// A component in the concise form.
fn concise_component(component: &Component) -> String {
    let word = component_word(&component.device);
    match component.state {
        State::Okay => word,
        State::Unavailable => format!("{word} (unavail)"),
    }
}

/// A size as a person says it: `979 MB`, `1.4 GB`, `512  B`.
///
/// SVM's rule: divide by 1024 as often as possible; show the whole part, or one decimal if that
/// is below 10. Bytes have a blank in the place of the unit's letter.
fn human_size(size: Sectors) -> String {
    let bytes = u128::from(size.0) * u128::from(SECTOR_BYTES);
    let units = [' ', 'K', 'M', 'G', 'T', 'P', 'E', 'Z'];
    let (power, unit) = (0..)
        .zip(units)
        .find(|(power, _)| bytes >> (10 * power) < 1024)
        .unwrap_or((0, ' '));
    let one = 1_u128 << (10 * power);
    let whole = bytes / one;
    if whole < 10 {
        let tenths = (bytes * 10 + one / 2) / one;
        format!("{}.{} {unit}B", tenths / 10, tenths % 10)
    } else {
        format!("{whole} {unit}B")
    }
}

/// The same without blanks; `-` for nothing.
fn concise_size(size: Sectors) -> String {
    if size.0 == 0 {
        "-".to_string()
    } else {
        human_size(size).replace(' ', "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_svms_rule() {
        let sizes = [
            (0, "0.0  B"),
            (1, "512  B"),
            (2, "1.0 KB"),
            (19, "9.5 KB"),
            (20, "10 KB"),
            (2047, "1023 KB"),
            (2048, "1.0 MB"),
            (20_475, "10.0 MB"),
            (20_480, "10 MB"),
            (2_006_130, "979 MB"),
            (2_936_013, "1.4 GB"),
            (1 << 41, "1.0 PB"),
            (u64::MAX, "8.0 ZB"),
        ];
        for (sectors, text) in sizes {
            assert_eq!(human_size(Sectors(sectors)), text, "{sectors} sectors");
        }
    }

    #[test]
    fn concise_sizes_have_no_blanks() {
        assert_eq!(concise_size(Sectors(0)), "-");
        assert_eq!(concise_size(Sectors(1)), "512B");
        assert_eq!(concise_size(Sectors(2_006_130)), "979MB");
    }
}
