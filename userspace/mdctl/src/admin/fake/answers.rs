// SPDX-License-Identifier: GPL-2.0
//! What the fake kernel answers because a test has decided it.

use super::{
    refuse,
    CallError, //
};
use md_abi::admin::{
    Header,
    Refusal,
    ABI_VERSION,
    NO_INDEX, //
};
use rustix::io::Errno;

/// The answers to come. Without any, the kernel answers as it thinks right.
#[derive(Debug, Default)]
pub struct Answers {
    /// What the next call answers, whatever it asks.
    next: Option<Answer>,
    /// Why the next probe is refused.
    next_probe: Option<Refusal>,
    /// Number of units that the next calls of `list` claim to be too many, the last one first.
    list_lengths: Vec<u64>,
    /// Number of the metadevice that somebody clears after it was listed.
    vanishing: Option<u32>,
}

/// An answer to any call.
#[derive(Debug)]
enum Answer {
    Refusal(Refusal, u32, [u64; 2]),
    OtherVersion(u32),
    Error(CallError),
}

impl Answers {
    /// Makes the next call be refused.
    pub fn refuse_next(&mut self, refusal: Refusal, index: u32, values: [u64; 2]) {
        self.next = Some(Answer::Refusal(refusal, index, values));
    }

    /// Makes the next call be refused by a kernel with another version of the interface.
    pub fn mismatch_next(&mut self, kernel_abi: u32) {
        self.next = Some(Answer::OtherVersion(kernel_abi));
    }

    /// Makes the next call fail without a word from the module.
    pub fn fail_next(&mut self, error: CallError) {
        self.next = Some(Answer::Error(error));
    }

    /// Makes the next probe be refused, whatever is asked before it.
    pub fn refuse_probe(&mut self, refusal: Refusal) {
        self.next_probe = Some(refusal);
    }

    /// Makes the next calls of `list` find, one after the other, as many metadevices as these.
    pub fn grow_list(&mut self, lengths: &[u64]) {
        self.list_lengths = lengths.iter().rev().copied().collect();
    }

    /// Lets a metadevice be cleared by somebody else as soon as it was listed.
    pub fn clear_after_list(&mut self, number: u32) {
        self.vanishing = Some(number);
    }

    /// The decided answer to a call with this header, if there is one.
    pub(super) fn decided(&mut self, header: &mut Header) -> Result<(), CallError> {
        match self.next.take() {
            None => Ok(()),
            Some(Answer::Error(error)) => Err(error),
            Some(Answer::Refusal(refusal, index, values)) => {
                Err(refuse(header, (refusal, index, values)))
            }
            Some(Answer::OtherVersion(kernel_abi)) => {
                let values = [ABI_VERSION.into(), 0];
                refuse(header, (Refusal::VersionMismatch, NO_INDEX, values));
                header.abi_version = kernel_abi;
                Err(CallError::Ioctl(Errno::PROTO))
            }
        }
    }

    /// The decided answer to a probe with this header, if there is one.
    pub(super) fn decided_probe(&mut self, header: &mut Header) -> Result<(), CallError> {
        match self.next_probe.take() {
            None => Ok(()),
            Some(refusal) => Err(refuse(header, (refusal, NO_INDEX, [0; 2]))),
        }
    }

    /// How many metadevices there are for `list`, of which the kernel has `real`.
    pub(super) fn list_length(&mut self, real: usize) -> u64 {
        self.list_lengths.pop().unwrap_or(real as u64)
    }

    /// The metadevice that somebody clears now.
    pub(super) fn vanishing(&mut self) -> Option<u32> {
        self.vanishing.take()
    }
}
