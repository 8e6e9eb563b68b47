// SPDX-License-Identifier: GPL-2.0
//! Arguments of ioctls: copied in, checked by the rules of [`crate::abi`], copied out.

use kernel::{
    ioctl::{
        _IOC_NR,
        _IOC_SIZE,
        _IOC_TYPE, //
    },
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use md_model::name::UnitName;

use crate::{
    abi::{
        self,
        Header,
        Refusal, //
    },
    kapi::errno::eproto,
    Refused, //
};

/// The argument of an ioctl: plain bytes that start with a [`Header`].
pub(super) trait Argument: FromBytes + IntoBytes + zerocopy::Immutable {
    /// The header.
    fn header(&mut self) -> &mut Header;
}

macro_rules! argument {
    ($($name:ident),*) => {
        $(impl Argument for abi::$name {
            fn header(&mut self) -> &mut Header {
                &mut self.header
            }
        })*
    };
}

argument!(Version, Create, Clear, List, Status, Probe, SetOptions, Grow);
argument!(Attach, ChangeSide, Replace, Sync, Scrub, ScrubStatus);
argument!(ListLost, ListPools, ChangePool, SetPool, GrowMirror, ReadEvents, Rename);
argument!(CreateSoft, ChangeSoft, SoftStatus, MendSoft, MoveSoft, Multihost);
argument!(AddReplicas, DeleteReplicas, ListReplicas, StartSet, StopSet);

/// An ioctl's number, taken apart.
pub(super) struct Command {
    /// The number of this version's ioctl that is meant, whatever size the caller gave.
    pub(super) number: u32,
    size: usize,
}

impl Command {
    /// Finds out which ioctl is meant. `ENOTTY`: none of ours.
    ///
    /// The size is left out of the comparison: a tool of another version may give another one, and
    /// is told about the version, not that there is no such ioctl.
    pub(super) fn decode(command: u32) -> Result<Self> {
        const ALL: [u32; 32] = [
            abi::IOC_VERSION,
            abi::IOC_CREATE,
            abi::IOC_CLEAR,
            abi::IOC_LIST,
            abi::IOC_STATUS,
            abi::IOC_PROBE,
            abi::IOC_SET_OPTIONS,
            abi::IOC_GROW,
            abi::IOC_ADD_REPLICAS,
            abi::IOC_DELETE_REPLICAS,
            abi::IOC_LIST_REPLICAS,
            abi::IOC_START_SET,
            abi::IOC_STOP_SET,
            abi::IOC_ATTACH,
            abi::IOC_CHANGE_SIDE,
            abi::IOC_REPLACE,
            abi::IOC_SYNC,
            abi::IOC_LIST_POOLS,
            abi::IOC_CHANGE_POOL,
            abi::IOC_SET_POOL,
            abi::IOC_SCRUB,
            abi::IOC_SCRUB_STATUS,
            abi::IOC_LIST_LOST,
            abi::IOC_GROW_MIRROR,
            abi::IOC_READ_EVENTS,
            abi::IOC_RENAME,
            abi::IOC_CREATE_SOFT,
            abi::IOC_CHANGE_SOFT,
            abi::IOC_SOFT_STATUS,
            abi::IOC_MEND_SOFT,
            abi::IOC_MOVE_SOFT,
            abi::IOC_MULTIHOST,
        ];
        let same = |known: &u32| {
            _IOC_TYPE(*known) == _IOC_TYPE(command) && _IOC_NR(*known) == _IOC_NR(command)
        };
        let size = _IOC_SIZE(command);
        match ALL.into_iter().find(same) {
            Some(number) if size >= size_of::<Header>() => Ok(Self { number, size }),
            _ => Err(ENOTTY),
        }
    }

    /// Copies the argument in, carries the request out, and copies the argument out, with the
    /// reason if it was refused.
    pub(super) fn run<T: Argument>(
        &self,
        at: UserPtr,
        carry_out: impl FnOnce(&mut T) -> Result<(), Refused>,
    ) -> Result {
        let mut header: Header = read_one(at)?;
        if let Err(refused) = self.check_header::<T>(&header) {
            header.abi_version = abi::ABI_VERSION;
            refused.write_to(&mut header);
            write_one(at, &header)?;
            return Err(refused.errno());
        }
        let mut argument: T = read_one(at)?;
        header = Header {
            refusal: 0,
            refusal_index: abi::NO_INDEX,
            refusal_values: [0; 2],
            ..header
        };
        // The caller may have changed it since, in another thread: what was checked is what is
        // used.
        *argument.header() = header;
        let done = carry_out(&mut argument);
        match done {
            Ok(()) => write_one(at, &argument),
            Err(refused) => {
                refused.write_to(&mut header);
                write_one(at, &header)?;
                Err(refused.errno())
            }
        }
    }

    fn check_header<T>(&self, header: &Header) -> Result<(), Refused> {
        if header.abi_version != abi::ABI_VERSION {
            return Err(Refused::new(eproto(), Refusal::VersionMismatch)
                .with([header.abi_version.into(), 0]));
        }
        let expected = size_of::<T>();
        for found in [self.size, header.size as usize] {
            if found != expected {
                return Err(
                    Refused::new(EINVAL, Refusal::BadSize).with([expected as u64, found as u64])
                );
            }
        }
        check_zero(&header.reserved)
    }
}

/// Refuses fields that must be zero and are not.
pub(super) fn check_zero<T: Copy + Default + PartialEq>(fields: &[T]) -> Result<(), Refused> {
    if fields.iter().all(|field| *field == T::default()) {
        Ok(())
    } else {
        Err(Refused::new(EINVAL, Refusal::ReservedNotZero))
    }
}

/// Refuses an array of the caller's that has not room for as many elements as are needed.
pub(super) fn check_capacity(given: u32, needed: usize) -> Result<(), Refused> {
    if given as usize >= needed {
        return Ok(());
    }
    Err(Refused::new(E2BIG, Refusal::ArrayTooSmall).with([given.into(), needed as u64]))
}

/// How many elements a list has, for a field of an argument.
pub(super) fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// An array of the caller's that cannot be read or written.
pub(super) fn bad_address(error: Error) -> Refused {
    Refused::new(error, Refusal::BadSize)
}

/// The name of a metadevice in a field of an argument.
pub(super) fn unit_name(field: &[u8]) -> Result<UnitName, Refused> {
    UnitName::from_padded(field).map_err(|_| Refused::new(EINVAL, Refusal::BadName))
}

/// Puts a text into a field that is zero, cut so that a zero follows it.
pub(super) fn write_text(field: &mut [u8], text: &str) {
    let room = field.len().saturating_sub(1);
    for (to, from) in field.iter_mut().take(room).zip(text.bytes()) {
        *to = from;
    }
}

/// Copies a structure in.
pub(super) fn read_one<T: FromBytes + IntoBytes>(at: UserPtr) -> Result<T> {
    let mut value = T::new_zeroed();
    UserSlice::new(at, size_of::<T>())
        .reader()
        .read_slice(value.as_mut_bytes())?;
    Ok(value)
}

/// Copies a structure out.
fn write_one<T: IntoBytes + zerocopy::Immutable>(at: UserPtr, value: &T) -> Result {
    UserSlice::new(at, size_of::<T>())
        .writer()
        .write_slice(value.as_bytes())
}

/// Copies an array in.
pub(super) fn read_array<T>(at: u64, count: u32) -> Result<KVVec<T>>
where
    T: FromBytes + IntoBytes,
{
    let (at, bytes) = array_place::<T>(at, count)?;
    let mut reader = UserSlice::new(at, bytes).reader();
    let mut array = KVVec::with_capacity(count as usize, GFP_KERNEL)?;
    for _ in 0..count {
        let mut element = T::new_zeroed();
        reader.read_slice(element.as_mut_bytes())?;
        array.push(element, GFP_KERNEL)?;
    }
    Ok(array)
}

/// Copies an array out.
pub(super) fn write_array<T>(at: u64, array: impl ExactSizeIterator<Item = T>) -> Result
where
    T: IntoBytes + zerocopy::Immutable,
{
    let count = u32::try_from(array.len()).map_err(|_| EOVERFLOW)?;
    let (at, bytes) = array_place::<T>(at, count)?;
    let mut writer = UserSlice::new(at, bytes).writer();
    for element in array {
        writer.write_slice(element.as_bytes())?;
    }
    Ok(())
}

fn array_place<T>(at: u64, count: u32) -> Result<(UserPtr, usize)> {
    let at = usize::try_from(at).map_err(|_| EFAULT)?;
    let bytes = size_of::<T>()
        .checked_mul(count as usize)
        .ok_or(EOVERFLOW)?;
    Ok((UserPtr::from_addr(at), bytes))
}
