// SPDX-License-Identifier: GPL-2.0
//! The list of sectors that a crash and a column that went with it have taken: they read as errors
//! until they are written again. `md_model::raid5::lost` has what is in it.

use kernel::prelude::*;
use md_model::raid5::{
    bit,
    layout::Piece,
    lost::{
        decode,
        encode,
        is_lost,
        lines,
        page_start,
        rewrite,
        LostLine,
        Newest,
        LINES_MAX, //
    },
    HEAD_SECTORS, //
};

use super::{
    Target,
    Work, //
};
use crate::kapi::bdev::Buffer;

/// The list.
pub(super) struct Lost {
    lines: KVVec<LostLine>,
    /// The list that is on the columns.
    newest: Newest,
    /// Whether that one is another one.
    is_stale: bool,
}

impl Lost {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            lines: KVVec::with_capacity(LINES_MAX, GFP_KERNEL)?,
            newest: Newest::default(),
            is_stale: false,
        })
    }

    /// Whether nothing is lost, and the columns say so.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_stale && self.blocks() == 0
    }

    /// Blocks of 4 KiB that are lost.
    pub(super) fn blocks(&self) -> u32 {
        let blocks = self.lines.iter().map(|line| line.blocks.count_ones());
        blocks.fold(0, u32::saturating_add)
    }

    /// A column may be another one than before: which ones have the list is not known.
    pub(super) fn forget_holders(&mut self) {
        self.newest.holders = 0;
    }

    /// Copies the lines to where there is room for as many.
    pub(super) fn copy_to(&self, lines: &mut KVVec<LostLine>) {
        lines.clear();
        for line in self.lines.iter().filter(|line| line.blocks != 0) {
            let _ = lines.push_within_capacity(*line);
        }
    }

    /// Adds a line, if it is not there already.
    pub(super) fn add(&mut self, line: LostLine) -> Result {
        if !self.lines.contains(&line) {
            let added = self.lines.push_within_capacity(line);
            added.map_err(|_| ENOSPC)?;
            self.is_stale = true;
        }
        Ok(())
    }

    /// Whether a sector of a piece is lost.
    pub(super) fn has(&self, piece: &Piece) -> bool {
        let sectors = (piece.skip, piece.count);
        is_lost(&self.lines, piece.column, piece.line, sectors)
    }

    /// A piece was written: its whole blocks are there again.
    pub(super) fn note_written(&mut self, piece: &Piece) {
        let sectors = (piece.skip, piece.count);
        self.is_stale |= rewrite(&mut self.lines, piece.column, piece.line, sectors);
    }
}

impl Work {
    /// Finds the newest list on the columns that are in service. Whether all of them can be read;
    /// who cannot is noted.
    pub(super) fn read_list(&mut self, target: Target<'_>, page: &mut Buffer) -> bool {
        self.lost.lines.clear();
        (self.lost.newest, self.lost.is_stale) = (Newest::default(), false);
        for column in target.members(target.present()) {
            let Some(component) = target.column(column) else {
                continue;
            };
            for number in 0..2 {
                let sector = target.start(column).saturating_add(page_start(number));
                let read = component.device.read_part(sector, HEAD_SECTORS, page, 0);
                if read.is_err() {
                    component.note_write_failed();
                    return false;
                }
                let found = decode(target.unit.log(), page);
                if !found.is_some_and(|sequence| self.lost.newest.meet(column, sequence)) {
                    continue;
                }
                self.lost.lines.clear();
                for line in lines(page) {
                    // There is room for as many as a page has.
                    let _ = self.lost.lines.push_within_capacity(line);
                }
            }
        }
        true
    }

    /// The list is on all columns that are in service, durably, as it is. Columns that fail are
    /// judged, and then it is tried without them.
    pub(super) fn settle_list(&mut self, target: Target<'_>) -> Result {
        // One that some have is given to the others first: the next one would be written over what
        // these have.
        self.spread_list(target)?;
        if self.lost.is_stale {
            let newest = &mut self.lost.newest;
            newest.sequence = newest.sequence.checked_add(1).ok_or(EOVERFLOW)?;
            newest.holders = 0;
            self.spread_list(target)?;
            self.lost.is_stale = false;
        }
        Ok(())
    }

    /// Gives the list to those that lack it.
    fn spread_list(&mut self, target: Target<'_>) -> Result {
        for _ in 0..super::slots::TRIES {
            if self.write_list(target) {
                return Ok(());
            }
            if !target.judge() || target.unit.is_unrecorded() {
                return Err(EIO);
            }
        }
        Err(EIO)
    }

    /// Gives the list to those that lack it, as it was when it got its number. Whether all columns
    /// that were in service have it; who failed is noted.
    pub(super) fn write_list(&mut self, target: Target<'_>) -> bool {
        if self.lost.newest.is_on_all(target.present()) {
            return true;
        }
        let lack = target.present() & !self.lost.newest.holders;
        self.volley.clear();
        let mut sent = [None; 64];
        for (column, sent) in (0..target.count()).zip(&mut sent) {
            if lack & bit(column) != 0 {
                *sent = self.load_list(target, column);
                if sent.is_none() {
                    return false;
                }
            }
        }
        self.volley.fire();
        let done = self.note_writes(target, &sent);
        self.lost.newest.holders |= done;
        done == lack
    }

    fn load_list(&mut self, target: Target<'_>, column: u32) -> Option<u32> {
        let sequence = self.lost.newest.sequence;
        let extent = self.page(column);
        let page = self.volley.bytes_mut(extent)?;
        *self.filled.get_mut(column as usize)? = page.len();
        encode(target.unit.log(), sequence, &self.lost.lines, page)?;
        let component = target.column(column)?;
        let sector = target.start(column).checked_add(page_start(sequence))?;
        let shot = self.volley.write(&component.device, sector, true)?;
        self.volley.add(shot, extent)?;
        Some(shot)
    }
}
