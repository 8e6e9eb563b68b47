// SPDX-License-Identifier: GPL-2.0
//! How fast a mirror is resynced, at the end of its record: only if the administrator wants it
//! otherwise than everybody has it, so that there is one record for each mirror.

use super::super::{
    field::{
        is_gapless,
        Field, //
    },
    page::{
        bad,
        bad_field,
        zero,
        Damage, //
    },
};
use crate::mirror::throttle::Limits;

/// The target.
pub const TARGET: Field = Field::first(
    "target",
    4,
    "microseconds that a request may take on average before the resync gives way",
);
/// The floor.
pub const FLOOR: Field = TARGET.then(
    "floor",
    4,
    "KiB per second below which the resync is never made to fall; 0 for no floor",
);
/// The ceiling.
pub const CEILING: Field = FLOOR.then(
    "ceiling",
    4,
    "KiB per second that it does not exceed while the mirror is in use; 0 for no ceiling",
);
/// Nothing.
pub const REST: Field = CEILING.then("rest", 4, "zero");

/// The pace, field by field.
pub const FIELDS: &[Field] = &[TARGET, FLOOR, CEILING, REST];

/// Bytes of it.
pub const BYTES: usize = 16;

const _: () = assert!(is_gapless(FIELDS, BYTES));

/// Writes it to bytes that are zero.
pub(super) fn encode(limits: &Limits, to: &mut [u8]) {
    TARGET.put(to, limits.target_us);
    FLOOR.put(to, limits.floor_kib_s);
    CEILING.put(to, limits.ceiling_kib_s);
}

/// Reads it. What everybody has is not written down.
pub(super) fn decode(from: &[u8]) -> Result<Limits, Damage> {
    zero(REST, from)?;
    let limits = Limits::new(
        TARGET.number32(from),
        FLOOR.number32(from),
        CEILING.number32(from),
    );
    let limits = limits.ok_or(bad_field(TARGET, from))?;
    if limits == Limits::DEFAULT {
        return Err(bad("pace that need not be written", limits.target_us));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{
        vec,
        vec::Vec, //
    };

    use super::{
        super::{
            encode as encode_record,
            Head,
            Kind,
            Parts,
            Record,
            Side,
            Sync, //
        },
        *, //
    };
    use crate::mirror::{
        options::Options,
        scrub::history::History,
        side::SideState, //
    };

    /// The record of a mirror with a pace.
    fn record(pace: Limits, history: Option<&History>) -> Vec<u8> {
        let options = Options {
            pace,
            ..Options::default()
        };
        let side = Side {
            number: 11,
            state: SideState::Okay,
        };
        let parts = Parts {
            head: Head {
                number: 10,
                kind: Kind::Mirror(options),
                size_sectors: 4096,
                sync: Sync::UNKNOWN,
                pool: None,
            },
            rows: &[],
            components: &[],
            sides: &[side],
            words: &[],
            spared: &[],
            history,
            soft: None,
            raid: None,
        };
        let mut bytes = vec![0xff; super::super::fields::BYTES_MAX];
        let length = encode_record(&parts, &mut bytes).expect("it fits");
        bytes.truncate(length);
        bytes
    }

    fn pace_in(bytes: &[u8]) -> Option<Limits> {
        match Record::decode(bytes).ok()?.head.kind {
            Kind::Mirror(options) => Some(options.pace),
            Kind::Stripe | Kind::Soft | Kind::Raid => None,
        }
    }

    #[test]
    fn what_was_chosen_reads_back_and_what_everybody_has_takes_no_room() {
        let chosen = Limits::new(30, 0, 7).expect("in range");
        let (long, short) = (
            record(chosen, Some(&History::NONE)),
            record(Limits::DEFAULT, Some(&History::NONE)),
        );
        assert_eq!(pace_in(&long), Some(chosen));
        assert_eq!(pace_in(&short), Some(Limits::DEFAULT));
        assert_eq!(long.len(), short.len() + BYTES);
        assert_eq!(long.get(..short.len()), Some(&*short));
        // Labels have no pace.
        assert_eq!(pace_in(&record(chosen, None)), Some(Limits::DEFAULT));
    }

    #[test]
    fn a_pace_that_nobody_writes_is_damage() {
        let good = record(
            Limits::new(30, 5, 7).expect("in range"),
            Some(&History::NONE),
        );
        let start = good.len() - BYTES;
        for (field, value) in [(TARGET, 0), (TARGET, 60_000_001), (REST, 1)] {
            let mut bad = good.clone();
            field.put(bad.get_mut(start..).expect("a pace"), value);
            assert_eq!(pace_in(&bad), None, "{} {value}", field.name);
        }
        let mut default = good.clone();
        encode(&Limits::DEFAULT, default.get_mut(start..).expect("a pace"));
        assert_eq!(pace_in(&default), None);
        for length in start + 1..good.len() {
            assert_eq!(pace_in(good.get(..length).expect("shorter")), None);
        }
        let mut longer = good;
        longer.push(0);
        assert_eq!(pace_in(&longer), None);
    }
}
