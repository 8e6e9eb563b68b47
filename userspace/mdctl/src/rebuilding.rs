// SPDX-License-Identifier: GPL-2.0
//! The base of soft partitions, and making these by the watermarks on it (`svm.md` section 6.6).

use crate::{
    admin::requests::{
        self,
        soft::{
            create,
            mend,
            Identity,
            Manner,
            Mended, //
        },
        DeviceChoice, //
    },
    components,
    explain::{
        self,
        Failure,
        Subject, //
    },
    output::Answer,
    syntax::{
        name::MetadeviceName,
        soft::{
            Place,
            SoftSpec, //
        },
    },
    unit::Unit,
    watermarks::{
        self,
        Chain,
        Layout, //
    },
    Machine,
};
use md_abi::admin::Refusal;

/// A base, and the soft partitions on it that there are records of.
pub struct Base {
    /// Its path.
    pub path: String,
    /// The device.
    pub devices: Vec<DeviceChoice>,
    /// The soft partitions.
    pub own: Vec<Unit>,
    /// Everything is checked, nothing is changed.
    pub check_only: bool,
}

impl Base {
    /// The one with a path.
    pub fn at(path: String, machine: &mut Machine<'_>, check_only: bool) -> Result<Self, Failure> {
        let devices = components::look_up(std::slice::from_ref(&path), machine.host)?;
        let units = requests::status_of_all(machine.admin)
            .map_err(|error| explain::request(&error, &Subject::none()))?;
        let own = units
            .into_iter()
            .filter(|unit| unit.soft().is_some_and(|soft| soft.base.device == path))
            .collect();
        Ok(Base {
            path,
            devices,
            own,
            check_only,
        })
    }

    /// What its watermarks say.
    pub fn chain(&self, machine: &Machine<'_>) -> Result<Chain, Failure> {
        watermarks::read(machine.host, &self.path)
            .map_err(|error| explain::soft::unreadable(&self.path, &error))
    }

    /// Asks the kernel to write the watermarks by the records, or to compare them.
    pub fn request(&self, machine: &mut Machine<'_>, check_only: bool) -> Result<Mended, Failure> {
        let dev = self.devices.first().map_or(0, |device| device.dev);
        let path = [self.path.clone()];
        mend(machine.admin, dev, check_only)
            .map_err(|error| explain::request(&error, &Subject::device(&path)))
    }

    /// Makes the soft partitions that the watermarks tell of.
    /// Which they are.
    pub fn rebuild(
        &self,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<Vec<MetadeviceName>, Failure> {
        if let Some(unit) = self.own.first() {
            return Err(explain::soft::recorded(&self.path, unit.name));
        }
        let chain = self.chain(machine)?;
        let layouts = chain.layouts();
        if let Some(name) = chain.incomplete(&layouts) {
            return Err(explain::soft::incomplete(&self.path, name));
        }
        if layouts.is_empty() {
            return match chain.broken {
                Some(broken) => Err(explain::soft::broken(&self.path, broken.0, &broken.1)),
                None => Err(explain::soft::none_on(&self.path)),
            };
        }
        let mut names: Vec<MetadeviceName> = Vec::new();
        for layout in &layouts {
            self.rebuild_one(&chain, layout, machine, answer)?;
            names.push(layout.name);
        }
        if self.check_only {
            return Ok(names);
        }
        answer.has_changed = true;
        // Extents that belong to no layout any more are free.
        if chain.broken.is_none() {
            self.request(machine, false)?;
        }
        Ok(names)
    }

    fn rebuild_one(
        &self,
        chain: &Chain,
        layout: &Layout,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let name = layout.name;
        let spec = SoftSpec {
            name,
            base: self.path.clone(),
            on_new_partition: false,
            place: Place::Extents {
                extents: layout.extents.clone(),
                // Watermarks do not say.
                alignment: None,
            },
        };
        let identity = Identity {
            soft: layout.soft,
            base: chain.base,
            generation: layout.generation,
        };
        let how = Manner {
            check_only: self.check_only,
            force: false,
            rebuilt: Some(identity),
        };
        let Some(base) = self.devices.first() else {
            return Ok(());
        };
        create(machine.admin, &spec, base, how).map_err(|error| {
            if error.refusal() == Some(Refusal::NameInUse) {
                return explain::refusal::exists(&name.to_string());
            }
            let path = [self.path.clone()];
            explain::request(&error, &Subject::part(name, &path))
        })?;
        let would = if self.check_only { "would be" } else { "is" };
        answer.line(&format!("{name}: Soft Partition {would} recovered"));
        Ok(())
    }
}
