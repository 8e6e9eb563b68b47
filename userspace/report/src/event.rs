// SPDX-License-Identifier: GPL-2.0
//! Events, as the documents of `mdctl monitor` describe them.

use serde::Serialize;

/// Something that has happened to a metadevice, to what it is made of, to a hot spare pool, or to
/// the set. The words of events and states are also those of the uevents (`MD_EVENT`,
/// `MD_OLD_STATE`, `MD_NEW_STATE`).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Event {
    /// Number of the event: one more than that of the event before, beginning with 1 when the
    /// module is loaded.
    pub sequence: u64,
    /// When it happened, in UTC as RFC 3339 has it. Null if the machine did not know the time.
    pub time: Option<String>,
    /// What has happened, such as `erred` or `resync_done`.
    pub event: String,
    /// Name of the metadevice or hot spare pool. Absent if it is about the set or a replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Path of the component, hot spare or replica, name of the submirror, or the name that the
    /// metadevice had. Absent if it is about the volume itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Path of the device that has taken the place of `device`. Absent if none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_device: Option<String>,
    /// State before. Absent if it means nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_state: Option<String>,
    /// State since then. Absent if it means nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_state: Option<String>,
    /// `grow`: size of the metadevice before, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_size: Option<u64>,
    /// `grow`: size of the metadevice now, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_size: Option<u64>,
    /// `check`: bytes that differed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differing: Option<u64>,
    /// `check`: those of them that were made equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<u64>,
    /// `start`: metadevices that were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<u64>,
    /// `start`: metadevices that could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
}
