// SPDX-License-Identifier: GPL-2.0
//! What failfast does, as it is recorded by devices, against what was said about disks: whatever
//! comes, goes and is away at a start, every disk of the set is watched as was last said of it.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use md_model::{
    database::{
        claimants::Identity,
        identity::Uuid,
        watched::{
            choice_on,
            encode,
            follow,
            Record,
            Seen,
            Watched,
            BYTES_MAX, //
        },
    },
    failfast::{
        Action,
        Choice, //
    },
};
use proptest::{
    collection::vec,
    prelude::*, //
};

use crate::seeded::for_all;

/// Devices of the world: three on each of four disks.
const DEVICES: u8 = 12;

/// What happens to the set.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody says what is to be done with a disk.
    Choose(u8, Choice),
    /// A device becomes one of the set.
    Add(u8),
    /// It is none any more.
    Remove(u8),
    /// The set is stopped, and started without these disks.
    Restart(BTreeSet<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let choice = (prop_oneof![Just(0), 10..5000_u32], 0..5_u32).prop_map(|(period_ms, action)| {
        let action = Action::from_number(action);
        Choice { period_ms, action }
    });
    let step = prop_oneof![
        (1..5_u8, choice).prop_map(|(disk, choice)| Step::Choose(disk, choice)),
        (0..DEVICES).prop_map(Step::Add),
        (0..DEVICES).prop_map(Step::Remove),
        proptest::collection::btree_set(1..5_u8, 0..3).prop_map(Step::Restart),
    ];
    vec(step, 0..60)
}

fn disk_of(device: u8) -> u8 {
    device / 3 + 1
}

fn identity(device: u8) -> Identity {
    Identity {
        uuid: Uuid::from_bytes([device + 1; 16]),
        ..Identity::default()
    }
}

/// The set: what is recorded, its devices, and the disks that are away.
#[derive(Default)]
struct World {
    recorded: Vec<Watched>,
    devices: BTreeSet<u8>,
    away: BTreeSet<u8>,
}

impl World {
    fn seen(&self) -> Vec<Seen> {
        let seen = |device: &u8| Seen {
            identity: identity(*device),
            disk: match self.away.contains(&disk_of(*device)) {
                true => 0,
                false => disk_of(*device).into(),
            },
        };
        self.devices.iter().map(seen).collect()
    }

    fn follow(&mut self, chosen: Option<(u64, Choice)>) {
        let mut next = vec![Watched::default(); DEVICES.into()];
        let count = follow(&self.seen(), &self.recorded, chosen, &mut next).expect("room");
        next.truncate(count);
        // Through the record, as a start reads it.
        let mut bytes = vec![0; BYTES_MAX];
        let length = encode(&next, &mut bytes).expect("room");
        let record = Record::decode(&bytes[..length]).expect("legal");
        self.recorded = record.devices().collect();
    }
}

#[test]
fn every_disk_is_watched_as_was_last_said() {
    for_all(steps(), |steps| {
        let (mut world, mut said) = (World::default(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Choose(disk, choice) => {
                    let mut there = world.devices.iter().map(|device| disk_of(*device));
                    let is_there = there.any(|on| on == disk) && !world.away.contains(&disk);
                    if is_there {
                        said.insert(disk, choice);
                        world.follow(Some((disk.into(), choice)));
                    }
                }
                Step::Add(device) if !world.away.contains(&disk_of(device)) => {
                    world.devices.insert(device);
                    world.follow(None);
                }
                Step::Remove(device) => {
                    world.devices.remove(&device);
                    world.follow(None);
                }
                Step::Add(_) => {}
                Step::Restart(away) => world.away = away,
            }
            // Of a disk without devices of the set nothing is known any more.
            said.retain(|disk, _| world.devices.iter().any(|device| disk_of(*device) == *disk));
            for disk in (1..5_u8).filter(|disk| !world.away.contains(disk)) {
                let found = choice_on(disk.into(), &world.seen(), &world.recorded);
                prop_assert_eq!(found, said.get(&disk).copied().unwrap_or_default());
            }
        }
        Ok(())
    });
}
