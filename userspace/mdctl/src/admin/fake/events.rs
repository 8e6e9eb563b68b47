// SPDX-License-Identifier: GPL-2.0
//! The events of the fake kernel: a test says what happens. It keeps as many as the real one, and
//! who waits for more is interrupted by a signal.

use super::{
    FakeAdmin,
    Refused, //
};
use md_abi::admin::{
    Event,
    ReadEvents,
    Refusal,
    EVENTS_KEPT,
    EVENTS_NEWEST,
    EVENTS_READ_MAX,
    EVENTS_WAIT_MS_MAX,
    NO_INDEX, //
};
use md_model::events::kind::{
    Kind,
    State, //
};
use zerocopy::FromZeros;

/// Puts a text into a field that is zero.
fn put(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

impl FakeAdmin {
    /// Something happens to a device of a volume. The test may say more of it.
    pub fn happen(&mut self, kind: Kind, volume: &str, device: &str) -> &mut Event {
        let mut event = Event::new_zeroed();
        event.number = self.events.len() as u64 + 1;
        event.seconds = self.clock;
        event.kind = kind.number();
        put(&mut event.volume, volume);
        put(&mut event.device, device);
        self.events.push(event);
        self.events.last_mut().expect("just pushed")
    }

    /// A component or submirror changes its state.
    pub fn happen_to(&mut self, kind: Kind, volume: &str, device: &str, states: [State; 2]) {
        let event = self.happen(kind, volume, device);
        [event.old_state, event.new_state] = states.map(State::number);
    }

    /// Reads events.
    pub(super) fn read_from_ring(
        &mut self,
        argument: &mut ReadEvents,
        events: &mut [Event],
    ) -> Result<(), Refused> {
        assert!(argument.wait_ms <= EVENTS_WAIT_MS_MAX);
        assert_eq!((argument.event_count, argument.reserved), (0, 0));
        assert_eq!(argument.lost_count, 0);
        let newest = self.events.len() as u64;
        if argument.after == EVENTS_NEWEST {
            argument.after = newest;
        }
        if argument.after > newest {
            return Err((Refusal::NoSuchEvent, NO_INDEX, [argument.after, newest]));
        }
        let oldest = newest.saturating_sub(EVENTS_KEPT.into());
        argument.lost_count = oldest.saturating_sub(argument.after);
        argument.after += argument.lost_count;
        let unseen = &self.events[argument.after as usize..];
        if unseen.is_empty() && argument.wait_ms > 0 {
            return Err((Refusal::Interrupted, NO_INDEX, [0; 2]));
        }
        let most = events.len().min(EVENTS_READ_MAX as usize);
        let count = unseen.len().min(most);
        events[..count].copy_from_slice(&unseen[..count]);
        argument.event_count = count as u32;
        argument.after += count as u64;
        Ok(())
    }
}
