// SPDX-License-Identifier: GPL-2.0
//! How the fake kernel lays a metadevice out over its components, and which ones it takes.

use super::{
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    Component,
    ComponentState,
    Refusal,
    Row,
    UnitKind,
    START_DEFAULT, //
};
use md_model::limits::RESERVED_HEAD_SECTORS;
use rustix::io::Errno;

impl FakeAdmin {
    /// Gives each component its start, size and state; answers with the size of the metadevice.
    pub(super) fn lay_out(
        &self,
        rows: &[Row],
        components: &mut [Component],
    ) -> Result<u64, Refused> {
        let (mut size, mut first) = (0, 0);
        for row in rows {
            let end = first + row.component_count as usize;
            let mut smallest = u64::MAX;
            for index in first..end {
                let (others, rest) = components.split_at_mut(index);
                let usable = self.claim(&mut rest[0], others, row.interlace_sectors);
                smallest = smallest.min(usable.map_err(|why| at(why, index))?);
            }
            if row.component_count > 1 {
                smallest -= smallest % row.interlace_sectors;
            }
            for component in &mut components[first..end] {
                component.size_sectors = smallest;
            }
            size += smallest * u64::from(row.component_count);
            first = end;
        }
        assert_eq!(first, components.len(), "every component belongs to a row");
        Ok(size)
    }

    /// Takes a device as component, beside the others; answers with the sectors that it has for
    /// data.
    pub(super) fn claim(
        &self,
        component: &mut Component,
        others: &[Component],
        least: u64,
    ) -> Result<u64, Why> {
        let Component {
            dev, start_sectors, ..
        } = *component;
        assert_eq!((component.size_sectors, component.state), (0, 0));
        let unit = self.unit_at(dev).map(|number| self.summary(number));
        let capacity = match unit {
            Some(unit) => unit.size_sectors,
            None => *self.disks.get(&dev).ok_or((
                Refusal::ComponentNotFound,
                [Errno::NXIO.raw_os_error() as u64, 0],
            ))?,
        };
        if unit.is_some_and(|unit| unit.kind == UnitKind::Mirror as u32) {
            return Err((Refusal::ComponentIsMirror, [0; 2]));
        }
        if let Some(pool) = self.pool_with(dev) {
            return Err((Refusal::DeviceIsSpare, [pool.into(), 0]));
        }
        if others.iter().any(|other| other.dev == dev) {
            return Err((Refusal::ComponentInUse, [0; 2]));
        }
        if self.holder(dev).is_some() || unit.is_some_and(|unit| unit.open_count > 0) {
            return Err((Refusal::ComponentBusy, [0; 2]));
        }
        if self.read_only.contains(&dev) {
            return Err((Refusal::ComponentReadOnly, [0; 2]));
        }
        component.state = ComponentState::Okay as u32;
        component.start_sectors = match (start_sectors, unit) {
            (START_DEFAULT, Some(_)) => 0,
            (START_DEFAULT, None) => RESERVED_HEAD_SECTORS,
            (start, _) => start,
        };
        let needed = component.start_sectors + least;
        if capacity < needed {
            return Err((Refusal::ComponentTooSmall, [needed, capacity]));
        }
        Ok(capacity - component.start_sectors)
    }
}

/// Why a component is refused, and the figures that belong to that.
pub(super) type Why = (Refusal, [u64; 2]);

/// The refusal of the component with a number.
pub(super) fn at((refusal, values): Why, index: usize) -> Refused {
    (refusal, index as u32, values)
}
