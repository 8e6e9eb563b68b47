// SPDX-License-Identifier: GPL-2.0
//! Records of metadevices, as they are told.

use humantime::format_rfc3339_seconds;
use md_model::{
    database::{
        identity::Uuid,
        metadevice::{
            soft::SoftState,
            Component,
            Kind,
            Record,
            Side,
            Spared,
            SparedRole, //
        },
        pool::{
            Pool,
            Spare, //
        },
        watched::{
            self,
            Watched, //
        },
    },
    failfast::Action,
    mirror::{
        component::State,
        options::{
            Options,
            ReadPolicy,
            WritePolicy, //
        },
        regions::Regions,
        side::SideState, //
    },
    raid5::progress::Activity,
    units::SECTOR_BYTES,
};
use md_report::{
    self as report,
    dump, //
};
use std::time::{
    Duration,
    UNIX_EPOCH, //
};

/// Second of the year 10000, from which on a time has no form in RFC 3339.
const SECONDS_END: u64 = 253_402_300_800;

/// A record in the terms of the documents.
pub(crate) fn told(record: &Record<'_>) -> dump::Metadevice {
    let rows = rows(record);
    let (kind, options) = match record.head.kind {
        Kind::Mirror(options) => (report::Kind::Mirror, Some(told_options(options))),
        Kind::Stripe if rows.iter().any(|row| row.components.len() > 1) => {
            (report::Kind::Stripe, None)
        }
        Kind::Stripe => (report::Kind::Concat, None),
        Kind::Soft => (report::Kind::SoftPartition, None),
        Kind::Raid => (report::Kind::Raid5, None),
    };
    dump::Metadevice {
        name: name(record.head.number),
        kind,
        size: bytes(record.head.size_sectors),
        rows,
        pool: record.head.pool.map(pool_name),
        spared: record.spared().map(told_spared).collect(),
        submirrors: sides(record),
        options,
        regions: regions(record).map(|regions| dump::Regions {
            size: bytes(1 << regions.shift()),
            count: regions.count(),
            dirty: count(record, &regions, 0),
            resync_cancelled: record.head.sync.is_cancelled,
        }),
        checks: checks(record),
        soft_partition: soft(record),
        raid5: raid(record),
    }
}

/// What a RAID5 metadevice has besides its columns, which are the components of its row.
fn raid(record: &Record<'_>) -> Option<dump::Raid5> {
    let raid = record.raid()?;
    Some(dump::Raid5 {
        log: raid.log.to_string(),
        made: match raid.progress.activity {
            Activity::Nothing => None,
            Activity::Build => Some("parity".to_string()),
            Activity::Column(column) => Some(format!("column {column}")),
        },
        done: bytes(raid.progress.cursor),
    })
}

/// What a soft partition is made of.
fn soft(record: &Record<'_>) -> Option<dump::SoftPartition> {
    let head = record.soft()?;
    let extents = record.extents().map(|extent| report::Extent {
        start: bytes(extent.sector),
        size: bytes(extent.count),
    });
    Some(dump::SoftPartition {
        uuid: head.soft.to_string(),
        base_uuid: head.base.to_string(),
        generation: head.generation,
        alignment: bytes(head.alignment_sectors),
        state: match head.state {
            SoftState::Okay => "okay",
            SoftState::Creating => "creating",
            SoftState::Growing => "growing",
            SoftState::Shrinking => "shrinking",
            SoftState::Clearing => "clearing",
            SoftState::Moving => "moving",
        },
        base: told_component(record.components().next()?),
        extents: extents.collect(),
    })
}

/// What is remembered of checks, if there were some.
fn checks(record: &Record<'_>) -> Option<dump::Checks> {
    let history = record.history()?;
    let last = history.runs().next()?;
    Some(dump::Checks {
        count: history.runs().count(),
        last: time(last.began),
        ranges: last.range_count,
    })
}

/// How a mirror is divided, if anything is known of that.
fn regions(record: &Record<'_>) -> Option<Regions> {
    Regions::with_shift(record.head.size_sectors, record.head.sync.region_shift)
}

/// How many regions are in a bitmap. Bits behind the last region count for nothing.
fn count(record: &Record<'_>, regions: &Regions, bitmap: usize) -> u32 {
    let pairs = regions.all().zip(record.words(bitmap));
    pairs
        .map(|(all, word)| (all.mask & word).count_ones())
        .sum()
}

fn sides(record: &Record<'_>) -> Vec<dump::Side> {
    let regions = regions(record);
    let side = |(bitmap, side): (usize, Side)| dump::Side {
        name: name(side.number),
        state: side_state(side.state),
        behind: regions.map(|regions| count(record, &regions, bitmap)),
    };
    (1..).zip(record.sides()).map(side).collect()
}

/// A uuid, if it stands for something.
pub(crate) fn uuid(uuid: Uuid) -> Option<String> {
    (!uuid.is_nil()).then(|| uuid.to_string())
}

/// Bytes of so many sectors.
pub(crate) fn bytes(sectors: u64) -> u64 {
    sectors.saturating_mul(SECTOR_BYTES)
}

/// A text in a field that is padded with zeros, without anything that a terminal would obey.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().rposition(|byte| *byte != 0);
    let field = field.get(..end.map_or(0, |last| last + 1));
    field.unwrap_or(&[]).escape_ascii().to_string()
}

fn name(number: u32) -> String {
    format!("d{number}")
}

fn rows(record: &Record<'_>) -> Vec<dump::Row> {
    let mut components = record.components();
    let row = |row: md_model::database::metadevice::Row| {
        let own = components.by_ref().take(row.component_count as usize);
        dump::Row {
            interlace: bytes(row.interlace_sectors),
            size: bytes(row.size_sectors),
            components: own.map(told_component).collect(),
        }
    };
    record.rows().map(row).collect()
}

fn told_component(component: Component) -> dump::Component {
    let wwn = text(&component.wwn);
    dump::Component {
        metadevice: component.unit.map(name),
        component: uuid(component.uuid),
        partition: uuid(component.partition),
        wwn: (!wwn.is_empty()).then_some(wwn),
        start: bytes(component.start_sector),
        size: bytes(component.size_sectors),
        state: match component.state {
            State::Okay => "okay",
            State::Erred => "erred",
            State::LastErred => "last erred",
            State::Resyncing => "resyncing",
        },
        changed: time(component.erred_at),
    }
}

fn pool_name(number: u32) -> String {
    format!("hsp{number:03}")
}

fn told_spared(spared: Spared) -> dump::Spared {
    let wwn = text(&spared.wwn);
    dump::Spared {
        component: spared.component,
        role: match spared.role {
            SparedRole::StandsFor => "stands for",
            SparedRole::Returns => "replaced",
        },
        device: uuid(spared.uuid),
        partition: uuid(spared.partition),
        wwn: (!wwn.is_empty()).then_some(wwn),
        start: bytes(spared.start_sector),
    }
}

/// The record of a hot spare pool in the terms of the documents.
pub(crate) fn told_pool(pool: &Pool<'_>) -> dump::Pool {
    let spare = |spare: Spare| {
        let wwn = text(&spare.wwn);
        dump::Spare {
            spare: uuid(spare.uuid),
            partition: uuid(spare.partition),
            wwn: (!wwn.is_empty()).then_some(wwn),
            broken: spare.is_broken,
            changed: time(spare.changed_at),
        }
    };
    dump::Pool {
        name: pool_name(pool.number),
        spares: pool.spares().map(spare).collect(),
    }
}

/// The record of what failfast does in the terms of the documents.
pub(crate) fn told_watched(record: &watched::Record<'_>) -> Vec<dump::Watched> {
    let told = |device: Watched| {
        let wwn = text(&device.identity.wwn);
        dump::Watched {
            device: uuid(device.identity.uuid),
            partition: uuid(device.identity.partition),
            wwn: (!wwn.is_empty()).then_some(wwn),
            failfast_ms: device.choice.period_ms,
            action: device.choice.action.map(Action::word),
        }
    };
    record.devices().map(told).collect()
}

fn time(seconds: u64) -> Option<String> {
    match seconds {
        0 => None,
        1..SECONDS_END => {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            Some(format_rfc3339_seconds(time).to_string())
        }
        SECONDS_END.. => Some(format!("{seconds} seconds after 1970")),
    }
}

fn side_state(state: SideState) -> &'static str {
    match state {
        SideState::Okay => "okay",
        SideState::NeedsResync => "needs a resync",
        SideState::Offline => "offline",
    }
}

fn told_options(options: Options) -> dump::Options {
    dump::Options {
        read_policy: match options.read {
            ReadPolicy::RoundRobin => report::ReadPolicy::RoundRobin,
            ReadPolicy::Geometric => report::ReadPolicy::Geometric,
            ReadPolicy::First => report::ReadPolicy::First,
            ReadPolicy::Hedged => report::ReadPolicy::Hedged,
        },
        write_policy: match options.write {
            WritePolicy::Parallel => report::WritePolicy::Parallel,
            WritePolicy::Serial => report::WritePolicy::Serial,
            WritePolicy::Copy => report::WritePolicy::Copy,
        },
        pass: options.pass,
    }
}
