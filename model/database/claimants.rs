// SPDX-License-Identifier: GPL-2.0
//! Which of the devices that are there is a component (`DURABILITY.md` clauses 18 and 19).
//!
//! One with a reserved head is known by the uuid in its label. One without, whose data begins where
//! the device does, is known by the uuid of its partition, or if it is a whole disk by the disk's
//! world-wide name. If several devices say that they are it, the one on the disk with the recorded
//! name is; two with that name are two paths to one disk.

use super::identity::Uuid;

/// A world-wide name, padded with zeros; all zeros if there is none.
pub type Wwn = [u8; 32];

/// What is recorded of a component.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    /// Uuid in its label; nil if it has none.
    pub uuid: Uuid,
    /// Uuid of its partition; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of its disk.
    pub wwn: Wwn,
}

impl Identity {
    /// Whether there is anything by which it can be found again.
    pub fn is_known(&self) -> bool {
        !self.uuid.is_nil() || !self.partition.is_nil() || self.has_wwn()
    }

    fn has_wwn(&self) -> bool {
        self.wwn != [0; 32]
    }

    /// Whether a device says that it is the component.
    fn is_claimed_by(&self, device: &Claimant) -> bool {
        if !self.uuid.is_nil() {
            return device.label == Some(self.uuid);
        }
        if device.label.is_some() {
            return false;
        }
        if !self.partition.is_nil() {
            return device.partition == self.partition;
        }
        self.is_confirmed_by(device) && device.partition.is_nil()
    }

    /// Whether it is on the disk that the component was on.
    fn is_confirmed_by(&self, device: &Claimant) -> bool {
        self.has_wwn() && device.wwn == self.wwn
    }
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Claimant {
    /// Uuid in its label, if it has one of the set.
    pub label: Option<Uuid>,
    /// Uuid of the partition; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of the disk.
    pub wwn: Wwn,
}

/// The answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// No device says so.
    Nobody,
    /// This one is it, by its index.
    Device(usize),
    /// Two say so, and what is recorded does not tell which is right.
    Ambiguous(usize, usize),
}

/// Finds a component among the devices that are there. `devices` is called more than once, and
/// gives the same each time.
pub fn find<I: Iterator<Item = Claimant>>(known: &Identity, devices: impl Fn() -> I) -> Found {
    let claims = || {
        let all = devices().enumerate();
        all.filter(|(_, device)| known.is_claimed_by(device))
    };
    let mut confirmed = claims().filter(|(_, device)| known.is_confirmed_by(device));
    let mut all = claims();
    match (all.next(), all.next(), confirmed.next()) {
        (None, ..) => Found::Nobody,
        (Some((only, _)), None, _) => Found::Device(only),
        (Some(_), Some(_), Some((confirmed, _))) => Found::Device(confirmed),
        (Some((first, _)), Some((second, _)), None) => Found::Ambiguous(first, second),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn uuid(number: u8) -> Uuid {
        Uuid::from_bytes([number; 16])
    }

    fn wwn(number: u8) -> Wwn {
        [number; 32]
    }

    fn device(label: u8, partition: u8, disk: u8) -> Claimant {
        Claimant {
            label: Some(uuid(label)).filter(|uuid| !uuid.is_nil()),
            partition: uuid(partition),
            wwn: wwn(disk),
        }
    }

    fn identity(known: (u8, u8, u8)) -> Identity {
        Identity {
            uuid: uuid(known.0),
            partition: uuid(known.1),
            wwn: wwn(known.2),
        }
    }

    fn found(known: (u8, u8, u8), devices: &[Claimant]) -> Found {
        find(&identity(known), || devices.iter().copied())
    }

    // Clause 18.
    #[test]
    fn a_label_is_believed_on_whatever_disk_it_is() {
        let devices = [device(9, 1, 1), device(1, 0, 2), device(0, 0, 3)];
        for disk in 0..4 {
            assert_eq!(found((1, 7, disk), &devices), Found::Device(1));
        }
        assert_eq!(found((2, 1, 3), &devices), Found::Nobody);
    }

    // Clause 18: "Same label, different WWN: a clone; the recorded WWN wins; refuse only if neither
    // or both match."
    #[test]
    fn of_a_disk_and_its_clone_the_recorded_disk_is_it() {
        let devices = [device(1, 0, 5), device(1, 0, 6)];
        assert_eq!(found((1, 0, 5), &devices), Found::Device(0));
        assert_eq!(found((1, 0, 6), &devices), Found::Device(1));
        assert_eq!(found((1, 0, 7), &devices), Found::Ambiguous(0, 1));
        assert_eq!(found((1, 0, 0), &devices), Found::Ambiguous(0, 1));
        let nameless = [device(1, 0, 0), device(1, 0, 0)];
        assert_eq!(found((1, 0, 0), &nameless), Found::Ambiguous(0, 1));
    }

    // Clause 18: "Same label and same WWN: two paths to one disk".
    #[test]
    fn of_two_paths_the_first_one_is_taken() {
        let devices = [device(1, 0, 6), device(1, 0, 5), device(1, 0, 5)];
        assert_eq!(found((1, 0, 5), &devices), Found::Device(1));
    }

    // Clause 19: "identity by partition uuid and WWN".
    #[test]
    fn a_partition_without_a_label_is_known_by_its_uuid() {
        let devices = [device(3, 4, 5), device(0, 4, 6), device(0, 0, 5)];
        assert_eq!(found((0, 4, 5), &devices), Found::Device(1));
        let cloned = [device(0, 4, 6), device(0, 4, 5)];
        assert_eq!(found((0, 4, 5), &cloned), Found::Device(1));
        assert_eq!(found((0, 4, 7), &cloned), Found::Ambiguous(0, 1));
    }

    #[test]
    fn a_disk_without_a_label_is_known_by_its_name_and_no_partition_of_it_is() {
        let devices = [device(0, 4, 5), device(0, 0, 5), device(0, 0, 0)];
        assert_eq!(found((0, 0, 5), &devices), Found::Device(1));
        assert_eq!(found((0, 0, 6), &devices), Found::Nobody);
        assert_eq!(found((0, 0, 0), &devices), Found::Nobody);
    }

    #[test]
    fn one_thing_is_enough_to_be_known_by() {
        for known in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
            assert!(identity(known).is_known(), "{known:?}");
        }
        assert!(!Identity::default().is_known());
    }

    /// All combinations of small numbers: what is found says that it is it, and a device that does
    /// not say so changes nothing.
    #[test]
    fn who_says_nothing_is_never_taken() {
        let all: Vec<_> = (0..27).map(|n| device(n % 3, n / 3 % 3, n / 9)).collect();
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
            for n in 0..27u8 {
                let known = (n % 3, n / 3 % 3, n / 9);
                let answer = found(known, &[a, b]);
                let alone = [found(known, &[a]), found(known, &[b])];
                let expected = match alone {
                    [Found::Nobody, Found::Nobody] => Found::Nobody,
                    [Found::Device(0), Found::Nobody] => Found::Device(0),
                    [Found::Nobody, Found::Device(0)] => Found::Device(1),
                    _ => {
                        let is_named = |device: Claimant| known.2 > 0 && device.wwn == wwn(known.2);
                        match (is_named(a), is_named(b)) {
                            (true, _) => Found::Device(0),
                            (false, true) => Found::Device(1),
                            (false, false) => Found::Ambiguous(0, 1),
                        }
                    }
                };
                assert_eq!(answer, expected, "{known:?} {a:?} {b:?}");
            }
        }
    }
}
