// SPDX-License-Identifier: GPL-2.0
//! Names of metadevices, and md.tab.

use md_model::name::UnitName;
use mdctl::syntax::md_tab::entries;

/// The name of a metadevice: one that is accepted has one spelling.
pub(crate) fn name(input: &[u8]) {
    let mut padded = input.to_vec();
    padded.push(0);
    let _ = UnitName::from_padded(input);
    let found = UnitName::from_bytes(input).ok();
    if !input.contains(&0) {
        assert_eq!(found, UnitName::from_padded(&padded).ok());
    }
    if let Some(found) = found {
        assert_eq!(found.to_string().as_bytes(), input);
        assert_eq!(UnitName::from_number(found.number()), Ok(found));
    }
}

/// A file md.tab: what is printed of an entry is read as the same.
pub(crate) fn md_tab(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for entry in entries(&text) {
        match entry.spec() {
            Ok(spec) => {
                let printed = spec.to_string();
                let again = entries(&printed);
                let again: Vec<_> = again.iter().map(|entry| entry.spec()).collect();
                assert_eq!(again, [Ok(spec)], "{printed}");
            }
            Err(error) => drop(error.pointer(&entry.words)),
        }
    }
}
