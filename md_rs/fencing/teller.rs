// SPDX-License-Identifier: GPL-2.0
//! Who tells of disks that were lost, fenced, or are back: they are events like all others. A loss
//! is found in an interrupt, and events are recorded by tasks, so that a worker does it.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use md_model::{
    events::kind::{
        Kind,
        State, //
    },
    failfast::watch::Cause, //
};

use crate::{
    abi::DEVICE_LEN,
    events::{
        Event,
        Events, //
    },
    kapi::{
        global::DISKS,
        worker::{
            Run,
            Worker, //
        }, //
    },
};

/// Something that is to be told of a disk.
#[derive(Clone, Copy)]
pub(super) enum News {
    /// Access was lost.
    Lost(Cause),
    /// Nothing is sent to it any more.
    Fenced,
    /// It is ours again, or given up.
    Back,
}

/// What is to be told of one disk, in its order. There is no more of it before somebody tells: a
/// disk that was lost has to be taken back before it can be lost again, and that is told at once.
#[derive(Clone, Copy, Default)]
pub(super) struct Untold([Option<News>; 4]);

impl Untold {
    /// One more.
    pub(super) fn push(&mut self, news: News) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(news);
        }
    }

    /// The oldest.
    pub(super) fn take(&mut self) -> Option<News> {
        let Self([first, others @ ..]) = *self;
        let [second, third, fourth] = others;
        self.0 = [second, third, fourth, None];
        first
    }
}

/// Who tells.
#[pin_data]
pub(super) struct Teller {
    events: Arc<Events>,
    /// Held by who tells, so that all of it is in order.
    #[pin]
    turn: Mutex<()>,
}

/// The same, with a thread for what interrupts find.
pub(super) type TellerWorker = Arc<Worker<Teller>>;

/// That what happens to disks is told. Until this is dropped, which waits for who is telling.
pub(crate) struct Telling(());

impl Telling {
    /// Has events recorded.
    pub(crate) fn new(events: Arc<Events>) -> Result<Self> {
        let teller = try_pin_init!(Teller {
            events,
            turn <- new_mutex!((), "md_fencing_turn"),
        }? Error);
        let worker = Worker::new(c"md_fencing", teller);
        drop(set_teller(Some(Arc::pin_init(worker, GFP_KERNEL)?)));
        Ok(Self(()))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        drop(set_teller(None));
    }
}

/// From now on this one tells of disks; or nobody any more, which returns who did.
fn set_teller(teller: Option<TellerWorker>) -> Option<TellerWorker> {
    DISKS.with(|disks| core::mem::replace(&mut disks.teller, teller))
}

/// Tells what there is to tell, at once. In task context.
pub(super) fn tell_now() {
    if let Some(teller) = DISKS.with(|disks| disks.teller.clone()) {
        teller.target().run();
    }
}

impl Teller {
    fn tell(&self, path: &[u8; DEVICE_LEN], news: News) {
        let of = |kind| Event::of_set(kind).device(path);
        self.events.record(&match news {
            News::Lost(cause) => of(Kind::Lost)
                .states(State::Okay, State::Lost)
                .values([u64::from(cause == Cause::Io), 0]),
            News::Fenced => of(Kind::Fenced).states(State::Lost, State::Fenced),
            News::Back => of(Kind::Back).state(State::Okay),
        });
    }
}

impl Run for Teller {
    fn run(&self) {
        let _turn = self.turn.lock();
        while let Some((path, news)) = DISKS.with(|disks| disks.take_news()) {
            self.tell(&path, news);
        }
    }
}
