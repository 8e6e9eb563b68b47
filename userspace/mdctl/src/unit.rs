// SPDX-License-Identifier: GPL-2.0
//! A metadevice as the commands see it: what the kernel answered, checked and in Rust's terms.

use crate::syntax::{
    name::MetadeviceName,
    rows::RowSpec,
    size::Sectors, //
};
use md_abi::admin::ComponentState;
use md_report as report;

/// A stripe or concat that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: MetadeviceName,
    /// Its size.
    pub size: Sectors,
    /// Its device number, as `st_rdev` has it.
    pub dev: u64,
    /// Its rows, at least one.
    pub rows: Vec<Row>,
}

/// A row: a stripe over its components, or a single component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// How much lies on one component before it is the next one's turn.
    pub interlace: Sectors,
    /// The components, at least one.
    pub components: Vec<Component>,
}

/// A component of a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    /// Path of the device, as it was given when the metadevice was made.
    pub device: String,
    /// First sector of the metadevice's data on the device.
    pub start: Sectors,
    /// Sectors of the device that hold data of the metadevice.
    pub size: Sectors,
    /// Its state.
    pub state: ComponentState,
}

impl Unit {
    /// What one would give to `metainit` to make the same metadevice.
    pub fn specification(&self) -> Vec<RowSpec> {
        let specification = |row: &Row| RowSpec {
            interlace: row.interlace,
            devices: row
                .components
                .iter()
                .map(|component| component.device.clone())
                .collect(),
        };
        self.rows.iter().map(specification).collect()
    }

    /// All components, row after row.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.rows.iter().flat_map(|row| &row.components)
    }

    /// Stripe or concat: SVM has one word for both, the JSON documents have two.
    fn kind(&self) -> report::Kind {
        if self.rows.iter().any(|row| row.components.len() > 1) {
            report::Kind::Stripe
        } else {
            report::Kind::Concat
        }
    }
}

impl From<&Unit> for report::Metadevice {
    fn from(unit: &Unit) -> Self {
        report::Metadevice {
            name: unit.name.to_string(),
            kind: unit.kind(),
            size: unit.size.bytes(),
            // A stripe without a mirror has no state of its own: an I/O error is returned, and
            // the stripe stays in service (`svm.md` section 3.5).
            state: report::State::Okay,
            rows: unit.rows.iter().map(report::Row::from).collect(),
        }
    }
}

impl From<&Row> for report::Row {
    fn from(row: &Row) -> Self {
        report::Row {
            interlace: row.interlace.bytes(),
            components: row.components.iter().map(report::Component::from).collect(),
        }
    }
}

impl From<&Component> for report::Component {
    fn from(component: &Component) -> Self {
        report::Component {
            device: component.device.clone(),
            start: component.start.bytes(),
            size: component.size.bytes(),
            state: match component.state {
                ComponentState::Okay => report::State::Okay,
            },
        }
    }
}
