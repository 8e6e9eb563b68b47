// SPDX-License-Identifier: GPL-2.0
//! Watermarks of soft partitions, whose checksums are made to fit.

use md_model::{
    database::{
        crc32c::Crc32c,
        identity::Uuid, //
    },
    soft::{
        chain::Walk,
        rebuild::{
            rebuild,
            Candidate,
            Found, //
        },
        watermark::{
            self,
            Watermark,
            BYTES, //
        },
        Base, //
    },
};

/// Bytes of a change of a base: the grain (one), the offset (two), and what is written there.
const CHANGE: usize = 4;

/// Grains of the base.
const GRAINS: usize = 32;

const BASE: Base = Base {
    start: 16,
    end: (GRAINS as u64 - 1) * 16,
};

fn sign(bytes: &mut [u8]) {
    watermark::CHECKSUM.put(bytes, 0);
    let checksum = Crc32c::START.with(bytes).value();
    watermark::CHECKSUM.put(bytes, checksum.into());
}

/// One watermark: what is accepted is written as the very bytes that were read.
pub(crate) fn watermark(input: &[u8]) {
    let mut bytes = input.to_vec();
    bytes.resize(BYTES, 0);
    watermark::MAGIC.put_bytes(&mut bytes, b"md_rs:watermark\0");
    watermark::FORMAT.put(&mut bytes, watermark::VERSION.into());
    sign(&mut bytes);
    if let Ok(mark) = Watermark::decode(&bytes) {
        let mut again = [0; BYTES];
        assert!(mark.encode(&mut again));
        assert!(
            again == bytes[..],
            "what was read is written as something else"
        );
    }
}

/// A base with whole watermarks all over it, some bytes of which are changed: the walk comes to an
/// end, and what is rebuilt lies within the base, without overlap.
pub(crate) fn watermarks(input: &[u8]) {
    let mut grains = vec![[0; BYTES]; GRAINS];
    for (number, bytes) in grains.iter_mut().enumerate() {
        let mark = Watermark {
            base: Uuid::from_bytes([7; 16]),
            sector: number as u64 * 16,
            length: 0,
            behind: watermark::Behind::Free,
        };
        assert!(mark.encode(bytes));
    }
    for change in input.chunks_exact(CHANGE) {
        let bytes = &mut grains[usize::from(change[0]) % GRAINS];
        let offset = usize::from(u16::from_le_bytes([change[1], change[2]])) % BYTES;
        bytes[offset] = change[3];
    }
    grains.iter_mut().for_each(|bytes| sign(bytes));
    let mut walk = Walk::new(&BASE);
    let mut found = Vec::new();
    let mut steps = 0;
    while let Some(place) = walk.place() {
        steps += 1;
        assert!(
            steps <= GRAINS && place <= BASE.end,
            "the walk leaves the base"
        );
        let bytes = &grains[place as usize / 16];
        match walk.step((bytes, bytes)) {
            Ok(mark) => found.extend(mark.extent().map(|(extent, stamp)| Found { extent, stamp })),
            Err(_) => break,
        }
    }
    for one in &found {
        let mut out = vec![Candidate::UNFILLED; GRAINS];
        if let Some(rebuilt) = rebuild(&found, &one.stamp.soft, &mut out) {
            let mut own: Vec<_> = out[..rebuilt.version.extents as usize]
                .iter()
                .map(|one| (one.extent.sector, one.extent.end()))
                .collect();
            own.sort_unstable();
            assert!(own.windows(2).all(|pair| pair[0].1 < pair[1].0));
            assert!(own.iter().all(|(from, to)| from < to && *to <= BASE.end));
        }
    }
}
