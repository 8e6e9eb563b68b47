// SPDX-License-Identifier: GPL-2.0
//! Ownership of a disk by one host: taking it, giving it up, reserving it and nothing else, and
//! asking for it. By RESERVE and RELEASE where the disk has them, else by persistent reservations
//! (`md_model::failfast::persist`).

use kernel::prelude::*;
use md_model::failfast::{
    persist::{
        self,
        Seen,
        Step,
        Want,
        STEPS_MAX, //
    },
    takeover::{
        self,
        Takeover,
        Timing,
        PAUSE_MS, //
    },
    verdict::Verdict,
    watch::Hold,
    wire::{
        Command,
        Out,
        EXCLUSIVE_ACCESS,
        RELEASE,
        RESERVE, //
    }, //
};

use crate::{
    disk::{
        Disk,
        Owned,
        Way, //
    },
    kapi::{
        now_ms,
        sleep_ms,
        Buffer, //
    },
    persistent::{
        insist,
        insist_reading,
        keys,
        reservation,
        send,
        Change, //
    },
    prober::{
        set_key,
        BUFFER_BYTES, //
    }, //
};

/// Why something was not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// Another host has the disk.
    Conflict,
    /// The disk has no such command.
    Unsupported,
    /// It cannot be had together with how the disk is owned.
    Mixed,
    /// The disk has not carried out a command.
    Failed,
    /// A signal has come.
    Interrupted,
    /// What is asked for does not exist.
    Bad,
    /// There is no memory.
    NoMemory,
}

impl From<Error> for Refusal {
    fn from(_: Error) -> Self {
        Self::NoMemory
    }
}

/// Whether a command was carried out.
pub(crate) fn done(verdict: Verdict) -> Result<(), Refusal> {
    match verdict {
        Verdict::Good => Ok(()),
        Verdict::Conflict => Err(Refusal::Conflict),
        Verdict::Unsupported => Err(Refusal::Unsupported),
        _ => Err(Refusal::Failed),
    }
}

/// Refuses what is for one host, while a program has a key registered.
fn check_not_shared(owned: &Owned) -> Result<(), Refusal> {
    match owned.registered {
        Some(_) => Err(Refusal::Mixed),
        None => Ok(()),
    }
}

/// Refuses what is for several hosts, while the disk is owned by this one.
pub(crate) fn check_not_owned(owned: &Owned) -> Result<(), Refusal> {
    if owned.is_owned {
        Err(Refusal::Mixed)
    } else {
        Ok(())
    }
}

/// Takes a disk (MHIOCTKOWN). Sleeps for as long as `timing` says.
pub(crate) fn take(disk: &Disk, timing: Timing) -> Result<(), Refusal> {
    let mut owned = disk.owned.lock();
    check_not_shared(&owned)?;
    let ended = run_takeover(disk, &mut owned, timing);
    if let Err(refusal) = ended {
        if refusal != Refusal::Conflict {
            // It may be ours, and nobody would know.
            let _ = let_go(disk, &mut owned);
        }
        return Err(refusal);
    }
    owned.is_owned = true;
    disk.asked.forget_resets();
    disk.hold(match owned.way {
        Way::Persistent => Hold::Key,
        _ => Hold::Reservation {
            reinstate_ms: timing.reinstate_ms,
        },
    });
    Ok(())
}

fn run_takeover(disk: &Disk, owned: &mut Owned, timing: Timing) -> Result<(), Refusal> {
    let mut takeover = Takeover::new(now_ms(), timing);
    let mut step = takeover::Step::Reserve;
    loop {
        let verdict = match step {
            takeover::Step::Reserve => reserve(disk, owned, Want::Hold),
            takeover::Step::Break => force(disk, owned),
            takeover::Step::Pause if sleep_ms(PAUSE_MS) => Verdict::Good,
            takeover::Step::Pause => return Err(Refusal::Interrupted),
            takeover::Step::Done => return Ok(()),
            takeover::Step::Denied => return Err(Refusal::Conflict),
            takeover::Step::Unsupported => return Err(Refusal::Unsupported),
            takeover::Step::Failed => return Err(Refusal::Failed),
        };
        step = takeover.step(now_ms(), verdict);
    }
}

/// Breaks the reservation that another host has.
fn force(disk: &Disk, owned: &mut Owned) -> Verdict {
    match owned.way {
        Way::Persistent => persistently(disk, Want::Seize),
        _ => disk
            .device()
            .reset()
            .map_or(Verdict::Unknown, |()| Verdict::Good),
    }
}

/// Reserves the disk once, and finds out which way it has.
fn reserve(disk: &Disk, owned: &mut Owned, want: Want) -> Verdict {
    if owned.way != Way::Persistent {
        let verdict = command(disk, &RESERVE);
        if verdict != Verdict::Unsupported {
            owned.way = Way::Reserve;
            return verdict;
        }
    }
    let verdict = persistently(disk, want);
    owned.way = match verdict {
        Verdict::Unsupported => Way::Unknown,
        _ => Way::Persistent,
    };
    verdict
}

/// Sends a command without data.
fn command(disk: &Disk, command: &Command) -> Verdict {
    match Buffer::new(0) {
        Ok(mut buffer) => disk.device().send(command, &mut buffer, 0, false),
        Err(_) => Verdict::Unknown,
    }
}

/// Brings a wish to its end by persistent reservations.
fn persistently(disk: &Disk, want: Want) -> Verdict {
    match try_persistently(disk, want) {
        Ok(()) => Verdict::Good,
        Err(verdict) => verdict,
    }
}

fn try_persistently(disk: &Disk, want: Want) -> Result<(), Verdict> {
    let (device, me) = (disk.device(), disk.own_key);
    if !device.may_be_reserved() {
        return Err(Verdict::Unsupported);
    }
    let mut buffer = Buffer::new(BUFFER_BYTES).map_err(|_| Verdict::Unknown)?;
    // A key that is there counts if it is to go, or if it is this very wish's.
    let mut may_count = want == Want::LetGo || disk.held() == Hold::Key;
    set_key(&disk.asked, me);
    for _ in 0..STEPS_MAX {
        let is_there =
            insist_reading(|| keys(device, &mut buffer).map(|all| all.keys().any(|k| k == me)))?;
        let (_, held) = insist_reading(|| reservation(device, &mut buffer))?;
        let seen = Seen {
            is_registered: may_count && is_there,
            holder: held.map(|held| held.key),
        };
        let step = persist::next(want, me, seen);
        let kind = held.map_or(EXCLUSIVE_ACCESS, |held| held.kind);
        let (action, other) = match step {
            Step::Done => return Ok(()),
            Step::Denied => return Err(Verdict::Conflict),
            Step::Register => (Out::RegisterAndIgnore, me),
            Step::Reserve => (Out::Reserve, 0),
            Step::Preempt(victim) => (Out::Preempt, victim),
            Step::Release => (Out::Release, 0),
            // What the driver cannot take back stays; it gives nobody access.
            Step::Unregister if !device.is_scsi() => return Ok(()),
            Step::Unregister => (Out::Register, 0),
        };
        let change = Change {
            action,
            key: match action {
                Out::RegisterAndIgnore => 0,
                _ => me,
            },
            other,
            kind: match action {
                Out::Release => kind,
                _ => EXCLUSIVE_ACCESS,
            },
            scope: 0,
            survives: false,
        };
        match send(device, &change) {
            Verdict::Good => may_count = true,
            // Somebody was faster: what the disk says next decides.
            Verdict::Conflict => {}
            verdict => return Err(verdict),
        }
    }
    Err(Verdict::Conflict)
}

/// Gives the disk up (MHIOCRELEASE). If that fails it is still ours.
pub(crate) fn release(disk: &Disk) -> Result<(), Refusal> {
    let mut owned = disk.owned.lock();
    check_not_shared(&owned)?;
    let (held, key) = (disk.held(), disk.own_key);
    // Else a probe would find a disk that is not ours any more.
    disk.change(|watch| watch.set_hold(Hold::Nothing));
    set_key(&disk.asked, 0);
    match let_go(disk, &mut owned) {
        Ok(()) => {
            owned.is_owned = false;
            disk.hold(Hold::Nothing);
            Ok(())
        }
        Err(refusal) => {
            if held == Hold::Key {
                set_key(&disk.asked, key);
            }
            disk.change(|watch| watch.set_hold(held));
            Err(refusal)
        }
    }
}

fn let_go(disk: &Disk, owned: &mut Owned) -> Result<(), Refusal> {
    if owned.way != Way::Persistent {
        let verdict = insist(|| command(disk, &RELEASE));
        if verdict != Verdict::Unsupported {
            return done(verdict);
        }
    }
    let ended = done(persistently(disk, Want::LetGo));
    set_key(&disk.asked, 0);
    ended
}

/// Reserves the disk and does nothing else (MHIOCQRESERVE).
pub(crate) fn quick_reserve(disk: &Disk) -> Result<(), Refusal> {
    let mut owned = disk.owned.lock();
    check_not_shared(&owned)?;
    done(insist(|| reserve(disk, &mut owned, Want::Hold)))?;
    owned.is_owned = true;
    disk.hold(match owned.way {
        Way::Persistent => Hold::Key,
        _ => Hold::Quick,
    });
    Ok(())
}

/// Whether we have access (MHIOCSTATUS): `false` if another host has the disk.
pub(crate) fn has_access(disk: &Disk) -> Result<bool, Refusal> {
    let mut buffer = Buffer::new(BUFFER_BYTES)?;
    let hold = disk.held();
    match insist(|| disk.asked.ask(hold, &mut buffer, false)) {
        Verdict::Good => Ok(true),
        Verdict::Conflict => Ok(false),
        Verdict::Unsupported => Err(Refusal::Unsupported),
        _ => Err(Refusal::Failed),
    }
}
