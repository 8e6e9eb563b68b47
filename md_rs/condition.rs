// SPDX-License-Identifier: GPL-2.0
//! The condition of a component: whether it is in service, and what has happened to it since that
//! was last judged.
//!
//! Failures are noted where clones end, in any context; what they mean is decided in task context
//! by the personality (`md_mirror`), by the rules of [`md_model::mirror`]. Only a component of a
//! mirror's side ever leaves [`State::Okay`].

use kernel::sync::atomic::{
    ordering::{
        Full,
        Relaxed, //
    },
    Atomic, //
};
use md_model::mirror::component::{
    is_read,
    State, //
};

use crate::kapi::inlined::Inlined;

/// The condition of a component.
pub struct Condition {
    /// The [`State`] in force as a number: see [`encode`].
    state: Atomic<u32>,
    /// The one that was decided on, and is to be in force when it is recorded.
    decided: Atomic<u32>,
    /// A write, flush or the like has failed since the last [`Self::take_failures`].
    write_failed: Atomic<u32>,
    /// Likewise a read.
    read_failed: Atomic<u32>,
    /// Reads that have failed so far.
    read_failures: Atomic<u32>,
    /// Which error of its mirror the last one was, counted from 1; 0 for none.
    last_error: Atomic<u64>,
    /// Whether it answers late: see [`md_model::mirror::suspect`].
    is_suspect: Atomic<u32>,
}

/// What has happened to a component since it was last asked.
#[derive(Clone, Copy)]
pub struct Failures {
    /// A write, flush or the like has failed.
    pub write: bool,
    /// A read has failed.
    pub read: bool,
}

impl Condition {
    /// In service, nothing happened.
    pub(crate) fn new() -> Self {
        Self {
            state: Atomic::new(encode(State::Okay)),
            decided: Atomic::new(encode(State::Okay)),
            write_failed: Atomic::new(0),
            read_failed: Atomic::new(0),
            read_failures: Atomic::new(0),
            last_error: Atomic::new(0),
            is_suspect: Atomic::new(0),
        }
    }

    /// The state.
    #[inline]
    pub fn state(&self) -> State {
        decode(self.state.read())
    }

    /// The state that was decided on last. It differs from [`Self::state`] while it is recorded.
    pub fn decided(&self) -> State {
        decode(self.decided.load(Relaxed))
    }

    /// Whether it is in service and has missed nothing, and nothing else was decided on.
    pub(crate) fn is_okay(&self) -> bool {
        self.state() == State::Okay && self.decided() == State::Okay
    }

    /// Decides on a state.
    pub fn decide(&self, state: State) {
        self.decided.store(encode(state), Relaxed);
    }

    /// Puts into force what was decided. Whoever learns of anything that comes after this call, for
    /// example that a write was acknowledged, sees the new state. The state before and after.
    pub(crate) fn take_effect(&self) -> (State, State) {
        let decided = self.decided.load(Relaxed);
        (decode(self.state.xchg(decided, Full)), decode(decided))
    }

    /// A write has failed. Called in any context.
    pub(crate) fn note_write_failed(&self) {
        let _ = self.write_failed.xchg(1, Full);
    }

    /// A read has failed. Called in any context.
    pub(crate) fn note_read_failed(&self) {
        self.read_failures.add(1, Relaxed);
        let _ = self.read_failed.xchg(1, Full);
    }

    /// Reads that have failed so far.
    pub fn read_failures(&self) -> u32 {
        self.read_failures.load(Relaxed)
    }

    /// What has failed since the last call.
    pub fn take_failures(&self) -> Failures {
        Failures {
            write: self.write_failed.xchg(0, Full) != 0,
            read: self.read_failed.xchg(0, Full) != 0,
        }
    }

    /// Reads that have failed do not count any more: it was given everything anew.
    pub fn forget_failures(&self) {
        self.read_failures.store(0, Relaxed);
    }

    /// Which error of its mirror the last one was; 0 for none.
    pub fn last_error(&self) -> u64 {
        self.last_error.load(Relaxed)
    }

    /// Writes that down.
    pub fn set_last_error(&self, number: u64) {
        self.last_error.store(number, Relaxed);
    }

    /// Whether it answers late, so that reads should go elsewhere.
    pub fn is_suspect(&self) -> bool {
        self.is_suspect.load(Relaxed) != 0
    }

    /// Writes that down.
    pub(crate) fn set_suspect(&self, is_suspect: bool) {
        self.is_suspect.store(is_suspect.into(), Relaxed);
    }

    /// Back to [`Self::new`]: no mirror has the component any more.
    pub(crate) fn forget(&self) {
        self.decide(State::Okay);
        self.take_effect();
        self.take_failures();
        self.read_failures.store(0, Relaxed);
        self.set_last_error(0);
        self.set_suspect(false);
    }

    /// How good a source of data it is: the highest is read; 0 must not be. One that is in service
    /// goes before a last copy, and of those the one that failed last (`svm.md` section 4.3).
    pub(crate) fn rank(&self) -> u64 {
        match self.state() {
            state if !is_read(state) => 0,
            State::Okay | State::Resyncing => u64::MAX,
            _ => self.last_error().saturating_add(1),
        }
    }
}

fn encode(state: State) -> u32 {
    match state {
        State::Okay => 0,
        State::Erred => 1,
        State::LastErred => 2,
        State::Resyncing => 3,
    }
}

fn decode(number: u32) -> State {
    match number {
        0 => State::Okay,
        2 => State::LastErred,
        3 => State::Resyncing,
        _ => State::Erred,
    }
}
