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
    ResyncState,
    Row,
    UnitKind,
    NO_INDEX,
    START_DEFAULT, //
};
use md_model::{
    limits::RESERVED_HEAD_SECTORS,
    raid5::layout::{
        Layout,
        Rotation, //
    }, //
};
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

/// Lays columns out that were laid out as a stripe.
pub(super) fn lay_out_raid(rows: &[Row], components: &mut [Component]) -> Result<u64, Refused> {
    let sizes = components.iter().map(|component| component.size_sectors);
    let smallest = sizes.min().unwrap_or(0);
    let interlace = rows[0].interlace_sectors;
    let attached = rows.get(1).map_or(0, |row| row.component_count);
    let columns = components.len() as u32 - attached;
    let layout = Layout::new(columns, interlace, smallest, Rotation::LeftSymmetric)
        .and_then(|layout| layout.attach(attached));
    let refused = (Refusal::ComponentTooSmall, 0, [interlace, smallest]);
    let layout = layout.map_err(|_| refused)?;
    for component in components {
        component.size_sectors = layout.used_sectors();
    }
    Ok(layout.sectors())
}

impl FakeAdmin {
    /// Attaches columns to a RAID5 metadevice; answers with its rows and components, and its size.
    pub(super) fn attach_columns(
        &self,
        number: u32,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(Vec<Row>, Vec<Component>, u64), Refused> {
        let unit = &self.units[&number];
        let [row] = rows else {
            panic!("one row is attached");
        };
        assert_eq!(row.interlace_sectors, unit.rows[0].interlace_sectors);
        if unit.summary.resync != ResyncState::Idle as u32 {
            return Err((Refusal::RaidIsMade, NO_INDEX, [0; 2]));
        }
        let mut added = components.to_vec();
        self.lay_out(rows, &mut added)?;
        let needed = unit.components[0].size_sectors;
        if let Some(index) = added.iter().position(|part| part.size_sectors < needed) {
            let values = [needed, added[index].size_sectors];
            return Err(at((Refusal::ComponentTooSmall, values), index));
        }
        let mut all = unit.components.clone();
        all.extend(added);
        let mut new_rows = vec![unit.rows[0]];
        let before = unit.rows.get(1).map_or(0, |row| row.component_count);
        new_rows.push(Row {
            component_count: row.component_count + before,
            ..*row
        });
        let size = lay_out_raid(&new_rows, &mut all)?;
        Ok((new_rows, all, size))
    }
}

/// Why a component is refused, and the figures that belong to that.
pub(super) type Why = (Refusal, [u64; 2]);

/// The refusal of the component with a number.
pub(super) fn at((refusal, values): Why, index: usize) -> Refused {
    (refusal, index as u32, values)
}
