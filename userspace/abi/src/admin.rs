// SPDX-License-Identifier: GPL-2.0
//! Numbers and structures of the ioctls on `/dev/md/admin`.
//!
//! Compiled by the tool (crate `md-abi`) and by `md_rs.ko` (module `md::abi`).
//!
//! Rules, checked by the kernel before anything else is looked at:
//! 1. The caller has `CAP_SYS_ADMIN` (else `EPERM`).
//! 2. Every argument starts with a [`Header`]. A header whose `abi_version` is not
//!    [`ABI_VERSION`] is refused with `EPROTO`; the header then holds the kernel's version.
//!    The first 48 bytes of every argument keep this meaning in all versions.
//! 3. `size` and the size in the ioctl number equal the size of the structure (else `EINVAL`).
//! 4. Reserved fields, unknown flags and the bytes after the end of a string are zero
//!    (else `EINVAL`).
//!
//! A refused ioctl changes nothing; its header says why ([`Refusal`]). Sizes and positions are in
//! sectors of 512 bytes. All structures are free of padding and have the same layout in 32-bit
//! and 64-bit processes.

use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Version of this interface. Any change to a structure, number or meaning raises it: tool and
/// modules are built and shipped together.
pub const ABI_VERSION: u32 = 6;

/// Bytes in a metadevice name, with at least one trailing zero.
pub const NAME_LEN: usize = 32;

/// Bytes in a component's device path, with at least one trailing zero.
pub const DEVICE_LEN: usize = 200;

/// Most rows in one stripe or concat.
pub const ROWS_MAX: u32 = 1024;

/// Most components in one stripe or concat, over all its rows.
pub const COMPONENTS_MAX: u32 = 1024;

/// Most submirrors of a mirror (`svm.md` section 4.1).
pub const SUBMIRRORS_MAX: u32 = 4;

/// Highest pass number of a mirror (`svm.md` section 4.1).
pub const PASS_MAX: u32 = 9;

/// Most metadevices in a set (`svm.md` section 1.3).
pub const UNITS_MAX: u32 = 8192;

/// Most replicas of a state database (`svm.md` section 2.1).
pub const REPLICAS_MAX: u32 = 50;

/// Most devices that a set may be looked for on.
pub const DEVICES_MAX: u32 = 8192;

/// Bytes in a sector, the unit of every size and position here.
pub const SECTOR_BYTES: u64 = 512;

/// `ioctl` type letter, the one that SVM used (`svm.md` section 11.1).
pub const IOC_TYPE: u32 = b'V' as u32;

/// Reads the versions of interface and module: argument [`Version`].
pub const IOC_VERSION: u32 = read_write(1, size_of::<Version>());
/// Makes a metadevice: argument [`Create`].
pub const IOC_CREATE: u32 = read_write(2, size_of::<Create>());
/// Clears a metadevice: argument [`Clear`].
pub const IOC_CLEAR: u32 = read_write(3, size_of::<Clear>());
/// Lists the metadevices: argument [`List`].
pub const IOC_LIST: u32 = read_write(4, size_of::<List>());
/// Reads the rows and components of a metadevice: argument [`Status`].
pub const IOC_STATUS: u32 = read_write(5, size_of::<Status>());
/// Reads a block of each component of a metadevice, to see that it answers: argument [`Probe`].
pub const IOC_PROBE: u32 = read_write(6, size_of::<Probe>());
/// Changes the options of a mirror: argument [`SetOptions`].
pub const IOC_SET_OPTIONS: u32 = read_write(7, size_of::<SetOptions>());
/// Adds rows to a stripe or concat while it is in use: argument [`Grow`].
pub const IOC_GROW: u32 = read_write(8, size_of::<Grow>());

/// Adds replicas of the state database on a device, the first ones of a new set included: argument
/// [`AddReplicas`].
pub const IOC_ADD_REPLICAS: u32 = read_write(9, size_of::<AddReplicas>());
/// Deletes the replicas on a device: argument [`DeleteReplicas`].
pub const IOC_DELETE_REPLICAS: u32 = read_write(10, size_of::<DeleteReplicas>());
/// Reads how the state database is: argument [`ListReplicas`].
pub const IOC_LIST_REPLICAS: u32 = read_write(11, size_of::<ListReplicas>());
/// Loads a set from its replicas and makes its metadevices: argument [`StartSet`].
pub const IOC_START_SET: u32 = read_write(12, size_of::<StartSet>());
/// Stops a set: its metadevices go, its state stays: argument [`StopSet`].
pub const IOC_STOP_SET: u32 = read_write(13, size_of::<StopSet>());

/// Adds a submirror to a mirror, which is then made equal to the others: argument [`Attach`].
pub const IOC_ATTACH: u32 = read_write(14, size_of::<Attach>());
/// Takes a submirror out of its mirror, or out of service, or back: argument [`ChangeSide`].
pub const IOC_CHANGE_SIDE: u32 = read_write(15, size_of::<ChangeSide>());
/// Replaces a component of a submirror, or takes it back into service: argument [`Replace`].
pub const IOC_REPLACE: u32 = read_write(16, size_of::<Replace>());
/// Starts or cancels the resync of a mirror: argument [`Sync`].
pub const IOC_SYNC: u32 = read_write(17, size_of::<Sync>());

/// Number of an ioctl that reads and writes its argument, as `_IOWR` makes it
/// (`include/uapi/asm-generic/ioctl.h`).
const fn read_write(nr: u32, size: usize) -> u32 {
    (3 << 30) | ((size as u32) << 16) | (IOC_TYPE << 8) | nr
}

/// Start of every argument.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// In: [`ABI_VERSION`] of the caller. Out: that of the kernel.
    pub abi_version: u32,
    /// In: size in bytes of the whole argument.
    pub size: u32,
    /// Out: why the request was refused, a [`Refusal`] as a number; 0 when it was not.
    pub refusal: u32,
    /// Out: which row or component the refusal is about, counted from 0; [`NO_INDEX`] if none.
    pub refusal_index: u32,
    /// Out: figures that belong to the refusal, see [`Refusal`].
    pub refusal_values: [u64; 2],
    /// Zero.
    pub reserved: [u64; 2],
}

/// [`Header::refusal_index`] of a refusal that is about the metadevice as a whole.
pub const NO_INDEX: u32 = u32::MAX;

/// Why a request was refused.
///
/// `values` in the comments are [`Header::refusal_values`]; a variant without one leaves them zero.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Refusal {
    /// Tool and module are of different versions. `values[0]`: version of the caller.
    VersionMismatch = 1,
    /// The size of the argument is not that of this version. `values`: expected, found.
    BadSize = 2,
    /// A reserved field, an unknown flag or a byte behind a string is not zero.
    ReservedNotZero = 3,
    /// The name is not one that a metadevice may have.
    BadName = 4,
    /// A metadevice of this name exists.
    NameInUse = 5,
    /// No metadevice of this name exists.
    NoSuchUnit = 6,
    /// The metadevice is open. `values[0]`: by how many.
    UnitOpen = 7,
    /// The metadevice is a component of another one. `values[0]`: number of that one.
    UnitHasParent = 8,
    /// There is no such kind of metadevice, or its module could not be loaded.
    /// `values[0]`: the kind.
    NoPersonality = 9,
    /// Number of rows out of range. `values`: found, most.
    BadRowCount = 10,
    /// Number of components out of range. `values`: found, most.
    BadComponentCount = 11,
    /// Interlace of a row out of range. `values`: found, and the bound that it violates, in
    /// sectors.
    BadInterlace = 12,
    /// No such block device, or its driver is not ready. `values[0]`: the errno.
    ComponentNotFound = 13,
    /// The device is in use (mounted, or held by another driver).
    ComponentBusy = 14,
    /// The device is write-protected.
    ComponentReadOnly = 15,
    /// The device, or the given part of it, is too small. `values`: needed, found, in sectors.
    ComponentTooSmall = 16,
    /// The device is zoned, which metadevices are not.
    ComponentZoned = 17,
    /// The device stands in this metadevice twice.
    ComponentInUse = 18,
    /// The start or size is not a multiple of the device's logical block size.
    /// `values`: found, block size, in sectors.
    ComponentUnaligned = 19,
    /// Total size over the limit. `values`: found, most, in sectors.
    TooLarge = 20,
    /// As many metadevices exist as there can be. `values[0]`: how many.
    TooManyUnits = 21,
    /// The caller's array is too small. `values`: given, needed, in elements.
    ArrayTooSmall = 22,
    /// Out of memory.
    NoMemory = 23,
    /// Metadevices made of metadevices, in too many levels. `values[0]`: most levels.
    NestedTooDeep = 24,
    /// The kernel could not make the block device. `values[0]`: the errno.
    DiskFailed = 25,
    /// The interlace of a row is not a multiple of the logical block size of its devices.
    /// `values`: interlace, block size, in sectors.
    InterlaceUnaligned = 26,
    /// The metadevice is not a mirror, but what is asked for is a mirror's.
    NotAMirror = 27,
    /// The metadevice is not a stripe or concat, but what is asked for is theirs.
    NotAStripe = 28,
    /// The submirror is not a stripe or concat metadevice.
    BadSubmirror = 29,
    /// The component is a mirror, which only stands at the top.
    ComponentIsMirror = 30,
    /// An option of a mirror is out of range. `values`: which ([`OPTION_READ_POLICY`], ...), found.
    BadOption = 31,
    /// A submirror needs maintenance, so that data may be lost with the mirror; see
    /// [`CLEAR_FORCE`].
    SubmirrorErred = 32,
    /// The device has a larger logical block than the metadevice that it is to be added to.
    /// `values`: found, most, in bytes.
    BlockTooLarge = 33,
    /// There is no state database, and the request needs one.
    NoDatabase = 34,
    /// A set is loaded: it has to be stopped first.
    SetIsLoaded = 35,
    /// There are metadevices in memory that no state database knows. `values[0]`: how many.
    UnitsInMemory = 36,
    /// No replica of a state database was found on the devices.
    NoReplicaFound = 37,
    /// Replicas of several sets were found, and none was named.
    SeveralSets = 38,
    /// The replicas do not suffice to start for writing. `values`: votes there, votes in all.
    NoQuorum = 39,
    /// The newest commit is known, but no replica that was found has all of it.
    DatabaseIncomplete = 40,
    /// The contents of the database are damaged. `values[0]`: number of the record, if any.
    DatabaseDamaged = 41,
    /// The set is read-only, since a commit could not reach enough replicas.
    SetIsStopped = 42,
    /// The smallest replica has no room. `values`: pages needed, pages free.
    DatabaseFull = 43,
    /// Number of replicas out of range. `values`: found, most.
    BadReplicaCount = 44,
    /// The size of a replica is out of range. `values`: found, least, in sectors.
    BadReplicaSize = 45,
    /// The device has replicas of this set already.
    ReplicaExists = 46,
    /// The device has no replica of the set.
    NoSuchReplica = 47,
    /// It is the last voting replica, see [`DELETE_LAST`].
    LastReplica = 48,
    /// The tie-breaker has to be on a device without a voting replica, and there is only one.
    TieBreakerMisplaced = 49,
    /// The device belongs to a metadevice and has no reserved head, where a replica would go.
    NoReservedHead = 50,
    /// Metadevices of the set are open. `values[0]`: number of the first one.
    SetIsOpen = 51,
    /// The device has no reserved head, and neither a partition uuid nor a world-wide name, so that
    /// it would not be found again.
    NoIdentity = 52,
    /// Not everything of the set is there. `values`: replicas that are missing, components.
    SetIncomplete = 53,
    /// The mirror has as many submirrors as there can be. `values[0]`: how many.
    TooManySubmirrors = 54,
    /// The metadevice is no submirror of the mirror.
    NotASubmirror = 55,
    /// The submirror has blocks, or may have some, that no other one in service has.
    NoOtherSource = 56,
    /// The mirror has to be resynced first, or is being resynced.
    ResyncNeeded = 57,
    /// The submirror is offline; it has to be onlined first.
    SideOffline = 58,
    /// The submirror is not offline.
    SideNotOffline = 59,
    /// The submirror has no such component (any more).
    NoSuchComponent = 60,
    /// The component is in service: there is nothing to be enabled.
    ComponentInService = 61,
    /// Other components of the mirror are to be replaced before this one, which has the last copy.
    /// The index is that of the submirror with the first of them.
    ReplaceOthersFirst = 62,
    /// Nothing of the mirror has to be resynced.
    NothingToResync = 63,
}

impl Refusal {
    /// Every refusal, in the order of their numbers.
    pub const ALL: [Refusal; 63] = [
        Refusal::VersionMismatch,
        Refusal::BadSize,
        Refusal::ReservedNotZero,
        Refusal::BadName,
        Refusal::NameInUse,
        Refusal::NoSuchUnit,
        Refusal::UnitOpen,
        Refusal::UnitHasParent,
        Refusal::NoPersonality,
        Refusal::BadRowCount,
        Refusal::BadComponentCount,
        Refusal::BadInterlace,
        Refusal::ComponentNotFound,
        Refusal::ComponentBusy,
        Refusal::ComponentReadOnly,
        Refusal::ComponentTooSmall,
        Refusal::ComponentZoned,
        Refusal::ComponentInUse,
        Refusal::ComponentUnaligned,
        Refusal::TooLarge,
        Refusal::TooManyUnits,
        Refusal::ArrayTooSmall,
        Refusal::NoMemory,
        Refusal::NestedTooDeep,
        Refusal::DiskFailed,
        Refusal::InterlaceUnaligned,
        Refusal::NotAMirror,
        Refusal::NotAStripe,
        Refusal::BadSubmirror,
        Refusal::ComponentIsMirror,
        Refusal::BadOption,
        Refusal::SubmirrorErred,
        Refusal::BlockTooLarge,
        Refusal::NoDatabase,
        Refusal::SetIsLoaded,
        Refusal::UnitsInMemory,
        Refusal::NoReplicaFound,
        Refusal::SeveralSets,
        Refusal::NoQuorum,
        Refusal::DatabaseIncomplete,
        Refusal::DatabaseDamaged,
        Refusal::SetIsStopped,
        Refusal::DatabaseFull,
        Refusal::BadReplicaCount,
        Refusal::BadReplicaSize,
        Refusal::ReplicaExists,
        Refusal::NoSuchReplica,
        Refusal::LastReplica,
        Refusal::TieBreakerMisplaced,
        Refusal::NoReservedHead,
        Refusal::SetIsOpen,
        Refusal::NoIdentity,
        Refusal::SetIncomplete,
        Refusal::TooManySubmirrors,
        Refusal::NotASubmirror,
        Refusal::NoOtherSource,
        Refusal::ResyncNeeded,
        Refusal::SideOffline,
        Refusal::SideNotOffline,
        Refusal::NoSuchComponent,
        Refusal::ComponentInService,
        Refusal::ReplaceOthersFirst,
        Refusal::NothingToResync,
    ];

    /// The refusal with a given number, or `None` if there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|refusal| *refusal as u32 == number)
    }
}

/// Kinds of metadevices, numbered as in SVM (`svm.md` section 1.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum UnitKind {
    /// Stripe, concat, or concat of stripes.
    Stripe = 1,
    /// Mirror.
    Mirror = 2,
}

/// Argument of [`IOC_VERSION`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Version {
    /// See [`Header`].
    pub header: Header,
    /// Out: the module's version as text, zero-terminated.
    pub module_version: [u8; 32],
}

/// One row of a stripe or concat: a stripe over its components, or a single component.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Row {
    /// Interlace in sectors: how much of the row lies on one component before the next one's turn.
    /// 16 to 204800 (8 KiB to 100 MiB). Of no effect, but in range, in a row of one component.
    pub interlace_sectors: u64,
    /// Components in this row, at least 1. They follow those of the row before.
    pub component_count: u32,
    /// Zero.
    pub reserved: u32,
}

/// One component of a stripe or concat, or one submirror of a mirror.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Component {
    /// Device number as user space sees it (`st_rdev`), `makedev(major, minor)`. In for
    /// [`Create`]; the device opened is this one, whatever `device` says.
    pub dev: u64,
    /// First sector of the data on the device. In [`Create`], [`START_DEFAULT`] lets the kernel
    /// choose. Of a submirror: [`START_DEFAULT`] in [`Create`], zero in [`Status`].
    pub start_sectors: u64,
    /// Out: sectors of the device that hold data of this metadevice. Zero in [`Create`].
    pub size_sectors: u64,
    /// Out: [`ComponentState`] as a number. Zero in [`Create`].
    pub state: u32,
    /// Zero.
    pub reserved: u32,
    /// Out: reads that failed since the metadevice was made or loaded. Zero in [`Create`].
    pub read_errors: u64,
    /// Out: writes and flushes that failed, likewise. Zero in [`Create`].
    pub write_errors: u64,
    /// Out: when the state last changed or an error last occurred, in seconds since 1970; zero if
    /// never. Zero in [`Create`].
    pub event_seconds: u64,
    /// The device's path, for people: what the administrator typed. Zero-terminated.
    pub device: [u8; DEVICE_LEN],
    /// By what else the device is known. In for [`Create`]; all zero in [`Status`].
    pub hints: Hints,
}

/// By what a device is known, apart from its label. Zero where there is nothing.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Hints {
    /// Uuid of the partition, in the order in which it is written as text.
    pub partition: [u8; 16],
    /// World-wide name of the disk, as text, padded with zeros.
    pub wwn: [u8; 32],
}

/// [`Component::start_sectors`] that lets the kernel choose: after the reserved head of the device.
pub const START_DEFAULT: u64 = u64::MAX;

/// State of a component, and of a metadevice: the worst of its components' (`svm.md` section 4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ComponentState {
    /// In service.
    Okay = 1,
    /// Its device was removed from the machine.
    Unavailable = 2,
    /// A component: out of service since a write to it failed. A submirror or mirror: a component
    /// of it is ("Needs maintenance"), or is in state [`Self::LastErred`].
    Maintenance = 3,
    /// A component: a write to it failed, but it holds the last copy of its blocks, and stays in
    /// service.
    LastErred = 4,
    /// It is being made equal to the others: written, and read where it is equal already.
    Resyncing = 5,
    /// A submirror that has to be made equal to the others, while the resync stands still: it was
    /// cancelled, or has failed.
    NeedsResync = 6,
    /// A submirror that the administrator has taken out of service.
    Offline = 7,
}

/// Which side of a mirror a read goes to, numbered as in SVM (`svm.md` section 4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ReadPolicy {
    /// Each in turn.
    RoundRobin = 0,
    /// Each has an equal part of the blocks.
    Geometric = 1,
    /// The first one.
    First = 2,
}

/// How writes go to the sides of a mirror, numbered as in SVM (`svm.md` section 4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum WritePolicy {
    /// To all at once.
    Parallel = 0,
    /// To one after the other.
    Serial = 1,
}

/// Options of a mirror. All zero for other metadevices.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct MirrorOptions {
    /// A [`ReadPolicy`] as a number.
    pub read_policy: u32,
    /// A [`WritePolicy`] as a number.
    pub write_policy: u32,
    /// When it is resynced after a crash, 1 to [`PASS_MAX`]; 0 for never.
    pub pass: u32,
    /// Zero.
    pub reserved: u32,
}

/// Bit of [`MirrorOptions::read_policy`] in [`SetOptions::which`].
pub const OPTION_READ_POLICY: u32 = 1;
/// Bit of [`MirrorOptions::write_policy`] in [`SetOptions::which`].
pub const OPTION_WRITE_POLICY: u32 = 2;
/// Bit of [`MirrorOptions::pass`] in [`SetOptions::which`].
pub const OPTION_PASS: u32 = 4;

/// [`Create::flags`]: everything is checked and the size is filled in, but nothing is made.
pub const CREATE_CHECK_ONLY: u32 = 1;
/// [`Create::flags`]: a component without a reserved head may be in use, for example mounted. Then
/// the metadevice, and what it is part of, is read-only until the set is started again: after a
/// reboot it is there before the file system is mounted (`svm.md` section
/// 10.2, `metainit -f`).
pub const CREATE_IN_USE: u32 = 2;
/// [`Create::flags`]: the submirrors of a mirror are equal already, whatever is on them; else all
/// are made equal to the first one.
pub const CREATE_ASSUME_CLEAN: u32 = 4;

/// Argument of [`IOC_CREATE`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Create {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name, `d0` to `d8191`, zero-terminated.
    pub name: [u8; NAME_LEN],
    /// In: a [`UnitKind`] as a number.
    pub kind: u32,
    /// In: zero, or some of [`CREATE_CHECK_ONLY`], [`CREATE_IN_USE`] and
    /// [`CREATE_ASSUME_CLEAN`].
    pub flags: u32,
    /// In: user address of `row_count` [`Row`]s.
    pub rows: u64,
    /// In: user address of `component_count` [`Component`]s, for a mirror its submirrors.
    pub components: u64,
    /// In: 1 to [`ROWS_MAX`]; 0 for a mirror.
    pub row_count: u32,
    /// In: 1 to [`COMPONENTS_MAX`], the sum of the rows' counts; for a mirror 1 to
    /// [`SUBMIRRORS_MAX`].
    pub component_count: u32,
    /// Out: size of the new metadevice.
    pub size_sectors: u64,
    /// In: options of a mirror.
    pub mirror: MirrorOptions,
    /// Zero.
    pub reserved: [u64; 2],
}

/// Argument of [`IOC_CLEAR`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Clear {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CLEAR_FORCE`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Clear::flags`]: a mirror is cleared although a submirror needs maintenance.
pub const CLEAR_FORCE: u32 = 1;

/// Argument of [`IOC_SET_OPTIONS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SetOptions {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: which options to change: [`OPTION_READ_POLICY`], ... The others are zero in `mirror`.
    pub which: u32,
    /// Zero.
    pub reserved: u32,
    /// In: their new values. Out: all options as they are now.
    pub mirror: MirrorOptions,
}

/// Argument of [`IOC_GROW`]. The metadevice may be in use; it is refused if it has a parent.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Grow {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CREATE_CHECK_ONLY`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// In: user address of `row_count` [`Row`]s, which come behind those that there are.
    pub rows: u64,
    /// In: user address of `component_count` [`Component`]s.
    pub components: u64,
    /// In: at least 1; no more than [`ROWS_MAX`] with those that there are.
    pub row_count: u32,
    /// In: the sum of the new rows' counts; no more than [`COMPONENTS_MAX`] with those that there
    /// are.
    pub component_count: u32,
    /// Out: size of the metadevice with the new rows.
    pub size_sectors: u64,
}

/// Argument of [`IOC_ATTACH`]. The mirror may be in use.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Attach {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: zero or [`CREATE_CHECK_ONLY`].
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// In: the new submirror, as in [`Create`].
    pub submirror: Component,
}

/// [`ChangeSide::action`]: the submirror becomes a metadevice by itself, with what is on it now.
pub const SIDE_DETACH: u32 = 1;
/// [`ChangeSide::action`]: the submirror is neither read nor written; what is written meanwhile is
/// remembered.
pub const SIDE_OFFLINE: u32 = 2;
/// [`ChangeSide::action`]: it is back, and gets what it has missed.
pub const SIDE_ONLINE: u32 = 3;

/// [`ChangeSide::flags`]: detach or offline a submirror although a component of it is erred, or it
/// is being resynced.
pub const SIDE_FORCE: u32 = 1;

/// Argument of [`IOC_CHANGE_SIDE`]. The mirror may be in use.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ChangeSide {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: the submirror's name.
    pub submirror: [u8; NAME_LEN],
    /// In: [`SIDE_DETACH`], [`SIDE_OFFLINE`] or [`SIDE_ONLINE`].
    pub action: u32,
    /// In: zero or [`SIDE_FORCE`], which [`SIDE_ONLINE`] does not have.
    pub flags: u32,
}

/// [`Replace::flags`]: the device that the component has is used again: it has been repaired, or
/// the error was none of its own.
pub const REPLACE_ENABLE: u32 = 1;
/// [`Replace::flags`]: everything is checked, but nothing is changed.
pub const REPLACE_CHECK_ONLY: u32 = 2;
/// [`Replace::flags`]: also the last copy of its blocks, which is lost ("Last Erred").
pub const REPLACE_FORCE: u32 = 4;

/// Argument of [`IOC_REPLACE`]. The mirror may be in use. The component is then resynced from the
/// other submirrors.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Replace {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: the submirror's name.
    pub submirror: [u8; NAME_LEN],
    /// In: which of the submirror's components, counted from 0.
    pub index: u32,
    /// In: some of [`REPLACE_ENABLE`], [`REPLACE_CHECK_ONLY`] and [`REPLACE_FORCE`].
    pub flags: u32,
    /// In: the path of that component, as [`Component::device`] has it: so that none is meant that
    /// is not there any more.
    pub old: [u8; DEVICE_LEN],
    /// In: the device to use from now on, as in [`Create`]; with [`REPLACE_ENABLE`] the one that
    /// has the component's path now.
    pub new: Component,
}

/// [`Sync::action`]: what has to be resynced is, though the administrator had cancelled it or it
/// was stuck.
pub const SYNC_START: u32 = 1;
/// [`Sync::action`]: the resync stops until [`SYNC_START`].
pub const SYNC_CANCEL: u32 = 2;

/// Argument of [`IOC_SYNC`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sync {
    /// See [`Header`].
    pub header: Header,
    /// In: the mirror's name.
    pub name: [u8; NAME_LEN],
    /// In: [`SYNC_START`] or [`SYNC_CANCEL`].
    pub action: u32,
    /// Zero.
    pub reserved: u32,
}

/// One metadevice, as [`IOC_LIST`] and [`IOC_STATUS`] describe it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UnitSummary {
    /// The metadevice's name.
    pub name: [u8; NAME_LEN],
    /// A [`UnitKind`] as a number.
    pub kind: u32,
    /// How many have it open.
    pub open_count: u32,
    /// Its size.
    pub size_sectors: u64,
    /// Device number as user space sees it.
    pub dev: u64,
    /// Rows; see [`Status::rows`]. None for a mirror.
    pub row_count: u32,
    /// Components, for a mirror its submirrors; see [`Status::components`].
    pub component_count: u32,
    /// The worst of its components' [`ComponentState`]s, as a number.
    pub state: u32,
    /// Number of the metadevice that this one is a component of; [`NO_PARENT`] if none.
    pub parent: u32,
    /// Options of a mirror.
    pub mirror: MirrorOptions,
    /// Zero or [`UNIT_PENDING`].
    pub flags: u32,
    /// How the resync of a mirror is, a [`ResyncState`] as a number; zero for others.
    pub resync: u32,
    /// What the resync has done, of [`Self::resync_sectors`].
    pub resynced_sectors: u64,
    /// What it has to do in all; zero if there is nothing.
    pub resync_sectors: u64,
}

/// How the resync of a mirror is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum ResyncState {
    /// There is nothing to do.
    Idle = 0,
    /// It is under way.
    Running = 1,
    /// There is something to do, but the administrator has cancelled it ([`SYNC_CANCEL`]).
    Cancelled = 2,
    /// Some of it could not be done: a block cannot be read anywhere, or the set is read-only.
    Stuck = 3,
}

/// [`UnitSummary::flags`]: a component was in use when it was made ([`CREATE_IN_USE`]); it is
/// read-only until the set is started again.
pub const UNIT_PENDING: u32 = 1;

/// [`UnitSummary::parent`] of a metadevice that stands by itself.
pub const NO_PARENT: u32 = u32::MAX;

/// Argument of [`IOC_LIST`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct List {
    /// See [`Header`].
    pub header: Header,
    /// In: user address of an array of [`UnitSummary`]. Filled in the order of unit numbers.
    pub units: u64,
    /// In: elements in the array. With fewer than there are metadevices the answer is
    /// [`Refusal::ArrayTooSmall`] and nothing is filled.
    pub unit_capacity: u32,
    /// Out: elements filled.
    pub unit_count: u32,
}

/// Argument of [`IOC_STATUS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Status {
    /// See [`Header`].
    pub header: Header,
    /// Out: the metadevice; in: its name, everything else zero.
    pub unit: UnitSummary,
    /// In: user address of an array of [`Row`].
    pub rows: u64,
    /// In: user address of an array of [`Component`].
    pub components: u64,
    /// In: elements in `rows`.
    pub row_capacity: u32,
    /// In: elements in `components`.
    pub component_capacity: u32,
}

/// Argument of [`IOC_PROBE`]. What was found is in the component's state and error counts, see
/// [`IOC_STATUS`]; components that do not answer are not an error of the request.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Probe {
    /// See [`Header`].
    pub header: Header,
    /// In: the metadevice's name.
    pub name: [u8; NAME_LEN],
    /// In: no flag is defined yet; zero.
    pub flags: u32,
    /// Out: components that did not answer, those of its components included.
    pub failed_count: u32,
}

/// A device on which a set may have something.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Device {
    /// Device number as user space sees it.
    pub dev: u64,
    /// The device's path, for people. Zero-terminated.
    pub device: [u8; DEVICE_LEN],
    /// By what else it is known.
    pub hints: Hints,
    /// In [`StartSet`] zero or [`DEVICE_BY_HINT`], else zero.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`Device::flags`]: nothing of a set was found on it. It is opened only if `hints` say that it is
/// a component without a label, and left alone else.
pub const DEVICE_BY_HINT: u32 = 1;

/// [`AddReplicas::flags`]: there is no state database yet, and this makes one.
pub const ADD_NEW_SET: u32 = 1;
/// [`AddReplicas::flags`]: the replica is the tie-breaker (`DURABILITY.md` clause 2).
pub const ADD_TIE_BREAKER: u32 = 2;

/// Argument of [`IOC_ADD_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AddReplicas {
    /// See [`Header`].
    pub header: Header,
    /// In: where to.
    pub device: Device,
    /// In: sectors of each replica; 0 for as many as the reserved head of a component has room for.
    pub size_sectors: u64,
    /// In: how many, 1 to [`REPLICAS_MAX`]; one in the head of a component, and one tie-breaker.
    pub count: u32,
    /// In: [`ADD_NEW_SET`], [`ADD_TIE_BREAKER`] or zero.
    pub flags: u32,
    /// In: name of a new set, zero-terminated; else zero.
    pub set_name: [u8; NAME_LEN],
}

/// [`DeleteReplicas::flags`]: also the last voting replica. Then there is no state database any
/// more, and the metadevices live in memory.
pub const DELETE_LAST: u32 = 1;

/// Argument of [`IOC_DELETE_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DeleteReplicas {
    /// See [`Header`].
    pub header: Header,
    /// In: device number, as [`ReplicaStatus::dev`] has it; 0 for a device that is not there.
    pub dev: u64,
    /// In: uuid of the replica, if `dev` is 0; else zero.
    pub replica: [u8; 16],
    /// In: zero or [`DELETE_LAST`].
    pub flags: u32,
    /// Out: how many replicas were deleted.
    pub count: u32,
}

/// [`ReplicaStatus::flags`]: it has the newest commit.
pub const REPLICA_CURRENT: u32 = 1;
/// [`ReplicaStatus::flags`]: a write to it has failed, or it is not there.
pub const REPLICA_FAILED: u32 = 2;
/// [`ReplicaStatus::flags`]: it is the tie-breaker.
pub const REPLICA_TIE_BREAKER: u32 = 4;
/// [`ReplicaStatus::flags`]: it is being written.
pub const REPLICA_BUSY: u32 = 8;

/// A replica.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ReplicaStatus {
    /// Its uuid.
    pub replica: [u8; 16],
    /// Number of its device as user space sees it; 0 if that is not there.
    pub dev: u64,
    /// First sector on the device.
    pub start_sectors: u64,
    /// Its length.
    pub size_sectors: u64,
    /// Epoch of the commit that it is known to hold.
    pub epoch: u64,
    /// Sequence of that commit.
    pub sequence: u64,
    /// [`REPLICA_CURRENT`] and the like.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Path of its device, for people.
    pub device: [u8; DEVICE_LEN],
}

/// How far a set is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum SetState {
    /// There is none: metadevices live in memory.
    None = 0,
    /// It is started for writing.
    Writable = 1,
    /// It was started read-only, or a commit could not reach enough replicas.
    ReadOnly = 2,
}

/// Argument of [`IOC_LIST_REPLICAS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListReplicas {
    /// See [`Header`].
    pub header: Header,
    /// Out: uuid of the set.
    pub set: [u8; 16],
    /// Out: its name.
    pub set_name: [u8; NAME_LEN],
    /// Out: epoch of the newest commit that counts.
    pub epoch: u64,
    /// Out: its sequence.
    pub sequence: u64,
    /// Out: commits since the set was loaded.
    pub commits: u64,
    /// In: user address of an array of [`ReplicaStatus`].
    pub replicas: u64,
    /// In: elements in the array; with fewer than there are the answer is
    /// [`Refusal::ArrayTooSmall`].
    pub replica_capacity: u32,
    /// Out: elements filled.
    pub replica_count: u32,
    /// Out: a [`SetState`] as a number.
    pub state: u32,
    /// Zero.
    pub reserved: u32,
}

/// [`StartSet::flags`]: start read-only where the replicas do not suffice for writing.
pub const START_READ_ONLY: u32 = 1;
/// [`StartSet::flags`]: replicas that are not there are gone for ever. They are no members any
/// more, and what only they had is lost.
pub const START_GIVE_UP_MISSING: u32 = 2;

/// [`StartSet::flags`]: start only if all members and all components of the set are there. Else
/// nothing is written, and the answer is [`Refusal::SetIncomplete`].
pub const START_WHEN_COMPLETE: u32 = 4;

/// Argument of [`IOC_START_SET`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StartSet {
    /// See [`Header`].
    pub header: Header,
    /// In: uuid of the set, or zero if there is only one on the devices. Out: the set's.
    pub set: [u8; 16],
    /// In: user address of an array of [`Device`]s: all on which the set may have a replica or a
    /// component.
    pub devices: u64,
    /// In: elements in the array, at most [`DEVICES_MAX`].
    pub device_count: u32,
    /// In: zero, [`START_READ_ONLY`], [`START_GIVE_UP_MISSING`] or [`START_WHEN_COMPLETE`].
    pub flags: u32,
    /// Out: metadevices that were made.
    pub unit_count: u32,
    /// Out: metadevices that could not be made; the kernel's log says why.
    pub failed_count: u32,
}

/// Argument of [`IOC_STOP_SET`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StopSet {
    /// See [`Header`].
    pub header: Header,
    /// In: no flag is defined yet; zero.
    pub flags: u32,
    /// Out: metadevices that were stopped.
    pub unit_count: u32,
}

// The layout is a promise: 32-bit and 64-bit processes, tool and kernel see the same bytes.
const _: () = assert!(size_of::<Header>() == 48);
const _: () = assert!(size_of::<Version>() == 80);
const _: () = assert!(size_of::<Row>() == 16);
const _: () = assert!(size_of::<Component>() == 304);
const _: () = assert!(size_of::<Device>() == 264);
const _: () = assert!(size_of::<AddReplicas>() == 360);
const _: () = assert!(size_of::<DeleteReplicas>() == 80);
const _: () = assert!(size_of::<ReplicaStatus>() == 264);
const _: () = assert!(size_of::<ListReplicas>() == 144);
const _: () = assert!(size_of::<StartSet>() == 88);
const _: () = assert!(size_of::<StopSet>() == 56);
const _: () = assert!(size_of::<Create>() == 152);
const _: () = assert!(size_of::<Clear>() == 88);
const _: () = assert!(size_of::<UnitSummary>() == 112);
const _: () = assert!(size_of::<List>() == 64);
const _: () = assert!(size_of::<Status>() == 184);
const _: () = assert!(size_of::<Probe>() == 88);
const _: () = assert!(size_of::<MirrorOptions>() == 16);
const _: () = assert!(size_of::<SetOptions>() == 104);
const _: () = assert!(size_of::<Grow>() == 120);
const _: () = assert!(size_of::<Attach>() == 392);
const _: () = assert!(size_of::<ChangeSide>() == 120);
const _: () = assert!(size_of::<Replace>() == 624);
const _: () = assert!(size_of::<Sync>() == 88);
const _: () = assert!(core::mem::offset_of!(Create, size_sectors) == 112);
const _: () = assert!(core::mem::offset_of!(Status, rows) == 160);
