// SPDX-License-Identifier: GPL-2.0
//! Making the metadevices of a set again: stripes and concats, the mirrors whose good side is
//! known, and soft partitions by the watermarks of what they are on. It can be done as often as one
//! likes: what is there is left alone.

use super::{
    labels::Labelled,
    plan::{
        self,
        children,
        Plan, //
    },
};
use crate::{
    admin::requests::{
        self,
        create_again,
        Making, //
    },
    components,
    discover::members::hints,
    discover::Node,
    explain::{
        self,
        recovery as told,
        Failure,
        Subject, //
    },
    output::Answer,
    rebuilding::Base,
    syntax::{
        name::MetadeviceName,
        size::Sectors,
        spec::Spec, //
    },
    Machine,
};
use md_model::{
    database::identity::Uuid,
    units::SECTOR_BYTES, //
};
use md_report::{
    dump::{
        Component,
        Metadevice, //
    },
    Kind, //
};
use std::collections::BTreeSet;

/// How it is to be done.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Everything is checked, nothing is made.
    pub check_only: bool,
    /// Sides that are good.
    pub good: Vec<MetadeviceName>,
    /// There is no state database, so that the labels stay what they are.
    pub in_memory: bool,
}

/// A recovery as far as it has come.
pub struct Recovery<'a> {
    labels: &'a [Labelled],
    plan: Plan,
    manner: Manner,
    /// Metadevices that exist.
    there: BTreeSet<MetadeviceName>,
    /// What was tried, and what came of it is told.
    tried: BTreeSet<MetadeviceName>,
    /// Bases that were looked at, by their paths.
    looked: BTreeSet<String>,
    made: Vec<MetadeviceName>,
}

impl<'a> Recovery<'a> {
    /// Of a set whose components have these labels, on a machine where these metadevices exist.
    pub fn new(labels: &'a [Labelled], there: BTreeSet<MetadeviceName>, manner: Manner) -> Self {
        Recovery {
            labels,
            plan: Plan::of(labels),
            manner,
            there,
            tried: BTreeSet::new(),
            looked: BTreeSet::new(),
            made: Vec::new(),
        }
    }

    /// Makes what can be made. What cannot, or has to wait, is told by failures in the answer.
    pub fn run(mut self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
        self.check_good()?;
        let disputed = self.plan.disputed.iter();
        answer
            .failures
            .extend(disputed.map(|(name, paths)| told::disputed(*name, paths)));
        while self.go_on(machine, answer)? {}
        self.tell_waiting(answer);
        if !self.manner.check_only {
            answer.show(machine, &self.made)?;
        }
        match answer.failures.len() {
            0 => Ok(()),
            count => Err(told::unfinished(count)),
        }
    }

    /// Sees that who is said to be good is a side of a mirror.
    fn check_good(&self) -> Result<(), Failure> {
        let is_side = |name: &MetadeviceName| {
            let mut above = self.plan.above(*name);
            above.any(|above| self.mirror(above).is_some())
        };
        match self.manner.good.iter().find(|good| !is_side(good)) {
            Some(good) => Err(told::no_side(*good)),
            None => Ok(()),
        }
    }

    /// One time over everything that was not tried yet; whether something came of it.
    fn go_on(&mut self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<bool, Failure> {
        let mut progress = false;
        let units = self.plan.units.clone();
        for (name, unit) in &units {
            if !self.is_ready(*name, unit) {
                continue;
            }
            self.tried.insert(*name);
            match self.make(*name, unit, machine, answer) {
                Ok(()) => {
                    self.there.insert(*name);
                    progress = true;
                }
                Err(failure) => answer.failures.push(failure),
            }
        }
        for path in self.bases() {
            self.looked.insert(path.clone());
            match self.rebuild(path, machine, answer) {
                Ok(made) => progress |= made,
                Err(failure) => answer.failures.push(failure),
            }
        }
        Ok(progress)
    }

    fn mirror(&self, name: MetadeviceName) -> Option<&Metadevice> {
        let unit = self.plan.units.get(&name)?;
        (!unit.submirrors.is_empty()).then_some(unit)
    }

    /// The side that a mirror is to be what that is; `None` as long as nobody has chosen one.
    fn good_side(&self, unit: &Metadevice) -> Option<MetadeviceName> {
        let mut sides = children(unit);
        match &unit.submirrors[..] {
            [_] => sides.next(),
            _ => sides.find(|side| self.manner.good.contains(side)),
        }
    }

    /// Whether a metadevice itself waits: a mirror until somebody chooses its good side, and a kind
    /// that is not made again until somebody makes it by hand.
    fn waits_itself(&self, name: MetadeviceName) -> bool {
        let Some(unit) = self.plan.units.get(&name) else {
            return false;
        };
        let is_open = match unit.kind {
            Kind::Concat | Kind::Stripe => false,
            Kind::Mirror => self.good_side(unit).is_none(),
            Kind::Raid5 | Kind::SoftPartition => true,
        };
        is_open && !self.there.contains(&name)
    }

    /// Whether something that a device is part of waits: its label would say nothing of that any
    /// more once another part of it is made. In memory no label is written.
    fn holds_back(&self, device: &Labelled) -> bool {
        let mut names = device.tree.iter().filter_map(|unit| unit.name.parse().ok());
        !self.manner.in_memory && names.any(|name| self.waits_itself(name))
    }

    /// Whether a metadevice waits, or has to wait for another one on its devices.
    fn waits(&self, name: MetadeviceName) -> bool {
        let mut devices = self.labels.iter().filter(|device| {
            let mut names = device.tree.iter().filter_map(|unit| unit.name.parse().ok());
            names.any(|own: MetadeviceName| own == name)
        });
        self.waits_itself(name) || devices.any(|device| self.holds_back(device))
    }

    fn is_ready(&self, name: MetadeviceName, unit: &Metadevice) -> bool {
        let is_new = !self.there.contains(&name) && !self.tried.contains(&name);
        let is_there = |child: MetadeviceName| self.there.contains(&child);
        let has_parts = match self.good_side(unit) {
            // Sides that cannot be made are left out.
            Some(good) if !unit.submirrors.is_empty() => {
                let settled = |side| is_there(side) || !self.may_come(side);
                is_there(good) && children(unit).all(settled)
            }
            _ => children(unit).all(is_there),
        };
        is_new && has_parts && !self.waits(name)
    }

    /// Whether a metadevice may still be made.
    fn may_come(&self, name: MetadeviceName) -> bool {
        self.plan.units.contains_key(&name) && !self.tried.contains(&name)
    }

    /// The device that a component was: by its label, or by what else is known of it.
    fn find(&self, part: &Component, machine: &Machine<'_>) -> Option<String> {
        if let Some(uuid) = &part.component {
            let mut labels = self.labels.iter();
            return Some(labels.find(|label| label.component == *uuid)?.path.clone());
        }
        let paths = crate::discover::members::paths(machine.host).ok()?;
        paths.into_iter().find(|path| {
            let Ok(Node::Block { dev }) = machine.host.node(path) else {
                return false;
            };
            let found = hints(machine.host, dev);
            let wwn = String::from_utf8_lossy(&found.wwn);
            let partition = Uuid::from_bytes(found.partition);
            let same = [
                (&part.partition, partition.to_string()),
                (&part.wwn, wwn.trim_end_matches('\0').to_string()),
            ];
            let known = same.iter().filter(|(part, _)| part.is_some());
            part.partition.is_some() && known.clone().all(|(part, own)| part.as_ref() == Some(own))
        })
    }

    fn make(
        &mut self,
        name: MetadeviceName,
        unit: &Metadevice,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let title = match self.good_side(unit) {
            Some(good) if !unit.submirrors.is_empty() => {
                self.make_mirror(name, unit, good, machine)?
            }
            _ => self.make_stripe(name, unit, machine)?,
        };
        let would = if self.manner.check_only {
            "would be"
        } else {
            "is"
        };
        answer.line(&format!("{name}: {title} {would} recovered"));
        if !self.manner.check_only {
            answer.has_changed = true;
            self.made.push(name);
        }
        Ok(())
    }

    fn make_stripe(
        &self,
        name: MetadeviceName,
        unit: &Metadevice,
        machine: &mut Machine<'_>,
    ) -> Result<&'static str, Failure> {
        let plan = plan::stripe(name, unit, &|part| self.find(part, machine));
        let plan = plan.map_err(|missing| told::missing(name, &missing))?;
        let paths: Vec<_> = plan.spec.devices().cloned().collect();
        let title = Spec::Stripe(plan.spec.clone()).title();
        let is_made = |path: &String| MetadeviceName::at_path(path).is_some();
        if self.manner.check_only && paths.iter().any(is_made) {
            return Ok(title);
        }
        let devices = components::choose(&paths, machine.host)?;
        let failed = |error| explain::request(&error, &Subject::making(name, &paths));
        let placed: Vec<_> = devices.iter().cloned().zip(plan.starts).collect();
        let size = create_again(machine.admin, &plan.spec, &placed, true).map_err(failed)?;
        let before = Sectors(unit.size / SECTOR_BYTES);
        if size != before {
            return Err(told::other_size(name, size, before));
        }
        if !self.manner.check_only {
            create_again(machine.admin, &plan.spec, &placed, false).map_err(failed)?;
        }
        Ok(title)
    }

    fn make_mirror(
        &self,
        name: MetadeviceName,
        unit: &Metadevice,
        good: MetadeviceName,
        machine: &mut Machine<'_>,
    ) -> Result<&'static str, Failure> {
        let spec = plan::mirror(name, unit, good, &|side| self.there.contains(&side));
        let spec = Spec::Mirror(spec);
        if self.manner.check_only {
            return Ok(spec.title());
        }
        let paths = spec.devices();
        let devices = components::choose(&paths, machine.host)?;
        let made = requests::create(machine.admin, &spec, &devices, Making::default());
        made.map_err(|error| explain::request(&error, &Subject::making(name, &paths)))?;
        Ok(spec.title())
    }

    /// What may be the base of soft partitions, and was not looked at: devices that are no
    /// component of a metadevice, and metadevices that are part of none. Without a state database
    /// there are none: who has looked at what there is clears it again, and soft partitions that
    /// are cleared have no watermarks any more.
    fn bases(&self) -> Vec<String> {
        if self.manner.in_memory {
            return Vec::new();
        }
        let devices = self
            .labels
            .iter()
            .filter(|device| !device.component.is_empty() && !self.plan.is_part(device))
            .filter(|device| !self.holds_back(device));
        let devices = devices.map(|device| device.path.clone());
        let is_made = |name: &MetadeviceName| self.there.contains(name) && !self.manner.check_only;
        let is_top = |name: &MetadeviceName| self.plan.above(*name).next().is_none();
        let units = self.plan.units.keys();
        let units = units
            .filter(|name| is_made(name) && is_top(name))
            .map(|name| name.path());
        let all = devices.chain(units);
        all.filter(|path| !self.looked.contains(path)).collect()
    }

    /// Makes the soft partitions of a base, if there are any; whether there are.
    fn rebuild(
        &mut self,
        path: String,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<bool, Failure> {
        let base = Base::at(path, machine, self.manner.check_only)?;
        if !base.own.is_empty() || base.chain(machine)?.marks.is_empty() {
            return Ok(false);
        }
        let made = base.rebuild(machine, answer)?;
        self.there.extend(&made);
        if !self.manner.check_only {
            self.made.extend(&made);
        }
        Ok(true)
    }

    /// Says of each mirror that waits how one chooses, and of what else is not there yet.
    fn tell_waiting(&self, answer: &mut Answer) {
        for (name, unit) in &self.plan.units {
            if self.there.contains(name) || self.tried.contains(name) {
                continue;
            }
            if unit.kind == Kind::Raid5 {
                answer.failures.push(told::not_made_again(*name, "RAID5"));
            } else if self.mirror(*name).is_some() && self.good_side(unit).is_none() {
                let sides: Vec<_> = children(unit).collect();
                answer.failures.push(told::waits(*name, &sides));
            } else if !self.waits(*name) {
                let there = |child: &MetadeviceName| self.there.contains(child);
                if let Some(part) = children(unit).find(|child| !there(child)) {
                    answer.failures.push(told::without_part(*name, part));
                }
            }
        }
    }
}
