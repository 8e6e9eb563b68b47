// SPDX-License-Identifier: GPL-2.0
//! A value that is read without a lock, and replaced as a whole.

use core::{
    cell::Cell,
    marker::PhantomData, //
};

use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full, //
        },
        Atomic, //
    }, //
};

use super::disk::ClosedGate;

/// A value for many readers.
///
/// What was replaced stays, since somebody may still read it, until all of this is dropped, or
/// until somebody who knows that there are no readers says so. So it is for what an administrator
/// replaces, not for what changes all the time.
///
/// # Invariants
///
/// The pointer, and each `before` from there on, is a [`Version`] that this object owns until it is
/// dropped; the last one is null.
pub(crate) struct Published<T>(Atomic<*mut Version<T>>, PhantomData<T>);

/// A value, and the one before it.
struct Version<T> {
    value: T,
    before: Cell<*mut Version<T>>,
}

// SAFETY: The values are owned, and go where their owner goes.
unsafe impl<T: Send> Send for Published<T> {}
// SAFETY: Readers share the value, and [`Published::replace`] sends one in; `before` is written by
// who has published its version, and read by `drop`.
unsafe impl<T: Send + Sync> Sync for Published<T> {}

impl<T> Published<T> {
    /// The first value.
    pub(crate) fn new(value: T) -> Result<Self> {
        // INVARIANT: The version is ours, and the last one.
        Ok(Self(Atomic::new(Version::new(value)?), PhantomData))
    }

    /// The value.
    #[inline]
    pub(crate) fn get(&self) -> &T {
        // As `rcu_dereference`: who follows the pointer depends on it, and needs no barrier. `load`
        // would be a call.
        // SAFETY: The pointer is read as a whole, and only changed by atomic accesses. By the type
        // invariant the version stays as long as `self`.
        unsafe { &(*self.0.as_ptr().read_volatile()).value }
    }

    /// Replaces the value.
    pub(crate) fn replace(&self, value: T) -> Result {
        let version = Version::new(value)?;
        let before = self.0.xchg(version, Full);
        // SAFETY: The version is there until `self` is dropped, and nobody else writes this field.
        // INVARIANT: What was taken out of the pointer is owned by way of its successor.
        unsafe { (*version).before.set(before) };
        Ok(())
    }
}

/// That the calling task has the locks of the unit table and of the set, so that nobody else reads
/// what is under them.
pub(crate) struct Alone<'a>(PhantomData<&'a ()>);

impl<'a> Alone<'a> {
    /// By who has the lock of the unit table, as every ioctl, and that of the set.
    pub(crate) fn with_set<T>(_set: &'a T) -> Self {
        Self(PhantomData)
    }
}

impl<T> Published<T> {
    /// Drops the values that were replaced.
    ///
    /// The caller sees to it that nobody reads them any more. Readers are who carries out a request
    /// or an errand of the disk, which the closed gate excludes, and who has one of the two locks
    /// that `alone` stands for: that of the unit table, and that of the set. There are no others.
    pub(crate) fn forget_replaced(&self, _gate: &ClosedGate<'_>, _alone: &Alone<'_>) {
        // SAFETY: By the type invariant the version is there; the ones before it are nobody's but
        // ours, as the comment on this function says.
        unsafe {
            let mut version = (*self.0.load(Acquire))
                .before
                .replace(core::ptr::null_mut());
            while !version.is_null() {
                let owned = KBox::from_raw(version);
                version = owned.before.get();
            }
        }
    }
}

impl<T> Version<T> {
    fn new(value: T) -> Result<*mut Self> {
        let before = Cell::new(core::ptr::null_mut());
        Ok(KBox::into_raw(KBox::new(
            Self { value, before },
            GFP_KERNEL,
        )?))
    }
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        let mut version = self.0.load(Acquire);
        while !version.is_null() {
            // SAFETY: By the type invariant the version is ours, and nobody reads any more.
            let owned = unsafe { KBox::from_raw(version) };
            version = owned.before.get();
        }
    }
}
