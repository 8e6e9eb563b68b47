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

// The folder is named, since the module has another name in `md_rs.ko`.
#[path = "admin/database.rs"]
mod database;
#[path = "admin/event.rs"]
mod event;
#[path = "admin/lost.rs"]
mod lost;
#[path = "admin/mirror.rs"]
mod mirror;
#[path = "admin/multihost.rs"]
mod multihost;
#[path = "admin/pool.rs"]
mod pool;
#[path = "admin/refusal.rs"]
mod refusal;
#[path = "admin/scrub.rs"]
mod scrub;
#[path = "admin/soft.rs"]
mod soft;
#[path = "admin/unit.rs"]
mod unit;

pub use database::{
    AddReplicas,
    DeleteReplicas,
    Device,
    ListReplicas,
    ReplicaStatus,
    SetState,
    StartSet,
    StopSet,
    ADD_NEW_SET,
    ADD_TIE_BREAKER,
    DELETE_LAST,
    DEVICE_BY_HINT,
    REPLICA_BUSY,
    REPLICA_CURRENT,
    REPLICA_FAILED,
    REPLICA_TIE_BREAKER,
    START_GIVE_UP_MISSING,
    START_READ_ONLY,
    START_WHEN_COMPLETE, //
};
pub use event::{
    Event,
    ReadEvents,
    EVENTS_KEPT,
    EVENTS_NEWEST,
    EVENTS_READ_MAX,
    EVENTS_WAIT_MS_MAX, //
};
pub use lost::{
    ListLost,
    LostRange,
    LOST_RANGES_MAX, //
};
pub use mirror::{
    Attach,
    ChangeSide,
    GrowMirror,
    MirrorOptions,
    ReadPolicy,
    Replace,
    ResyncState,
    SetOptions,
    Sync,
    WritePolicy,
    OPTION_CEILING,
    OPTION_FLOOR,
    OPTION_PASS,
    OPTION_READ_POLICY,
    OPTION_TARGET,
    OPTION_WRITE_POLICY,
    REPLACE_CHECK_ONLY,
    REPLACE_ENABLE,
    REPLACE_FORCE,
    REPLACE_RETURN,
    SIDE_DETACH,
    SIDE_FORCE,
    SIDE_OFFLINE,
    SIDE_ONLINE,
    SYNC_CANCEL,
    SYNC_PAUSE,
    SYNC_RESUME,
    SYNC_START,
    TARGET_US_MAX, //
};
pub use multihost::{
    Multihost,
    ACCESS_NO,
    ACCESS_UNKNOWN,
    ACCESS_YES,
    MULTIHOST_ACTION,
    MULTIHOST_CLEAR,
    MULTIHOST_EXPECTED,
    MULTIHOST_FAILFAST,
    MULTIHOST_FENCED,
    MULTIHOST_GONE,
    MULTIHOST_KEYS,
    MULTIHOST_LOST,
    MULTIHOST_LOST_BY_IO,
    MULTIHOST_OWNED,
    MULTIHOST_PREEMPT,
    MULTIHOST_PREEMPT_AND_ABORT,
    MULTIHOST_QUICK_RESERVE,
    MULTIHOST_RECORDED,
    MULTIHOST_REGISTER,
    MULTIHOST_REGISTERED,
    MULTIHOST_REGISTER_AND_IGNORE,
    MULTIHOST_REINSTATING,
    MULTIHOST_RELEASE,
    MULTIHOST_RESERVATION,
    MULTIHOST_RESERVE,
    MULTIHOST_STALLED,
    MULTIHOST_STATUS,
    MULTIHOST_SURVIVES,
    MULTIHOST_TAKE,
    MULTIHOST_UNRECORDED,
    WAY_PERSISTENT,
    WAY_RESERVE,
    WAY_UNKNOWN, //
};
pub use pool::{
    ChangePool,
    ListPools,
    PoolStatus,
    SetPool,
    SpareState,
    SpareStatus,
    ALL_POOLS,
    POOL_ADD,
    POOL_CREATE,
    POOL_DELETE,
    POOL_ENABLE,
    POOL_REMOVE,
    POOL_REPLACE, //
};
pub use refusal::Refusal;
pub use scrub::{
    Scrub,
    ScrubEnd,
    ScrubMode,
    ScrubRange,
    ScrubRun,
    ScrubState,
    ScrubStatus,
    SCRUB_CANCEL,
    SCRUB_CHECK,
    SCRUB_RANGES_MAX,
    SCRUB_REPAIR,
    SCRUB_REPAIR_FROM,
    SCRUB_RUNS_MAX, //
};
pub use soft::{
    ChangeSoft,
    CreateSoft,
    Extent,
    MendSoft,
    MoveSoft,
    SoftState,
    SoftStatus,
    EXTENTS_MAX,
    SOFT_ALL,
    SOFT_BRIEF,
    SOFT_CHECK_ONLY,
    SOFT_FORCE,
    SOFT_PARENTS,
    SOFT_REBUILD,
    SOFT_SHRINK, //
};
pub use unit::{
    Clear,
    Component,
    ComponentState,
    Create,
    Grow,
    Hints,
    List,
    Probe,
    Rename,
    Row,
    Status,
    UnitKind,
    UnitSummary,
    CLEAR_FORCE,
    COMPONENT_SLOW,
    COMPONENT_SPARE,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    CREATE_IN_USE,
    CREATE_SVM_ROTATION,
    CREATE_UNLOGGED,
    NO_PARENT,
    RENAME_EXCHANGE,
    START_DEFAULT,
    UNIT_BLOCKED,
    UNIT_INITIALIZING,
    UNIT_PENDING,
    UNIT_SVM_ROTATION,
    UNIT_UNLOGGED, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// Version of this interface. Any change to a structure, number or meaning raises it: tool and
/// modules are built and shipped together.
pub const ABI_VERSION: u32 = 9;

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

/// Most hot spare pools in a set (`svm.md` section 1.3).
pub const POOLS_MAX: u32 = 1000;

/// Most hot spares in one pool.
pub const SPARES_MAX: u32 = 128;

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
/// Adds rows to a stripe or concat, or columns to RAID5, while it is in use: argument [`Grow`].
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
/// Starts or cancels the resync of a mirror, or what is made of RAID5: argument [`Sync`].
pub const IOC_SYNC: u32 = read_write(17, size_of::<Sync>());

/// Lists the hot spare pools and their spares: argument [`ListPools`].
pub const IOC_LIST_POOLS: u32 = read_write(18, size_of::<ListPools>());
/// Makes, changes or deletes a hot spare pool: argument [`ChangePool`].
pub const IOC_CHANGE_POOL: u32 = read_write(19, size_of::<ChangePool>());
/// Gives a stripe, concat or RAID5 metadevice a hot spare pool, or none: argument [`SetPool`].
pub const IOC_SET_POOL: u32 = read_write(20, size_of::<SetPool>());
/// Starts or cancels a scrub of a mirror, or a check of RAID5: argument [`Scrub`].
pub const IOC_SCRUB: u32 = read_write(22, size_of::<Scrub>());
/// Reads how the scrub of a mirror or RAID5 is, and what it and those before it have found:
/// argument [`ScrubStatus`].
pub const IOC_SCRUB_STATUS: u32 = read_write(23, size_of::<ScrubStatus>());
/// Lists what a RAID5 metadevice has lost: argument [`ListLost`].
pub const IOC_LIST_LOST: u32 = read_write(24, size_of::<ListLost>());
/// Lets a mirror become as large as its smallest submirror: argument [`GrowMirror`].
pub const IOC_GROW_MIRROR: u32 = read_write(26, size_of::<GrowMirror>());
/// Reads what has happened since the last call, or waits until something does: argument
/// [`ReadEvents`].
pub const IOC_READ_EVENTS: u32 = read_write(34, size_of::<ReadEvents>());

/// Gives a metadevice another name, or exchanges the names of two: argument [`Rename`].
pub const IOC_RENAME: u32 = read_write(35, size_of::<Rename>());
/// Makes a soft partition: argument [`CreateSoft`].
pub const IOC_CREATE_SOFT: u32 = read_write(58, size_of::<CreateSoft>());
/// Grows or shrinks a soft partition: argument [`ChangeSoft`].
pub const IOC_CHANGE_SOFT: u32 = read_write(59, size_of::<ChangeSoft>());
/// Reads what a soft partition is made of: argument [`SoftStatus`].
pub const IOC_SOFT_STATUS: u32 = read_write(60, size_of::<SoftStatus>());
/// Has the watermarks of a base compared with the records, or written by them: argument
/// [`MendSoft`].
pub const IOC_MEND_SOFT: u32 = read_write(61, size_of::<MendSoft>());
/// Moves an extent of a soft partition to another place of its base: [`MoveSoft`].
pub const IOC_MOVE_SOFT: u32 = read_write(64, size_of::<MoveSoft>());

/// Does what mhd(7I) offers, with a disk that several hosts can reach: argument [`Multihost`].
pub const IOC_MULTIHOST: u32 = read_write(70, size_of::<Multihost>());

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

/// Argument of [`IOC_VERSION`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Version {
    /// See [`Header`].
    pub header: Header,
    /// Out: the module's version as text, zero-terminated.
    pub module_version: [u8; 32],
}

// The layout is a promise: 32-bit and 64-bit processes, tool and kernel see the same bytes.
const _: () = assert!(size_of::<Header>() == 48);
const _: () = assert!(size_of::<Version>() == 80);
const _: () = assert!(size_of::<Row>() == 16);
const _: () = assert!(size_of::<Component>() == 312);
const _: () = assert!(size_of::<Device>() == 264);
const _: () = assert!(size_of::<AddReplicas>() == 360);
const _: () = assert!(size_of::<DeleteReplicas>() == 80);
const _: () = assert!(size_of::<ReplicaStatus>() == 264);
const _: () = assert!(size_of::<ListReplicas>() == 144);
const _: () = assert!(size_of::<StartSet>() == 88);
const _: () = assert!(size_of::<StopSet>() == 56);
const _: () = assert!(size_of::<Create>() == 160);
const _: () = assert!(size_of::<Clear>() == 88);
const _: () = assert!(size_of::<UnitSummary>() == 128);
const _: () = assert!(size_of::<List>() == 64);
const _: () = assert!(size_of::<Status>() == 200);
const _: () = assert!(size_of::<Probe>() == 88);
const _: () = assert!(size_of::<MirrorOptions>() == 24);
const _: () = assert!(size_of::<SetOptions>() == 112);
const _: () = assert!(size_of::<Grow>() == 120);
const _: () = assert!(size_of::<Attach>() == 400);
const _: () = assert!(size_of::<ChangeSide>() == 120);
const _: () = assert!(size_of::<Replace>() == 632);
const _: () = assert!(size_of::<Sync>() == 88);
const _: () = assert!(size_of::<Scrub>() == 120);
const _: () = assert!(size_of::<ScrubRange>() == 32);
const _: () = assert!(size_of::<ScrubRun>() == 72);
const _: () = assert!(size_of::<ScrubStatus>() == 136);
const _: () = assert!(size_of::<LostRange>() == 16);
const _: () = assert!(size_of::<ListLost>() == 96);
const _: () = assert!(size_of::<GrowMirror>() == 96);
const _: () = assert!(size_of::<Rename>() == 120);
const _: () = assert!(size_of::<Event>() == 480);
const _: () = assert!(size_of::<ReadEvents>() == 88);
const _: () = assert!(size_of::<Extent>() == 16);
const _: () = assert!(size_of::<CreateSoft>() == 464);
const _: () = assert!(size_of::<ChangeSoft>() == 104);
const _: () = assert!(size_of::<SoftStatus>() == 168);
const _: () = assert!(size_of::<MendSoft>() == 80);
const _: () = assert!(size_of::<MoveSoft>() == 96);
const _: () = assert!(size_of::<Multihost>() == 384);
const _: () = assert!(core::mem::offset_of!(Create, size_sectors) == 112);
const _: () = assert!(core::mem::offset_of!(Status, rows) == 176);
const _: () = assert!(size_of::<ListPools>() == 80);
const _: () = assert!(size_of::<PoolStatus>() == 16);
const _: () = assert!(size_of::<SpareStatus>() == 240);
const _: () = assert!(size_of::<ChangePool>() == 72);
const _: () = assert!(size_of::<SetPool>() == 88);
