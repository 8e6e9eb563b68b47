// SPDX-License-Identifier: GPL-2.0
//! The same operations by `/dev/md/admin`, for the tool. It reaches a disk whoever has it.

use kernel::{
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use md::{
    abi::{
        self,
        Refusal as Reason, //
    },
    fencing,
    multihost::Multihost,
    Refused, //
};
use md_model::failfast::{
    takeover::Timing,
    verdict::Verdict,
    watch::Cause,
    wire::Out,
    Action,
    Choice, //
};

use crate::{
    disk::{
        usual_action,
        Bound,
        Disk,
        Way, //
    },
    file::carry_out,
    kapi::{
        now_ms,
        Buffer, //
    },
    persistent::{
        insist_reading,
        keys,
        reservation,
        Change, //
    },
    prober::BUFFER_BYTES,
    reserve::{
        self,
        done,
        Refusal, //
    }, //
};

/// What the core calls.
pub(crate) struct Admin;

impl Multihost for Admin {
    fn carry_out(&self, request: &mut abi::Multihost) -> Result<(), Refused> {
        if request.reserved != 0 || request.flags & !abi::MULTIHOST_SURVIVES != 0 {
            return Err(Refused::new(EINVAL, Reason::ReservedNotZero));
        }
        let path = request.path.split(|byte| *byte == 0).next();
        let bound = Bound::new(request.dev, path.unwrap_or_default()).map_err(unbound)?;
        let disk = bound.disk();
        operate(disk, request).map_err(told)?;
        describe(disk, request);
        Ok(())
    }

    fn watch(&self, dev: u64, path: &[u8], choice: Choice) -> Result<(), Refused> {
        let path = path.split(|byte| *byte == 0).next();
        let bound = Bound::new(dev, path.unwrap_or_default()).map_err(unbound)?;
        let action = choice.action.unwrap_or_else(usual_action);
        fencing::set_action(bound.disk().dev(), action);
        bound.disk().set_failfast(choice.period_ms);
        Ok(())
    }
}

/// A disk that cannot be bound.
fn unbound(error: Error) -> Refused {
    match error {
        ENOSPC => {
            let most = fencing::DISKS_MAX as u64;
            Refused::new(error, Reason::TooManyWatched).with([most, 0])
        }
        ENOMEM => Refused::new(error, Reason::NoMemory),
        _ => {
            let errno = u64::from(error.to_errno().unsigned_abs());
            Refused::new(error, Reason::ComponentNotFound).with([errno, 0])
        }
    }
}

/// A refusal, for the tool.
fn told(refusal: Refusal) -> Refused {
    let reason = match refusal {
        Refusal::Conflict => Reason::ReservationConflict,
        Refusal::Unsupported => Reason::NoReservations,
        Refusal::Mixed => Reason::ReservationsMixed,
        Refusal::Failed => Reason::ReservationFailed,
        Refusal::Interrupted => Reason::Interrupted,
        Refusal::Bad => Reason::BadMultihost,
        Refusal::NoMemory => Reason::NoMemory,
    };
    let errno = Error::from(refusal);
    let number = u64::from(errno.to_errno().unsigned_abs());
    Refused::new(errno, reason).with([number, 0])
}

/// Carries out what is asked for.
fn operate(disk: &Disk, request: &mut abi::Multihost) -> Result<(), Refusal> {
    match request.operation {
        abi::MULTIHOST_STATUS => {
            request.access = match reserve::has_access(disk) {
                Ok(true) => abi::ACCESS_YES,
                Ok(false) => abi::ACCESS_NO,
                Err(_) => abi::ACCESS_UNKNOWN,
            };
            Ok(())
        }
        abi::MULTIHOST_TAKE => {
            let [reinstate, min, max] = request.timing_ms.map(|ms| i32::try_from(ms).unwrap_or(-1));
            let timing = Timing::asked(reinstate, min, max).ok_or(Refusal::Bad)?;
            reserve::take(disk, timing)
        }
        abi::MULTIHOST_RELEASE => reserve::release(disk),
        abi::MULTIHOST_QUICK_RESERVE => reserve::quick_reserve(disk),
        abi::MULTIHOST_FAILFAST => {
            disk.set_failfast(request.failfast_ms);
            Ok(())
        }
        abi::MULTIHOST_ACTION => {
            let action = Action::from_number(request.action).ok_or(Refusal::Bad)?;
            fencing::set_action(disk.dev(), action);
            Ok(())
        }
        abi::MULTIHOST_KEYS => read_keys(disk, request),
        abi::MULTIHOST_RESERVATION => Ok(()),
        _ => carry_out(disk, change(request)?),
    }
}

/// A change of registrations or the reservation.
fn change(request: &abi::Multihost) -> Result<Change, Refusal> {
    let action = match request.operation {
        abi::MULTIHOST_REGISTER => Out::Register,
        abi::MULTIHOST_REGISTER_AND_IGNORE => Out::RegisterAndIgnore,
        abi::MULTIHOST_RESERVE => Out::Reserve,
        abi::MULTIHOST_PREEMPT => Out::Preempt,
        abi::MULTIHOST_PREEMPT_AND_ABORT => Out::PreemptAndAbort,
        abi::MULTIHOST_CLEAR => Out::Clear,
        _ => return Err(Refusal::Bad),
    };
    Ok(Change {
        action,
        key: request.key,
        other: request.other_key,
        kind: u8::try_from(request.kind).map_err(|_| Refusal::Bad)?,
        scope: u8::try_from(request.scope).map_err(|_| Refusal::Bad)?,
        survives: request.flags & abi::MULTIHOST_SURVIVES != 0,
    })
}

/// The answer to reading.
fn answered<T>(answer: Result<T, Verdict>) -> Result<T, Refusal> {
    match answer {
        Ok(found) => Ok(found),
        Err(verdict) => {
            done(verdict)?;
            Err(Refusal::Failed)
        }
    }
}

fn read_keys(disk: &Disk, request: &mut abi::Multihost) -> Result<(), Refusal> {
    let mut buffer = Buffer::new(BUFFER_BYTES)?;
    let mut answer = KVec::new();
    let room = request.key_capacity as usize;
    (request.generation, request.key_count) = answered(insist_reading(|| {
        let found = keys(disk.device(), &mut buffer)?;
        answer.clear();
        for key in found.keys().take(room) {
            let pushed = answer.extend_from_slice(&key.to_ne_bytes(), GFP_KERNEL);
            pushed.map_err(|_| Verdict::Unknown)?;
        }
        Ok((found.generation, found.count))
    }))?;
    let at = usize::try_from(request.keys).map_err(|_| Refusal::Bad)?;
    let mut writer = UserSlice::new(UserPtr::from_addr(at), answer.len()).writer();
    writer.write_slice(&answer).map_err(|_| Refusal::Bad)
}

/// Says how the disk is now.
fn describe(disk: &Disk, request: &mut abi::Multihost) {
    request.dev = disk.dev();
    let (way, is_owned, registered) = {
        let owned = disk.owned.lock();
        (owned.way, owned.is_owned, owned.registered)
    };
    request.way = match way {
        Way::Unknown => abi::WAY_UNKNOWN,
        Way::Reserve => abi::WAY_RESERVE,
        Way::Persistent => abi::WAY_PERSISTENT,
    };
    (request.key, request.kind, request.scope) = (0, 0, 0);
    // A disk that is reserved otherwise refuses the question, and says so in the kernel's log.
    let may_ask = !(is_owned && way == Way::Reserve);
    if let Some((generation, Some(held))) = Buffer::new(BUFFER_BYTES)
        .ok()
        .filter(|_| may_ask)
        .and_then(|mut buffer| insist_reading(|| reservation(disk.device(), &mut buffer)).ok())
    {
        request.generation = generation;
        (request.key, request.kind, request.scope) =
            (held.key, held.kind.into(), held.scope.into());
    }
    let Some(state) = fencing::state(disk.dev()) else {
        return;
    };
    let watch = &state.watch;
    let bits = [
        (is_owned, abi::MULTIHOST_OWNED),
        (registered.is_some(), abi::MULTIHOST_REGISTERED),
        (watch.is_expected(), abi::MULTIHOST_EXPECTED),
        (watch.lost().is_some(), abi::MULTIHOST_LOST),
        (watch.lost() == Some(Cause::Io), abi::MULTIHOST_LOST_BY_IO),
        (state.is_fenced, abi::MULTIHOST_FENCED),
        (watch.is_stalled(), abi::MULTIHOST_STALLED),
        (watch.is_gone(), abi::MULTIHOST_GONE),
        (watch.is_to_reserve(), abi::MULTIHOST_REINSTATING),
    ];
    let so = bits.into_iter().filter(|(is_so, _)| *is_so);
    request.state = so.fold(0, |state, (_, bit)| state | bit);
    request.failfast_ms = watch.period_ms();
    request.action = state.action.number();
    let since = |at: u64| now_ms().saturating_sub(at);
    request.good_ms = watch.last_good().map_or(u64::MAX, since);
    let counts = watch.counts();
    request.probes = counts.probes;
    request.silent = counts.silent;
    request.conflicts = counts.conflicts;
    request.resets = counts.resets;
}
