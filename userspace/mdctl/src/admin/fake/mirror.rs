// SPDX-License-Identifier: GPL-2.0
//! Which submirrors and options the fake kernel takes (`svm.md` section 4.1).

use super::{
    layout::{
        at,
        Why, //
    },
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    Component,
    ComponentState,
    MirrorOptions,
    Refusal,
    UnitKind,
    NO_INDEX,
    OPTION_CEILING,
    OPTION_FLOOR,
    OPTION_PASS,
    OPTION_READ_POLICY,
    OPTION_TARGET,
    OPTION_WRITE_POLICY,
    PASS_MAX,
    START_DEFAULT,
    SUBMIRRORS_MAX,
    TARGET_US_MAX, //
};

impl FakeAdmin {
    /// Gives each submirror its start and state; answers with the size of the mirror.
    pub(super) fn lay_out_mirror(
        &self,
        options: &MirrorOptions,
        submirrors: &mut [Component],
    ) -> Result<u64, Refused> {
        check_options(options)?;
        let most = SUBMIRRORS_MAX as usize;
        assert!((1..=most).contains(&submirrors.len()));
        let mut size = u64::MAX;
        for index in 0..submirrors.len() {
            let (others, rest) = submirrors.split_at_mut(index);
            let side = self.claim_submirror(&mut rest[0], others);
            size = size.min(side.map_err(|why| at(why, index))?);
        }
        Ok(size)
    }

    /// Takes a metadevice as submirror, beside the others; answers with its size.
    pub(super) fn claim_submirror(
        &self,
        side: &mut Component,
        others: &[Component],
    ) -> Result<u64, Why> {
        assert_eq!(side.start_sectors, START_DEFAULT);
        assert_eq!((side.size_sectors, side.state), (0, 0));
        let unit = self.unit_at(side.dev).map(|number| self.summary(number));
        let unit = unit
            .filter(|unit| unit.kind == UnitKind::Stripe as u32)
            .ok_or((Refusal::BadSubmirror, [0; 2]))?;
        if others.iter().any(|other| other.dev == side.dev) {
            return Err((Refusal::ComponentInUse, [0; 2]));
        }
        if self.holder(side.dev).is_some() || unit.open_count > 0 {
            return Err((Refusal::ComponentBusy, [0; 2]));
        }
        side.start_sectors = 0;
        side.size_sectors = unit.size_sectors;
        side.state = ComponentState::Okay as u32;
        Ok(unit.size_sectors)
    }

    /// Options of a mirror with some of them changed.
    pub(super) fn changed_options(
        &self,
        number: u32,
        which: u32,
        new: &MirrorOptions,
    ) -> Result<MirrorOptions, Refused> {
        let known = OPTION_READ_POLICY
            | OPTION_WRITE_POLICY
            | OPTION_PASS
            | OPTION_TARGET
            | OPTION_FLOOR
            | OPTION_CEILING;
        assert_eq!(which & !known, 0);
        let unit = self.summary(number);
        let pace = OPTION_TARGET | OPTION_FLOOR | OPTION_CEILING;
        let is_raid = unit.kind == UnitKind::Raid as u32 && which & !pace == 0;
        if unit.kind != UnitKind::Mirror as u32 && !is_raid {
            return Err((Refusal::NotAMirror, NO_INDEX, [0; 2]));
        }
        let choose = |bit, old, new| {
            let is_chosen = which & bit != 0;
            assert!(is_chosen || new == 0, "the others are zero");
            if is_chosen {
                new
            } else {
                old
            }
        };
        let old = unit.mirror;
        let options = MirrorOptions {
            read_policy: choose(OPTION_READ_POLICY, old.read_policy, new.read_policy),
            write_policy: choose(OPTION_WRITE_POLICY, old.write_policy, new.write_policy),
            pass: choose(OPTION_PASS, old.pass, new.pass),
            target_us: choose(OPTION_TARGET, old.target_us, new.target_us),
            floor_kib_s: choose(OPTION_FLOOR, old.floor_kib_s, new.floor_kib_s),
            ceiling_kib_s: choose(OPTION_CEILING, old.ceiling_kib_s, new.ceiling_kib_s),
        };
        check_options(&options)?;
        Ok(options)
    }
}

/// Sees that options are in range.
fn check_options(options: &MirrorOptions) -> Result<(), Refused> {
    let ranges = [
        (OPTION_READ_POLICY, options.read_policy, 3),
        (OPTION_WRITE_POLICY, options.write_policy, 2),
        (OPTION_PASS, options.pass, PASS_MAX),
        (OPTION_TARGET, options.target_us, TARGET_US_MAX),
    ];
    match ranges.into_iter().find(|(_, found, most)| found > most) {
        None => Ok(()),
        Some((option, found, _)) => {
            let values = [option.into(), found.into()];
            Err((Refusal::BadOption, NO_INDEX, values))
        }
    }
}
