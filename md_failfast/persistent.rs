// SPDX-License-Identifier: GPL-2.0
//! The commands for persistent reservations: by SCSI where the disk is a SCSI disk, since the
//! kernel's own way there loses half of what is asked and answered (`multihost.md` 1.2), else by
//! the driver's operations.

use kernel::prelude::*;
use md_model::failfast::{
    persist::Key,
    verdict::Verdict,
    watch::{
        Hold,
        TRIES_MAX, //
    },
    wire::{
        self,
        parameters,
        persistent_in,
        persistent_out,
        In,
        Out,
        Reservation,
        OUT_BYTES, //
    }, //
};

use crate::{
    disk::{
        Disk,
        Owned, //
    },
    kapi::{
        Buffer,
        Device, //
    },
    prober::{
        set_key,
        BUFFER_BYTES, //
    }, //
};

/// The keys that are registered.
pub(crate) struct Keys<'a> {
    /// Counts the changes of registrations.
    pub(crate) generation: u32,
    /// How many there are.
    pub(crate) count: u32,
    bytes: &'a [u8],
    is_scsi: bool,
}

impl Keys<'_> {
    /// Those for which there was room.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let keys = self.bytes.chunks_exact(8).take(self.count as usize);
        keys.map(|bytes| {
            let bytes: [u8; 8] = bytes.try_into().unwrap_or_default();
            if self.is_scsi {
                Key::from_be_bytes(bytes)
            } else {
                Key::from_ne_bytes(bytes)
            }
        })
    }
}

/// Reads the keys. The verdict, if it is none of [`Verdict::Good`]'s.
pub(crate) fn keys<'a>(device: &Device, buffer: &'a mut Buffer) -> Result<Keys<'a>, Verdict> {
    let is_scsi = device.is_scsi();
    let verdict = if is_scsi {
        let command = persistent_in(In::Keys, BUFFER_BYTES as u16);
        device.send(&command, buffer, BUFFER_BYTES, false)
    } else {
        device.keys(buffer)
    };
    if verdict != Verdict::Good {
        return Err(verdict);
    }
    let bytes: &'a [u8] = buffer.bytes();
    let (head, rest) = bytes.split_at_checked(8).ok_or(Verdict::Unknown)?;
    let (generation, count) = if is_scsi {
        let found = wire::keys(bytes).ok_or(Verdict::Unknown)?;
        (found.generation, found.count)
    } else {
        let number = |part: Option<&[u8]>| {
            let bytes = part.and_then(|part| part.try_into().ok());
            u32::from_ne_bytes(bytes.unwrap_or_default())
        };
        (number(head.get(..4)), number(head.get(4..)))
    };
    Ok(Keys {
        generation,
        count,
        bytes: rest,
        is_scsi,
    })
}

/// Reads the reservation, and the generation. The verdict, if it is not [`Verdict::Good`].
pub(crate) fn reservation(
    device: &Device,
    buffer: &mut Buffer,
) -> Result<(u32, Option<Reservation>), Verdict> {
    if !device.is_scsi() {
        return match device.reservation() {
            (Verdict::Good, generation, held) => Ok((generation, held)),
            (verdict, _, _) => Err(verdict),
        };
    }
    let command = persistent_in(In::Reservation, BUFFER_BYTES as u16);
    match device.send(&command, buffer, BUFFER_BYTES, false) {
        Verdict::Good => wire::reservation(buffer.bytes()).ok_or(Verdict::Unknown),
        verdict => Err(verdict),
    }
}

/// Repeats a command until the disk has told what it had to tell first.
pub(crate) fn insist(mut command: impl FnMut() -> Verdict) -> Verdict {
    let mut verdict = Verdict::Unknown;
    for _ in 0..=TRIES_MAX {
        verdict = command();
        if !matches!(verdict, Verdict::Reset | Verdict::Attention) {
            break;
        }
    }
    verdict
}

/// The same, for a command that reads something.
pub(crate) fn insist_reading<T>(
    mut command: impl FnMut() -> Result<T, Verdict>,
) -> Result<T, Verdict> {
    for _ in 0..TRIES_MAX {
        match command() {
            Err(Verdict::Reset | Verdict::Attention) => {}
            answer => return answer,
        }
    }
    command()
}

/// A change of registrations or the reservation.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) action: Out,
    /// Our key.
    pub(crate) key: Key,
    /// The new key, or the victim's.
    pub(crate) other: Key,
    pub(crate) kind: u8,
    pub(crate) scope: u8,
    /// Whether the registration survives a loss of power.
    pub(crate) survives: bool,
}

/// Sends a change to a disk. Changes nothing of what we know of it.
pub(crate) fn send(device: &Device, change: &Change) -> Verdict {
    let Change {
        action,
        key,
        other,
        kind,
        scope,
        survives,
    } = *change;
    if device.is_scsi() {
        let Ok(mut buffer) = Buffer::new(OUT_BYTES) else {
            return Verdict::Unknown;
        };
        buffer
            .bytes()
            .copy_from_slice(&parameters(key, other, survives));
        let command = persistent_out(action, kind, scope);
        return insist(|| device.send(&command, &mut buffer, OUT_BYTES, false));
    }
    if !device.has_operations() || scope != 0 {
        return Verdict::Unsupported;
    }
    match action {
        // The kernel's NVMe driver does not unregister: it would register a key of zeros.
        Out::Register | Out::RegisterAndIgnore if other == 0 => Verdict::Unsupported,
        Out::Register => device.register(key, other, false),
        // NVMe's command for a first key does not replace another one, whatever is to be ignored.
        Out::RegisterAndIgnore => match device.register(0, other, true) {
            Verdict::Conflict => device.register(other, other, true),
            verdict => verdict,
        },
        Out::Reserve => device.reserve(key, kind),
        Out::Release => device.release(key, kind),
        Out::Clear => device.clear(key),
        Out::Preempt => device.preempt(key, other, kind, false),
        Out::PreemptAndAbort => device.preempt(key, other, kind, true),
    }
}

/// Carries out a change that a program or the administrator asks for, and keeps what follows from
/// it: from now on our key has to be there.
pub(crate) fn change(disk: &Disk, owned: &mut Owned, change: &Change) -> Verdict {
    let verdict = send(disk.device(), change);
    if verdict != Verdict::Good {
        return verdict;
    }
    let key = match change.action {
        Out::Register | Out::RegisterAndIgnore => Some(change.other).filter(|key| *key != 0),
        Out::Reserve | Out::Preempt | Out::PreemptAndAbort => Some(change.key),
        Out::Clear => None,
        Out::Release => return verdict,
    };
    owned.registered = key;
    set_key(&disk.asked, key.unwrap_or(0));
    disk.hold(if key.is_some() {
        Hold::Key
    } else {
        Hold::Nothing
    });
    verdict
}
