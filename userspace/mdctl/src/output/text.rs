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
        rows::StripeSpec,
        size::Sectors, //
    },
    unit::{
        Row,
        Unit, //
    },
};
use md_abi::admin::SECTOR_BYTES;
use std::fmt::Write;

/// A failure, for standard error.
pub fn failure(finished: &Finished, failure: &Failure) -> String {
    let mut text = format!("{}: ", finished.command);
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

/// The long form, one paragraph for each metadevice.
pub fn paragraphs(units: &[Unit]) -> String {
    units.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

/// The long form of one metadevice.
fn paragraph(unit: &Unit) -> String {
    let mut text = format!("{}: Concat/Stripe\n", unit.name);
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
        text += &component_table(row);
    }
    text
}

/// The components of a row. A stripe without a mirror has no states to show.
fn component_table(row: &Row) -> String {
    let names = row
        .components
        .iter()
        .map(|component| component.device.chars().count());
    let width = names.max().unwrap_or(0).max("Device".len()) + 2;
    let mut text = format!("\t{:width$} Start Block  Dbase\n", "Device");
    for component in &row.components {
        // No replica of the state database lies on a component before there is one.
        let start = component.start.0;
        let _ = writeln!(text, "\t{:width$} {start:>8}     No", component.device);
    }
    text
}

/// The form of md.tab, one line for each metadevice.
pub fn md_tab(units: &[Unit]) -> String {
    let line = |unit: &Unit| {
        let spec = StripeSpec {
            name: unit.name,
            rows: unit.specification(),
        };
        format!("{spec}\n")
    };
    units.iter().map(line).collect()
}

/// The concise form, one line for each metadevice.
pub fn concise(units: &[Unit]) -> String {
    let line = |unit: &Unit| {
        let devices: Vec<_> = unit
            .components()
            .map(|component| component.device.as_str())
            .collect();
        let size = concise_size(unit.size);
        format!(
            "{:16} s {size:>6} {}\n",
            unit.name.to_string(),
            devices.join(" ")
        )
    };
    units.iter().map(line).collect()
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
