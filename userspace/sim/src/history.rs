// SPDX-License-Identifier: GPL-2.0
//! What really happened: every commit that was begun, what it descends from, what was in it, and
//! what callers were told. Nothing of it is known to the machines.

use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    rc::Rc, //
};

use md_model::database::{
    identity::{
        Generation,
        Uuid, //
    },
    members::Member,
};

/// Records by number.
pub(crate) type Contents = BTreeMap<u32, Vec<u8>>;

/// A commit that was begun.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) parent: Generation,
    pub(crate) contents: Rc<Contents>,
    pub(crate) members: Vec<Member>,
    /// Replicas on which it was durable at some time.
    pub(crate) held_by: BTreeSet<Uuid>,
}

/// Everything that happened.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) commits: BTreeMap<Generation, Commit>,
    /// The last one that a caller was told of.
    pub(crate) acknowledged: Generation,
    /// Which load has written under an epoch.
    pub(crate) epochs: BTreeMap<u64, u32>,
}

impl History {
    /// With a first commit that all these members have.
    pub(crate) fn new(first: Generation, members: &[Member]) -> Self {
        let commit = Commit {
            parent: Generation::default(),
            contents: Rc::default(),
            members: members.to_vec(),
            held_by: members.iter().map(|member| member.replica).collect(),
        };
        Self {
            commits: [(first, commit)].into(),
            acknowledged: first,
            epochs: BTreeMap::new(),
        }
    }

    /// Whether a commit is another one or comes after it.
    pub(crate) fn descends(&self, mut commit: Generation, ancestor: Generation) -> bool {
        while commit > ancestor {
            let Some(known) = self.commits.get(&commit) else {
                return false;
            };
            commit = known.parent;
        }
        commit == ancestor
    }
}
