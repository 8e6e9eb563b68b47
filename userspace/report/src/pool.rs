// SPDX-License-Identifier: GPL-2.0
//! Hot spare pools, as scripts see them.

use serde::Serialize;

/// A hot spare pool.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct HotSparePool {
    /// Its name, such as `hsp001`.
    pub name: String,
    /// Stripes and concats that have it.
    pub users: u32,
    /// Its spares, in the order in which they are tried.
    pub spares: Vec<HotSpare>,
}

/// A hot spare.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct HotSpare {
    /// Path of its device.
    pub device: String,
    /// How it is.
    pub status: SpareStatus,
    /// Bytes that it has room for. 0 if it is not there.
    pub size: u64,
    /// Name of the metadevice of which it stands for a component, or did until that was replaced
    /// and is resynced. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadevice: Option<String>,
    /// When it broke or was enabled, in UTC as RFC 3339 has it. Null if never.
    pub event: Option<String>,
}

/// States of hot spares, in SVM's words (`svm.md` section 7).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum SpareStatus {
    /// It may be given to a component.
    Available,
    /// A component has it.
    #[serde(rename = "In use")]
    InUse,
    /// It has failed.
    Broken,
}

impl SpareStatus {
    /// The state as text has it, the same words as in the documents.
    pub fn word(self) -> &'static str {
        match self {
            SpareStatus::Available => "Available",
            SpareStatus::InUse => "In use",
            SpareStatus::Broken => "Broken",
        }
    }
}
