// SPDX-License-Identifier: GPL-2.0
//! Names of the fake kernel's metadevices: another one, or two exchanged.

use super::{
    check_no_parent,
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    ComponentState,
    Refusal,
    Rename,
    DEVICE_LEN,
    NAME_LEN,
    NO_INDEX,
    RENAME_EXCHANGE, //
};

/// A name in a field, behind something.
fn field<const N: usize>(before: &str, number: u32) -> [u8; N] {
    let text = format!("{before}d{number}");
    let mut field = [0; N];
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}

impl FakeAdmin {
    /// Gives a metadevice another name.
    pub(super) fn give_name(
        &mut self,
        number: u32,
        new: u32,
        argument: &Rename,
    ) -> Result<(), Refused> {
        assert_eq!(
            (argument.flags & !RENAME_EXCHANGE, argument.reserved),
            (0, 0)
        );
        if argument.flags & RENAME_EXCHANGE != 0 {
            return self.exchange(number, new);
        }
        if self.softs.contains_key(&number) {
            return Err((Refusal::SoftKeepsName, NO_INDEX, [0; 2]));
        }
        if self.units.contains_key(&new) {
            return Err((Refusal::NewNameInUse, NO_INDEX, [new.into(), 0]));
        }
        self.check_alone(number)?;
        self.hide(number);
        let unit = self.units.remove(&number).expect("it exists");
        self.units.insert(new, unit);
        self.call(new);
        self.show(new);
        Ok(())
    }

    fn check_alone(&self, number: u32) -> Result<(), Refused> {
        let summary = self.summary(number);
        check_no_parent(summary.parent)?;
        if summary.open_count > 0 {
            return Err((Refusal::UnitOpen, NO_INDEX, [summary.open_count.into(), 0]));
        }
        Ok(())
    }

    /// A metadevice has the name of its number.
    fn call(&mut self, number: u32) {
        let summary = &mut self.unit_mut(number).summary;
        summary.name = field::<NAME_LEN>("", number);
        summary.dev = Self::dev(number);
    }

    /// A mirror and one of its submirrors exchange their names.
    fn exchange(&mut self, first: u32, second: u32) -> Result<(), Refused> {
        let is_over =
            |mirror: u32, side: u32| self.is_mirror(mirror) && self.summary(side).parent == mirror;
        let (mirror, side) = match (is_over(first, second), is_over(second, first)) {
            (true, _) => (first, second),
            (_, true) => (second, first),
            _ => return Err((Refusal::NotRelated, NO_INDEX, [0; 2])),
        };
        let summary = self.summary(mirror);
        if summary.resync != 0 {
            return Err((Refusal::ResyncNeeded, NO_INDEX, [0; 2]));
        }
        if summary.state != ComponentState::Okay as u32 {
            return Err((Refusal::SubmirrorErred, 0, [0; 2]));
        }
        self.check_alone(mirror)?;
        self.hide(mirror);
        self.hide(side);
        let (upper, lower) = (self.units.remove(&mirror), self.units.remove(&side));
        self.units.insert(side, upper.expect("it exists"));
        self.units.insert(mirror, lower.expect("it exists"));
        self.call(mirror);
        self.call(side);
        for part in &mut self.unit_mut(side).components {
            if part.dev == Self::dev(side) {
                part.dev = Self::dev(mirror);
                part.device = field::<DEVICE_LEN>("/dev/md/dsk/", mirror);
            }
        }
        self.show(mirror);
        self.show(side);
        Ok(())
    }
}
