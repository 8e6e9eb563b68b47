// SPDX-License-Identifier: GPL-2.0
//! What has happened to metadevices, their components, hot spares, replicas and the set: kept for
//! who reads it ([`Events::read`]), told in the kernel's log ([`log`]), and sent to user space as
//! uevents ([`sender`]). The rules are [`md_model::events`]'s.
//!
//! An event is recorded where a change of state takes effect, or where the administrator's request
//! is carried out. That takes no memory and does not sleep: uevents are sent by a worker.

mod log;
mod sender;

use kernel::{
    new_condvar,
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        CondVarTimeoutResult,
        SpinLock, //
    },
    time::{
        msecs_to_jiffies,
        Instant,
        Monotonic, //
    }, //
};
use md_model::{
    events::{
        kind::{
            Kind,
            State, //
        },
        log::Limiter,
        ring::{
            Next,
            Ring,
            KEPT, //
        }, //
    },
    name::UnitName,
    spare::name::PoolName, //
};

use self::sender::Sender;
use crate::{
    abi::{
        self,
        Refusal,
        NAME_LEN, //
    },
    kapi::{
        health::seconds_since_1970,
        uevent::DiskRef,
        worker::Worker, //
    },
    Refused, //
};

// The interface and the model name the same limit.
const _: () = assert!(abi::EVENTS_KEPT as usize == KEPT);

/// Something that happens.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    kind: Kind,
    volume: Volume,
    device: &'a [u8],
    new_device: &'a [u8],
    states: (Option<State>, Option<State>),
    values: [u64; 2],
}

/// To what it happens, by its number.
#[derive(Clone, Copy)]
enum Volume {
    Unit(u32),
    Pool(u32),
    /// The set, or a replica of it.
    Set,
}

impl<'a> Event<'a> {
    /// Something happens to a metadevice, or to what it is made of.
    pub(crate) fn of_unit(kind: Kind, number: u32) -> Self {
        Self::new(kind, Volume::Unit(number))
    }

    /// Something happens to a hot spare pool.
    pub(crate) fn of_pool(kind: Kind, number: u32) -> Self {
        Self::new(kind, Volume::Pool(number))
    }

    /// Something happens to the set, or to one of its replicas.
    pub(crate) fn of_set(kind: Kind) -> Self {
        Self::new(kind, Volume::Set)
    }

    fn new(kind: Kind, volume: Volume) -> Self {
        Self {
            kind,
            volume,
            device: &[],
            new_device: &[],
            states: (None, None),
            values: [0; 2],
        }
    }

    /// It is about this device, or about a metadevice by its name.
    pub(crate) fn device(self, device: &'a [u8]) -> Self {
        Self { device, ..self }
    }

    /// This device has taken the place of that one.
    pub(crate) fn new_device(self, new_device: &'a [u8]) -> Self {
        Self { new_device, ..self }
    }

    /// Its state was the first one, and is the second one now.
    pub(crate) fn states(self, before: impl Into<State>, after: impl Into<State>) -> Self {
        let states = (Some(before.into()), Some(after.into()));
        Self { states, ..self }
    }

    /// It is in this state now.
    pub(crate) fn state(self, after: impl Into<State>) -> Self {
        let states = (None, Some(after.into()));
        Self { states, ..self }
    }

    /// With figures, as [`abi::Event`] has them.
    pub(crate) fn values(self, values: [u64; 2]) -> Self {
        Self { values, ..self }
    }

    fn to_abi(self) -> abi::Event {
        let number = |state: Option<State>| state.map_or(0, State::number);
        abi::Event {
            number: 0,
            seconds: seconds_since_1970(),
            kind: self.kind.number(),
            old_state: number(self.states.0),
            new_state: number(self.states.1),
            reserved: 0,
            values: self.values,
            volume: self.volume.to_field(),
            device: field(self.device),
            new_device: field(self.new_device),
        }
    }
}

impl Volume {
    fn to_field(self) -> [u8; NAME_LEN] {
        match self {
            Self::Unit(number) => {
                UnitName::from_number(number).map_or([0; NAME_LEN], |name| name.to_padded())
            }
            Self::Pool(number) => PoolName::from_number(number)
                .map_or([0; NAME_LEN], |name| field(name.as_str().as_bytes())),
            Self::Set => [0; NAME_LEN],
        }
    }
}

/// A text up to its first zero, padded with zeros, of which there is at least one.
fn field<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [0; N];
    let text = text.iter().take_while(|byte| **byte != 0);
    for (to, from) in field.iter_mut().take(N.saturating_sub(1)).zip(text) {
        *to = *from;
    }
    field
}

/// The text in a field.
fn text_in(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    field.get(..end.unwrap_or(field.len())).unwrap_or(&[])
}

/// The last events.
#[pin_data]
struct Log {
    #[pin]
    kept: SpinLock<Kept>,
    /// Told when there is one more.
    #[pin]
    came: CondVar,
}

struct Kept {
    ring: Ring,
    slots: KVVec<abi::Event>,
    limiter: Limiter,
    /// When the limiter's clock was zero.
    since: Instant<Monotonic>,
}

impl Kept {
    /// Keeps an event. How many lines were left out of the log before the one that it may take;
    /// `None` if it may take none.
    fn push(&mut self, event: &abi::Event) -> Option<u32> {
        let numbered = |number| abi::Event { number, ..*event };
        self.ring.push(&mut self.slots, numbered);
        let now_ms = u64::try_from(self.since.elapsed().as_millis());
        self.limiter.admit(now_ms.unwrap_or(0))
    }
}

/// The events, and who tells of them.
pub(crate) struct Events {
    log: Arc<Log>,
    sender: Arc<Worker<Sender>>,
}

impl Events {
    /// Nothing has happened.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let nothing = <abi::Event as zerocopy::FromZeros>::new_zeroed();
        let kept = Kept {
            ring: Ring::new(),
            slots: KVVec::from_elem(nothing, KEPT, GFP_KERNEL)?,
            limiter: Limiter::new(),
            since: Instant::now(),
        };
        let log = Arc::pin_init(
            pin_init!(Log {
                kept <- new_spinlock!(kept, "md_events"),
                came <- new_condvar!("md_event_came"),
            }),
            GFP_KERNEL,
        )?;
        let sender = Worker::new(c"md_events", Sender::new(log.clone()));
        let sender = Arc::pin_init(sender, GFP_KERNEL)?;
        Ok(Arc::new(Self { log, sender }, GFP_KERNEL)?)
    }

    /// Something has happened. In task context; neither sleeps nor allocates.
    pub(crate) fn record(&self, event: &Event<'_>) {
        let told = event.to_abi();
        let may_tell = self.log.kept.lock().push(&told);
        self.log.came.notify_all();
        self.sender.kick();
        if let Some(left_out) = may_tell {
            log::tell(event, &told, left_out);
        }
    }

    /// From now on uevents about the metadevice with a number are those of this disk.
    pub(crate) fn show_disk(&self, number: u32, disk: DiskRef) -> Result {
        self.sender.target().show_disk(number, disk)
    }

    /// Its disk is about to go.
    pub(crate) fn hide_disk(&self, number: u32) {
        self.sender.target().hide_disk(number);
    }

    /// Reads events as [`abi::IOC_READ_EVENTS`] says, and waits for one if there is none.
    pub(crate) fn read(&self, request: &abi::ReadEvents) -> Result<Batch, Refused> {
        let most = request.event_capacity.min(abi::EVENTS_READ_MAX);
        let events = KVVec::with_capacity(most as usize, GFP_KERNEL)?;
        let mut left = msecs_to_jiffies(request.wait_ms);
        let mut kept = self.log.kept.lock();
        let newest = kept.ring.newest();
        let after = match request.after {
            abi::EVENTS_NEWEST => newest,
            after => after,
        };
        loop {
            let next = kept.ring.next(KEPT, after, most.into());
            let next = next.map_err(|_| {
                let values = [after, newest];
                Refused::new(EINVAL, Refusal::NoSuchEvent).with(values)
            })?;
            if next.count > 0 || next.lost > 0 || left == 0 {
                return Ok(Batch::new(next, &kept, events));
            }
            let waited = &self.log.came;
            left = match waited.wait_interruptible_timeout(&mut kept, left) {
                CondVarTimeoutResult::Woken { jiffies } => jiffies,
                CondVarTimeoutResult::Timeout => 0,
                CondVarTimeoutResult::Signal { .. } => {
                    return Err(Refused::new(EINTR, Refusal::Interrupted));
                }
            };
        }
    }
}

/// Events that somebody reads.
pub(crate) struct Batch {
    /// The events.
    pub(crate) events: KVVec<abi::Event>,
    /// How many before them are lost.
    pub(crate) lost: u64,
    /// Number of the last one that is known now.
    pub(crate) after: u64,
}

impl Batch {
    /// There is room for all of them. Does not allocate.
    fn new(next: Next, kept: &Kept, mut events: KVVec<abi::Event>) -> Self {
        let end = next.first.saturating_add(next.count);
        for number in next.first..end {
            if let Some(event) = kept.ring.get(&kept.slots, number) {
                let _ = events.push_within_capacity(*event);
            }
        }
        Self {
            events,
            lost: next.lost,
            after: end.saturating_sub(1),
        }
    }
}
