// SPDX-License-Identifier: GPL-2.0
//! Why a request is refused.

/// Why a request was refused.
///
/// `values` in the comments are `refusal_values` of the [`Header`](super::Header); a variant
/// without one leaves them zero.
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
    /// There is no such hot spare pool. `values[0]`: its number.
    NoSuchPool = 80,
    /// There is a hot spare pool of this name. `values[0]`: its number.
    PoolExists = 81,
    /// The hot spare pool has spares. `values`: its number, how many.
    PoolNotEmpty = 82,
    /// A stripe or concat has the hot spare pool. `values`: numbers of the pool and of that one.
    PoolHasUsers = 83,
    /// The device is a hot spare. `values[0]`: number of a pool that has it.
    DeviceIsSpare = 84,
    /// The device is no spare of the pool. `values[0]`: number of the pool, [`ALL_POOLS`] if of
    /// none.
    NoSuchSpare = 85,
    /// The hot spare is in use. `values`: number of the metadevice that has it, and component.
    SpareInUse = 86,
    /// The hot spare is not broken: there is nothing to be enabled.
    SpareNotBroken = 87,
    /// There cannot be so many spares in a pool. `values`: found, most.
    TooManySpares = 88,
    /// Only a stripe, concat or RAID5 metadevice has a hot spare pool.
    PoolIsForStripes = 89,
    /// There are hot spare pools, which need the state database. `values[0]`: number of the first.
    PoolsExist = 90,
    /// A metadevice cannot be a hot spare.
    SpareIsMetadevice = 91,
    /// A spare of the pool has larger logical blocks than the stripe. `values`: found, most, in
    /// bytes.
    SpareBlockTooLarge = 92,
    /// The caller says that he knows an event that has not happened. `values`: number of that one,
    /// of the last one that has.
    NoSuchEvent = 93,
    /// A signal has come before there was anything to tell.
    Interrupted = 94,
    /// A metadevice has the new name. `values[0]`: its number.
    NewNameInUse = 95,
    /// Neither metadevice is a submirror of the other one.
    NotRelated = 96,
    /// A hot spare stands for a component, or is about to go back. `values`: number of the stripe
    /// that has it, and of the component.
    SpareStandsIn = 97,
    /// The resync of the mirror does not pause.
    ResyncNotPaused = 98,
    /// A scrub of the mirror is under way.
    ScrubRunning = 64,
    /// No scrub of the mirror is under way.
    NoScrub = 65,
    /// The mirror has not two submirrors in service, or a column of RAID5 is not, or is being made.
    NothingToCompare = 66,
    /// The submirror is not in service, so that nothing can be repaired from it.
    SideNotInService = 67,
    /// The mirror is as large as its smallest submirror, which the index names. `values`: size of
    /// the mirror, of that submirror, in sectors.
    NotLarger = 68,
    /// The metadevice is not a soft partition, but what is asked for is theirs.
    NotASoftPartition = 110,
    /// A soft partition cannot be on another one.
    BaseIsSoft = 111,
    /// The base has not so much room. `values`: needed, or `u64::MAX` for all there is; free with
    /// this alignment; in sectors.
    NoRoomOnBase = 112,
    /// It would be in more extents than there may be. `values[0]`: how many there may be.
    TooManyExtents = 113,
    /// The alignment is not a multiple of what the base asks for. `values`: found, the smallest
    /// that there may be, in sectors.
    BadAlignment = 114,
    /// The extent, which the index names, does not begin or end on a multiple of 16 sectors.
    /// `values`: its first sector, its length.
    ExtentUnaligned = 115,
    /// An extent overlaps another one or its watermark, or is not within the base. `values`: its
    /// first sector, its length.
    ExtentTaken = 116,
    /// The base has watermarks of a soft partition that there is no record of; see
    /// [`SOFT_FORCE`](super::SOFT_FORCE). `values[0]`: number of that one.
    UnknownWatermarks = 117,
    /// The watermarks on the base are not those that were given. `values[0]`: the place, in
    /// sectors.
    WatermarksDiffer = 118,
    /// A change of the soft partition, or of another one on its base, was not brought to its end.
    /// `values[0]`: number of that one.
    SoftIsPending = 119,
    /// The soft partition is not larger than it is to become, or would have nothing left. `values`:
    /// its size, the size asked for, in sectors.
    NotSmaller = 120,
    /// The component is a soft partition on a mirror, which only stands at the top.
    ComponentOnMirror = 121,
    /// There are soft partitions on the metadevice.
    UnitIsBase = 122,
    /// A watermark could not be read or written. `values`: the errno, the place in sectors.
    WatermarkFailed = 123,
    /// There are no soft partitions on the device.
    NoSoftPartitions = 124,
    /// The base has larger logical blocks than one with soft partitions may have. `values`: found,
    /// most, in bytes.
    BaseBlockTooLarge = 125,
    /// A soft partition is to have another name: its watermarks have the one that it has.
    SoftKeepsName = 126,
    /// The device is another path to one that the set uses, or a copy of it. `values[0]`: number of
    /// that one.
    ShownTwice = 127,
    /// Replicas reach further into the device than a component's reserved head. `values`: the block
    /// where they end, the blocks of the head.
    HeadTooSmall = 128,
    /// The device is a component of a metadevice of the set, which is without it. `values`: number
    /// of the metadevice, 1 if it is there, and 0 if it could not be made when the set was started.
    ComponentRecorded = 129,
    /// A metadevice of this name is on record, and could not be made when the set was started.
    UnitRecorded = 130,
    /// The label of a component could not be read or written. `values[0]`: the errno.
    LabelFailed = 131,
    /// An extent of the soft partition, or of one that is to be a component, is being moved.
    SoftIsMoving = 140,
    /// The soft partition has no such extent. `values`: the number, how many there are.
    NoSuchExtent = 141,
    /// Nowhere on the base is so much free in one piece. `values[0]`: sectors that are needed.
    NoRunOnBase = 142,
    /// What is in an extent could not be copied. `values[0]`: the errno.
    MoveFailed = 143,
    /// The caller was interrupted: the extent is where it was.
    MoveInterrupted = 144,
    /// The metadevice is not RAID5, but what is asked for is its.
    NotARaid = 150,
    /// Number of columns out of range. `values`: found, most.
    BadColumnCount = 151,
    /// A RAID5 metadevice, or a soft partition on one, cannot be part of another one.
    ComponentIsRaid = 152,
    /// A column of a RAID5 metadevice cannot be a metadevice.
    ColumnIsMetadevice = 153,
    /// There is a RAID5 metadevice, which needs the state database. `values[0]`: its number.
    RaidNeedsDatabase = 154,
    /// The parity of the RAID5 metadevice, or a column of it, is being made.
    RaidIsMade = 155,
    /// Another column of the RAID5 metadevice is to be replaced before this one. The index is that
    /// of the other one.
    ReplaceErredFirst = 156,
    /// The other columns of the RAID5 metadevice do not make up for this one.
    NotRedundant = 157,
    /// A new column of RAID5 could not be filled with zeroes. `values[0]`: the errno.
    ZeroingFailed = 158,
    /// A signal has come before a new column of RAID5 was filled with zeroes.
    AttachInterrupted = 159,
    /// The module for disks that several hosts can reach could not be loaded.
    NoMultihost = 160,
    /// Another host has the disk: a reservation conflict.
    ReservationConflict = 161,
    /// The disk has no command for what is asked for.
    NoReservations = 162,
    /// What is asked for cannot be had together with how the disk is owned.
    ReservationsMixed = 163,
    /// The disk has not carried out a command. `values[0]`: the errno.
    ReservationFailed = 164,
    /// An operation, time, kind, scope or action that does not exist.
    BadMultihost = 165,
    /// As many disks are known to failfast as there can be. `values[0]`: how many.
    TooManyWatched = 166,
    /// With the replicas that would be left, or with another tie-breaker, the state database could
    /// not be written any more, since voting replicas have failed. `values`: how many of them, of
    /// how many.
    MembersCannotCount = 167,
}

impl Refusal {
    /// Every refusal, in the order of their numbers.
    pub const ALL: [Refusal; 132] = [
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
        Refusal::NoSuchPool,
        Refusal::PoolExists,
        Refusal::PoolNotEmpty,
        Refusal::PoolHasUsers,
        Refusal::DeviceIsSpare,
        Refusal::NoSuchSpare,
        Refusal::SpareInUse,
        Refusal::SpareNotBroken,
        Refusal::TooManySpares,
        Refusal::PoolIsForStripes,
        Refusal::PoolsExist,
        Refusal::SpareIsMetadevice,
        Refusal::SpareBlockTooLarge,
        Refusal::NoSuchEvent,
        Refusal::Interrupted,
        Refusal::NewNameInUse,
        Refusal::NotRelated,
        Refusal::SpareStandsIn,
        Refusal::ResyncNotPaused,
        Refusal::ScrubRunning,
        Refusal::NoScrub,
        Refusal::NothingToCompare,
        Refusal::SideNotInService,
        Refusal::NotLarger,
        Refusal::NotASoftPartition,
        Refusal::BaseIsSoft,
        Refusal::NoRoomOnBase,
        Refusal::TooManyExtents,
        Refusal::BadAlignment,
        Refusal::ExtentUnaligned,
        Refusal::ExtentTaken,
        Refusal::UnknownWatermarks,
        Refusal::WatermarksDiffer,
        Refusal::SoftIsPending,
        Refusal::NotSmaller,
        Refusal::ComponentOnMirror,
        Refusal::UnitIsBase,
        Refusal::WatermarkFailed,
        Refusal::NoSoftPartitions,
        Refusal::BaseBlockTooLarge,
        Refusal::SoftKeepsName,
        Refusal::ShownTwice,
        Refusal::HeadTooSmall,
        Refusal::ComponentRecorded,
        Refusal::UnitRecorded,
        Refusal::LabelFailed,
        Refusal::SoftIsMoving,
        Refusal::NoSuchExtent,
        Refusal::NoRunOnBase,
        Refusal::MoveFailed,
        Refusal::MoveInterrupted,
        Refusal::NotARaid,
        Refusal::BadColumnCount,
        Refusal::ComponentIsRaid,
        Refusal::ColumnIsMetadevice,
        Refusal::RaidNeedsDatabase,
        Refusal::RaidIsMade,
        Refusal::ReplaceErredFirst,
        Refusal::NotRedundant,
        Refusal::ZeroingFailed,
        Refusal::AttachInterrupted,
        Refusal::NoMultihost,
        Refusal::ReservationConflict,
        Refusal::NoReservations,
        Refusal::ReservationsMixed,
        Refusal::ReservationFailed,
        Refusal::BadMultihost,
        Refusal::TooManyWatched,
        Refusal::MembersCannotCount,
    ];

    /// The refusal with a given number, or `None` if there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|refusal| *refusal as u32 == number)
    }
}
