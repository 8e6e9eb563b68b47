// SPDX-License-Identifier: GPL-2.0
//! In which state the fake kernel's metadevices are, and how it finds out.

use super::FakeAdmin;
use md_abi::admin::{
    Component,
    ComponentState,
    UnitSummary, //
};

impl FakeAdmin {
    /// What is known of a metadevice now.
    pub(super) fn summary(&self, number: u32) -> UnitSummary {
        let unit = &self.units[&number];
        let states = unit
            .components
            .iter()
            .map(|component| self.state(component));
        UnitSummary {
            state: summed_up(states.max().expect("a metadevice has components")),
            parent: self
                .holder(Self::dev(number))
                .unwrap_or(unit.summary.parent),
            ..unit.summary
        }
    }

    /// State of a component; if it is a metadevice, of that one.
    pub(super) fn state(&self, component: &Component) -> u32 {
        match self.unit_at(component.dev) {
            Some(number) => self.summary(number).state,
            None => component.state,
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

/// State of a metadevice of which the worst component is in this one (`svm.md` section 4.2). What
/// is no state stays as it is.
fn summed_up(worst: u32) -> u32 {
    if worst == ComponentState::LastErred as u32 {
        ComponentState::Maintenance as u32
    } else {
        worst
    }
}
