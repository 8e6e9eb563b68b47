// SPDX-License-Identifier: GPL-2.0
//! `/dev/md/mhd`: one open file is about one disk, which is bound first. The numbers and structures
//! are mhd(7I)'s.

use kernel::{
    bindings,
    new_mutex,
    prelude::*,
    sync::Mutex,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use md::{
    abi::DEVICE_LEN,
    fencing, //
};
use md_model::failfast::{
    takeover::Timing,
    wire::{
        linux_kind,
        Out, //
    },
    Action, //
};

use crate::{
    disk::{
        Bound,
        Disk, //
    },
    kapi::{
        caller_is_admin,
        dev_of_fd,
        dev_of_path,
        Buffer, //
    },
    mhioc::{
        self,
        Bind,
        Descriptor,
        InKeys,
        InKeys32,
        Key,
        KeyList,
        KeyList32,
        Own,
        Preempt,
        Register,
        RegisterAndIgnore, //
    },
    persistent::{
        change,
        insist_reading,
        keys,
        reservation,
        Change, //
    },
    prober::BUFFER_BYTES,
    reserve::{
        self,
        check_not_owned,
        done,
        Refusal, //
    }, //
};

/// How long a caller's addresses are.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Bits {
    ThirtyTwo,
    SixtyFour,
}

/// An open file.
#[pin_data]
pub(crate) struct File {
    is_nonblocking: bool,
    #[pin]
    bound: Mutex<Option<Bound>>,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict => EACCES,
            // ENOTSUP of mhd(7I). 7.2 does not name it.
            Refusal::Unsupported => Error::from_errno(-(bindings::EOPNOTSUPP as i32)),
            Refusal::Mixed | Refusal::Bad => EINVAL,
            Refusal::Failed => EIO,
            Refusal::Interrupted => EINTR,
            Refusal::NoMemory => ENOMEM,
        }
    }
}

impl File {
    /// A file that is about no disk yet. `is_nonblocking`: binding a disk does not touch it.
    pub(crate) fn new(is_nonblocking: bool) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                is_nonblocking,
                bound <- new_mutex!(None, "md_mhd_file"),
            }),
            GFP_KERNEL,
        )
    }

    /// Carries out an ioctl, whose argument lies in the memory of the caller, who has addresses of
    /// so many bits. Its answer.
    pub(crate) fn ioctl(&self, command: u32, at: UserPtr, bits: Bits) -> Result<i32> {
        if !caller_is_admin() {
            return Err(EPERM);
        }
        if command == mhioc::BIND {
            return self.bind(at).map(|()| 0);
        }
        let bound = self.bound.lock();
        let disk = bound.as_ref().ok_or(ENODEV)?.disk();
        match command {
            mhioc::STATUS => return Ok(i32::from(!reserve::has_access(disk)?)),
            mhioc::TKOWN => reserve::take(disk, timing(at)?)?,
            mhioc::RELEASE => reserve::release(disk)?,
            mhioc::QRESERVE => reserve::quick_reserve(disk)?,
            mhioc::ENFAILFAST => disk.set_failfast(read(at)?),
            mhioc::SETACTION => set_action(disk, read(at)?)?,
            mhioc::GRP_INKEYS => read_keys(disk, &mut Lists::read(at, bits)?)?,
            mhioc::GRP_INRESV => read_reservation(disk, &mut Lists::read(at, bits)?)?,
            _ => change_shared(disk, shared_change(command, at)?)?,
        }
        Ok(0)
    }

    /// Binds the disk. With access only, as opening a disk on Solaris, unless the file is opened
    /// with `O_NONBLOCK`.
    fn bind(&self, at: UserPtr) -> Result {
        let bind: Bind = read(at)?;
        if bind.reserved != 0 {
            return Err(EINVAL);
        }
        let mut path = [0; DEVICE_LEN];
        let dev = if bind.fd < 0 {
            let at = usize::try_from(bind.path).map_err(|_| EFAULT)?;
            dev_of_path(at, &mut path)?
        } else {
            dev_of_fd(bind.fd)?
        };
        let new = Bound::new(dev, path_in(&path))?;
        // A disk that knows no reservations cannot be another host's.
        let is_looked_at = !self.is_nonblocking && new.disk().device().may_be_reserved();
        if is_looked_at && !matches!(reserve::has_access(new.disk()), Ok(true)) {
            return Err(EIO);
        }
        let before = self.bound.lock().replace(new);
        drop(before);
        Ok(())
    }
}

/// The path in a field, or words for a disk that was given otherwise.
fn path_in(field: &[u8]) -> &[u8] {
    match field.split(|byte| *byte == 0).next() {
        Some(path) if !path.is_empty() => path,
        _ => b"a disk bound to /dev/md/mhd",
    }
}

/// Reads an argument. `EINVAL` without one.
fn read<T: FromBytes + IntoBytes>(at: UserPtr) -> Result<T> {
    if at.as_const_ptr().is_null() {
        return Err(EINVAL);
    }
    let mut value = T::new_zeroed();
    UserSlice::new(at, size_of::<T>())
        .reader()
        .read_slice(value.as_mut_bytes())?;
    Ok(value)
}

fn write(at: UserPtr, bytes: &[u8]) -> Result {
    UserSlice::new(at, bytes.len()).writer().write_slice(bytes)
}

/// An address in a structure.
fn address(at: u64) -> Result<UserPtr> {
    Ok(UserPtr::from_addr(usize::try_from(at).map_err(|_| EFAULT)?))
}

/// The times of MHIOCTKOWN; no argument stands for what is usual.
fn timing(at: UserPtr) -> Result<Timing> {
    if at.as_const_ptr().is_null() {
        return Ok(Timing::DEFAULT);
    }
    let own: Own = read(at)?;
    let (min, max) = (own.min_ownership_delay, own.max_ownership_delay);
    Timing::asked(own.reinstate_resv_delay, min, max).ok_or(EINVAL)
}

fn set_action(disk: &Disk, number: u32) -> Result {
    let action = Action::from_number(number).ok_or(EINVAL)?;
    fencing::set_action(disk.dev(), action);
    Ok(())
}

/// The answer to reading, in mhd(7I)'s errors.
fn answered<T>(answer: Result<T, md_model::failfast::verdict::Verdict>) -> Result<T> {
    match answer {
        Ok(found) => Ok(found),
        Err(verdict) => {
            done(verdict)?;
            Err(EIO)
        }
    }
}

/// The argument of MHIOCGRP_INKEYS and MHIOCGRP_INRESV: a head that leads to a list, which leads to
/// its elements.
struct Lists {
    bits: Bits,
    at: UserPtr,
    head: InKeys,
    list: KeyList,
}

impl Lists {
    fn read(at: UserPtr, bits: Bits) -> Result<Self> {
        let head = match bits {
            Bits::SixtyFour => read(at)?,
            Bits::ThirtyTwo => {
                let head: InKeys32 = read(at)?;
                InKeys {
                    generation: head.generation,
                    unused: 0,
                    list: head.list.into(),
                }
            }
        };
        let list_at = address(head.list)?;
        let list = match bits {
            Bits::SixtyFour => read(list_at)?,
            Bits::ThirtyTwo => {
                let list: KeyList32 = read(list_at)?;
                KeyList {
                    size: list.size,
                    length: list.length,
                    list: list.list.into(),
                }
            }
        };
        Ok(Self {
            bits,
            at,
            head,
            list,
        })
    }

    /// Gives the caller these elements, how many there are, and the generation. Addresses stay what
    /// they were.
    fn answer(&mut self, elements: &[u8], length: u32, generation: u32) -> Result {
        (self.list.length, self.head.generation) = (length, generation);
        write(address(self.list.list)?, elements)?;
        let list_at = address(self.head.list)?;
        match self.bits {
            Bits::SixtyFour => {
                write(list_at, self.list.as_bytes())?;
                write(self.at, self.head.as_bytes())
            }
            // What is before the address is the same.
            Bits::ThirtyTwo => {
                let list = self.list.as_bytes().get(..8).unwrap_or(&[]);
                write(list_at, list)?;
                write(self.at, &generation.to_ne_bytes())
            }
        }
    }
}

/// MHIOCGRP_INKEYS: as many keys as there is room for, and how many there are.
fn read_keys(disk: &Disk, lists: &mut Lists) -> Result {
    let mut buffer = Buffer::new(BUFFER_BYTES)?;
    let mut answer = KVec::with_capacity(BUFFER_BYTES, GFP_KERNEL)?;
    let room = lists.list.size as usize;
    let (generation, count) = answered(insist_reading(|| {
        let found = keys(disk.device(), &mut buffer)?;
        answer.clear();
        for key in found.keys().take(room) {
            // There is room for as many as the buffer has.
            let _ = answer.extend_from_slice(&key.to_be_bytes(), GFP_KERNEL);
        }
        Ok((found.generation, found.count))
    }))?;
    lists.answer(&answer, count, generation)
}

/// MHIOCGRP_INRESV: likewise; there is at most one reservation.
fn read_reservation(disk: &Disk, lists: &mut Lists) -> Result {
    let mut buffer = Buffer::new(BUFFER_BYTES)?;
    let (generation, held) = answered(insist_reading(|| reservation(disk.device(), &mut buffer)))?;
    let descriptor = held.filter(|_| lists.list.size > 0).map(|held| Descriptor {
        key: held.key.to_be_bytes(),
        kind: held.kind,
        scope: held.scope,
        unused: [0; 2],
        scope_specific_addr: 0,
    });
    let element = descriptor
        .as_ref()
        .map(Descriptor::as_bytes)
        .unwrap_or_default();
    lists.answer(element, held.is_some().into(), generation)
}

/// What one of the other operations asks for. `ENOTTY`: there is no such operation.
fn shared_change(command: u32, at: UserPtr) -> Result<Change> {
    let key = Key::default();
    let (action, key, other, what, aptpl) = match command {
        mhioc::GRP_REGISTER => {
            let asked: Register = read(at)?;
            (Out::Register, asked.old, asked.new, (0, 0), asked.aptpl)
        }
        mhioc::GRP_REGISTERANDIGNOREKEY => {
            let asked: RegisterAndIgnore = read(at)?;
            let action = Out::RegisterAndIgnore;
            (action, key, asked.new, (0, 0), asked.aptpl)
        }
        mhioc::GRP_RESERVE => {
            let asked: Descriptor = read(at)?;
            let what = (asked.kind, asked.scope);
            (Out::Reserve, asked.key, key, what, 0)
        }
        mhioc::GRP_PREEMPT | mhioc::GRP_PREEMPTANDABORT => {
            let asked: Preempt = read(at)?;
            let what = (asked.descriptor.kind, asked.descriptor.scope);
            let action = if command == mhioc::GRP_PREEMPT {
                Out::Preempt
            } else {
                Out::PreemptAndAbort
            };
            (action, asked.descriptor.key, asked.victim, what, 0)
        }
        mhioc::GRP_CLEAR => (Out::Clear, read(at)?, key, (0, 0), 0),
        _ => return Err(ENOTTY),
    };
    Ok(Change {
        action,
        key: u64::from_be_bytes(key),
        other: u64::from_be_bytes(other),
        kind: what.0,
        scope: what.1,
        survives: aptpl != 0,
    })
}

/// Carries out an operation for several hosts.
fn change_shared(disk: &Disk, asked: Change) -> Result {
    carry_out(disk, asked)?;
    Ok(())
}

/// The same, with its own reasons.
pub(crate) fn carry_out(disk: &Disk, asked: Change) -> Result<(), Refusal> {
    let needs_kind = matches!(
        asked.action,
        Out::Reserve | Out::Preempt | Out::PreemptAndAbort
    );
    if needs_kind && (linux_kind(asked.kind).is_none() || asked.scope > 0xf) {
        return Err(Refusal::Bad);
    }
    let mut owned = disk.owned.lock();
    check_not_owned(&owned)?;
    done(change(disk, &mut owned, &asked))
}
