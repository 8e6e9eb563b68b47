// SPDX-License-Identifier: GPL-2.0
//! How much a tape holds, by its length and density. Lengths are counted in tenths of an inch.

/// Bits per inch of tapes with a short gap between blocks; from there on these are large.
pub(crate) const DENSE: u64 = 6250;

/// A tape, as far as it is described.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tape {
    /// Length.
    pub(crate) feet: Option<u64>,
    /// Bits per inch.
    pub(crate) density: Option<u64>,
    /// Whether it is a cartridge.
    pub(crate) is_cartridge: bool,
}

impl Tape {
    /// How many blocks of so many records go onto it; nothing if it is not described.
    pub(crate) fn blocks(self, ntrec: u64) -> Option<u64> {
        if self.feet.is_none() && self.density.is_none() && !self.is_cartridge {
            return None;
        }
        let (density, feet) = if self.is_cartridge {
            (8000, 1700)
        } else {
            (1600, 2300)
        };
        let density = self.density.unwrap_or(density);
        let feet = self.feet.unwrap_or(feet);
        let gap = match (self.is_cartridge, density) {
            (true, _) => 16,
            (false, DENSE) => 5,
            (false, _) => 8,
        };
        // Ten tenths of an inch have as many bytes as the density has bits, on nine tracks.
        let tenths = ntrec * 1024 * 10 / density.max(1) + gap;
        Some(feet * 12 * 10 / tenths + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_of_2300_feet_holds_what_it_always_did() {
        let tape = Tape {
            density: Some(1600),
            ..Tape::default()
        };
        // 64 + 8 tenths of an inch for each block.
        assert_eq!(tape.blocks(10), Some(276_000 / 72 + 1));
        assert_eq!(Tape::default().blocks(10), None);
        // 16 + 5 tenths, and another length.
        let dense = Tape {
            density: Some(6250),
            feet: Some(100),
            ..Tape::default()
        };
        assert_eq!(dense.blocks(10), Some(12_000 / 21 + 1));
        let cartridge = Tape {
            is_cartridge: true,
            ..Tape::default()
        };
        assert_eq!(cartridge.blocks(10), Some(204_000 / 28 + 1));
    }
}
