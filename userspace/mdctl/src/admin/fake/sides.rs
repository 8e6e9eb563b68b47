// SPDX-License-Identifier: GPL-2.0
//! The sides of the fake kernel's mirrors: how they come, go and are made equal (`svm.md` sections
//! 4.2, 4.6 and 4.9). Who asks for the status of a mirror finds its resync one step further.

use super::{
    layout::{
        at,
        Why, //
    },
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    Attach,
    ChangeSide,
    Component,
    ComponentState,
    GrowMirror,
    Refusal,
    Replace,
    ResyncState,
    Sync,
    UnitKind,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    DEVICE_LEN,
    NAME_LEN,
    NO_INDEX,
    REPLACE_CHECK_ONLY,
    REPLACE_ENABLE,
    REPLACE_FORCE,
    REPLACE_RETURN,
    SIDE_DETACH,
    SIDE_FORCE,
    SIDE_OFFLINE,
    SIDE_ONLINE,
    START_DEFAULT,
    SUBMIRRORS_MAX,
    SYNC_CANCEL,
    SYNC_PAUSE,
    SYNC_RESUME,
    SYNC_START, //
};

/// A refusal that is about the mirror.
fn refused<T>(refusal: Refusal) -> Result<T, Refused> {
    Err((refusal, NO_INDEX, [0; 2]))
}

/// Whether a state is one of a component that is out of service for an error.
fn is_erred(state: u32) -> bool {
    [ComponentState::Maintenance, ComponentState::LastErred]
        .iter()
        .any(|erred| *erred as u32 == state)
}

impl FakeAdmin {
    /// Sets how the resync of a mirror is, and how much of how much is done.
    pub fn set_resync(&mut self, number: u32, state: ResyncState, done: u64, total: u64) {
        let summary = &mut self.unit_mut(number).summary;
        summary.resync = state as u32;
        (summary.resynced_sectors, summary.resync_sectors) = (done, total);
    }

    /// Begins to make a side of a mirror equal to the others.
    pub(super) fn begin_resync(&mut self, number: u32, side: usize) {
        let unit = self.unit_mut(number);
        unit.components[side].state = ComponentState::Resyncing as u32;
        let size = unit.summary.size_sectors;
        self.set_resync(number, ResyncState::Running, 0, size);
    }

    /// Lets the resync of a mirror go on for a step.
    pub(super) fn step(&mut self, number: u32) {
        let step = self.resync_step;
        let stuck_at = self.resync_stuck_at.unwrap_or(u64::MAX);
        let unit = self.unit_mut(number);
        if step == 0 || unit.summary.resync != ResyncState::Running as u32 {
            return;
        }
        let done = unit.summary.resynced_sectors + step;
        let total = unit.summary.resync_sectors;
        if done >= stuck_at {
            self.stand_still(number, ResyncState::Stuck);
        } else if done >= total {
            self.set_resync(number, ResyncState::Idle, 0, 0);
            self.uncertain.remove(&number);
            self.settle(number, ComponentState::Okay);
        } else {
            unit.summary.resynced_sectors = done;
        }
    }

    /// Ends a resync before it is done.
    fn stand_still(&mut self, number: u32, state: ResyncState) {
        self.unit_mut(number).summary.resync = state as u32;
        self.settle(number, ComponentState::NeedsResync);
    }

    /// Puts what is being resynced into a state; a component can only be done.
    fn settle(&mut self, number: u32, state: ComponentState) {
        let resyncing = ComponentState::Resyncing as u32;
        let sides = self.unit_mut(number).components.clone();
        for (index, side) in sides.iter().enumerate() {
            if side.state == resyncing {
                self.unit_mut(number).components[index].state = state as u32;
            }
            let Some(stripe) = self.unit_at(side.dev) else {
                continue;
            };
            let parts = self.unit_mut(stripe).components.iter_mut();
            let parts = parts.filter(|part| part.state == resyncing);
            if state == ComponentState::Okay {
                parts.for_each(|part| part.state = state as u32);
            }
        }
    }

    /// A mirror of this name, and its number.
    fn mirror(&self, number: u32) -> Result<&[Component], Refused> {
        let unit = &self.units[&number];
        if unit.summary.kind == UnitKind::Mirror as u32 {
            Ok(&unit.components)
        } else {
            refused(Refusal::NotAMirror)
        }
    }

    /// Adds a submirror.
    pub(super) fn attach_side(&mut self, number: u32, argument: &Attach) -> Result<(), Refused> {
        assert_eq!(argument.flags & !CREATE_CHECK_ONLY, 0);
        assert_eq!(argument.reserved, 0);
        let sides = self.mirror(number)?.to_vec();
        if sides.len() == SUBMIRRORS_MAX as usize {
            return Err((
                Refusal::TooManySubmirrors,
                NO_INDEX,
                [sides.len() as u64, 0],
            ));
        }
        let mut side = argument.submirror;
        let size = self.claim_submirror(&mut side, &sides);
        let size = size.map_err(|why| at(why, 0))?;
        let needed = self.units[&number].summary.size_sectors;
        if size < needed {
            return Err((Refusal::ComponentTooSmall, 0, [needed, size]));
        }
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            self.hide(number);
            let unit = self.unit_mut(number);
            unit.components.push(side);
            unit.summary.component_count += 1;
            self.begin_resync(number, sides.len());
            self.show(number);
        }
        Ok(())
    }

    /// Lets a mirror become as large as its smallest side; the others are made equal to the first
    /// one.
    pub(super) fn enlarge(
        &mut self,
        number: u32,
        argument: &mut GrowMirror,
    ) -> Result<(), Refused> {
        assert_eq!(
            argument.flags & !(CREATE_CHECK_ONLY | CREATE_ASSUME_CLEAN),
            0
        );
        assert_eq!((argument.reserved, argument.size_sectors), (0, 0));
        let sides = self.mirror(number)?.to_vec();
        let size = |side: &Component| {
            let unit = self.unit_at(side.dev).expect("a side is a metadevice");
            self.units[&unit].summary.size_sectors
        };
        let sizes = sides.iter().map(size).enumerate();
        let (index, new) = sizes.min_by_key(|(_, size)| *size).expect("a side");
        let summary = &self.units[&number].summary;
        let (old, resync) = (summary.size_sectors, summary.resync);
        if new <= old {
            return Err((Refusal::NotLarger, index as u32, [old, new]));
        }
        if resync != ResyncState::Idle as u32 {
            return refused(Refusal::ResyncNeeded);
        }
        argument.size_sectors = new;
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            self.unit_mut(number).summary.size_sectors = new;
            if argument.flags & CREATE_ASSUME_CLEAN == 0 {
                (1..sides.len()).for_each(|side| self.begin_resync(number, side));
                self.set_resync(number, ResyncState::Running, 0, new - old);
            }
        }
        Ok(())
    }

    /// Index of a side by its name.
    pub(super) fn side_of(&self, number: u32, name: &[u8; NAME_LEN]) -> Result<usize, Refused> {
        let sides = self.mirror(number)?;
        let is_it = |side: &Component| {
            let unit = self.unit_at(side.dev).map(|side| &self.units[&side]);
            unit.is_some_and(|unit| unit.summary.name == *name)
        };
        match sides.iter().position(is_it) {
            Some(index) => Ok(index),
            None => refused(Refusal::NotASubmirror),
        }
    }

    /// Whether a side other than this one has everything.
    fn has_other_source(&self, number: u32, side: usize) -> bool {
        let sides = self.units[&number].components.iter().enumerate();
        let mut others = sides.filter(|(index, _)| *index != side);
        others.any(|(_, side)| self.state(side) == ComponentState::Okay as u32)
    }

    /// Detaches, offlines or onlines a submirror.
    pub(super) fn change(&mut self, number: u32, argument: &ChangeSide) -> Result<(), Refused> {
        assert_eq!(argument.flags & !SIDE_FORCE, 0);
        let index = self.side_of(number, &argument.submirror)?;
        let side = self.units[&number].components[index];
        let force = argument.flags & SIDE_FORCE != 0;
        let offline = ComponentState::Offline as u32;
        if argument.action == SIDE_ONLINE {
            assert!(!force, "there is nothing to be forced");
            if side.state != offline {
                return refused(Refusal::SideNotOffline);
            }
            self.begin_resync(number, index);
            return Ok(());
        }
        if !self.has_other_source(number, index) {
            return refused(Refusal::NoOtherSource);
        }
        if !force && self.units[&number].summary.resync != 0 {
            return refused(Refusal::ResyncNeeded);
        }
        if !force && is_erred(self.state(&side)) {
            return Err((Refusal::SubmirrorErred, index as u32, [0; 2]));
        }
        if argument.action == SIDE_OFFLINE {
            if side.state == offline {
                return refused(Refusal::SideOffline);
            }
            self.unit_mut(number).components[index].state = offline;
        } else {
            assert_eq!(argument.action, SIDE_DETACH);
            self.detach(number, index);
        }
        Ok(())
    }

    fn detach(&mut self, number: u32, index: usize) {
        self.hide(number);
        let unit = self.unit_mut(number);
        unit.components.remove(index);
        unit.summary.component_count -= 1;
        self.set_resync(number, ResyncState::Idle, 0, 0);
        self.show(number);
    }

    /// Replaces a component, or takes it back into service.
    pub(super) fn replace_part(&mut self, number: u32, argument: &Replace) -> Result<(), Refused> {
        let known = REPLACE_ENABLE | REPLACE_CHECK_ONLY | REPLACE_FORCE;
        let returns = argument.flags == REPLACE_RETURN;
        assert!(argument.flags & !known == 0 || returns);
        let side = self.side_of(number, &argument.submirror)?;
        let side_state = self.units[&number].components[side].state;
        let dev = self.units[&number].components[side].dev;
        let stripe = self.unit_at(dev).expect("a side is a metadevice");
        let parts = &self.units[&stripe].components;
        let index = argument.index as usize;
        let part = parts.get(index).copied();
        let Some(part) = part.filter(|part| part.device == argument.old) else {
            return refused(Refusal::NoSuchComponent);
        };
        let enable = argument.flags & REPLACE_ENABLE != 0;
        let force = argument.flags & REPLACE_FORCE != 0;
        if side_state == ComponentState::Offline as u32 {
            return refused(Refusal::SideOffline);
        }
        if returns {
            return self.take_back(stripe, &part, argument);
        }
        if enable && part.state == ComponentState::Okay as u32 {
            return refused(Refusal::ComponentInService);
        }
        self.check_last(number, side, &part, force)?;
        if self.uncertain.contains(&number) && !force {
            return refused(Refusal::ResyncNeeded);
        }
        let new = self.new_part(&part, argument, enable);
        let new = new.map_err(|why| at(why, 0))?;
        if argument.flags & REPLACE_CHECK_ONLY == 0 {
            self.hide(stripe);
            self.unit_mut(stripe).components[index] = new;
            self.show(stripe);
            self.begin_resync(number, side);
        }
        Ok(())
    }

    /// Gives a component its device back. This kernel knows it by its number.
    fn take_back(
        &mut self,
        stripe: u32,
        part: &Component,
        argument: &Replace,
    ) -> Result<(), Refused> {
        if part.state != ComponentState::Unavailable as u32 || part.dev != argument.new.dev {
            return refused(Refusal::ComponentInService);
        }
        let new = Component {
            device: argument.new.device,
            dev: argument.new.dev,
            state: ComponentState::Okay as u32,
            ..*part
        };
        self.hide(stripe);
        self.unit_mut(stripe).components[argument.index as usize] = new;
        self.show(stripe);
        Ok(())
    }

    /// Sees that the data of a component is on another side as well, unless it is out of service:
    /// then it has nothing to lose.
    fn check_last(
        &self,
        number: u32,
        side: usize,
        part: &Component,
        force: bool,
    ) -> Result<(), Refused> {
        let sides = self.units[&number].components.iter();
        let first_erred = sides
            .enumerate()
            .find(|(index, other)| *index != side && is_erred(self.state(other)));
        let is_last = part.state == ComponentState::LastErred as u32;
        let is_out = part.state == ComponentState::Maintenance as u32;
        match first_erred {
            Some((index, _)) if is_last && !force => {
                Err((Refusal::ReplaceOthersFirst, index as u32, [0; 2]))
            }
            _ if is_out || self.has_other_source(number, side) => Ok(()),
            _ => refused(Refusal::NoOtherSource),
        }
    }

    /// The component in the place of another one.
    fn new_part(
        &self,
        old: &Component,
        argument: &Replace,
        enable: bool,
    ) -> Result<Component, Why> {
        let mut new = argument.new;
        assert_eq!(
            (new.size_sectors, new.state, new.start_sectors),
            (0, 0, START_DEFAULT)
        );
        assert!(new.device != [0; DEVICE_LEN]);
        if enable {
            let capacity = self.disks.get(&new.dev);
            capacity.ok_or((Refusal::ComponentNotFound, [6, 0]))?;
            new.start_sectors = old.start_sectors;
        } else {
            let usable = self.claim(&mut new, &[], old.size_sectors)?;
            assert!(usable >= old.size_sectors);
        }
        new.size_sectors = old.size_sectors;
        new.state = ComponentState::Resyncing as u32;
        Ok(new)
    }

    /// Starts or cancels a resync.
    pub(super) fn sync_mirror(&mut self, number: u32, argument: &Sync) -> Result<(), Refused> {
        assert_eq!(argument.reserved, 0);
        let kind = self.units[&number].summary.kind;
        let sides = if kind == UnitKind::Raid as u32 {
            Vec::new()
        } else {
            self.mirror(number)?.to_vec()
        };
        let summary = &self.units[&number].summary;
        let resync = summary.resync;
        if resync == ResyncState::Idle as u32 {
            return refused(Refusal::NothingToResync);
        }
        if argument.action == SYNC_CANCEL {
            self.stand_still(number, ResyncState::Cancelled);
            return Ok(());
        }
        if argument.action == SYNC_PAUSE {
            self.unit_mut(number).summary.resync = ResyncState::Paused as u32;
            return Ok(());
        }
        if argument.action == SYNC_RESUME {
            if resync != ResyncState::Paused as u32 {
                return refused(Refusal::ResyncNotPaused);
            }
        } else {
            assert_eq!(argument.action, SYNC_START);
        }
        for (index, side) in sides.iter().enumerate() {
            if side.state == ComponentState::NeedsResync as u32 {
                let state = ComponentState::Resyncing as u32;
                self.unit_mut(number).components[index].state = state;
            }
        }
        self.unit_mut(number).summary.resync = ResyncState::Running as u32;
        Ok(())
    }
}
