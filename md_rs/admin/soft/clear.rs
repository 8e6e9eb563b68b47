// SPDX-License-Identifier: GPL-2.0
//! Watermarks are brought in line with the records, and those of a soft partition that is cleared
//! become free space.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    database::metadevice::soft::SoftState,
    name::UnitName,
    soft::change::{
        Change,
        Kind, //
    }, //
};

use super::{
    super::argument::check_zero,
    base,
    find,
    ground_of,
    settle, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    body::Body,
    database::Database,
    soft::{
        check::note_wrong,
        layout,
        marks::Marks,
        soft as soft_of,
        version,
        Ground, //
    },
    unit_table::UnitTable,
    Refused, //
};

/// Carries out [`abi::IOC_MEND_SOFT`].
pub(in crate::admin) fn mend(
    units: &Mutex<UnitTable>,
    request: &mut abi::MendSoft,
) -> Result<(), Refused> {
    check_zero(&[request.flags & !abi::SOFT_CHECK_ONLY, request.count])?;
    check_zero(&[request.wrong_count, request.finished_count])?;
    check_zero(&[request.reserved])?;
    let mut units = units.lock();
    let refused = Refused::new(EINVAL, Refusal::NoSoftPartitions);
    let marks = base::marks_on(&units, request.dev).ok_or(refused)?;
    let ground = ground_of(&units, marks)?.ok_or(refused)?;
    let mut marks = Marks::new(&ground.device, marks)?;
    if request.flags & abi::SOFT_CHECK_ONLY != 0 {
        let found = marks.compare(&ground)?;
        (request.count, request.wrong_count) = (found.count, found.wrong);
        return Ok(());
    }
    let found = marks.finish(&ground)?;
    (request.count, request.wrong_count) = (found.count, found.wrong);
    let database = units.database().clone();
    for body in &ground.bodies {
        note_wrong(body, 0);
        let Some(soft) = soft_of(body).filter(|soft| soft.is_pending()) else {
            continue;
        };
        if soft.head().state == SoftState::Clearing {
            remove(&mut units, &database, body)?;
        } else {
            settle(&database, body, SoftState::Okay)?;
        }
        request.finished_count = request.finished_count.saturating_add(1);
    }
    Ok(())
}

/// Clears a soft partition: its watermarks become free space, and then it is gone. By force also if
/// they cannot be written.
pub(in crate::admin) fn clear(
    units: &mut UnitTable,
    name: &UnitName,
    force: bool,
) -> Result<(), Refused> {
    let (metadevice, ground) = find(units, name)?;
    let body = metadevice.body().clone();
    let database = units.database().clone();
    body.close()?;
    let before = soft_of(&body).map_or(SoftState::Okay, |soft| soft.head().state);
    let cleared = settle(&database, &body, SoftState::Clearing)
        .and_then(|()| unwrite(&ground, &body, *name, before));
    match cleared {
        Err(refused) if !force || refused.refusal() != Refusal::WatermarkFailed => {
            if let Err(refused) = settle(&database, &body, before) {
                pr_warn!("{}: {refused:?}\n", name.as_str());
            }
            body.reopen();
            Err(refused)
        }
        _ => remove(units, &database, &body),
    }
}

/// Its watermarks become free space.
fn unwrite(ground: &Ground, body: &Body, name: UnitName, before: SoftState) -> Result<(), Refused> {
    let Some(soft) = soft_of(body) else {
        return Ok(());
    };
    let mut marks = Marks::new(&ground.device, ground.marks)?;
    // Nobody knows how far a change has come that was cut off.
    if before != SoftState::Okay {
        return marks.finish(ground).map(|_| ());
    }
    let (old, new) = (
        ground.taken(None)?,
        ground.taken(Some((body.number(), &[])))?,
    );
    let own = version(soft.head().generation, soft.extents());
    marks.carry_out(&Change {
        kind: Kind::Clear,
        base: ground.marks,
        old: Some(layout(ground.known, &old)),
        new: layout(ground.known, &new),
        owner: body.number(),
        soft: soft.head().soft,
        name,
        before: own,
        after: own,
    })
}

/// Takes out a soft partition whose watermarks are gone, and which nobody has open.
fn remove(units: &mut UnitTable, database: &Database, body: &Arc<Body>) -> Result<(), Refused> {
    let name = UnitName::from_number(body.number());
    let name = name.map_err(|_| Refused::new(ENXIO, Refusal::NoSuchUnit))?;
    database.remove_unit(body.number())?;
    let marks = soft_of(body).map(|soft| soft.head().base);
    drop(units.take(&name)?);
    let is_last = match marks {
        Some(marks) => ground_of(units, marks)?.is_none(),
        None => true,
    };
    if is_last {
        database.unlabel_components(body.shape());
    }
    Ok(())
}
