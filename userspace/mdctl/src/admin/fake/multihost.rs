// SPDX-License-Identifier: GPL-2.0
//! Disks of the fake kernel that other hosts can reach.

use super::{
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    self as abi,
    Multihost,
    Refusal,
    NO_INDEX, //
};
use std::collections::BTreeSet;

/// What the fake kernel knows of a disk.
#[derive(Debug, Default)]
pub struct FakeMultihost {
    /// Whether another host has it.
    pub is_taken: bool,
    /// Whether it has neither RESERVE nor persistent reservations.
    pub is_plain: bool,
    /// Keys that are registered.
    pub keys: BTreeSet<u64>,
    /// More of what is so, as bits of the ABI.
    pub state: u32,
    /// The key that has the reservation, and its kind.
    reserved: Option<(u64, u32)>,
    is_owned: bool,
    failfast_ms: u32,
    action: u32,
}

impl FakeAdmin {
    /// A disk that other hosts can reach, of which the test may say anything.
    pub fn multihost_disk(&mut self, dev: u64) -> &mut FakeMultihost {
        self.multihost.entry(dev).or_default()
    }
}

impl FakeMultihost {
    /// Carries out an operation.
    pub(super) fn operate(
        &mut self,
        asked: &mut Multihost,
        keys: &mut [u64],
    ) -> Result<(), Refused> {
        assert_eq!((asked.reserved, asked.scope), (0, 0));
        self.change(asked)?;
        asked.access = match (self.is_plain, self.is_taken) {
            (true, _) => abi::ACCESS_UNKNOWN,
            (false, is_taken) => u32::from(is_taken),
        };
        if asked.operation == abi::MULTIHOST_KEYS {
            asked.key_count = self.keys.len() as u32;
            for (to, from) in keys.iter_mut().zip(&self.keys) {
                *to = *from;
            }
        }
        asked.way = if self.is_owned {
            abi::WAY_RESERVE
        } else {
            abi::WAY_UNKNOWN
        };
        asked.state = self.state;
        if self.is_owned {
            asked.state |= abi::MULTIHOST_OWNED | abi::MULTIHOST_EXPECTED;
        }
        (asked.key, asked.kind) = self.reserved.unwrap_or_default();
        asked.failfast_ms = self.failfast_ms;
        asked.action = self.action;
        asked.good_ms = if self.failfast_ms > 0 { 250 } else { u64::MAX };
        asked.probes = u64::from(self.failfast_ms / 100);
        Ok(())
    }

    fn change(&mut self, asked: &Multihost) -> Result<(), Refused> {
        let conflict = Err((Refusal::ReservationConflict, NO_INDEX, [13, 0]));
        match asked.operation {
            abi::MULTIHOST_STATUS | abi::MULTIHOST_KEYS | abi::MULTIHOST_RESERVATION => {}
            _ if self.is_plain => return Err((Refusal::NoReservations, NO_INDEX, [95, 0])),
            abi::MULTIHOST_TAKE => {
                assert!(asked.timing_ms.iter().all(|ms| *ms < 1_000_000));
                (self.is_owned, self.is_taken) = (true, false);
            }
            abi::MULTIHOST_RELEASE => self.is_owned = false,
            abi::MULTIHOST_QUICK_RESERVE if self.is_taken => return conflict,
            abi::MULTIHOST_QUICK_RESERVE => self.is_owned = true,
            abi::MULTIHOST_FAILFAST => self.failfast_ms = asked.failfast_ms,
            abi::MULTIHOST_ACTION => self.action = asked.action,
            _ if self.is_owned => return Err((Refusal::ReservationsMixed, NO_INDEX, [22, 0])),
            abi::MULTIHOST_REGISTER if asked.key != 0 && !self.keys.remove(&asked.key) => {
                return conflict
            }
            abi::MULTIHOST_REGISTER | abi::MULTIHOST_REGISTER_AND_IGNORE => {
                self.keys
                    .extend(Some(asked.other_key).filter(|key| *key != 0));
            }
            _ if !self.keys.contains(&asked.key) => return conflict,
            abi::MULTIHOST_RESERVE => self.reserved = Some((asked.key, asked.kind)),
            abi::MULTIHOST_PREEMPT | abi::MULTIHOST_PREEMPT_AND_ABORT => {
                self.keys.remove(&asked.other_key);
                self.reserved = Some((asked.key, asked.kind));
            }
            abi::MULTIHOST_CLEAR => {
                self.keys.clear();
                self.reserved = None;
            }
            other => panic!("operation {other}"),
        }
        Ok(())
    }
}
