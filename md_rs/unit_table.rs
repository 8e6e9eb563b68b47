// SPDX-License-Identifier: GPL-2.0
//! The metadevices that exist, in the order of their numbers.

use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};
use md_model::{
    limits::UNITS_MAX,
    name::UnitName, //
};

use crate::{
    abi::Refusal,
    body::Body,
    component::Component,
    database::Database,
    metadevice::Metadevice,
    Refused, //
};

/// All metadevices.
pub(crate) struct UnitTable {
    units: RBTree<u32, Metadevice>,
    count: u32,
    database: Arc<Database>,
}

/// Room for a metadevice among them: got before something is recorded that says that it is there.
pub(crate) struct Place(RBTreeNodeReservation<u32, Metadevice>);

impl UnitTable {
    /// No metadevices.
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self {
            units: RBTree::new(),
            count: 0,
            database,
        }
    }

    /// Where they are recorded.
    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// The first component of which something holds, and the metadevice that it is a part of.
    pub(crate) fn with_component(
        &self,
        holds: impl Fn(&Component) -> bool,
    ) -> Option<(&Metadevice, &Component)> {
        self.iter().find_map(|metadevice| {
            let mut components = metadevice.body().shape().components().iter();
            let found = components.find(|component| holds(component))?;
            Some((metadevice, &**found))
        })
    }

    /// Whether a metadevice of a name could be added.
    pub(crate) fn check_vacant(&self, name: &UnitName) -> Result<(), Refused> {
        if self.units.get(&name.number()).is_some() {
            return Err(Refused::new(EEXIST, Refusal::NameInUse));
        }
        if self.count >= UNITS_MAX {
            return Err(Refused::new(ENOSPC, Refusal::TooManyUnits).with([UNITS_MAX.into(), 0]));
        }
        Ok(())
    }

    /// Room for one more.
    pub(crate) fn place() -> Result<Place, Refused> {
        let reserved = RBTreeNodeReservation::new(GFP_KERNEL);
        reserved
            .map(Place)
            .map_err(|_| Refused::new(ENOMEM, Refusal::NoMemory))
    }

    /// Adds a metadevice whose name is vacant.
    pub(crate) fn fill(&mut self, place: Place, metadevice: Metadevice) {
        let number = metadevice.name().number();
        if self
            .units
            .insert(place.0.into_node(number, metadevice))
            .is_none()
        {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Adds a metadevice.
    pub(crate) fn add(&mut self, metadevice: Metadevice) -> Result<(), Refused> {
        self.check_vacant(metadevice.name())?;
        self.fill(Self::place()?, metadevice);
        Ok(())
    }

    /// The metadevice of a name.
    pub(crate) fn get(&self, name: &UnitName) -> Result<&Metadevice, Refused> {
        let unit = self.units.get(&name.number());
        unit.ok_or(Refused::new(ENXIO, Refusal::NoSuchUnit))
    }

    /// The metadevice whose disk has a number, as user space knows it.
    pub(crate) fn with_dev(&self, dev: u64) -> Option<&Metadevice> {
        self.iter().find(|metadevice| metadevice.user_dev() == dev)
    }

    /// Takes out the metadevice of a name, whose body is closed.
    pub(crate) fn take(&mut self, name: &UnitName) -> Result<Metadevice, Refused> {
        let taken = self.units.remove(&name.number());
        self.count = self.count.saturating_sub(1);
        taken.ok_or(Refused::new(ENXIO, Refusal::NoSuchUnit))
    }

    /// Those that stand directly above another one.
    pub(crate) fn above<'a>(&'a self, body: &'a Body) -> impl Iterator<Item = &'a Metadevice> {
        self.iter().filter(move |metadevice| {
            let components = metadevice.body().shape().components().iter();
            let mut children = components.filter_map(|part| part.child.as_ref());
            children.any(|child| core::ptr::eq(child.body(), body))
        })
    }

    /// A metadevice has other limits: those of the ones above it become as narrow. The recursion is
    /// as deep as metadevices are nested.
    pub(crate) fn narrow_above(&self, body: &Body) -> Result<(), Refused> {
        for metadevice in self.above(body) {
            metadevice.narrow()?;
            self.narrow_above(metadevice.body())?;
        }
        Ok(())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Metadevice> {
        self.units.values()
    }
}
