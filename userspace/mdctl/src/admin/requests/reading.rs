// SPDX-License-Identifier: GPL-2.0
//! Which metadevices there are, and what each is made of.

use super::{
    field,
    header,
    judge,
    lost,
    making::{
        read_policy,
        write_policy, //
    },
    pools,
    scrub,
    soft,
    text_of,
    Admin,
    Refused,
    RequestError, //
};
use crate::{
    family::Kin,
    scrub::Scrubs,
    syntax::{
        mirror::Options,
        name::MetadeviceName,
        pace::Pace,
        pool::PoolName,
        size::Sectors,
        spec::Kind, //
    },
    unit::{
        Body,
        Component,
        Mirror,
        Raid,
        Resync,
        Row,
        Soft,
        Unit, //
    },
};
use md_abi::admin::{
    self as abi,
    ComponentState,
    Refusal,
    ResyncState,
    UnitKind,
    UnitSummary,
    COMPONENTS_MAX,
    EXTENTS_MAX,
    NO_PARENT,
    ROWS_MAX,
    SOFT_PARENTS, //
};
use md_model::database::identity::Uuid;
use md_report::{
    self as report,
    ReadPolicy,
    State,
    WritePolicy, //
};
use std::{
    collections::HashMap,
    time::{
        Duration,
        UNIX_EPOCH, //
    },
};
use zerocopy::FromZeros;

/// Room for metadevices in the first question for the list. More are asked for as needed.
const LIST_CAPACITY: usize = 64;

/// How often the list is asked for anew because it grew in between.
const LIST_TRIES: usize = 8;

/// All metadevices, in the order of their numbers.
pub fn list(admin: &mut dyn Admin) -> Result<Vec<Kin>, RequestError> {
    let mut capacity = LIST_CAPACITY;
    let mut tries = 1;
    loop {
        match list_up_to(admin, capacity) {
            Err(RequestError::Refused(Refused {
                refusal: Refusal::ArrayTooSmall,
                values: [_, needed],
                ..
            })) if tries < LIST_TRIES && (1..=abi::UNITS_MAX.into()).contains(&needed) => {
                capacity = needed as usize;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

/// The same, if there are no more than `capacity`.
fn list_up_to(admin: &mut dyn Admin, capacity: usize) -> Result<Vec<Kin>, RequestError> {
    let mut argument = abi::List::new_zeroed();
    argument.header = header::<abi::List>();
    let mut units = vec![UnitSummary::new_zeroed(); capacity];
    let result = admin.list(&mut argument, &mut units);
    judge(result, &argument.header)?;
    let count = argument.unit_count as usize;
    let units = units.get(..count).ok_or_else(|| {
        RequestError::Nonsense(format!("{count} metadevices in an array for {capacity}"))
    })?;
    units.iter().map(kin_of).collect()
}

/// Reads a metadevice with its rows and components.
pub fn status(admin: &mut dyn Admin, name: MetadeviceName) -> Result<Unit, RequestError> {
    StatusReader::default().read(admin, name)
}

/// Reads all metadevices. One that is cleared meanwhile is left out.
pub fn status_of_all(admin: &mut dyn Admin) -> Result<Vec<Unit>, RequestError> {
    let mut reader = StatusReader::default();
    let mut units = Vec::new();
    for kin in list(admin)? {
        match reader.read(admin, kin.name) {
            Err(error) if error.is_no_such_unit() => {}
            unit => units.push(unit?),
        }
    }
    Ok(units)
}

/// Whether there are soft partitions on the device with a path.
pub fn has_softs(admin: &mut dyn Admin, path: &str) -> Result<bool, RequestError> {
    let mut reader = StatusReader::default();
    let softs = list(admin)?.into_iter();
    for kin in softs.filter(|kin| kin.kind == Kind::Soft) {
        match reader.base(admin, kin.name) {
            Ok(base) if base == path => return Ok(true),
            Err(error) if !error.is_no_such_unit() => return Err(error),
            _ => {}
        }
    }
    Ok(false)
}

/// Arrays that hold any metadevice, kept from one question to the next.
struct StatusReader {
    rows: Vec<abi::Row>,
    components: Vec<abi::Component>,
    extents: Vec<abi::Extent>,
    /// What is free on each base that was asked about.
    free: HashMap<Uuid, Sectors>,
}

impl Default for StatusReader {
    fn default() -> Self {
        StatusReader {
            rows: vec![abi::Row::default(); ROWS_MAX as usize],
            components: vec![abi::Component::new_zeroed(); COMPONENTS_MAX as usize],
            extents: vec![abi::Extent::default(); EXTENTS_MAX as usize],
            free: HashMap::new(),
        }
    }
}

impl StatusReader {
    /// Asks for a metadevice's rows and components.
    fn ask(
        &mut self,
        admin: &mut dyn Admin,
        name: MetadeviceName,
    ) -> Result<abi::Status, RequestError> {
        let mut argument = abi::Status::new_zeroed();
        argument.header = header::<abi::Status>();
        argument.unit.name = field(&name.to_string())?;
        let result = admin.status(&mut argument, &mut self.rows, &mut self.components);
        judge(result, &argument.header)?;
        Ok(argument)
    }

    /// Asks for what a soft partition is made of.
    fn layout(
        &mut self,
        admin: &mut dyn Admin,
        name: MetadeviceName,
    ) -> Result<soft::Status, RequestError> {
        let brief = soft::status(admin, name, false, &mut self.extents)?;
        if let Some(free) = self.free.get(&brief.base) {
            return Ok(soft::Status {
                free: *free,
                ..brief
            });
        }
        let status = soft::status(admin, name, true, &mut self.extents)?;
        self.free.insert(status.base, status.free);
        Ok(status)
    }

    /// Asks for the path of what a soft partition is on.
    fn base(
        &mut self,
        admin: &mut dyn Admin,
        name: MetadeviceName,
    ) -> Result<String, RequestError> {
        self.ask(admin, name)?;
        let base = self.components.first();
        let base = base.ok_or_else(|| RequestError::Nonsense(format!("{name} has no base")))?;
        Ok(component_of(base)?.device)
    }

    /// Asks for a metadevice.
    fn read(&mut self, admin: &mut dyn Admin, name: MetadeviceName) -> Result<Unit, RequestError> {
        let argument = self.ask(admin, name)?;
        let mut unit = if argument.unit.kind == UnitKind::SoftPartition as u32 {
            let layout = self.layout(admin, name)?;
            self.unit(&argument.unit, Some(layout))?
        } else {
            self.unit(&argument.unit, None)?
        };
        self.name_spares(admin, &mut unit)?;
        match &mut unit.body {
            Body::Mirror(mirror) => mirror.scrubs = scrub::status(admin, name)?,
            Body::Raid(raid) => {
                raid.scrubs = scrub::status(admin, name)?;
                if raid.lost_blocks > 0 {
                    raid.lost = lost::list(admin, name)?;
                }
            }
            Body::Stripe(_) | Body::Soft(_) => {}
        }
        Ok(unit)
    }

    /// Says which hot spares stand for components, if some do.
    fn name_spares(&self, admin: &mut dyn Admin, unit: &mut Unit) -> Result<(), RequestError> {
        let rows = match &mut unit.body {
            Body::Stripe(rows) => rows,
            Body::Raid(raid) => &mut raid.rows,
            Body::Mirror(_) | Body::Soft(_) => return Ok(()),
        };
        let count = rows.iter().map(|row| row.components.len()).sum();
        let own = self.components.get(..count).unwrap_or(&[]);
        let is_spare = |component: &abi::Component| component.flags & abi::COMPONENT_SPARE != 0;
        if !own.iter().any(is_spare) {
            return Ok(());
        }
        let pools = pools::list(admin)?;
        let spares: Vec<_> = pools.iter().flat_map(|pool| &pool.spares).collect();
        let parts = rows.iter_mut().flat_map(|row| &mut row.components);
        for (part, component) in parts.zip(own) {
            if is_spare(component) {
                let spare = spares.iter().find(|spare| spare.dev == component.dev);
                let path = spare.map(|spare| spare.path.clone());
                part.spare = Some(path.unwrap_or_else(|| "unknown".to_string()));
            }
        }
        Ok(())
    }

    /// The metadevice that the kernel described.
    fn unit(
        &self,
        summary: &UnitSummary,
        layout: Option<soft::Status>,
    ) -> Result<Unit, RequestError> {
        let Kin {
            name, parent, kind, ..
        } = kin_of(summary)?;
        let (Some(rows), Some(components)) = (
            self.rows.get(..summary.row_count as usize),
            self.components.get(..summary.component_count as usize),
        ) else {
            return Err(RequestError::Nonsense(format!(
                "{name} has more rows than it can have"
            )));
        };
        let body = if let Some(layout) = layout {
            let base = components
                .first()
                .ok_or_else(|| RequestError::Nonsense(format!("{name} has no base")))?;
            Body::Soft(Soft {
                base: component_of(base)?,
                layout,
            })
        } else if kind == Kind::Mirror {
            Body::Mirror(Mirror {
                submirrors: components
                    .iter()
                    .map(submirror_of)
                    .collect::<Result<_, _>>()?,
                options: options_of(name, &summary.mirror)?,
                pace: pace_of(&summary.mirror),
                resync: resync_of(name, summary)?,
                scrubs: Scrubs::default(),
            })
        } else if kind == Kind::Raid {
            Body::Raid(raid_of(name, summary, rows, components)?)
        } else {
            Body::Stripe(rows_of(name, rows, components)?)
        };
        Ok(Unit {
            name,
            parent,
            state: unit_state_of(&name.to_string(), summary.state)?,
            size: Sectors(summary.size_sectors),
            dev: summary.dev,
            is_pending: summary.flags & abi::UNIT_PENDING != 0,
            pool: summary.pool.checked_sub(1).and_then(PoolName::from_number),
            body,
        })
    }
}

/// The rows of a stripe or concat, as the kernel described them.
fn rows_of(
    name: MetadeviceName,
    rows: &[abi::Row],
    mut components: &[abi::Component],
) -> Result<Vec<Row>, RequestError> {
    let mut found = Vec::new();
    for row in rows {
        let (own, rest) = components
            .split_at_checked(row.component_count as usize)
            .ok_or_else(|| RequestError::Nonsense(format!("{name} lacks components")))?;
        components = rest;
        found.push(Row {
            interlace: Sectors(row.interlace_sectors),
            components: own.iter().map(component_of).collect::<Result<_, _>>()?,
        });
    }
    Ok(found)
}

/// A RAID5 metadevice, as the kernel described it.
fn raid_of(
    name: MetadeviceName,
    summary: &UnitSummary,
    rows: &[abi::Row],
    components: &[abi::Component],
) -> Result<Raid, RequestError> {
    let rows = rows_of(name, rows, components)?;
    if !(1..=2).contains(&rows.len()) {
        let count = rows.len();
        return Err(RequestError::Nonsense(format!("{name} has {count} rows")));
    }
    Ok(Raid {
        rows,
        pace: pace_of(&summary.mirror),
        resync: resync_of(name, summary)?,
        is_initializing: summary.flags & abi::UNIT_INITIALIZING != 0,
        has_svm_rotation: summary.flags & abi::UNIT_SVM_ROTATION != 0,
        has_log: summary.flags & abi::UNIT_UNLOGGED == 0,
        is_blocked: summary.flags & abi::UNIT_BLOCKED != 0,
        lost_blocks: summary.lost_blocks,
        lost: Vec::new(),
        scrubs: Scrubs::default(),
    })
}

/// Options of a mirror, as the kernel described them.
fn options_of(name: MetadeviceName, options: &abi::MirrorOptions) -> Result<Options, RequestError> {
    let read_policy = ReadPolicy::ALL
        .into_iter()
        .find(|policy| read_policy(*policy) == options.read_policy);
    let write_policy = WritePolicy::ALL
        .into_iter()
        .find(|policy| write_policy(*policy) == options.write_policy);
    match (read_policy, write_policy) {
        (Some(read_policy), Some(write_policy)) => Ok(Options {
            read_policy,
            write_policy,
            pass: options.pass,
        }),
        _ => Err(RequestError::Nonsense(format!(
            "{name} has read policy {} and write policy {}",
            options.read_policy, options.write_policy
        ))),
    }
}

/// How fast a mirror is resynced, as the kernel described it.
fn pace_of(options: &abi::MirrorOptions) -> Pace {
    Pace {
        target_us: options.target_us,
        floor_kib_s: options.floor_kib_s,
        ceiling_kib_s: options.ceiling_kib_s,
    }
}

/// The resync of a mirror, as the kernel described it; `None` if there is nothing to do.
fn resync_of(name: MetadeviceName, summary: &UnitSummary) -> Result<Option<Resync>, RequestError> {
    let states = [
        (ResyncState::Idle, None),
        (ResyncState::Running, Some(report::ResyncState::Running)),
        (ResyncState::Cancelled, Some(report::ResyncState::Cancelled)),
        (ResyncState::Stuck, Some(report::ResyncState::Stuck)),
        (ResyncState::Paused, Some(report::ResyncState::Paused)),
        (ResyncState::Waiting, Some(report::ResyncState::Waiting)),
        (ResyncState::LeftOut, Some(report::ResyncState::LeftOut)),
    ];
    let number = summary.resync;
    let found = states
        .into_iter()
        .find(|(state, _)| *state as u32 == number);
    let (_, state) = found.ok_or_else(|| {
        RequestError::Nonsense(format!("the resync of {name} is in state {number}"))
    })?;
    Ok(state.map(|state| Resync {
        state,
        done: Sectors(summary.resynced_sectors),
        total: Sectors(summary.resync_sectors),
    }))
}

/// A metadevice and its parent, as the kernel described them.
fn kin_of(summary: &UnitSummary) -> Result<Kin, RequestError> {
    let name = name_of(&summary.name)?;
    let number = summary.parent;
    let parent = MetadeviceName::from_number(number);
    if parent.is_none() && number != NO_PARENT && number != SOFT_PARENTS {
        return Err(RequestError::Nonsense(format!(
            "{name} is part of a metadevice with number {number}"
        )));
    }
    let kinds = [
        (UnitKind::Stripe, Kind::Stripe),
        (UnitKind::Mirror, Kind::Mirror),
        (UnitKind::Raid, Kind::Raid),
        (UnitKind::SoftPartition, Kind::Soft),
    ];
    let mut kinds = kinds.into_iter();
    let kind = kinds.find(|(kind, _)| *kind as u32 == summary.kind);
    let (_, kind) =
        kind.ok_or_else(|| RequestError::Nonsense(format!("{name} is of kind {}", summary.kind)))?;
    Ok(Kin {
        name,
        parent,
        kind,
        base: None,
    })
}

/// A component as the kernel described it.
fn component_of(component: &abi::Component) -> Result<Component, RequestError> {
    let device = text_of(&component.device);
    Ok(Component {
        start: Sectors(component.start_sectors),
        size: Sectors(component.size_sectors),
        state: state_of(&device, component.state)?,
        read_errors: component.read_errors,
        write_errors: component.write_errors,
        healed_errors: component.healed_errors,
        is_slow: component.flags & abi::COMPONENT_SLOW != 0,
        event: event_of(&device, component.event_seconds)?,
        spare: None,
        device,
    })
}

/// A side of a mirror as the kernel described it: a component in a metadevice's state.
fn submirror_of(submirror: &abi::Component) -> Result<Component, RequestError> {
    let component = component_of(submirror)?;
    Ok(Component {
        state: unit_state_of(&component.device, submirror.state)?,
        ..component
    })
}

/// The state of a component with a number.
fn state_of(device: &str, number: u32) -> Result<State, RequestError> {
    let states = [
        (ComponentState::Okay, State::Okay),
        (ComponentState::Unavailable, State::Unavailable),
        (ComponentState::Maintenance, State::Maintenance),
        (ComponentState::LastErred, State::LastErred),
        (ComponentState::Resyncing, State::Resyncing),
        (ComponentState::NeedsResync, State::NeedsResync),
        (ComponentState::Offline, State::Offline),
    ];
    states
        .into_iter()
        .find(|(state, _)| *state as u32 == number)
        .map(|(_, state)| state)
        .ok_or_else(|| RequestError::Nonsense(format!("{device} is in state {number}")))
}

/// The state of a metadevice with a number: it needs maintenance if a component does.
fn unit_state_of(device: &str, number: u32) -> Result<State, RequestError> {
    Ok(match state_of(device, number)? {
        State::Maintenance | State::LastErred => State::NeedsMaintenance,
        state => state,
    })
}

/// Second of the year 10000 from which on a time has no form in RFC 3339.
const SECONDS_END: u64 = 253_402_300_800;

/// A time as RFC 3339 has it.
pub(super) fn event_of(device: &str, seconds: u64) -> Result<Option<String>, RequestError> {
    match seconds {
        0 => Ok(None),
        1..SECONDS_END => {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            Ok(Some(humantime::format_rfc3339_seconds(time).to_string()))
        }
        SECONDS_END.. => Err(RequestError::Nonsense(format!(
            "{device} has changed {seconds} seconds after 1970"
        ))),
    }
}

/// The metadevice's name in a field of the ABI.
fn name_of(field: &[u8]) -> Result<MetadeviceName, RequestError> {
    let name = text_of(field);
    name.parse()
        .map_err(|_| RequestError::Nonsense(format!("a metadevice named \"{name}\"")))
}
