// SPDX-License-Identifier: GPL-2.0
//! The body of a metadevice: its map and its components, which may be metadevices themselves.
//!
//! Bodies make up a tree, whose leaves are devices. A request goes through the tree inside the
//! core, from the disk that it came to down to the leaves; the disks of the metadevices in between
//! do not see it. A metadevice that is a component keeps its disk, for those who look, but nobody
//! can open it for writing any more. (Who has it open already can go on, as with any block device
//! that is claimed: it may just be udev.)

use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc, //
    }, //
};

use md_model::{
    geometry::stripe::{
        FirstRun,
        Piece, //
    },
    mirror::side::SideState, //
};

use crate::{
    abi::{
        ComponentState,
        Refusal,
        NO_PARENT,
        SOFT_PARENTS, //
    },
    component::Component,
    database::Database,
    engine,
    events::Events,
    kapi::{
        bdev::BlockDevice,
        disk::{
            Carrier,
            ClosedGate,
            Operations, //
        },
        errand::Errand,
        published::{
            Alone,
            Published, //
        },
        request::Request,
        submission::Submission, //
    },
    metadevice::Metadevice,
    personality::{
        PersonalityRef,
        Unit, //
    },
    raid::{
        self,
        Raid, //
    },
    soft::moving::Moving,
    sync::upkeep::{
        self,
        Upkeep, //
    },
    Refused, //
};

/// Most levels of metadevices on top of each other.
pub(crate) const LEVELS_MAX: u32 = 8;

/// A metadevice as a component of another one, or as the base of soft partitions.
pub(crate) struct Child {
    body: Arc<Body>,
    carrier: Carrier<Arc<Body>>,
    claim: Arc<Claim>,
}

/// That a metadevice has a parent.
struct Claim(Arc<Body>);

impl Child {
    /// Makes a metadevice, which has no parent, a component of the one with number `parent`, or
    /// with [`crate::abi::SOFT_PARENTS`] the base of soft partitions.
    pub(crate) fn new(metadevice: &Metadevice, parent: u32) -> Result<Self, AllocError> {
        let body = metadevice.body().clone();
        let claim = Arc::new(Claim(body.clone()), GFP_KERNEL)?;
        body.parent.store(parent, Relaxed);
        Ok(Self {
            body,
            carrier: metadevice.carrier(),
            claim,
        })
    }

    /// The same metadevice, for another soft partition on it, or for what takes the place of this
    /// component.
    pub(crate) fn share(&self) -> Self {
        Self {
            body: self.body.clone(),
            carrier: self.carrier.clone(),
            claim: self.claim.clone(),
        }
    }

    /// The metadevice that it is a component of has another number.
    pub(crate) fn set_parent(&self, parent: u32) {
        self.body.parent.store(parent, Relaxed);
    }

    /// The metadevice.
    #[inline]
    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// Its disk, which carries requests of soft partitions.
    #[inline]
    pub(crate) fn carrier(&self) -> &Carrier<Arc<Body>> {
        &self.carrier
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.parent.store(NO_PARENT, Relaxed);
    }
}

/// How often a disk is open, or that it is about to go.
///
/// Opening and clearing exclude each other without a lock: open needs a count that is not
/// [`Self::CLOSING`], clear needs one that is zero.
struct OpenCount(Atomic<i32>);

impl OpenCount {
    const CLOSING: i32 = -1;

    /// One more has the disk open. `false` if it is about to go.
    fn open(&self) -> bool {
        let mut count = self.0.load(Relaxed);
        loop {
            let Some(more) = count.checked_add(1).filter(|_| count >= 0) else {
                return false;
            };
            match self.0.cmpxchg(count, more, Full) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
    }

    fn release(&self) {
        let _ = self.0.fetch_sub(1, Full);
    }

    /// From now on nobody can open the disk. If more have it open than `but_for`, says how many.
    fn close(&self, but_for: i32) -> Result<(), i32> {
        self.0.cmpxchg(but_for, Self::CLOSING, Full).map(|_| ())
    }

    /// It does not go after all.
    fn reopen(&self, but_for: i32) {
        let _ = self.0.cmpxchg(Self::CLOSING, but_for, Full);
    }

    fn get(&self) -> u32 {
        u32::try_from(self.0.load(Relaxed)).unwrap_or(0)
    }
}

/// The map of a metadevice, and what it leads to. Replaced as a whole when the metadevice changes
/// its shape, with the gates closed that lead here.
pub(crate) struct Shape {
    // Dropped in this order: the unit's code lives in the personality's module.
    unit: Unit,
    components: KVec<Arc<Component>>,
    moving: Option<Arc<Moving>>,
    /// Part of the map, for requests that need no more of it.
    first_run: FirstRun,
    /// Whether it is a soft partition on a mirror or RAID5, so that no request has to find out.
    is_carried: bool,
}

impl Shape {
    /// A unit and its components.
    pub(crate) fn new(unit: Unit, components: KVec<Arc<Component>>) -> Self {
        let base = components.first().and_then(|base| base.child.as_ref());
        let carries = |base: &Child| base.body.upkeep.is_some() || base.body.raid.is_some();
        let is_carried = unit.soft().is_some() && base.is_some_and(carries);
        let first_run = unit.striped().map_or(FirstRun::NONE, |map| map.first_run());
        Self {
            unit,
            components,
            moving: None,
            first_run,
            is_carried,
        }
    }

    /// The same of a soft partition, of which an extent is being moved.
    pub(crate) fn with_moving(self, moving: Arc<Moving>) -> Self {
        Self {
            moving: Some(moving),
            ..self
        }
    }

    /// The extent of a soft partition that is being moved, if one is.
    #[inline]
    pub(crate) fn moving(&self) -> Option<&Moving> {
        self.moving.as_deref()
    }

    /// The map.
    #[inline]
    pub(crate) fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The place on the first component of `count` sectors from `sector` on, if they are in the run
    /// that the metadevice begins with, and there are any.
    #[inline]
    pub(crate) fn place_in_first_run(&self, sector: u64, count: u64) -> Option<u64> {
        self.first_run.place(sector, count)
    }

    /// Where the first piece of `count` sectors from `sector` on is, if each block has one place:
    /// for a soft partition on its base, whatever that is.
    #[inline]
    pub(crate) fn map(&self, sector: u64, count: u64) -> Option<Piece> {
        match self.first_run.piece(sector, count) {
            Some(piece) => Some(piece),
            None => self.unit.striped()?.map(sector, count),
        }
    }

    /// The components.
    pub(crate) fn components(&self) -> &[Arc<Component>] {
        &self.components
    }

    /// One component.
    #[inline]
    pub(crate) fn component(&self, index: u32) -> Option<&Component> {
        self.components
            .get(index as usize)
            .map(|component| &**component)
    }

    /// The mirror that a soft partition is on, if it is one that is on a mirror.
    #[inline]
    pub(crate) fn mirror_below(&self) -> Option<&Child> {
        self.carrier_below()
            .filter(|base| base.body.upkeep.is_some())
    }

    /// The mirror or RAID5 metadevice that a soft partition is on, whose disk carries its requests.
    #[inline]
    pub(crate) fn carrier_below(&self) -> Option<&Child> {
        if !self.is_carried {
            return None;
        }
        self.components.first()?.child.as_ref()
    }

    /// Whether it is RAID5, or a soft partition on that.
    pub(crate) fn is_raid(&self) -> bool {
        match &self.unit {
            Unit::Raid(_) => true,
            Unit::Soft(_) => self
                .carrier_below()
                .is_some_and(|base| base.body.raid.is_some()),
            Unit::Striped(_) | Unit::Mirrored(_) => false,
        }
    }

    /// Whether it is a mirror, or a soft partition on one: a block of it has several places.
    pub(crate) fn is_mirrored(&self) -> bool {
        match &self.unit {
            Unit::Mirrored(_) => true,
            Unit::Soft(_) => self.mirror_below().is_some(),
            Unit::Striped(_) | Unit::Raid(_) => false,
        }
    }

    /// Levels of metadevices, this one included. The recursion is as deep, and [`Self::check`] has
    /// seen to it that each component has no more than [`LEVELS_MAX`].
    fn levels(&self) -> u32 {
        let children = self.components.iter().filter_map(|c| c.child.as_ref());
        let below = children.map(|child| child.body.shape().levels()).max();
        below.unwrap_or(0).saturating_add(1)
    }

    /// Refuses metadevices in too many levels.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.levels() > LEVELS_MAX {
            return Err(Refused::new(EINVAL, Refusal::NestedTooDeep).with([LEVELS_MAX.into(), 0]));
        }
        Ok(())
    }

    /// Whether a leaf is in use by somebody else, so that nothing may be written.
    fn is_pending(&self) -> bool {
        self.components
            .iter()
            .any(|component| match &component.child {
                Some(child) => child.body.is_pending(),
                None => component.device.is_shared(),
            })
    }

    /// How a component is. A side that is offline, or has to be resynced, is so whatever its
    /// components are.
    pub(crate) fn state_of(&self, index: u32, component: &Component) -> ComponentState {
        let Some(map) = self.unit.mirrored().map(|mirror| mirror.map()) else {
            return component.state();
        };
        match map.side_state(index) {
            SideState::Okay => component.state(),
            SideState::Offline => ComponentState::Offline,
            SideState::NeedsResync if map.is_standing_still() => ComponentState::NeedsResync,
            SideState::NeedsResync => ComponentState::Resyncing,
        }
    }

    /// How it is: as bad as its worst component, except that a mirror with a side that is there
    /// just needs maintenance.
    pub(crate) fn state(&self) -> ComponentState {
        let states = || {
            (0..)
                .zip(&self.components)
                .map(|(at, part)| self.state_of(at, part))
        };
        let worst = states().max_by_key(|state| severity(*state));
        let all_gone = states().all(|state| state == ComponentState::Unavailable);
        match (worst.unwrap_or(ComponentState::Okay), &self.unit) {
            // These are a component's words.
            (ComponentState::LastErred, _)
            | (ComponentState::NeedsResync | ComponentState::Offline, Unit::Mirrored(_)) => {
                ComponentState::Maintenance
            }
            (ComponentState::Unavailable, Unit::Mirrored(_) | Unit::Raid(_)) if !all_gone => {
                ComponentState::Maintenance
            }
            (state, _) => state,
        }
    }
}

fn no_memory(error: Error) -> Refused {
    Refused::new(error, Refusal::NoMemory)
}

/// How bad a state is, compared with others.
fn severity(state: ComponentState) -> u32 {
    match state {
        ComponentState::Okay => 0,
        ComponentState::Unavailable => 1,
        ComponentState::Maintenance => 4,
        ComponentState::Resyncing => 2,
        ComponentState::NeedsResync => 3,
        ComponentState::Offline => 1,
        ComponentState::LastErred => 5,
    }
}

/// What a metadevice is made of.
pub(crate) struct Body {
    shape: Published<Shape>,
    open_count: OpenCount,
    parent: Atomic<u32>,
    number: Atomic<u32>,
    /// Number of the hot spare pool, plus 1; 0 for none.
    pool: Atomic<u32>,
    database: Arc<Database>,
    personality: PersonalityRef,
    /// What keeps the sides of a mirror equal.
    upkeep: Option<Pin<KBox<Upkeep>>>,
    /// What RAID5 works with.
    raid: Option<Pin<KBox<Raid>>>,
}

impl Body {
    /// Puts the body of the metadevice with a number together. The database is where its state is
    /// recorded.
    pub(crate) fn new(
        shape: Shape,
        personality: PersonalityRef,
        number: u32,
        database: Arc<Database>,
    ) -> Result<Self, Refused> {
        shape.check()?;
        let upkeep = match shape.unit() {
            Unit::Mirrored(_) => Some(Upkeep::new().map_err(no_memory)?),
            Unit::Striped(_) | Unit::Soft(_) | Unit::Raid(_) => None,
        };
        let raid = match shape.unit().raid() {
            Some(unit) => Some(Raid::new(unit.layout()).map_err(no_memory)?),
            None => None,
        };
        Ok(Self {
            upkeep,
            raid,
            shape: Published::new(shape).map_err(no_memory)?,
            open_count: OpenCount(Atomic::new(0)),
            parent: Atomic::new(NO_PARENT),
            number: Atomic::new(number),
            pool: Atomic::new(0),
            database,
            personality,
        })
    }

    /// The map, and what it leads to.
    #[inline]
    pub(crate) fn shape(&self) -> &Shape {
        self.shape.get()
    }

    /// Gives the metadevice another shape. No request may be under way.
    pub(crate) fn reshape(&self, shape: Shape) -> Result<(), Refused> {
        self.shape.replace(shape).map_err(no_memory)
    }

    /// Drops the shapes that it had before, with the devices that only they have.
    pub(crate) fn forget_shapes(&self, gate: &ClosedGate<'_>, alone: &Alone<'_>) {
        self.shape.forget_replaced(gate, alone);
    }

    /// What keeps the sides of a mirror equal.
    #[inline]
    pub(crate) fn upkeep(&self) -> Option<&Upkeep> {
        self.upkeep.as_deref()
    }

    /// What RAID5 works with.
    #[inline]
    pub(crate) fn raid(&self) -> Option<&Raid> {
        self.raid.as_deref()
    }

    /// Whether it is read-only until the set is started again, see
    /// [`crate::abi::UNIT_PENDING`].
    pub(crate) fn is_pending(&self) -> bool {
        self.shape().is_pending()
    }

    /// Number of the metadevice.
    pub(crate) fn number(&self) -> u32 {
        self.number.load(Relaxed)
    }

    /// From now on it has another number. No commit is being made.
    pub(crate) fn set_number(&self, number: u32) {
        self.number.store(number, Relaxed);
    }

    /// Number of its hot spare pool, if it has one.
    pub(crate) fn pool(&self) -> Option<u32> {
        self.pool.load(Relaxed).checked_sub(1)
    }

    /// Gives it a hot spare pool, or none.
    pub(crate) fn set_pool(&self, pool: Option<u32>) {
        let encoded = pool.map_or(0, |pool| pool.saturating_add(1));
        self.pool.store(encoded, Relaxed);
    }

    /// Where its state is recorded.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Where it is told what happens to it.
    pub(crate) fn events(&self) -> &Events {
        self.database.events()
    }

    /// The personality that it is of.
    pub(crate) fn personality(&self) -> &PersonalityRef {
        &self.personality
    }

    /// Undoes [`Self::close`] and [`Self::close_with_parent`].
    pub(crate) fn reopen(&self) {
        self.open_count.reopen(self.opened_by_parent());
    }

    /// How many have the disk open.
    pub(crate) fn open_count(&self) -> u32 {
        self.open_count.get()
    }

    /// Number of the metadevice that this one is a component of, or [`NO_PARENT`].
    pub(crate) fn parent(&self) -> u32 {
        self.parent.load(Relaxed)
    }

    /// Refuses a metadevice that is a component of another one, or the base of soft partitions.
    pub(crate) fn check_no_parent(&self) -> Result<(), Refused> {
        match self.parent() {
            NO_PARENT => Ok(()),
            SOFT_PARENTS => Err(Refused::new(EBUSY, Refusal::UnitIsBase)),
            parent => Err(Refused::new(EBUSY, Refusal::UnitHasParent).with([parent.into(), 0])),
        }
    }

    /// Refuses a soft partition of which an extent is being moved: what is written to it must come
    /// through its own disk.
    pub(crate) fn check_not_moving(&self) -> Result<(), Refused> {
        match self.shape().moving() {
            Some(_) => Err(Refused::new(EBUSY, Refusal::SoftIsMoving)),
            None => Ok(()),
        }
    }

    /// Somebody needs the metadevice as if he had its disk open, until [`Self::let_go`].
    pub(crate) fn hold(&self) -> Result<(), Refused> {
        if self.open_count.open() {
            Ok(())
        } else {
            Err(Refused::new(EBUSY, Refusal::UnitOpen))
        }
    }

    /// Undoes [`Self::hold`].
    pub(crate) fn let_go(&self) {
        self.open_count.release();
    }

    /// Sees to it that nobody can open the disk any more, so that the metadevice can be dropped.
    /// Refused if it is open or a component of another one.
    pub(crate) fn close(&self) -> Result<(), Refused> {
        self.check_no_parent()?;
        self.open_count.close(0).map_err(|count| {
            let count = u64::try_from(count).unwrap_or(0);
            Refused::new(EBUSY, Refusal::UnitOpen).with([count, 0])
        })
    }

    /// The same, for a metadevice that goes together with its parent, which has it open.
    pub(crate) fn close_with_parent(&self) -> Result<(), Refused> {
        let refused = Refused::new(EBUSY, Refusal::SetIsOpen).with([self.number().into(), 0]);
        let closed = self.open_count.close(self.opened_by_parent());
        closed.map_err(|_| refused)
    }

    fn opened_by_parent(&self) -> i32 {
        i32::from(self.parent() != NO_PARENT)
    }

    /// The devices of all leaves, and where the data on them begins. They stay as long as the
    /// answer, whatever becomes of the metadevice.
    pub(crate) fn leaves(&self) -> Result<KVec<(Arc<BlockDevice>, u64)>, Refused> {
        let mut leaves = KVec::new();
        self.list_leaves(&mut leaves)?;
        Ok(leaves)
    }

    fn list_leaves(&self, leaves: &mut KVec<(Arc<BlockDevice>, u64)>) -> Result<(), Refused> {
        let shape = self.shape();
        let laid_out = shape.unit().places();
        for (index, component) in shape.components().iter().enumerate() {
            match &component.child {
                Some(child) => child.body.list_leaves(leaves)?,
                None => {
                    let start = laid_out.get(index).map_or(0, |place| place.start_sector);
                    leaves.push((component.device.clone(), start), GFP_KERNEL)?;
                }
            }
        }
        Ok(())
    }
}

impl Operations for Arc<Body> {
    fn queue(&self, request: Request, submission: &Submission<'_>) {
        engine::queue(request, self, submission);
    }

    fn queue_deferred(
        &self,
        requests: &mut dyn Iterator<Item = Request>,
        submission: &Submission<'_>,
    ) {
        engine::queue_deferred(requests, self, submission);
    }

    fn leave(&self, sector: u64, count: u64) {
        if let Some(mirror) = self.shape().unit().mirrored() {
            mirror.leave(sector, count);
        }
    }

    fn own_clones(&self) -> u32 {
        match self.shape().unit() {
            Unit::Striped(_) | Unit::Raid(_) => 1,
            // What the mirror needs that it is on.
            Unit::Soft(_) => self
                .shape()
                .mirror_below()
                .map_or(1, |mirror| mirror.body.own_clones()),
            // Who begins with one side will soon have another.
            Unit::Mirrored(_) => {
                let sides = u32::try_from(self.shape().components().len());
                sides.unwrap_or(1).max(2)
            }
        }
    }

    fn errand_count(&self) -> u32 {
        let of_raid = self.raid().map_or(0, |_| raid::build::COUNT);
        self.upkeep().map_or(of_raid, |_| upkeep::COUNT)
    }

    fn errand(&self, errand: &Errand<'_>) {
        match self.raid() {
            Some(_) => raid::build::run(self, errand),
            None => upkeep::run(self, errand),
        }
    }

    fn open(&self, write: bool) -> Result {
        if write && self.parent() != NO_PARENT {
            return Err(EBUSY);
        }
        if self
            .shape()
            .unit()
            .soft()
            .is_some_and(|soft| soft.is_pending())
        {
            return Err(ENXIO);
        }
        if self.raid().is_some_and(Raid::is_blocked) {
            return Err(ENXIO);
        }
        if self.open_count.open() {
            Ok(())
        } else {
            Err(ENXIO)
        }
    }

    fn release(&self) {
        self.open_count.release();
    }
}
