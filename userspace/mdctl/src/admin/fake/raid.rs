// SPDX-License-Identifier: GPL-2.0
//! RAID5 metadevices of the fake kernel: their layout, and columns that are attached.

use super::{
    layout::at,
    refuse,
    CallError,
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    Component,
    Create,
    Grow,
    MirrorOptions,
    Refusal,
    ResyncState,
    Row,
    UnitKind,
    UnitSummary,
    CREATE_ASSUME_CLEAN,
    CREATE_CHECK_ONLY,
    CREATE_SVM_ROTATION,
    CREATE_UNLOGGED,
    NO_INDEX,
    UNIT_INITIALIZING,
    UNIT_SVM_ROTATION,
    UNIT_UNLOGGED, //
};
use md_model::raid5::layout::{
    Layout,
    Rotation, //
};

/// What may be asked of a new RAID5 metadevice only.
pub(super) const CREATE_FLAGS: u32 = CREATE_SVM_ROTATION | CREATE_UNLOGGED;

/// A new one is as it was asked for, and its parity is made.
pub(super) fn begin(summary: &mut UnitSummary, argument: &Create) {
    if argument.flags & CREATE_ASSUME_CLEAN == 0 {
        summary.flags |= UNIT_INITIALIZING;
        summary.resync = ResyncState::Running as u32;
        summary.resync_sectors = argument.size_sectors / 2;
    }
    if argument.flags & CREATE_SVM_ROTATION != 0 {
        summary.flags |= UNIT_SVM_ROTATION;
    }
    if argument.flags & CREATE_UNLOGGED != 0 {
        summary.flags |= UNIT_UNLOGGED;
    }
}

/// Options of a metadevice that is no mirror: RAID5 has a pace.
pub(super) fn check_options(options: &MirrorOptions, kind: u32) {
    let MirrorOptions {
        read_policy,
        write_policy,
        pass,
        ..
    } = *options;
    assert_eq!((read_policy, write_policy, pass), (0, 0, 0));
    let has_pace = *options != MirrorOptions::default();
    assert!(kind == UnitKind::Raid as u32 || !has_pace);
}

/// Options of a new mirror or RAID5 metadevice, with the pace that everybody has if none was
/// chosen.
pub(super) fn with_pace(options: MirrorOptions, kind: u32) -> MirrorOptions {
    let kinds = [UnitKind::Mirror, UnitKind::Raid].map(|kind| kind as u32);
    if !kinds.contains(&kind) || options.target_us != 0 && kind == UnitKind::Raid as u32 {
        return options;
    }
    MirrorOptions {
        target_us: 20_000,
        floor_kib_s: 1000,
        ceiling_kib_s: 200_000,
        ..options
    }
}

/// Lays columns out that were laid out as a stripe.
pub(super) fn lay_out(rows: &[Row], components: &mut [Component]) -> Result<u64, Refused> {
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
    fn attach_columns(
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
        let size = lay_out(&new_rows, &mut all)?;
        Ok((new_rows, all, size))
    }

    /// Attaches columns to a RAID5 metadevice.
    pub(super) fn grow_raid(
        &mut self,
        number: u32,
        argument: &mut Grow,
        rows: &[Row],
        components: &[Component],
    ) -> Result<(), CallError> {
        let grown = self.attach_columns(number, rows, components);
        let (rows, components, size) =
            grown.map_err(|refused| refuse(&mut argument.header, refused))?;
        argument.size_sectors = size;
        if argument.flags & CREATE_CHECK_ONLY == 0 {
            self.hide(number);
            let unit = self.unit_mut(number);
            unit.summary.size_sectors = size;
            unit.summary.row_count = rows.len() as u32;
            unit.summary.component_count = components.len() as u32;
            (unit.rows, unit.components) = (rows, components);
            self.show(number);
        }
        Ok(())
    }
}
