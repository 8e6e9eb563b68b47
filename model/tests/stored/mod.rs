// SPDX-License-Identifier: GPL-2.0
//! Records of metadevices, one of each kind, with something in every field.

use md_model::{
    database::{
        claimants::Identity,
        identity::Uuid,
        metadevice::{
            self,
            raid::Raid,
            soft::{
                Soft,
                SoftHead,
                SoftState, //
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
        watched::{
            self,
            Watched, //
        }, //
    },
    failfast::{
        Action,
        Choice, //
    },
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
            run::End as RunEnd, //
        },
        side::SideState,
        throttle::Limits, //
    },
    raid5::{
        layout::Rotation,
        progress::{
            Activity,
            Progress, //
        },
        LOG_SECTORS, //
    },
    soft::Extent,
};

pub(crate) fn component(number: u8, unit: Option<u32>) -> Component {
    Component {
        uuid: Uuid::from_bytes([number; 16]),
        partition: Uuid::from_bytes([number + 1; 16]),
        wwn: [number; 32],
        start_sector: 2048,
        size_sectors: 4096,
        erred_at: 77,
        unit,
        state: State::Erred,
    }
}

pub(crate) fn stripe() -> Vec<u8> {
    let head = Head {
        number: 10,
        kind: Kind::Stripe,
        size_sectors: 8192,
        sync: Sync::UNKNOWN,
        pool: Some(3),
    };
    let row = Row {
        interlace_sectors: 16,
        size_sectors: 8192,
        component_count: 2,
    };
    let spared = Spared {
        component: 1,
        role: SparedRole::StandsFor,
        uuid: Uuid::from_bytes([9; 16]),
        partition: Uuid::NIL,
        wwn: [9; 32],
        start_sector: 2048,
    };
    let mut bytes = vec![0; 1000];
    let parts = Parts {
        head,
        rows: &[row],
        components: &[component(1, None), component(2, Some(7))],
        sides: &[],
        words: &[],
        spared: &[spared],
        history: None,
        soft: None,
        raid: None,
    };
    let length = metadevice::encode(&parts, &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}

/// A mirror that knows nothing of regions, or one with four of them.
pub(crate) fn mirror(sync: Sync, words: &[u64], history: Option<&History>) -> Vec<u8> {
    let head = Head {
        number: 20,
        kind: Kind::Mirror(Options::default()),
        size_sectors: 8192,
        sync,
        pool: None,
    };
    let sides = [11, 12].map(|number| Side {
        number,
        state: SideState::NeedsResync,
    });
    let mut bytes = vec![0; 2000];
    let parts = Parts {
        head,
        rows: &[],
        components: &[],
        sides: &sides,
        words,
        spared: &[],
        history,
        soft: None,
        raid: None,
    };
    let length = metadevice::encode(&parts, &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}

/// A mirror whose second side is behind in one of its regions.
pub(crate) fn synced() -> Vec<u8> {
    let sync = Sync {
        region_shift: 11,
        is_cancelled: false,
    };
    mirror(sync, &[0b1010, 0, 0b0100], None)
}

/// The same after two scrubs.
pub(crate) fn scrubbed() -> Vec<u8> {
    let sync = Sync {
        region_shift: 11,
        is_cancelled: false,
    };
    let mut report = Report::new();
    report.add(Range {
        sector: 77,
        count: 8,
        difference: Difference {
            compared: 0b11,
            outvoted: 0b10,
            zeroed: 0b10,
        },
    });
    let mut history = History::NONE;
    for mode in [Mode::Majority, Mode::From(1)] {
        let run = Run {
            began: 88,
            seconds: 9,
            mode,
            end: RunEnd::Cancelled,
            compared_sectors: 8000,
            skipped_sectors: 192,
            differing_sectors: 8,
            zeroed_sectors: 7,
            repaired_sectors: 6,
            range_count: 1,
            outvoted: 0b10,
        };
        history.add(run, &report);
    }
    mirror(sync, &[0b1010, 0, 0b0100], Some(&history))
}

/// A soft partition of two extents.
pub(crate) fn soft_partition() -> Vec<u8> {
    let head = Head {
        number: 30,
        kind: Kind::Soft,
        size_sectors: 96,
        sync: Sync::UNKNOWN,
        pool: None,
    };
    let extents = [(2064, 64), (4096, 32)].map(|(sector, count)| Extent { sector, count });
    let soft = Soft {
        head: SoftHead {
            soft: Uuid::from_bytes([5; 16]),
            base: Uuid::from_bytes([6; 16]),
            generation: 3,
            alignment_sectors: 2048,
            state: SoftState::Growing,
        },
        extents: &extents,
    };
    let mut bytes = vec![0; 1000];
    let parts = Parts {
        head,
        rows: &[],
        components: &[component(1, None)],
        sides: &[],
        words: &[],
        spared: &[],
        history: None,
        soft: Some(soft),
        raid: None,
    };
    let length = metadevice::encode(&parts, &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}

/// A RAID5 metadevice of three columns, to which one was attached. The second one is being made, a
/// hot spare stands for the third, and it was checked.
pub(crate) fn raid5() -> Vec<u8> {
    let head = Head {
        number: 40,
        kind: Kind::Raid,
        size_sectors: 3 * 4 * 16,
        sync: Sync::UNKNOWN,
        pool: Some(7),
    };
    let row = |columns, size_sectors| Row {
        interlace_sectors: 16,
        size_sectors,
        component_count: columns,
    };
    let columns = [1, 3, 5, 7].map(|number| Component {
        size_sectors: LOG_SECTORS + 4 * 16,
        ..component(number, None)
    });
    let raid = Raid {
        log: Uuid::from_bytes([8; 16]),
        rotation: Rotation::Svm,
        progress: Progress {
            activity: Activity::Column(1),
            cursor: 32,
        },
        is_cancelled: true,
        is_unlogged: true,
        pace: Limits::new(7, 8, 9).expect("in range"),
    };
    let mut bytes = vec![0; 3000];
    let parts = Parts {
        head,
        rows: &[row(3, 2 * 4 * 16), row(1, 4 * 16)],
        components: &columns,
        sides: &[],
        words: &[],
        spared: &[Spared {
            component: 2,
            role: SparedRole::StandsFor,
            uuid: Uuid::from_bytes([4; 16]),
            partition: Uuid::from_bytes([5; 16]),
            wwn: [b'w'; 32],
            start_sector: 2048,
        }],
        history: Some(&History::NONE),
        soft: None,
        raid: Some(raid),
    };
    let length = metadevice::encode(&parts, &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}

/// A hot spare pool of two spares, of which one is broken.
pub(crate) fn hot_spare_pool() -> Vec<u8> {
    let spares = [1, 2].map(|number| Spare {
        uuid: Uuid::from_bytes([number; 16]),
        partition: Uuid::from_bytes([number + 1; 16]),
        wwn: [number; 32],
        changed_at: 99,
        is_broken: number == 2,
    });
    let mut bytes = vec![0; 1000];
    let length = pool::encode(3, spares.into_iter(), &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}

/// What failfast does with two disks.
pub(crate) fn failfast() -> Vec<u8> {
    let choices = [(1, 1000, None), (2, 0, Some(Action::Fence))];
    let devices = choices.map(|(number, period_ms, action)| Watched {
        identity: Identity {
            uuid: Uuid::from_bytes([number; 16]),
            partition: Uuid::from_bytes([number + 1; 16]),
            wwn: [number; 32],
        },
        choice: Choice { period_ms, action },
    });
    let mut bytes = vec![0; 1000];
    let length = watched::encode(&devices, &mut bytes);
    bytes.truncate(length.expect("room"));
    bytes
}
