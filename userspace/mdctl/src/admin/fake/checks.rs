// SPDX-License-Identifier: GPL-2.0
//! Whether a metadevice may be grown or cleared.

use super::{
    FakeAdmin,
    Refused,
    NO_INDEX, //
};
use md_abi::admin::{
    ComponentState,
    Refusal,
    UnitKind,
    UnitSummary,
    NO_PARENT,
    SOFT_PARENTS, //
};

impl FakeAdmin {
    /// Whether a metadevice may grow.
    pub(super) fn check_grow(&self, number: u32) -> Result<(), Refused> {
        let UnitSummary { parent, kind, .. } = self.summary(number);
        if kind != UnitKind::Stripe as u32 {
            Err((Refusal::NotAStripe, NO_INDEX, [0; 2]))
        } else if parent != NO_PARENT && !self.is_mirror(parent) {
            Err((Refusal::UnitHasParent, NO_INDEX, [parent.into(), 0]))
        } else {
            Ok(())
        }
    }

    /// Whether a metadevice may be cleared.
    pub(super) fn check_clear(&self, number: u32, force: bool) -> Result<(), Refused> {
        let UnitSummary {
            parent,
            open_count,
            kind,
            state,
            ..
        } = self.summary(number);
        check_no_parent(parent)?;
        let erred = state == ComponentState::Maintenance as u32;
        if open_count > 0 {
            Err((Refusal::UnitOpen, NO_INDEX, [open_count.into(), 0]))
        } else if kind == UnitKind::Mirror as u32 && erred && !force {
            Err((Refusal::SubmirrorErred, NO_INDEX, [0; 2]))
        } else {
            Ok(())
        }
    }
}

/// Refuses a metadevice that is a component of another one, or the base of soft partitions.
pub(super) fn check_no_parent(parent: u32) -> Result<(), Refused> {
    match parent {
        NO_PARENT => Ok(()),
        SOFT_PARENTS => Err((Refusal::UnitIsBase, NO_INDEX, [0; 2])),
        _ => Err((Refusal::UnitHasParent, NO_INDEX, [parent.into(), 0])),
    }
}
