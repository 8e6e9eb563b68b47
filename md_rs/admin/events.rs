// SPDX-License-Identifier: GPL-2.0
//! Reading events. Without the lock of the unit table: the caller may wait for something that
//! another request brings about.

use kernel::prelude::*;

use super::argument::{
    bad_address,
    check_zero,
    count,
    write_array, //
};
use crate::{
    abi::{
        self,
        Refusal, //
    },
    events::Events,
    Refused, //
};

/// Carries out [`abi::IOC_READ_EVENTS`].
pub(super) fn read(events: &Events, request: &mut abi::ReadEvents) -> Result<(), Refused> {
    check_zero(&[request.event_count, request.reserved])?;
    check_zero(&[request.lost_count])?;
    if request.wait_ms > abi::EVENTS_WAIT_MS_MAX {
        return Err(Refused::new(EINVAL, Refusal::ReservedNotZero));
    }
    let batch = events.read(request)?;
    write_array(request.events, batch.events.iter().copied()).map_err(bad_address)?;
    request.event_count = count(&batch.events);
    request.lost_count = batch.lost;
    request.after = batch.after;
    Ok(())
}
