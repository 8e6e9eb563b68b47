// SPDX-License-Identifier: GPL-2.0
//! What may happen, and to what state it leads. Kinds are those of SVM's notifications, and so are
//! their names, as far as it has them (`svm.md` section 12).
//!
//! The numbers are those of the ioctl interface, the words those of uevents and of `mdctl monitor`,
//! so that nothing translates. A number never changes its meaning.

use crate::{
    mirror::{
        component,
        scrub::run::End, //
    },
    spare, //
};

/// What has happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A metadevice or hot spare pool was made.
    Create,
    /// One is gone.
    Delete,
    /// A metadevice has become larger.
    Grow,
    /// A metadevice has another name. The device is the name that it had.
    Rename,
    /// A metadevice has taken the name of another one, which has the one that it had.
    Exchange,
    /// A mirror has one more submirror.
    Attach,
    /// A mirror has one submirror less.
    Detach,
    /// A submirror was taken out of service.
    Offline,
    /// A submirror is back, and gets what it has missed.
    Online,
    /// A component was replaced by a device, or has its own one back.
    Replace,
    /// A component is out of service; others have its data.
    Erred,
    /// A component fails, and has the last copy of its data.
    LastErred,
    /// A component or submirror is in service.
    Ok,
    /// The resync of a mirror has begun, or goes on.
    ResyncStart,
    /// The resync of a mirror is done.
    ResyncDone,
    /// Some of a mirror cannot be resynced.
    ResyncFailed,
    /// The administrator has the resync of a mirror stand still.
    ResyncCancel,
    /// A check of a mirror has ended.
    Check,
    /// A hot spare stands for a component.
    Hotspared,
    /// A hot spare was given back.
    HotspareFreed,
    /// A hot spare does not work any more, or is said to work again.
    HotspareChanged,
    /// A device has become a hot spare or a replica.
    Add,
    /// A device is no hot spare or replica any more.
    Remove,
    /// A replica of the state database cannot be written.
    ReplicaFailed,
    /// The set was started.
    Start,
    /// The set was stopped.
    Stop,
    /// The set has lost its quorum, and is read-only.
    QuorumLost,
    /// A component answers so late that others are read.
    Slow,
    /// It answers in time again.
    InTime,
    /// Another host has taken a disk that is watched.
    Lost,
    /// Nothing is sent to a disk any more, since it was lost.
    Fenced,
    /// A disk that was lost is this host's again, or given up.
    Back,
}

impl Kind {
    /// All of them, in the order of their numbers, which begin with 1.
    pub const ALL: [Self; 32] = [
        Self::Create,
        Self::Delete,
        Self::Grow,
        Self::Rename,
        Self::Exchange,
        Self::Attach,
        Self::Detach,
        Self::Offline,
        Self::Online,
        Self::Replace,
        Self::Erred,
        Self::LastErred,
        Self::Ok,
        Self::ResyncStart,
        Self::ResyncDone,
        Self::ResyncFailed,
        Self::ResyncCancel,
        Self::Check,
        Self::Hotspared,
        Self::HotspareFreed,
        Self::HotspareChanged,
        Self::Add,
        Self::Remove,
        Self::ReplicaFailed,
        Self::Start,
        Self::Stop,
        Self::QuorumLost,
        Self::Slow,
        Self::InTime,
        Self::Lost,
        Self::Fenced,
        Self::Back,
    ];

    /// The kind with a number; `None` if there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        Self::ALL.get(index).copied()
    }

    /// The kind's number.
    pub const fn number(self) -> u32 {
        (self as u32).saturating_add(1)
    }

    /// The kind's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Grow => "grow",
            Self::Rename => "rename",
            Self::Exchange => "exchange",
            Self::Attach => "attach",
            Self::Detach => "detach",
            Self::Offline => "offline",
            Self::Online => "online",
            Self::Replace => "replace",
            Self::Erred => "erred",
            Self::LastErred => "last_erred",
            Self::Ok => "ok",
            Self::ResyncStart => "resync_start",
            Self::ResyncDone => "resync_done",
            Self::ResyncFailed => "resync_failed",
            Self::ResyncCancel => "resync_cancel",
            Self::Check => "check",
            Self::Hotspared => "hotspared",
            Self::HotspareFreed => "hs_freed",
            Self::HotspareChanged => "hs_changed",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::ReplicaFailed => "replica_failed",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::QuorumLost => "quorum_lost",
            Self::Slow => "slow",
            Self::InTime => "in_time",
            Self::Lost => "lost",
            Self::Fenced => "fenced",
            Self::Back => "back",
        }
    }
}

/// A state that something had, or has now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// In service.
    Okay,
    /// A component: out of service.
    Maintenance,
    /// A component: it fails, and has the last copy.
    LastErred,
    /// It is being made equal to others.
    Resyncing,
    /// A submirror: out of service, as the administrator wants it.
    Offline,
    /// A hot spare that may be given out.
    Available,
    /// A hot spare that a component has.
    InUse,
    /// A hot spare that does not work.
    Broken,
    /// A replica that cannot be written.
    Failed,
    /// A set that can be changed.
    Running,
    /// A set that cannot.
    ReadOnly,
    /// A set that is not loaded.
    Stopped,
    /// A check that has seen everything.
    Done,
    /// A check that the administrator has ended, or a resync that he has stand still.
    Cancelled,
    /// A check that was ended since its mirror was left.
    Interrupted,
    /// A resync that cannot go on.
    Stuck,
    /// A component that answers late.
    Slow,
    /// A resync that the administrator has pause.
    Paused,
    /// A disk that another host has.
    Lost,
    /// A disk to which nothing is sent, since another host has it.
    Fenced,
}

impl State {
    /// All of them, in the order of their numbers, which begin with 1.
    pub const ALL: [Self; 20] = [
        Self::Okay,
        Self::Maintenance,
        Self::LastErred,
        Self::Resyncing,
        Self::Offline,
        Self::Available,
        Self::InUse,
        Self::Broken,
        Self::Failed,
        Self::Running,
        Self::ReadOnly,
        Self::Stopped,
        Self::Done,
        Self::Cancelled,
        Self::Interrupted,
        Self::Stuck,
        Self::Slow,
        Self::Paused,
        Self::Lost,
        Self::Fenced,
    ];

    /// The state with a number; `None` if there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        Self::ALL.get(index).copied()
    }

    /// The state's number.
    pub const fn number(self) -> u32 {
        (self as u32).saturating_add(1)
    }

    /// The state in words, those of `metastat` where it has them (`svm.md` section 10.1).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Okay => "Okay",
            Self::Maintenance => "Maintenance",
            Self::LastErred => "Last Erred",
            Self::Resyncing => "Resyncing",
            Self::Offline => "Offline",
            Self::Available => "Available",
            Self::InUse => "In use",
            Self::Broken => "Broken",
            Self::Failed => "Failed",
            Self::Running => "Running",
            Self::ReadOnly => "Read-only",
            Self::Stopped => "Stopped",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
            Self::Interrupted => "Interrupted",
            Self::Stuck => "Stuck",
            Self::Slow => "Okay (slow)",
            Self::Paused => "Paused",
            Self::Lost => "Lost",
            Self::Fenced => "Fenced",
        }
    }
}

/// What it is called when a component comes into a state; `None` where something else that was told
/// has led to it.
pub const fn of_component(after: component::State) -> Option<Kind> {
    match after {
        component::State::Okay => Some(Kind::Ok),
        component::State::Erred => Some(Kind::Erred),
        component::State::LastErred => Some(Kind::LastErred),
        // It was replaced, or its mirror has grown.
        component::State::Resyncing => None,
    }
}

impl From<component::State> for State {
    fn from(state: component::State) -> Self {
        match state {
            component::State::Okay => Self::Okay,
            component::State::Erred => Self::Maintenance,
            component::State::LastErred => Self::LastErred,
            component::State::Resyncing => Self::Resyncing,
        }
    }
}

impl From<spare::state::State> for State {
    fn from(state: spare::state::State) -> Self {
        match state {
            spare::state::State::Available => Self::Available,
            spare::state::State::InUse => Self::InUse,
            spare::state::State::Broken => Self::Broken,
        }
    }
}

impl From<End> for State {
    fn from(end: End) -> Self {
        match end {
            End::Done => Self::Done,
            End::Cancelled => Self::Cancelled,
            End::Interrupted => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        let mut words = BTreeSet::new();
        for (number, kind) in (1..).zip(Kind::ALL) {
            assert_eq!(kind.number(), number, "{kind:?}");
            assert_eq!(Kind::from_number(number), Some(kind));
            assert!(words.insert(kind.word()), "{kind:?}");
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(kind.word().bytes().all(is_plain), "{kind:?}");
        }
        for number in [0, 33, u32::MAX] {
            assert_eq!(Kind::from_number(number), None);
        }
    }

    #[test]
    fn every_state_has_a_number_and_a_word_of_its_own() {
        let mut words = BTreeSet::new();
        for (number, state) in (1..).zip(State::ALL) {
            assert_eq!(state.number(), number, "{state:?}");
            assert_eq!(State::from_number(number), Some(state));
            assert!(words.insert(state.word()), "{state:?}");
        }
        for number in [0, 21, u32::MAX] {
            assert_eq!(State::from_number(number), None);
        }
    }

    /// `svm.md` section 12: Erred, Lasterred, Ok; and the words of `metastat`, section 10.1.
    #[test]
    fn components_are_told_of_in_svms_words() {
        let told = [
            (component::State::Okay, Some(Kind::Ok), "Okay"),
            (component::State::Erred, Some(Kind::Erred), "Maintenance"),
            (
                component::State::LastErred,
                Some(Kind::LastErred),
                "Last Erred",
            ),
            (component::State::Resyncing, None, "Resyncing"),
        ];
        for (state, kind, word) in told {
            assert_eq!(of_component(state), kind);
            assert_eq!(State::from(state).word(), word);
        }
    }

    /// `svm.md` section 7.
    #[test]
    fn so_are_hot_spares() {
        let told = [
            (spare::state::State::Available, "Available"),
            (spare::state::State::InUse, "In use"),
            (spare::state::State::Broken, "Broken"),
        ];
        for (state, word) in told {
            assert_eq!(State::from(state).word(), word);
        }
    }

    #[test]
    fn a_check_ends_in_one_of_three_ways() {
        let ends = [End::Done, End::Cancelled, End::Interrupted];
        let states = ends.map(State::from);
        assert_eq!(states, [State::Done, State::Cancelled, State::Interrupted]);
    }
}
