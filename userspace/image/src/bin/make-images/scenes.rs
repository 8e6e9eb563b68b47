// SPDX-License-Identifier: GPL-2.0
//! What the images show. Uuids are fixed, so that an image says the same whenever it is made.

use crate::{
    disk::Disk,
    set::{
        New,
        Set, //
    },
};
use md_model::{
    database::{
        header::Header,
        identity::Uuid,
        label::{
            append,
            Label,
            TreeRecord, //
        },
        layout::{
            PAGE_SECTORS,
            REPLICA_PAGE,
            REPLICA_PAGES_IN_HEAD,
            RESERVED_PAGES, //
        },
        members::Role,
        metadevice::{
            encode,
            fields::{
                BYTES_MAX,
                RECORD_KIND,
                RECORD_VERSION, //
            },
            Component,
            Head,
            Kind,
            Parts,
            Row,
            Side,
            Spared,
            SparedRole,
            Sync, //
        },
        pool::{
            self,
            Spare, //
        },
    },
    limits::RESERVED_HEAD_SECTORS,
    mirror::{
        component::State,
        options::Options,
        scrub::{
            compare::{
                Difference,
                Mode, //
            },
            history::{
                History,
                Run, //
            },
            report::{
                Range,
                Report, //
            },
            run::End, //
        },
        side::SideState, //
    },
};

/// Sectors of data on each component: 63 MiB.
const DATA_SECTORS: u64 = 129_024;

/// When the erred side failed: 2026-03-01T12:00:00Z.
const ERRED_AT: u64 = 1_772_366_400;

/// Every image, with its name. Those of versions 1 and 2 exist, so that they are not made by this
/// build, which writes version 3.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("v1-stripe-in-head", stripe_in_head()),
        ("v1-two-replicas", two_replicas()),
        ("v1-tie-breaker", tie_breaker()),
        ("v1-torn-root", torn_root()),
        ("v2-side-behind", side_behind()),
        ("v2-component-resyncing", component_resyncing()),
        ("v3-hot-spares", hot_spares()),
        ("v3-mirror-scrubbed", mirror_scrubbed()),
    ]
}

fn uuid(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

/// The set's own uuid.
const SET: u8 = 0x5e;

fn replica(disk: usize, number: u8, first_page: u32, pages: u32, role: Role) -> New {
    New {
        disk,
        header: Header {
            set: uuid(SET),
            replica: uuid(0xa0 + number),
            start_sector: u64::from(first_page) * PAGE_SECTORS,
            pages,
            role,
        },
        component: Uuid::NIL,
    }
}

/// A replica in the reserved head of a component.
fn in_head(disk: usize, number: u8, role: Role) -> New {
    New {
        component: uuid(0xc0 + disk as u8),
        ..replica(disk, number, REPLICA_PAGE, REPLICA_PAGES_IN_HEAD, role)
    }
}

/// A disk with a label, of which the reserved head is there, and a little more.
fn labelled(number: u8, tree: &[u8]) -> Disk {
    let mut disk = Disk::new(RESERVED_PAGES as usize + 16);
    let mut set_name = [0; 32];
    set_name[..5].copy_from_slice(b"local");
    let label = Label {
        set: uuid(SET),
        component: uuid(0xc0 + number),
        set_name,
        data_sector: RESERVED_HEAD_SECTORS,
        sequence: 1,
        tree_bytes: tree.len() as u32,
    };
    disk.label(&label, tree);
    disk
}

fn component(number: u8, state: State) -> Component {
    let mut wwn = [0; 32];
    let name = format!("naa.5000c500a1b2c3{number:02x}");
    wwn[..name.len()].copy_from_slice(name.as_bytes());
    Component {
        uuid: uuid(0xc0 + number),
        partition: uuid(0xb0 + number),
        wwn,
        start_sector: RESERVED_HEAD_SECTORS,
        size_sectors: DATA_SECTORS,
        erred_at: if state == State::Okay { 0 } else { ERRED_AT },
        unit: None,
        state,
    }
}

/// A stripe over components, 64 KiB on each in turn.
fn stripe(number: u32, components: &[Component]) -> (u32, Vec<u8>) {
    let count = components.len() as u32;
    let size_sectors = DATA_SECTORS * u64::from(count);
    let head = Head {
        number,
        kind: Kind::Stripe,
        size_sectors,
        sync: Sync::UNKNOWN,
        pool: None,
    };
    let row = Row {
        interlace_sectors: 128,
        size_sectors,
        component_count: count,
    };
    record(&Parts {
        head,
        rows: &[row],
        components,
        sides: &[],
        words: &[],
        spared: &[],
        history: None,
        soft: None,
        raid: None,
    })
}

/// A mirror of sides with these states, and what it remembers of its regions, all in one word: the
/// dirty ones, and for each side those in which it is behind.
fn mirror(number: u32, sides: &[(u32, SideState)], sync: Sync, words: &[u64]) -> (u32, Vec<u8>) {
    mirror_with(number, sides, sync, words, &History::NONE)
}

/// The same, with what it remembers of scrubs.
fn mirror_with(
    number: u32,
    sides: &[(u32, SideState)],
    sync: Sync,
    words: &[u64],
    history: &History,
) -> (u32, Vec<u8>) {
    let head = Head {
        number,
        kind: Kind::Mirror(Options::default()),
        size_sectors: DATA_SECTORS,
        sync,
        pool: None,
    };
    let side = |&(number, state): &(u32, SideState)| Side { number, state };
    let sides: Vec<_> = sides.iter().map(side).collect();
    record(&Parts {
        head,
        rows: &[],
        components: &[],
        sides: &sides,
        words,
        spared: &[],
        history: Some(history),
        soft: None,
        raid: None,
    })
}

fn record(parts: &Parts<'_>) -> (u32, Vec<u8>) {
    let mut bytes = vec![0; BYTES_MAX];
    let length = encode(parts, &mut bytes);
    bytes.truncate(length.expect("lists within their limits"));
    (parts.head.number, bytes)
}

/// d10 over two disks, with one replica in the head of the first, whose image it is. The label
/// has d10 in its tree.
fn stripe_in_head() -> Vec<u8> {
    let parts = [0, 1].map(|number| component(number, State::Okay));
    let d10 = stripe(10, &parts);
    let mut tree = vec![0; BYTES_MAX];
    let in_tree = TreeRecord {
        kind: RECORD_KIND,
        version: RECORD_VERSION,
        bytes: &d10.1,
    };
    let used = append(&mut tree, 0, &in_tree).expect("room in the tree");
    let disk = labelled(0, &tree[..used]);
    let mut set = Set::new(vec![disk], &[in_head(0, 0, Role::Voter)]);
    set.commit(&[d10]);
    set.disks.remove(0).bytes
}

/// A set with two replicas on a partition of its own.
fn pair() -> Set {
    let pages = 24;
    let first = REPLICA_PAGE;
    let replicas = [
        replica(0, 0, first, pages, Role::Voter),
        replica(0, 1, first + pages, pages, Role::Voter),
    ];
    Set::new(vec![Disk::new(RESERVED_PAGES as usize)], &replicas)
}

/// Two replicas on a partition of its own, and the mirror d0 of d11 and d12, of which d12 failed.
fn two_replicas() -> Vec<u8> {
    let mut set = pair();
    set.commit(&[stripe(11, &[component(1, State::Okay)])]);
    set.commit(&[stripe(12, &[component(2, State::Okay)])]);
    let sides = [(11, SideState::Okay), (12, SideState::Okay)];
    set.commit(&[mirror(0, &sides, Sync::UNKNOWN, &[])]);
    set.commit(&[stripe(12, &[component(2, State::Erred)])]);
    set.disks.remove(0).bytes
}

/// The device of the tie-breaker of a set with a voter on each of two disks.
fn tie_breaker() -> Vec<u8> {
    let disks = [0, 1, 2].map(|number| labelled(number, &[]));
    let mut set = Set::new(disks.into(), &[in_head(0, 0, Role::Voter)]);
    set.add(&in_head(1, 1, Role::Voter));
    set.add(&in_head(2, 2, Role::TieBreaker));
    set.commit(&[stripe(10, &[component(0, State::Okay)])]);
    set.disks.remove(2).bytes
}

/// One of five voters failed, and then the power went while d11 was being recorded.
fn torn_root() -> Vec<u8> {
    let disks = [0, 1, 2, 3, 4].map(|number| labelled(number, &[]));
    let mut set = Set::new(disks.into(), &[in_head(0, 0, Role::Voter)]);
    for number in 1..5_u8 {
        set.add(&in_head(number.into(), number, Role::Voter));
    }
    set.commit(&[stripe(10, &[component(0, State::Okay)])]);
    set.fail(&uuid(0xa4));
    set.tear(&[stripe(11, &[component(1, State::Okay)])]);
    set.disks.remove(0).bytes
}

/// What a mirror of 63 regions of 1 MiB remembers.
fn remembered(is_cancelled: bool) -> Sync {
    Sync {
        region_shift: 11,
        is_cancelled,
    }
}

/// The mirror d0 of d11 and d12, dirty in three regions; d12 is offline, and behind in seven.
fn side_behind() -> Vec<u8> {
    let mut set = pair();
    set.commit(&[stripe(11, &[component(1, State::Okay)])]);
    set.commit(&[stripe(12, &[component(2, State::Okay)])]);
    let sides = [(11, SideState::Okay), (12, SideState::Offline)];
    let words = [(1 << 62) | 0b11, 0, 0x7f << 3];
    set.commit(&[mirror(0, &sides, remembered(false), &words)]);
    set.disks.remove(0).bytes
}

/// The mirror d0 of d11, d12 and d13; a component of d12 was enabled and is being resynced, which
/// has come to region 40 and was cancelled there; d13 has no content yet.
fn component_resyncing() -> Vec<u8> {
    let mut set = pair();
    for number in 1..4_u8 {
        let state = if number == 2 {
            State::Resyncing
        } else {
            State::Okay
        };
        let side = stripe(10 + u32::from(number), &[component(number, state)]);
        set.commit(&[side]);
    }
    let sides = [
        (11, SideState::Okay),
        (12, SideState::Okay),
        (13, SideState::NeedsResync),
    ];
    let all = u64::MAX >> 1;
    let words = [1 << 40, 0, (all << 40) & all, all];
    set.commit(&[mirror(0, &sides, remembered(true), &words)]);
    set.disks.remove(0).bytes
}

/// The mirror d0 of d11 and d12, both with hsp001, which has three spares. A spare has taken the
/// place of the second component of d11, and a new disk that of a spare in d12. The third spare is
/// broken.
fn hot_spares() -> Vec<u8> {
    let mut set = pair();
    let spare = |number: u8, is_broken| Spare {
        uuid: uuid(0xd0 + number),
        partition: Uuid::NIL,
        wwn: [0; 32],
        changed_at: if is_broken { ERRED_AT } else { 0 },
        is_broken,
    };
    let spares = [spare(0, false), spare(1, false), spare(2, true)];
    let mut bytes = vec![0; BYTES_MAX];
    let length = pool::encode(1, spares.into_iter(), &mut bytes).expect("room");
    bytes.truncate(length);
    set.commit(&[(pool::record_of(1), bytes)]);
    let other = |component, role, number| Spared {
        component,
        role,
        uuid: uuid(number),
        partition: Uuid::NIL,
        wwn: [0; 32],
        start_sector: RESERVED_HEAD_SECTORS,
    };
    let stood_for = other(1, SparedRole::StandsFor, 0xc9);
    let mut spare = component(2, State::Okay);
    (spare.uuid, spare.partition) = (uuid(0xd0), Uuid::NIL);
    set.commit(&[spared(11, &[component(1, State::Okay), spare], stood_for)]);
    let returns = other(0, SparedRole::Returns, 0xd1);
    let parts = [component(3, State::Resyncing), component(4, State::Okay)];
    set.commit(&[spared(12, &parts, returns)]);
    let sides = [(11, SideState::Okay), (12, SideState::Okay)];
    set.commit(&[mirror(0, &sides, Sync::UNKNOWN, &[])]);
    set.disks.remove(0).bytes
}

/// A stripe with a hot spare pool, one of whose components has to do with a spare.
fn spared(number: u32, components: &[Component], spared: Spared) -> (u32, Vec<u8>) {
    let size_sectors = DATA_SECTORS * components.len() as u64;
    let head = Head {
        number,
        kind: Kind::Stripe,
        size_sectors,
        sync: Sync::UNKNOWN,
        pool: Some(1),
    };
    let row = Row {
        interlace_sectors: 128,
        size_sectors,
        component_count: components.len() as u32,
    };
    record(&Parts {
        head,
        rows: &[row],
        components,
        sides: &[],
        words: &[],
        spared: &[spared],
        history: None,
        soft: None,
        raid: None,
    })
}
/// The mirror d0 of d11, d12 and d13. A check of it has found two ranges, in one of which d12 is
/// outvoted, and then a repair was cancelled.
fn mirror_scrubbed() -> Vec<u8> {
    let mut set = pair();
    for number in 1..4_u8 {
        let side = stripe(10 + u32::from(number), &[component(number, State::Okay)]);
        set.commit(&[side]);
    }
    let mut report = Report::new();
    for (sector, outvoted) in [(4096, 0b010), (80_000, 0)] {
        report.add(Range {
            sector,
            count: 8,
            difference: Difference {
                compared: 0b111,
                outvoted,
                zeroed: outvoted,
            },
        });
    }
    let mut history = History::NONE;
    for (began, mode, end, repaired_sectors) in [
        (ERRED_AT, Mode::Check, End::Done, 0),
        (ERRED_AT + 3600, Mode::Majority, End::Cancelled, 8),
    ] {
        let run = Run {
            began,
            seconds: 60,
            mode,
            end,
            compared_sectors: DATA_SECTORS - 2048,
            skipped_sectors: 2048,
            differing_sectors: report.sectors(),
            zeroed_sectors: report.zeroed_sectors(),
            repaired_sectors,
            range_count: report.total(),
            outvoted: report.outvoted(),
        };
        history.add(run, &report);
    }
    let sides = [11, 12, 13].map(|number| (number, SideState::Okay));
    set.commit(&[mirror_with(0, &sides, remembered(false), &[0; 4], &history)]);
    set.disks.remove(0).bytes
}
