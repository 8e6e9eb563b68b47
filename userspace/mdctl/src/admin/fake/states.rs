// SPDX-License-Identifier: GPL-2.0
//! In which state the fake kernel's metadevices are, and how it finds out.

use super::FakeAdmin;
use md_abi::admin::{
    Component,
    ComponentState,
    UnitSummary,
    SOFT_PARENTS, //
};

impl FakeAdmin {
    /// What is known of a metadevice now.
    pub(super) fn summary(&self, number: u32) -> UnitSummary {
        let unit = &self.units[&number];
        let states = unit
            .components
            .iter()
            .map(|component| self.state(component));
        let worst = states.max_by_key(|state| badness(*state));
        let holder = self.holder(Self::dev(number));
        let parent = holder.map(|holder| match self.softs.get(&holder) {
            Some(_) => SOFT_PARENTS,
            None => holder,
        });
        UnitSummary {
            state: summed_up(worst.expect("a metadevice has components")),
            parent: parent.unwrap_or(unit.summary.parent),
            ..unit.summary
        }
    }

    /// State of a component; if it is a metadevice, of that one. That a side is being resynced or
    /// out of service is known of the side only.
    pub(super) fn state(&self, component: &Component) -> u32 {
        match self.unit_at(component.dev) {
            Some(number) if component.state == ComponentState::Okay as u32 => {
                self.summary(number).state
            }
            _ => component.state,
        }
    }

    /// Probes a metadevice; answers with the number of devices that did not answer.
    pub(super) fn probe_unit(&mut self, number: u32) -> u32 {
        let mut components = std::mem::take(&mut self.unit_mut(number).components);
        let failed = components
            .iter_mut()
            .map(|component| match self.unit_at(component.dev) {
                Some(unit) => self.probe_unit(unit),
                None => u32::from(!self.answers_probe(component)),
            })
            .sum();
        self.unit_mut(number).components = components;
        failed
    }

    /// Probes a device, and writes down what came out.
    fn answers_probe(&self, component: &mut Component) -> bool {
        if !self.disks.contains_key(&component.dev) {
            component.state = ComponentState::Unavailable as u32;
        } else if self.silent.contains(&component.dev) {
            component.read_errors += 1;
        } else {
            return true;
        }
        component.event_seconds = self.clock;
        false
    }
}

/// Which of two states is the worse one.
fn badness(state: u32) -> u32 {
    let order = [
        ComponentState::Okay,
        ComponentState::Resyncing,
        ComponentState::Offline,
        ComponentState::NeedsResync,
        ComponentState::Unavailable,
        ComponentState::Maintenance,
        ComponentState::LastErred,
    ];
    let place = order.iter().position(|known| *known as u32 == state);
    place.map_or(u32::MAX, |place| place as u32)
}

/// State of a metadevice of which the worst component is in this one (`svm.md` section 4.2). What
/// is no state stays as it is.
fn summed_up(worst: u32) -> u32 {
    if worst == ComponentState::LastErred as u32 {
        ComponentState::Maintenance as u32
    } else {
        worst
    }
}
