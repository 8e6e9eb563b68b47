// SPDX-License-Identifier: GPL-2.0
//! A metadevice as the commands see it: what the kernel answered, checked and in Rust's terms.

use crate::syntax::{
    name::MetadeviceName,
    rows::{
        RowSpec,
        StripeSpec, //
    },
    size::Sectors, //
};
use md_report::{
    self as report,
    State, //
};

/// A stripe or concat that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: MetadeviceName,
    /// The metadevice that it is a component of.
    pub parent: Option<MetadeviceName>,
    /// Its state, the worst of its components'.
    pub state: State,
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
    pub state: State,
    /// Reads that failed.
    pub read_errors: u64,
    /// Writes and flushes that failed.
    pub write_errors: u64,
    /// When the state last changed or an error last occurred, in UTC as RFC 3339 has it.
    pub event: Option<String>,
}

impl Unit {
    /// What one would give to `metainit` to make the same metadevice.
    pub fn specification(&self) -> StripeSpec {
        let row = |row: &Row| RowSpec {
            interlace: row.interlace,
            devices: row
                .components
                .iter()
                .map(|component| component.device.clone())
                .collect(),
        };
        StripeSpec {
            name: self.name,
            rows: self.rows.iter().map(row).collect(),
            keep_data: self.keeps_data(),
        }
    }

    /// Whether it begins where a disk or partition begins. One that is made of metadevices does
    /// so in any case: they have no reserved head.
    fn keeps_data(&self) -> bool {
        let mut components = self.components();
        match (components.next(), components.next()) {
            (Some(only), None) => {
                only.start.0 == 0 && MetadeviceName::at_path(&only.device).is_none()
            }
            _ => false,
        }
    }

    /// All components, row after row.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.rows.iter().flat_map(|row| &row.components)
    }

    /// Whether anything is or was wrong with it.
    pub fn has_trouble(&self) -> bool {
        self.state != State::Okay || self.components().any(Component::has_trouble)
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

impl Component {
    /// Whether it is out of service, or a request to it has failed.
    fn has_trouble(&self) -> bool {
        self.state != State::Okay || self.read_errors > 0 || self.write_errors > 0
    }
}

impl From<&Unit> for report::Metadevice {
    fn from(unit: &Unit) -> Self {
        report::Metadevice {
            name: unit.name.to_string(),
            kind: unit.kind(),
            size: unit.size.bytes(),
            state: unit.state,
            parent: unit.parent.map(|parent| parent.to_string()),
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
            state: component.state,
            read_errors: component.read_errors,
            write_errors: component.write_errors,
            event: component.event.clone(),
        }
    }
}
