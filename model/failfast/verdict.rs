// SPDX-License-Identifier: GPL-2.0
//! What the answer to a command says about our access to the disk.

/// What an answer says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The command was carried out.
    Good,
    /// Another host has the disk: a reservation conflict.
    Conflict,
    /// The disk was reset, and has forgotten a reservation that is not persistent. The command was
    /// not carried out.
    Reset,
    /// Something else has happened that the disk has to tell first. The command was not carried
    /// out.
    Attention,
    /// The disk does not know the command.
    Unsupported,
    /// There is no disk any more.
    Gone,
    /// No answer, or one that says nothing about access: too late, busy, no path, an error.
    Unknown,
}

/// Why a command was not carried out, as SCSI disks say it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sense {
    /// Sense key.
    pub key: u8,
    /// Additional sense code.
    pub code: u8,
}

/// SAM status bytes.
const CHECK_CONDITION: i32 = 0x02;
const RESERVATION_CONFLICT: i32 = 0x18;

/// Host byte of a command for which there is no device (`DID_NO_CONNECT`).
const NO_CONNECT: i32 = 0x01;

/// Sense keys.
const ILLEGAL_REQUEST: u8 = 0x05;
const UNIT_ATTENTION: u8 = 0x06;

/// Additional sense code of a disk that was switched on or reset.
const WAS_RESET: u8 = 0x29;

/// Error numbers, as the block layer has them.
const ENXIO: i32 = 6;
const ENODEV: i32 = 19;
const EBADE: i32 = 52;
const EOPNOTSUPP: i32 = 95;

/// What the answer to a SCSI command says: the kernel's result, which is an errno if it is
/// negative, else status and host byte, and the disk's reasons.
pub fn of_scsi(result: i32, sense: Option<Sense>) -> Verdict {
    if result < 0 {
        return of_errno(result.saturating_neg());
    }
    match (result & 0xff, (result >> 16) & 0xff) {
        // Whatever the kernel makes of it: the disk has said it.
        (RESERVATION_CONFLICT, _) => Verdict::Conflict,
        (0, 0) => Verdict::Good,
        (CHECK_CONDITION, 0) => sense.map_or(Verdict::Unknown, of_sense),
        (_, NO_CONNECT) => Verdict::Gone,
        _ => Verdict::Unknown,
    }
}

fn of_sense(sense: Sense) -> Verdict {
    match (sense.key, sense.code) {
        (UNIT_ATTENTION, WAS_RESET) => Verdict::Reset,
        (UNIT_ATTENTION, _) => Verdict::Attention,
        (ILLEGAL_REQUEST, _) => Verdict::Unsupported,
        _ => Verdict::Unknown,
    }
}

/// What the answer of the kernel's `pr_ops` says: an errno if it is negative, else a `PR_STS_*`,
/// of which those that come from a disk are SAM's.
pub fn of_operation(answer: i32) -> Verdict {
    match answer {
        0 => Verdict::Good,
        RESERVATION_CONFLICT => Verdict::Conflict,
        answer if answer < 0 => of_errno(answer.saturating_neg()),
        _ => Verdict::Unknown,
    }
}

/// What a positive error number of the block layer says.
pub fn of_errno(errno: i32) -> Verdict {
    match errno {
        ENXIO | ENODEV => Verdict::Gone,
        EBADE => Verdict::Conflict,
        EOPNOTSUPP => Verdict::Unsupported,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn sense(key: u8, code: u8) -> Option<Sense> {
        Some(Sense { key, code })
    }

    /// `multihost.md` 1.1, error rules, and 1.3.
    #[test]
    fn answers_of_scsi_disks() {
        for (result, reasons, verdict) in [
            (0, None, Verdict::Good),
            (0x18, None, Verdict::Conflict),
            (0x0218, None, Verdict::Conflict),
            (0x02, sense(6, 0x29), Verdict::Reset),
            (0x02, sense(6, 0x2a), Verdict::Attention),
            (0x02, sense(5, 0x20), Verdict::Unsupported),
            (0x02, sense(2, 0x04), Verdict::Unknown),
            (0x02, None, Verdict::Unknown),
            (0x08, None, Verdict::Unknown),
            (0x28, None, Verdict::Unknown),
            (0x01_0000, None, Verdict::Gone),
            (0x03_0000, None, Verdict::Unknown),
            (0x0e_0000, None, Verdict::Unknown),
            (-19, None, Verdict::Gone),
            (-6, None, Verdict::Gone),
            (-11, None, Verdict::Unknown),
            (i32::MIN, None, Verdict::Unknown),
        ] {
            assert_eq!(of_scsi(result, reasons), verdict, "{result:#x} {reasons:?}");
        }
    }

    #[test]
    fn answers_of_the_kernels_operations() {
        for (answer, verdict) in [
            (0, Verdict::Good),
            (0x18, Verdict::Conflict),
            (2, Verdict::Unknown),
            (0x10_0000, Verdict::Unknown),
            (-95, Verdict::Unsupported),
            (-52, Verdict::Conflict),
            (-19, Verdict::Gone),
            (-5, Verdict::Unknown),
            (-110, Verdict::Unknown),
        ] {
            assert_eq!(of_operation(answer), verdict, "{answer}");
        }
    }

    /// A stall, a lost path or a disk that is pulled is no conflict, whatever the numbers are.
    #[test]
    fn only_a_status_of_its_own_is_a_conflict() {
        for host in 0..=0xff {
            for status in (0..=0xff).filter(|status| *status != 0x18) {
                let verdict = of_scsi((host << 16) | status, sense(6, 0x29));
                assert_ne!(verdict, Verdict::Conflict, "{host:#x} {status:#x}");
            }
        }
    }
}
