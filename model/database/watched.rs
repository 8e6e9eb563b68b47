// SPDX-License-Identifier: GPL-2.0
//! The record of what failfast does with the disks of a set ([`crate::failfast`]): for each of the
//! set's devices on such a disk, how often the disk is asked, and what is done when it is lost.
//!
//! A set knows devices, of which several may be on one disk; those say the same ([`follow`]), so
//! that any of them tells of the disk at the next start. A device that is not there keeps what is
//! recorded of it.

use super::{
    claimants::Identity,
    field::{
        is_gapless,
        Field, //
    },
    identity::Uuid,
    page::{
        bad,
        zero,
        Damage, //
    }, //
};
use crate::{
    failfast::{
        Action,
        Choice, //
    },
    limits::{
        POOLS_MAX,
        UNITS_MAX,
        WATCHED_MAX, //
    },
};

/// Number of the record: there is one in a set, or none.
pub const RECORD: u32 = UNITS_MAX + POOLS_MAX;

/// Kind of the record, in the head of its parts.
pub const RECORD_KIND: u16 = 3;

/// Version of the record.
pub const RECORD_VERSION: u16 = 1;

/// How many devices.
pub const DEVICES: Field = Field::first("devices", 4, "number of devices, which follow the head");
/// Nothing.
pub const REST: Field = DEVICES.then("rest", 12, "zero");

/// The head, field by field.
pub const FIELDS: &[Field] = &[DEVICES, REST];

/// Bytes of the head.
pub const HEAD_BYTES: usize = 16;

/// Identity of a device.
pub const DEVICE: Field = Field::first(
    "device",
    16,
    "uuid in the device's label, or of a replica on it if it has no label, or zero",
);
/// Its partition.
pub const PARTITION: Field = DEVICE.then("partition", 16, "uuid of its partition, a hint, or zero");
/// Its disk.
pub const WWN: Field = PARTITION.then("wwn", 32, "world-wide name of its disk, a hint, or zero");
/// How often it is asked.
pub const PERIOD: Field = WWN.then("period", 4, "milliseconds between probes, or 0 for none");
/// What is done when it is lost.
pub const ACTION: Field = PERIOD.then(
    "action",
    1,
    "0 as the module has it, 1 panic, 2 restart, 3 fence, 4 log",
);
/// Nothing.
pub const DEVICE_REST: Field = ACTION.then("rest", 3, "zero");

/// A device, field by field.
pub const DEVICE_FIELDS: &[Field] = &[DEVICE, PARTITION, WWN, PERIOD, ACTION, DEVICE_REST];

/// Bytes of a device.
pub const DEVICE_BYTES: usize = 72;

/// Bytes of the longest record.
pub const BYTES_MAX: usize = HEAD_BYTES + WATCHED_MAX as usize * DEVICE_BYTES;

const _: () = assert!(is_gapless(FIELDS, HEAD_BYTES));
const _: () = assert!(is_gapless(DEVICE_FIELDS, DEVICE_BYTES));
// Who has room for the record of a metadevice has room for this one.
const _: () = assert!(BYTES_MAX <= super::metadevice::fields::BYTES_MAX);

/// A device on a disk for which something was chosen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watched {
    /// By what the device is known.
    pub identity: Identity,
    /// What was chosen.
    pub choice: Choice,
}

/// A device of a set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// By what it is known.
    pub identity: Identity,
    /// Number of its disk; 0 if it is not there.
    pub disk: u64,
}

/// Writes the record; returns how many bytes it has. `None` if there is no room for it, or there
/// are more than [`WATCHED_MAX`].
pub fn encode(devices: &[Watched], to: &mut [u8]) -> Option<usize> {
    let length = devices.len().checked_mul(DEVICE_BYTES)?;
    let length = length.checked_add(HEAD_BYTES)?;
    let is_within = devices.len() <= WATCHED_MAX as usize;
    let to = to.get_mut(..length).filter(|_| is_within)?;
    to.fill(0);
    DEVICES.put(to, devices.len() as u64);
    let mut places = to.get_mut(HEAD_BYTES..)?.chunks_exact_mut(DEVICE_BYTES);
    for Watched { identity, choice } in devices {
        let place = places.next()?;
        DEVICE.put_uuid(place, identity.uuid);
        PARTITION.put_uuid(place, identity.partition);
        WWN.put_bytes(place, &identity.wwn);
        PERIOD.put(place, choice.period_ms.into());
        let action = choice
            .action
            .map_or(0, |action| action.number().saturating_add(1));
        ACTION.put(place, action.into());
    }
    Some(length)
}

/// A record that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    devices: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record of [`RECORD_KIND`] and [`RECORD_VERSION`], all parts behind each other.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let cut = bad("length", bytes.len() as u64);
        let (head, devices) = bytes.split_at_checked(HEAD_BYTES).ok_or(cut)?;
        zero(REST, head)?;
        let count = DEVICES.number(head);
        if count > WATCHED_MAX.into() {
            return Err(bad(DEVICES.name, count));
        }
        if devices.len() != (count as usize).saturating_mul(DEVICE_BYTES) {
            return Err(cut);
        }
        for device in devices.chunks_exact(DEVICE_BYTES) {
            decode_device(device)?;
        }
        Ok(Self { devices })
    }

    /// The devices.
    pub fn devices(&self) -> impl Iterator<Item = Watched> + 'a {
        let devices = self.devices.chunks_exact(DEVICE_BYTES);
        devices.filter_map(|device| decode_device(device).ok())
    }
}

fn decode_device(from: &[u8]) -> Result<Watched, Damage> {
    zero(DEVICE_REST, from)?;
    let action = match ACTION.number32(from).checked_sub(1) {
        None => None,
        Some(number) => Some(Action::from_number(number).ok_or(bad(ACTION.name, number.into()))?),
    };
    let watched = Watched {
        identity: Identity {
            uuid: DEVICE.uuid(from),
            partition: PARTITION.uuid(from),
            wwn: WWN.of(from).try_into().unwrap_or([0; 32]),
        },
        choice: Choice {
            period_ms: PERIOD.number32(from),
            action,
        },
    };
    if !watched.identity.is_known() {
        return Err(bad(DEVICE.name, 0));
    }
    if watched.choice == Choice::NONE {
        return Err(bad(PERIOD.name, 0));
    }
    Ok(watched)
}

/// Whether two are the same device.
fn is_same(one: &Identity, other: &Identity) -> bool {
    if one.uuid == Uuid::NIL {
        one == other
    } else {
        one.uuid == other.uuid
    }
}

/// What is recorded of a device.
fn recorded(before: &[Watched], identity: &Identity) -> Option<Choice> {
    let mut found = before.iter();
    let found = found.find(|watched| is_same(&watched.identity, identity))?;
    Some(found.choice)
}

/// What was chosen for a disk, by what is recorded of the devices on it.
pub fn choice_on(disk: u64, devices: &[Seen], before: &[Watched]) -> Choice {
    let mut there = devices
        .iter()
        .filter(|device| disk != 0 && device.disk == disk);
    there
        .find_map(|device| recorded(before, &device.identity))
        .unwrap_or(Choice::NONE)
}

/// What is to be recorded of the devices of a set: of each what was chosen for its disk, just now
/// as `chosen` or before, or if it is not there what is recorded of it. How many there are in `to`;
/// `None` if there is no room.
pub fn follow(
    devices: &[Seen],
    before: &[Watched],
    chosen: Option<(u64, Choice)>,
    to: &mut [Watched],
) -> Option<usize> {
    let mut count = 0_usize;
    for device in devices.iter().filter(|device| device.identity.is_known()) {
        let choice = match chosen {
            Some((disk, choice)) if disk != 0 && disk == device.disk => choice,
            _ => recorded(before, &device.identity)
                .unwrap_or_else(|| choice_on(device.disk, devices, before)),
        };
        let already = to.get(..count).unwrap_or(&[]);
        if choice == Choice::NONE || recorded(already, &device.identity).is_some() {
            continue;
        }
        *to.get_mut(count)? = Watched {
            identity: device.identity,
            choice,
        };
        count = count.checked_add(1)?;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::limits::RECORDS_MAX;

    const FENCE: Choice = Choice {
        period_ms: 1000,
        action: Some(Action::Fence),
    };

    fn identity(number: u8) -> Identity {
        Identity {
            uuid: Uuid::from_bytes([number; 16]),
            partition: Uuid::from_bytes([number.wrapping_add(1); 16]),
            wwn: [number; 32],
        }
    }

    fn watched(number: u8) -> Watched {
        Watched {
            identity: identity(number),
            choice: Choice {
                period_ms: u32::from(number) << 20,
                action: Action::from_number(u32::from(number) % 6),
            },
        }
    }

    fn encoded(devices: &[Watched]) -> Vec<u8> {
        let mut bytes = std::vec![0xff; BYTES_MAX];
        let length = encode(devices, &mut bytes).expect("room");
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn it_is_the_last_record_of_a_set() {
        assert_eq!(RECORD, RECORDS_MAX - 1);
    }

    #[test]
    fn records_read_back() {
        for count in [0, 1, 2, 200] {
            let devices: Vec<_> = (1..=255).map(watched).take(count).collect();
            let bytes = encoded(&devices);
            let record = Record::decode(&bytes).expect("legal");
            assert_eq!(record.devices().collect::<Vec<_>>(), devices);
            assert!(Record::decode(&bytes[..bytes.len() - 1]).is_err());
            assert!(Record::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        let most = std::vec![watched(1); WATCHED_MAX as usize];
        assert_eq!(encoded(&most).len(), BYTES_MAX);
        let many = std::vec![watched(1); WATCHED_MAX as usize + 1];
        assert_eq!(encode(&many, &mut std::vec![0; BYTES_MAX * 2]), None);
        assert_eq!(encode(&[watched(1)], &mut [0; 87]), None);
    }

    #[test]
    fn what_is_not_legal_is_damage() {
        let good = encoded(&[watched(1), watched(2)]);
        let refused = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Record::decode(&bytes).is_err()
        };
        assert!(refused(0, 3), "more devices than there are");
        assert!(refused(4, 1), "something in the rest");
        assert!(
            refused(HEAD_BYTES + ACTION.offset, 5),
            "an action that is none"
        );
        assert!(refused(HEAD_BYTES + DEVICE_REST.offset, 1));
        let nameless = Watched {
            identity: Identity::default(),
            choice: FENCE,
        };
        assert!(Record::decode(&encoded(&[nameless])).is_err());
        let nothing = Watched {
            identity: identity(1),
            choice: Choice::NONE,
        };
        assert!(Record::decode(&encoded(&[nothing])).is_err());
        assert!(Record::decode(&[]).is_err());
    }

    #[test]
    fn all_devices_on_a_disk_say_the_same_and_those_that_are_away_what_they_said() {
        let on = |number, disk| Seen {
            identity: identity(number),
            disk,
        };
        let mut to = [Watched::default(); 4];
        let devices = [on(1, 80), on(2, 80), on(3, 0), on(4, 90)];
        let away = Watched {
            identity: identity(3),
            choice: FENCE,
        };
        let count = follow(&devices, &[away], Some((80, FENCE)), &mut to).unwrap();
        let told: Vec<_> = to[..count].iter().map(|told| told.identity).collect();
        assert_eq!(told, [identity(1), identity(2), identity(3)]);
        assert_eq!(choice_on(80, &devices, &to[..count]), FENCE);
        assert_eq!(choice_on(90, &devices, &to[..count]), Choice::NONE);
        // Nobody asks about a disk that is not there.
        assert_eq!(choice_on(0, &devices, &to[..count]), Choice::NONE);
        let before = to;
        let off = follow(
            &devices,
            &before[..count],
            Some((80, Choice::NONE)),
            &mut to,
        );
        assert_eq!(off, Some(1), "the one that is away keeps what it has");
        assert_eq!(follow(&devices, &[], Some((80, FENCE)), &mut to[..1]), None);
    }
}
