// SPDX-License-Identifier: GPL-2.0
//! What a personality module implements, and how it registers with the core.
//!
//! A personality (stripe, mirror, ...) decides where a block lives and what a failure means. It is
//! a module of its own, written in safe Rust, that is loaded when the first metadevice of its kind
//! is made: `modprobe md_rs-personality-<kind>`.

use kernel::{
    prelude::*,
    str::CString,
    sync::Arc,
    ThisModule, //
};
use md_model::{
    database::{
        identity::Uuid,
        metadevice::{
            raid::Raid,
            soft::{
                SoftHead,
                SoftState, //
            }, //
        }, //
    },
    geometry::stripe::{
        Component,
        ComponentSpec,
        FirstRun,
        Piece,
        Row,
        RowSpec, //
    },
    mirror::options::{
        Options,
        WritePolicy, //
    },
    raid5::{
        layout::Layout,
        progress::Progress, //
    },
    soft::{
        Base,
        Extent, //
    },
};

use crate::{
    abi::Refusal,
    kapi::{
        errno::eproto,
        global::REGISTRY,
        module::{
            self,
            ModuleRef, //
        }, //
    },
    Refused, //
};

pub use crate::{
    condition::{
        Condition,
        Failures, //
    },
    raid::ledger::Ledger,
    sides::Sides,
    sync::map::SyncMap, //
};

/// What the core was made from. A personality passes this constant, as it was when the personality
/// was compiled, to [`Registration::new`]; a core made from anything else refuses it. Mangled names
/// do not change with the content of a crate, so nothing else would notice.
pub const CORE_ID: &str = env!("MD_CORE_ID");

/// Most kinds of personalities.
const KINDS_MAX: usize = 8;

/// What the administrator asked for, and what is known of the components.
pub enum UnitSpec<'a> {
    /// A stripe or concat.
    Stripe {
        /// The rows.
        rows: &'a [RowSpec],
        /// The components of all rows, in order.
        components: &'a [ComponentSpec],
    },
    /// A mirror.
    Mirror {
        /// Sizes of the submirrors in sectors.
        sides: &'a [u64],
        /// The options.
        options: Options,
        /// log2 of the sectors in one of its regions; 0 if that is still to be chosen.
        region_shift: u32,
    },
    /// A soft partition.
    Soft {
        /// All but its extents.
        head: SoftHead,
        /// Its base.
        base: Base,
        /// Its extents, at least one.
        extents: &'a [Extent],
    },
    /// A RAID5 metadevice.
    Raid {
        /// Interlace in sectors.
        interlace_sectors: u64,
        /// Its columns.
        columns: &'a [ComponentSpec],
        /// How many of these were attached later: the last ones.
        attached: u32,
        /// All but these.
        raid: Raid,
        /// What is remembered of it.
        ledger: &'a Arc<Ledger>,
    },
}

/// A kind of metadevice.
pub trait Personality: Sync + 'static {
    /// Number of the kind, [`crate::abi::UnitKind`].
    fn kind(&self) -> u32;

    /// Lays out a new metadevice, or says why it cannot be.
    fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused>;
}

/// One metadevice, as its personality sees it, by what a request means for it.
pub enum Unit {
    /// Each block has one place.
    Striped(KBox<dyn Striped>),
    /// Each block has a place on every side.
    Mirrored(Arc<dyn Mirrored>),
    /// Each block has one place on the base.
    Soft(KBox<dyn Soft>),
    /// Each block has one place, and a parity makes up for one column that is lost.
    Raid(Arc<dyn Raided>),
}

impl Unit {
    /// Size in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        match self {
            Self::Striped(stripe) => stripe.sectors(),
            Self::Mirrored(mirror) => mirror.sectors(),
            Self::Soft(soft) => soft.striped().sectors(),
            Self::Raid(raid) => raid.layout().sectors(),
        }
    }

    /// The map of a metadevice in which each block has one place.
    #[inline]
    pub(crate) fn striped(&self) -> Option<&dyn Striped> {
        match self {
            Self::Striped(stripe) => Some(&**stripe),
            Self::Soft(soft) => Some(soft.striped()),
            Self::Mirrored(_) | Self::Raid(_) => None,
        }
    }

    /// What is special about a mirror.
    pub(crate) fn mirrored(&self) -> Option<&dyn Mirrored> {
        match self {
            Self::Striped(_) | Self::Soft(_) | Self::Raid(_) => None,
            Self::Mirrored(mirror) => Some(&**mirror),
        }
    }

    /// What is special about a soft partition.
    pub(crate) fn soft(&self) -> Option<&dyn Soft> {
        match self {
            Self::Soft(soft) => Some(&**soft),
            Self::Striped(_) | Self::Mirrored(_) | Self::Raid(_) => None,
        }
    }

    /// The map of a stripe or concat.
    pub(crate) fn stripe(&self) -> Option<&dyn Striped> {
        match self {
            Self::Striped(stripe) => Some(&**stripe),
            Self::Soft(_) | Self::Mirrored(_) | Self::Raid(_) => None,
        }
    }

    /// Where the data of each component is, as far as it is laid out on them.
    pub(crate) fn places(&self) -> &[Component] {
        match self {
            Self::Raid(raid) => raid.columns(),
            _ => self.striped().map_or(&[], |map| map.components()),
        }
    }

    /// Whether it may have a hot spare pool: it has components, and they have states.
    pub(crate) fn may_have_pool(&self) -> bool {
        match self {
            Self::Striped(_) | Self::Raid(_) => true,
            Self::Soft(_) | Self::Mirrored(_) => false,
        }
    }

    /// What is special about RAID5.
    #[inline]
    pub(crate) fn raid(&self) -> Option<&dyn Raided> {
        match self {
            Self::Raid(raid) => Some(&**raid),
            Self::Striped(_) | Self::Soft(_) | Self::Mirrored(_) => None,
        }
    }
}

/// A metadevice in which each block has one place.
///
/// The methods are called in the data path, at the same time from any CPU: they neither sleep nor
/// lock, and they cannot fail on what was laid out.
pub trait Striped: Send + Sync + 'static {
    /// Size in sectors.
    fn sectors(&self) -> u64;

    /// The first piece of `count` sectors from `sector` on; `None` outside the metadevice.
    fn map(&self, sector: u64, count: u64) -> Option<Piece>;

    /// Calls `each` with the run of sectors that each component has in the `count` sectors from
    /// `sector` on. `None` outside the metadevice; some calls may have been made by then.
    fn ranges(&self, sector: u64, count: u64, each: &mut dyn FnMut(Piece)) -> Option<()>;

    /// Where the map can do without the tables. It stays what it is.
    fn first_run(&self) -> FirstRun;

    /// A number of sectors such that requests which do not cross a multiple of it stay in one
    /// piece, and how many sectors make a full round over the components.
    fn chunk(&self) -> Option<(u32, u64)>;

    /// The rows, for status reports.
    fn rows(&self) -> &[Row];

    /// The components, for status reports.
    fn components(&self) -> &[Component];
}

/// A metadevice that is extents of another one, or of a device.
pub trait Soft: Send + Sync + 'static {
    /// Where its blocks are. Its only component is its base.
    fn striped(&self) -> &dyn Striped;

    /// Its extents, in order.
    fn extents(&self) -> &[Extent];

    /// Its base.
    fn base(&self) -> Base;

    /// Who it is, which layout it has, and how it is.
    fn head(&self) -> SoftHead;

    /// Changes how it is.
    fn set_state(&self, state: SoftState);

    /// How many of its watermarks were not as they should be when somebody looked last.
    fn wrong(&self) -> u32;

    /// Writes that down.
    fn set_wrong(&self, wrong: u32);

    /// Whether its watermarks are still to be brought in line with its record.
    fn is_pending(&self) -> bool {
        self.head().state != SoftState::Okay
    }
}

/// A metadevice with a parity.
///
/// The methods are called in the data path, at the same time from any CPU; they neither sleep nor
/// lock.
pub trait Raided: Send + Sync + 'static {
    /// Where blocks live.
    fn layout(&self) -> &Layout;

    /// Where log and data of each column are.
    fn columns(&self) -> &[Component];

    /// Identity of its logs.
    fn log(&self) -> Uuid;

    /// Whether its writes are in none of them.
    fn is_unlogged(&self) -> bool;

    /// How far it is made.
    fn progress(&self) -> Progress;

    /// Writes that down.
    fn set_progress(&self, progress: Progress);

    /// How far it was made when everything was durable last: that is recorded.
    fn durable_progress(&self) -> Progress;

    /// Everything is durable now.
    fn note_flushed(&self);

    /// Whether states have taken effect that are not recorded: nothing that changes anything is
    /// acknowledged any more.
    fn is_unrecorded(&self) -> bool;

    /// Writes that down.
    fn note_unrecorded(&self);

    /// What is remembered of it whatever its shape.
    fn ledger(&self) -> &Arc<Ledger>;

    /// Whether what is being made cannot go on.
    fn is_stuck(&self) -> bool;

    /// Writes that down.
    fn set_stuck(&self, is_stuck: bool);

    /// Adds all of `from` to `to`, without carry: whole sectors. In task context.
    fn xor(&self, to: &mut [u8], from: &[&[u8]]);
}

/// What became of an attempt to begin a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// It has begun.
    Entered,
    /// Another write to the same blocks is under way.
    Taken,
    /// The blocks' regions have to be recorded as dirty first.
    Closed,
}

/// A metadevice that has its blocks on several sides.
///
/// All methods but [`Self::settle`] are called in the data path, at the same time from any CPU and
/// in any context: they neither sleep nor lock.
pub trait Mirrored: Send + Sync + 'static {
    /// Size in sectors.
    fn sectors(&self) -> u64;

    /// The options.
    fn options(&self) -> Options;

    /// Changes the options.
    fn set_options(&self, options: Options);

    /// The side that a read goes to which starts at a sector, of those that are whole; not one of
    /// `tried`, a bit for each. `None` if no such side is whole.
    fn read_side(&self, sector: u64, tried: u32) -> Option<u32>;

    /// How what changes the sides goes to them.
    fn write_policy(&self) -> WritePolicy;

    /// Begins a write, unless another one to the same blocks is under way (`DURABILITY.md` clause
    /// 10), or their regions are not recorded as dirty (clause 7). [`Entry::Entered`]:
    /// [`Self::leave`] is to be called when it is done on all sides.
    fn enter(&self, sector: u64, count: u64) -> Entry;

    /// Whether [`Self::enter`] would have been successful just now.
    fn may_enter(&self, sector: u64, count: u64) -> bool;

    /// Takes blocks for oneself, whether their regions are dirty or not: [`Self::leave`] gives them
    /// back. `false`: somebody has them.
    fn claim(&self, sector: u64, count: u64) -> bool;

    /// Whether [`Self::claim`] would have been successful just now.
    fn may_claim(&self, sector: u64, count: u64) -> bool;

    /// Calls `each` with the words in which blocks are claimed, see
    /// [`exclusion`](md_model::mirror::exclusion).
    fn for_claims(&self, each: &mut dyn FnMut(u64));

    /// What is remembered of regions and sides.
    fn map(&self) -> &SyncMap;

    /// Ends what [`Self::enter`] has begun.
    fn leave(&self, sector: u64, count: u64);

    /// Judges what has failed since it was last called, and decides on the states of components.
    /// May sleep. Never called twice at the same time. Whether there are new states: they are to be
    /// recorded, and then to [take effect](Self::take_effect).
    fn settle(&self, sides: &Sides<'_>) -> bool;

    /// Puts into force what was decided. Until now the old states were, so that nobody has
    /// acknowledged a request that the new ones excuse (`DURABILITY.md` clause 5). `is_recorded`:
    /// they are where they have to be before anybody may. If they are not, reads respect them, but
    /// nothing that changes anything is acknowledged any more.
    fn take_effect(&self, sides: &Sides<'_>, is_recorded: bool);

    /// Components that lack nothing any more are in service again, with the sides that they are
    /// part of; and those that are now the last copy no more, are out of it. May sleep. Never
    /// called at the same time as [`Self::settle`]. Whether there are new states, as there.
    fn resynced(&self, sides: &Sides<'_>) -> bool;

    /// Whether each block of a component of a side is also on another side that is in service.
    fn has_source(&self, sides: &Sides<'_>, side: u32, component: u32) -> bool;

    /// Something could not be recorded: nothing that changes anything is acknowledged any more.
    fn note_unrecorded(&self);

    /// The sides are not what they were: which of them are whole is to be found out.
    fn note_sides(&self, sides: &Sides<'_>);

    /// Whether states have taken effect that are not recorded.
    fn is_unrecorded(&self) -> bool;

    /// Counts the changes that have taken effect.
    fn changes(&self) -> u32;

    /// Counts the errors that were judged.
    fn errors(&self) -> u64;

    /// This is what a smaller mirror of the same sides has become: what that one remembers is
    /// remembered by this one. Nothing is under way on either.
    fn go_on_from(&self, before: &dyn Mirrored);
}

/// A personality that is registered, and the module it lives in.
#[derive(Clone, Copy)]
struct Registered {
    personality: &'static dyn Personality,
    module: &'static ThisModule,
}

/// The registered personalities.
pub(crate) struct Registry([Option<Registered>; KINDS_MAX]);

impl Registry {
    /// No personalities.
    pub(crate) const fn new() -> Self {
        Self([None; KINDS_MAX])
    }

    fn find(&self, kind: u32) -> Option<&Registered> {
        self.0
            .iter()
            .flatten()
            .find(|entry| entry.personality.kind() == kind)
    }
}

/// Keeps a personality registered. A personality module owns one of these from init to exit.
///
/// Dropping it while metadevices of the kind exist cannot happen: each holds a reference to the
/// module ([`PersonalityRef`]).
pub struct Registration(u32);

impl Registration {
    /// Registers a personality. The caller passes [`CORE_ID`].
    ///
    /// `EPROTO`: the caller was compiled against another core. `EEXIST`: the kind is taken.
    pub fn new(
        core_id: &'static str,
        personality: &'static dyn Personality,
        module: &'static ThisModule,
    ) -> Result<Self> {
        let kind = personality.kind();
        if core_id != CORE_ID {
            pr_err!(
                "personality {} was built for core {}, this is core {}: \
                 build all md modules together ('make') and load those\n",
                kind,
                core_id,
                CORE_ID
            );
            return Err(eproto());
        }
        let mut registry = REGISTRY.lock();
        if registry.find(kind).is_some() {
            return Err(EEXIST);
        }
        let free = registry
            .0
            .iter_mut()
            .find(|entry| entry.is_none())
            .ok_or(ENOSPC)?;
        *free = Some(Registered {
            personality,
            module,
        });
        Ok(Self(kind))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        for entry in REGISTRY.lock().0.iter_mut() {
            if entry.is_some_and(|entry| entry.personality.kind() == self.0) {
                *entry = None;
            }
        }
    }
}

/// A personality that cannot go away.
pub(crate) struct PersonalityRef {
    personality: &'static dyn Personality,
    _module: ModuleRef,
}

impl PersonalityRef {
    /// The personality of a kind. Loads its module if need be, so it must not be called with locks
    /// that a module's init takes.
    pub(crate) fn get(kind: u32) -> Result<Self, Refused> {
        if let Some(found) = Self::registered(kind) {
            return Ok(found);
        }
        let refused = Refused::new(ENODEV, Refusal::NoPersonality).with([kind.into(), 0]);
        let alias = CString::try_from_fmt(fmt!("md_rs-personality-{kind}")).map_err(|_| refused)?;
        // Whether the module came is seen below; modprobe's own status says less.
        let _ = module::request(&alias);
        Self::registered(kind).ok_or(refused)
    }

    fn registered(kind: u32) -> Option<Self> {
        // The lock keeps the module from going away before we hold a reference to it: its exit
        // takes the lock as well.
        let registry = REGISTRY.lock();
        let entry = registry.find(kind)?;
        Some(Self {
            personality: entry.personality,
            _module: ModuleRef::get(entry.module)?,
        })
    }

    /// See [`Personality::assemble`].
    pub(crate) fn assemble(&self, spec: &UnitSpec<'_>) -> Result<Unit, Refused> {
        self.personality.assemble(spec)
    }
}
