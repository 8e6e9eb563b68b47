// SPDX-License-Identifier: GPL-2.0
//! The operations of who wants a disk for himself, on top of persistent reservations, for disks
//! that have no RESERVE and RELEASE. `multihost.md` 1.2 and 1.3.
//!
//! A reservation of the kind "exclusive access" keeps everybody else from reading and writing, as
//! RESERVE does. It is held by a key, which is registered first. Each step is decided by what the
//! disk says at that moment, so that it does not matter what was interrupted before.

/// A key, as a number; the first of its eight bytes is the highest.
pub type Key = u64;

/// What is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// The disk, unless another host has it.
    Hold,
    /// The disk, whoever has it.
    Seize,
    /// To have nothing to do with it.
    LetGo,
}

/// What is known of the disk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// Whether our key is registered. To hold a disk only a registration counts that we have made
    /// ourselves: the key may be there from before a reboot, for a path that is no more.
    pub is_registered: bool,
    /// The key that has the reservation.
    pub holder: Option<Key>,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Register our key, whether it is there or not.
    Register,
    /// Reserve the disk.
    Reserve,
    /// Take the reservation, and the registration, from another key.
    Preempt(Key),
    /// Give up the reservation.
    Release,
    /// Give up the registration.
    Unregister,
    /// It is as wanted.
    Done,
    /// Another host has it.
    Denied,
}

/// Most steps that one wish takes, however often others interfere.
pub const STEPS_MAX: u32 = 8;

/// The next step, for who has the key `me`.
pub fn next(want: Want, me: Key, seen: Seen) -> Step {
    let other = seen.holder.filter(|holder| *holder != me);
    match want {
        Want::LetGo if seen.holder == Some(me) => Step::Release,
        Want::LetGo if seen.is_registered => Step::Unregister,
        Want::LetGo => Step::Done,
        Want::Hold if other.is_some() => Step::Denied,
        Want::Hold | Want::Seize if !seen.is_registered => Step::Register,
        Want::Hold | Want::Seize => match (seen.holder, other) {
            (_, Some(other)) => Step::Preempt(other),
            (Some(_), None) => Step::Done,
            (None, None) => Step::Reserve,
        },
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    /// A disk, as far as reservations go (SPC-4 5.13).
    #[derive(Clone, Debug, Default)]
    struct Disk {
        keys: BTreeSet<Key>,
        holder: Option<Key>,
    }

    impl Disk {
        fn carry_out(&mut self, me: Key, step: Step) {
            match step {
                Step::Register => _ = self.keys.insert(me),
                Step::Reserve if self.holder.is_none() => self.holder = Some(me),
                Step::Preempt(other) => {
                    self.keys.remove(&other);
                    if self.holder == Some(other) {
                        self.holder = Some(me);
                    }
                }
                Step::Release if self.holder == Some(me) => self.holder = None,
                Step::Unregister => {
                    self.keys.remove(&me);
                    if self.holder == Some(me) {
                        self.holder = None;
                    }
                }
                _ => {}
            }
        }

        /// Brings a wish to its end; `meddle` is called before each step.
        fn run(&mut self, want: Want, me: Key, meddle: impl Fn(&mut Self, u32)) -> Option<Step> {
            let mut has_registered = want == Want::LetGo && self.keys.contains(&me);
            for number in 0..STEPS_MAX {
                let seen = Seen {
                    is_registered: has_registered && self.keys.contains(&me),
                    holder: self.holder,
                };
                let step = next(want, me, seen);
                if matches!(step, Step::Done | Step::Denied) {
                    return Some(step);
                }
                meddle(self, number);
                has_registered |= step == Step::Register;
                self.carry_out(me, step);
            }
            None
        }
    }

    const US: Key = 7;
    const THEM: Key = 9;

    fn disks() -> impl Iterator<Item = Disk> {
        let registered = [&[][..], &[US], &[THEM], &[US, THEM]];
        registered.into_iter().flat_map(|keys| {
            let keys: BTreeSet<Key> = keys.iter().copied().collect();
            let holders = keys.iter().copied().map(Some).chain([None]);
            let holders: std::vec::Vec<_> = holders.collect();
            holders.into_iter().map(move |holder| Disk {
                keys: keys.clone(),
                holder,
            })
        })
    }

    /// MHIOCQRESERVE: reserve and nothing else.
    #[test]
    fn a_disk_of_another_host_is_left_alone_by_who_just_asks() {
        for disk in disks() {
            let mut after = disk.clone();
            let end = after.run(Want::Hold, US, |_, _| {});
            if disk.holder == Some(THEM) {
                assert_eq!(end, Some(Step::Denied));
                assert_eq!((after.keys, after.holder), (disk.keys, disk.holder));
            } else {
                assert_eq!((end, after.holder), (Some(Step::Done), Some(US)));
                assert!(after.keys.contains(&US));
            }
        }
    }

    /// MHIOCTKOWN: forcefully.
    #[test]
    fn who_takes_a_disk_has_it_whoever_had_it() {
        for mut disk in disks() {
            let had = disk.holder;
            assert_eq!(disk.run(Want::Seize, US, |_, _| {}), Some(Step::Done));
            assert_eq!(disk.holder, Some(US));
            assert!(had != Some(THEM) || !disk.keys.contains(&THEM));
        }
    }

    /// MHIOCRELEASE: by who does not have it, it does nothing.
    #[test]
    fn who_lets_go_touches_nobody_elses() {
        for mut disk in disks() {
            let had = disk.clone();
            assert_eq!(disk.run(Want::LetGo, US, |_, _| {}), Some(Step::Done));
            assert!(!disk.keys.contains(&US) && disk.holder != Some(US));
            assert_eq!(disk.keys.contains(&THEM), had.keys.contains(&THEM));
            assert_eq!(disk.holder == Some(THEM), had.holder == Some(THEM));
        }
    }

    /// Whenever the other one comes in between, it ends, and one of the two has the disk.
    #[test]
    fn a_rival_in_between_is_noticed() {
        for moment in 0..STEPS_MAX {
            for disk in disks() {
                for want in [Want::Hold, Want::Seize] {
                    let mut after = disk.clone();
                    let end = after.run(want, US, |disk, number| {
                        if number == moment {
                            disk.keys.insert(THEM);
                            disk.keys.remove(&US);
                            disk.holder = Some(THEM);
                        }
                    });
                    match end {
                        Some(Step::Done) => assert_eq!(after.holder, Some(US)),
                        Some(Step::Denied) => assert_eq!(after.holder, Some(THEM)),
                        other => panic!("{want:?} {disk:?}: {other:?}"),
                    }
                }
            }
        }
    }
}
