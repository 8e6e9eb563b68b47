// SPDX-License-Identifier: GPL-2.0
//! Codecs of the state database: what is written reads back, and bytes of any kind are judged
//! without a panic (`DURABILITY.md` clause 20).

mod seeded;
mod store;

use md_model::{
    database::{
        header::{
            End,
            Header, //
        },
        identity::{
            Generation,
            Uuid, //
        },
        label::{
            first,
            LabelPage, //
        },
        members::{
            Change,
            Member,
            Role, //
        },
        metadevice::{
            encode,
            Component,
            Head,
            Kind,
            Record,
            Row,
            Side,
            SideState, //
        },
        page::{
            open,
            payload_mut,
            seal,
            Kind as PageKind,
            Stamp,
            HEAD_BYTES,
            PAGE_BYTES, //
        },
        records::Records,
        root::{
            Root,
            Verified, //
        },
        table::{
            decode,
            Pointer,
            TABLE_PAGES, //
        },
    },
    mirror::{
        component::State,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        },
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select, //
};

use seeded::for_all;

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<[u8; 16]>().prop_map(Uuid::from_bytes)
}

fn components() -> impl Strategy<Value = Component> {
    let state = select(vec![State::Okay, State::Erred, State::LastErred]);
    let places = (any::<u64>(), any::<u64>(), any::<u64>());
    let unit = proptest::option::of(0..8192_u32);
    (uuids(), uuids(), any::<[u8; 32]>(), places, unit, state).prop_map(
        |(uuid, partition, wwn, (start_sector, size_sectors, erred_at), unit, state)| Component {
            uuid,
            partition,
            wwn,
            start_sector,
            size_sectors,
            erred_at,
            unit,
            state,
        },
    )
}

/// Rows, with their components.
fn stripes() -> impl Strategy<Value = (Vec<Row>, Vec<Component>)> {
    let row = (any::<u64>(), any::<u64>(), vec(components(), 1..5));
    vec(row, 1..40).prop_map(|rows| {
        let (mut table, mut all) = (Vec::new(), Vec::new());
        for (interlace_sectors, size_sectors, components) in rows {
            table.push(Row {
                interlace_sectors,
                size_sectors,
                component_count: components.len() as u32,
            });
            all.extend(components);
        }
        (table, all)
    })
}

/// A stripe's record reads back, also one that is longer than a page.
#[test]
fn stripes_read_back() {
    let inputs = (0..8192_u32, any::<u64>(), stripes());
    for_all(inputs, |(number, size_sectors, (rows, components))| {
        let head = Head {
            number,
            kind: Kind::Stripe,
            size_sectors,
        };
        let mut bytes = vec![0xff; 40_000];
        let length = encode(&head, &rows, &components, &[], &mut bytes).expect("room");
        let record = Record::decode(&bytes[..length]).expect("legal");
        prop_assert_eq!(record.head, head);
        prop_assert_eq!(record.rows().collect::<Vec<_>>(), rows);
        prop_assert_eq!(record.components().collect::<Vec<_>>(), components);
        prop_assert_eq!(record.sides().count(), 0);
        prop_assert!(Record::decode(&bytes[..length - 1]).is_err());
        prop_assert!(Record::decode(&bytes[..length + 1]).is_err());
        Ok(())
    });
}

#[test]
fn mirrors_read_back() {
    let state = select(vec![
        SideState::Okay,
        SideState::NeedsResync,
        SideState::Offline,
    ]);
    let side = (0..8192_u32, state).prop_map(|(number, state)| Side { number, state });
    let options = (0..3_u32, 0..2_u32, 0..10_u8).prop_map(|(read, write, pass)| Options {
        read: ReadPolicy::from_number(read).expect("a policy"),
        write: WritePolicy::from_number(write).expect("a policy"),
        pass,
    });
    let inputs = (0..8192_u32, options, vec(side, 1..5));
    for_all(inputs, |(number, options, sides)| {
        let head = Head {
            number,
            kind: Kind::Mirror(options),
            size_sectors: 77,
        };
        let mut bytes = vec![0xff; 200];
        let length = encode(&head, &[], &[], &sides, &mut bytes).expect("room");
        let record = Record::decode(&bytes[..length]).expect("legal");
        prop_assert_eq!(record.head, head);
        prop_assert_eq!(record.sides().collect::<Vec<_>>(), sides);
        prop_assert_eq!(
            encode(
                &head,
                &[],
                &[],
                &record.sides().collect::<Vec<_>>(),
                &mut []
            ),
            None
        );
        Ok(())
    });
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let role = select(vec![Role::Voter, Role::TieBreaker]);
    let change = select(vec![Change::Stays, Change::Joins, Change::Leaves]);
    let member = (uuids(), role, change, any::<bool>(), uuids(), any::<u64>()).prop_map(
        |(replica, role, change, failed, component, start_sector)| Member {
            replica,
            role,
            change,
            failed,
            component,
            start_sector,
        },
    );
    vec(member, 0..51).prop_filter("each once", |members| {
        let mut replicas: Vec<_> = members.iter().map(|member| member.replica).collect();
        replicas.sort();
        replicas.windows(2).all(|pair| pair[0] != pair[1])
    })
}

#[test]
fn roots_read_back() {
    let pointer = (any::<u32>(), any::<u32>());
    let pointer = pointer.prop_map(|(slot, checksum)| Pointer { slot, checksum });
    let inputs = (members(), vec(pointer, 0..33), any::<[u64; 3]>(), 1..3_u32);
    for_all(inputs, |(members, tables, numbers, place)| {
        let [epoch, sequence, claim] = numbers;
        let root = Root {
            set: Uuid::from_bytes([1; 16]),
            replica: Uuid::from_bytes([2; 16]),
            role: Role::Voter,
            generation: Generation { epoch, sequence },
            claim,
        };
        let mut bytes = vec![0xff; PAGE_BYTES];
        let made = root.encode(place, &tables, &members, &mut bytes);
        if members.len() > 50 {
            prop_assert_eq!(made, None);
            return Ok(());
        }
        prop_assert_eq!(made, Some(()));
        let found = Verified::decode(&bytes, root.set, root.replica, place).expect("whole");
        prop_assert_eq!(found.root, root);
        prop_assert_eq!(found.tables().collect::<Vec<_>>(), tables.clone());
        prop_assert_eq!(found.members().collect::<Vec<_>>(), members.clone());
        let other = Verified::decode(&bytes, root.set, root.set, place);
        prop_assert!(other.is_err(), "another replica's root");
        let mut twice = members;
        if let Some(first) = twice.first().copied() {
            twice.truncate(49);
            twice.push(Member {
                failed: !first.failed,
                ..first
            });
            if twice.len() > 1 {
                root.encode(place, &tables, &twice, &mut bytes)
                    .expect("a page");
                let found = Verified::decode(&bytes, root.set, root.replica, place);
                prop_assert!(found.is_err(), "a member is in the list twice");
            }
        }
        Ok(())
    });
}

/// Asks every decoder, which may say anything but must not panic.
fn judge(bytes: &[u8], record: &[u8]) {
    let set = Uuid::from_bytes([1; 16]);
    let replica = Uuid::from_bytes([2; 16]);
    for end in [End::Head, End::Tail] {
        let _ = Header::decode(end, bytes, 256);
    }
    if let Ok(root) = Verified::decode(bytes, set, replica, 1) {
        root.members().chain(root.members()).for_each(drop);
        root.tables().for_each(drop);
    }
    let _ = LabelPage::decode(0, 0, bytes);
    if let Ok(page) = open(bytes) {
        let _ = decode(&page, 0, &mut [Pointer::NONE; TABLE_PAGES]);
        if let Ok(records) = Records::decode(&page, 0) {
            records.parts().for_each(drop);
        }
    }
    let mut tree = record;
    while let Ok((_, rest)) = first(tree) {
        tree = rest;
    }
    if let Ok(record) = Record::decode(record) {
        record.rows().for_each(drop);
        record.components().for_each(drop);
        record.sides().for_each(drop);
    }
}

/// Payloads that nobody wrote, in pages that are whole: small numbers, and any.
#[test]
fn hostile_bytes_are_no_danger() {
    let byte = prop_oneof![3 => Just(0_u8), 2 => 0..4_u8, 1 => any::<u8>()];
    let kind = select(PageKind::ALL.to_vec());
    let place = select(vec![0_u32, 1, 191]);
    let inputs = (vec(byte, 0..600), kind, place, any::<usize>());
    for_all(inputs, |(payload, kind, place, used)| {
        let mut bytes = vec![0; PAGE_BYTES];
        let target = payload_mut(&mut bytes);
        target[..payload.len()].copy_from_slice(&payload);
        let stamp = Stamp {
            kind,
            set: Uuid::from_bytes([1; 16]),
            generation: Generation::default(),
            place,
        };
        let used = used % (PAGE_BYTES - HEAD_BYTES + 1);
        seal(&mut bytes, stamp, used).expect("it fits");
        judge(&bytes, &payload);
        judge(&payload, &payload);
        Ok(())
    });
}

/// Records with a few bytes changed.
#[test]
fn changed_records_are_no_danger() {
    let changes = vec((any::<u16>(), any::<u8>()), 1..4);
    for_all((stripes(), changes), |((rows, components), changes)| {
        let head = Head {
            number: 1,
            kind: Kind::Stripe,
            size_sectors: 77,
        };
        let mut bytes = vec![0; 40_000];
        let length = encode(&head, &rows, &components, &[], &mut bytes).expect("room");
        for (place, value) in changes {
            bytes[usize::from(place) % length] = value;
        }
        judge(&bytes[..PAGE_BYTES], &bytes[..length]);
        Ok(())
    });
}
