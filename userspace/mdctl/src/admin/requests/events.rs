// SPDX-License-Identifier: GPL-2.0
//! Events: what the kernel has kept of them, and waiting for more.

use super::{
    header,
    judge,
    reading::event_of,
    text_of,
    Admin,
    RequestError, //
};
use crate::syntax::size::Sectors;
use md_abi::admin::{
    self as abi,
    EVENTS_NEWEST,
    EVENTS_READ_MAX, //
};
use md_model::events::kind::{
    Kind,
    State, //
};
use md_report as report;
use std::time::Duration;
use zerocopy::FromZeros;

/// Something that has happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// Its number.
    pub number: u64,
    /// When it happened, in UTC as RFC 3339 has it.
    pub time: Option<String>,
    /// What has happened.
    pub kind: Kind,
    /// The metadevice or hot spare pool that it is about.
    pub volume: Option<String>,
    /// The component, hot spare, replica or submirror that it is about; or the name before.
    pub device: Option<String>,
    /// The device that has taken the place of that one.
    pub new_device: Option<String>,
    /// The state before.
    pub old_state: Option<State>,
    /// The state since then.
    pub new_state: Option<State>,
    /// Figures that belong to the kind, see [`abi::Event::values`].
    pub values: [u64; 2],
}

/// What has happened since somebody has asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// Events that nobody can read any more, before the others.
    pub lost: u64,
    /// The events.
    pub events: Vec<Event>,
    /// Number of the last event that is known now.
    pub after: u64,
}

/// Number of the last event.
pub fn newest(admin: &mut dyn Admin) -> Result<u64, RequestError> {
    Ok(call(admin, EVENTS_NEWEST, Duration::ZERO, 0)?.after)
}

/// Reads what has happened after the event with a number. If that is nothing, waits for so long; a
/// signal ends that with the refusal `Interrupted`.
pub fn read(admin: &mut dyn Admin, after: u64, wait: Duration) -> Result<Batch, RequestError> {
    call(admin, after, wait, EVENTS_READ_MAX as usize)
}

fn call(
    admin: &mut dyn Admin,
    after: u64,
    wait: Duration,
    most: usize,
) -> Result<Batch, RequestError> {
    let mut argument = abi::ReadEvents::new_zeroed();
    argument.header = header::<abi::ReadEvents>();
    argument.after = after;
    argument.wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    let mut events = vec![abi::Event::new_zeroed(); most];
    let result = admin.read_events(&mut argument, &mut events);
    judge(result, &argument.header)?;
    let count = argument.event_count as usize;
    let filled = events.get(..count).ok_or_else(|| {
        RequestError::Nonsense(format!("{count} events, and there is room for {most}"))
    })?;
    Ok(Batch {
        lost: argument.lost_count,
        events: filled.iter().map(parse).collect::<Result<_, _>>()?,
        after: argument.after,
    })
}

fn parse(event: &abi::Event) -> Result<Event, RequestError> {
    let number = event.number;
    let nonsense = |what: &str, found| {
        RequestError::Nonsense(format!("event {number} has the {what} {found}"))
    };
    let state = |found| match found {
        0 => Ok(None),
        found => match State::from_number(found) {
            Some(state) => Ok(Some(state)),
            None => Err(nonsense("state", found)),
        },
    };
    let text = |field| Some(text_of(field)).filter(|text| !text.is_empty());
    Ok(Event {
        number,
        time: event_of("an event", event.seconds)?,
        kind: Kind::from_number(event.kind).ok_or_else(|| nonsense("kind", event.kind))?,
        volume: text(&event.volume),
        device: text(&event.device),
        new_device: text(&event.new_device),
        old_state: state(event.old_state)?,
        new_state: state(event.new_state)?,
        values: event.values,
    })
}

impl Event {
    /// The event in a line of text.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{} {} {}",
            self.time.as_deref().unwrap_or("-"),
            self.volume.as_deref().unwrap_or("set"),
            self.kind.word()
        );
        if let Some(device) = &self.device {
            line += &format!(" {device}");
        }
        if let Some(device) = &self.new_device {
            line += &format!(" with {device}");
        }
        line += &match (self.old_state, self.new_state) {
            (Some(old), Some(new)) => format!(": {} -> {}", old.word(), new.word()),
            (None, Some(new)) => format!(": {}", new.word()),
            (_, None) => String::new(),
        };
        let [first, second] = self.values;
        line += &match self.kind {
            Kind::Grow => format!(": {first} -> {second} blocks"),
            Kind::Check => format!(", {first} blocks differ, {second} were repaired"),
            Kind::Start => format!(", {first} metadevices, {second} could not be made"),
            _ => String::new(),
        };
        line
    }
}

impl From<&Event> for report::Event {
    fn from(event: &Event) -> Self {
        let [first, second] = event.values;
        let figure = |kind, value| (event.kind == kind).then_some(value);
        let bytes = |kind, value| figure(kind, Sectors(value).bytes());
        report::Event {
            sequence: event.number,
            time: event.time.clone(),
            event: event.kind.word().to_string(),
            volume: event.volume.clone(),
            device: event.device.clone(),
            new_device: event.new_device.clone(),
            old_state: event.old_state.map(|state| state.word().to_string()),
            new_state: event.new_state.map(|state| state.word().to_string()),
            old_size: bytes(Kind::Grow, first),
            new_size: bytes(Kind::Grow, second),
            differing: bytes(Kind::Check, first),
            repaired: bytes(Kind::Check, second),
            made: figure(Kind::Start, first),
            failed: figure(Kind::Start, second),
        }
    }
}
