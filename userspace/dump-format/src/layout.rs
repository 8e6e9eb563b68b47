// SPDX-License-Identifier: GPL-2.0
//! The one stage that numbers records, and cuts a dump into blocks and volumes.
//!
//! A volume that turns out to be shorter than its medium promised is no special case: blocks that
//! were not written go back into the layout ([`Layout::take_back`]), which stamps their headers
//! anew behind the header of the next volume.

use crate::{
    header::{
        flags,
        put_text,
        Header,
        Kind,
        INODES_MAX,
        ROOT, //
    },
    item::{
        Contents,
        Item,
        Place,
        Stage, //
    },
};
use serde::{
    Deserialize,
    Serialize, //
};
use std::collections::VecDeque;

/// Records in which one is looked for that a volume can lead to: enough for any file without holes.
const SEARCH: u64 = 1024;

/// What all headers of a dump have alike.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// When the dump was begun, in seconds since 1970. `restore` knows the dump by it.
    pub date: i64,
    /// Since when what has changed is in it; 0 for everything.
    pub since: i64,
    /// Level.
    pub level: u32,
    /// Label, of which 15 bytes are kept.
    pub label: String,
    /// Where the file system is mounted.
    pub filesystem: String,
    /// Its device.
    pub device: String,
    /// Name of the machine.
    pub host: String,
    /// Records of a block.
    pub ntrec: u32,
    /// Whether blocks are compressed.
    pub is_compressed: bool,
}

/// How far a dump is, so that it can go on from there.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Position {
    /// Volumes that were begun.
    pub volume: u32,
    /// Ordinal of the next record over all volumes, headers of volumes included.
    pub next: u64,
    /// Ordinal of the first record of the volume.
    pub first: u64,
    /// First inode of each volume.
    pub inodes: Vec<u32>,
}

/// A block: `ntrec` records.
#[derive(Clone, Debug)]
pub struct Block {
    /// Ordinal of its first record.
    pub first: u64,
    /// What is in it, in order.
    pub items: Vec<Item>,
    /// Whether a volume should not end with it: `restore` loses extended attributes if a volume
    /// ends within them, or behind them before the next header.
    pub is_torn: bool,
    /// Whether that was so of the block before.
    follows_torn: bool,
    /// Whether no file had begun on its volume before it.
    follows_rest: bool,
}

/// Numbers the records of items.
#[derive(Debug)]
pub struct Layout<I> {
    identity: Identity,
    items: I,
    /// What comes before `items`.
    queue: VecDeque<Item>,
    position: Position,
    has_ended: bool,
    /// Whether the header that was laid out last is one of extended attributes.
    in_attributes: bool,
    /// Whether no file has begun on this volume yet, which is not the first.
    in_rest: bool,
}

impl<I: Iterator<Item = Item>> Layout<I> {
    /// Lays out these items from a position on: [`Position::default`] at the start of a dump.
    pub fn new(identity: Identity, items: I, position: Position) -> Self {
        Layout {
            identity,
            items,
            queue: VecDeque::new(),
            position,
            has_ended: false,
            in_attributes: false,
            in_rest: false,
        }
    }

    /// How far it is.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Has the end tell the first inodes of other volumes than those that were begun here.
    pub fn tell_volumes(&mut self, inodes: Vec<u32>) {
        self.position.inodes = inodes;
    }

    /// Whether all has been laid out, the end included.
    pub fn is_finished(&self) -> bool {
        self.has_ended
    }

    /// Where the next record is that belongs to no volume.
    pub fn place(&mut self) -> Place {
        self.fill(1);
        let end = Place {
            stage: Stage::End,
            ..Place::default()
        };
        self.queue.front().map_or(end, |item| item.place)
    }

    /// Begins a volume: its header comes next.
    pub fn begin_volume(&mut self) {
        let inode = self.place().inode;
        let to_skip = self.records_to_skip();
        self.position.volume += 1;
        self.position.first = self.position.next;
        self.position.inodes.push(inode.max(ROOT));
        let mut header = Header::new(Kind::Volume, inode);
        header.flags = flags::NEW_HEADER.into();
        // As in every dump: volume 1 says 1, whatever follows.
        let is_first = self.position.volume == 1;
        let count = if is_first { 1 } else { to_skip };
        self.in_rest = !is_first;
        header.count = u32::try_from(count).unwrap_or(u32::MAX).into();
        self.queue.push_front(Item {
            place: Place::default(),
            contents: Contents::Header(Box::new(header)),
        });
    }

    /// The next block, or none if all has been laid out.
    pub fn block(&mut self) -> Option<Block> {
        if self.has_ended {
            return None;
        }
        let mut block = Block {
            first: self.position.next,
            items: Vec::new(),
            is_torn: false,
            follows_torn: self.in_attributes,
            follows_rest: self.in_rest,
        };
        let mut room = u64::from(self.identity.ntrec);
        while room > 0 {
            let mut item = self.next_item();
            if let Some(rest) = item.cut(room) {
                self.queue.push_front(rest);
            }
            if item.is_header() {
                self.in_attributes = is_attributes(&item);
                self.in_rest &= !is_new_file(&item) || is_of_layout(&item);
            }
            let date = self.date(&item);
            if let Contents::Header(header) = &mut item.contents {
                stamp(header, &self.identity, &self.position, date);
            }
            room -= item.records();
            self.position.next += item.records();
            block.items.push(item);
        }
        block.is_torn = self.in_attributes;
        Some(block)
    }

    /// Takes blocks back that were not written, the last ones that it made, in their order.
    pub fn take_back(&mut self, blocks: Vec<Block>) {
        if let Some(block) = blocks.first() {
            self.position.next = block.first;
            self.in_attributes = block.follows_torn;
            self.in_rest = block.follows_rest;
            self.has_ended = false;
        }
        let items = blocks.into_iter().flat_map(|block| block.items);
        let items: Vec<_> = items.filter(|item| !is_of_layout(item)).collect();
        for item in items.into_iter().rev() {
            self.queue.push_front(item);
        }
    }

    /// The next item; behind the last one, a header that says that this is the end.
    fn next_item(&mut self) -> Item {
        if let Some(item) = self.queue.pop_front().or_else(|| self.items.next()) {
            return item;
        }
        self.has_ended = true;
        let mut header = Header::new(Kind::End, 0);
        let words = self.position.inodes.iter().take(INODES_MAX);
        for (to, inode) in header.addresses.chunks_exact_mut(4).skip(1).zip(words) {
            to.copy_from_slice(&inode.to_le_bytes());
        }
        Item {
            place: Place {
                stage: Stage::End,
                ..Place::default()
            },
            contents: Contents::Header(Box::new(header)),
        }
    }

    /// Puts items into the queue until there are so many, or no more.
    fn fill(&mut self, count: usize) {
        let missing = count.saturating_sub(self.queue.len());
        self.queue.extend(self.items.by_ref().take(missing));
    }

    /// How many records behind its header `restore` shall skip when it comes to a volume at random,
    /// to look for the next header from there. Before 0.4b56 it skips them twice. So these are as
    /// few as possible, but neither once nor twice as many lead to a header before the next file:
    /// attributes are taken for a file, and behind the others a file is lost.
    fn records_to_skip(&mut self) -> u64 {
        let (mut headers, mut records) = (Vec::new(), 0);
        for index in 0.. {
            self.fill(index + 1);
            match self.queue.get(index) {
                Some(item) if is_new_file(item) || records > SEARCH => break,
                Some(item) if item.is_header() => headers.push(records),
                // It does not find a header there, and looks for one.
                Some(_) if headers.is_empty() => return 0,
                Some(_) => {}
                None => break,
            }
            records += self.queue.get(index).map_or(0, Item::records);
        }
        let is_safe = |count: &u64| !headers.contains(count);
        let mut counts = (0..=records / 2).filter(is_safe);
        counts
            .find(|count| is_safe(&(2 * count)))
            .unwrap_or(records)
    }

    /// The date in a header. By it `restore` knows the headers of a dump when it looks for the next
    /// one. So those of a file that began on another volume have another date: it passes them. When
    /// it reads on from the volume before, it does not look at the date.
    fn date(&self, item: &Item) -> i64 {
        let is_passed = self.in_rest && !is_new_file(item);
        self.identity.date + i64::from(is_passed)
    }
}

/// Whether an item begins extended attributes.
fn is_attributes(item: &Item) -> bool {
    let of_header = |header: &Header| header.flags.get() & flags::ATTRIBUTES != 0;
    matches!(&item.contents, Contents::Header(header) if of_header(header))
}

/// Whether an item begins a file, or a map.
fn is_new_file(item: &Item) -> bool {
    let of_header = |header: &Header| header.kind.get() != Kind::More.number();
    matches!(&item.contents, Contents::Header(header) if of_header(header)) && !is_attributes(item)
}

/// Whether the layout has added an item itself.
fn is_of_layout(item: &Item) -> bool {
    let own = [Kind::Volume.number(), Kind::End.number()];
    match &item.contents {
        Contents::Header(header) => own.contains(&header.kind.get()),
        _ => false,
    }
}

/// Fills in what only the layout knows.
fn stamp(header: &mut Header, identity: &Identity, position: &Position, date: i64) {
    header.date = (date as u32).into();
    header.since = (identity.since as u32).into();
    header.since_64 = (identity.since as u64).into();
    header.level = identity.level.into();
    put_text(&mut header.label, &identity.label);
    put_text(&mut header.filesystem, &identity.filesystem);
    put_text(&mut header.device, &identity.device);
    put_text(&mut header.host, &identity.host);
    header.ntrec = identity.ntrec.into();
    header.volume = position.volume.into();
    header.ordinal = (position.next as u32).into();
    header.ordinal_64 = position.next.into();
    header.first = (position.first as u32).into();
    header.first_64 = position.first.into();
    let mut bits = header.flags.get() | flags::NEW_INODES;
    if identity.is_compressed {
        bits |= flags::COMPRESSED;
    }
    header.flags = bits.into();
    header.seal();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(ntrec: u32) -> Identity {
        Identity {
            ntrec,
            date: 1_700_000_000,
            ..Identity::default()
        }
    }

    /// A file of so many records of data.
    fn file(inode: u32, records: u64) -> Vec<Item> {
        let place = |record| Place {
            stage: Stage::Files,
            inode,
            record,
        };
        let header = Item {
            place: place(0),
            contents: Contents::Header(Box::new(Header::new(Kind::Inode, inode))),
        };
        let data = Item {
            place: place(1),
            contents: Contents::Disk { offset: 0, records },
        };
        vec![header, data]
    }

    fn headers(block: &Block) -> Vec<&Header> {
        let headers = block.items.iter().filter_map(|item| match &item.contents {
            Contents::Header(header) => Some(&**header),
            _ => None,
        });
        headers.collect()
    }

    fn records(block: &Block) -> u64 {
        block.items.iter().map(Item::records).sum()
    }

    #[test]
    fn blocks_are_full_and_end_with_an_end() {
        let items = [file(11, 5), file(12, 0)].concat();
        let mut layout = Layout::new(identity(4), items.into_iter(), Position::default());
        layout.begin_volume();
        let blocks: Vec<_> = std::iter::from_fn(|| layout.block()).collect();
        assert_eq!(blocks.len(), 3);
        assert!(blocks.iter().all(|block| records(block) == 4));
        let last = headers(&blocks[2]).into_iter().map(|h| h.kind.get());
        assert_eq!(last.collect::<Vec<_>>(), [5, 5, 5, 5]);
        let tape = headers(&blocks[0])[0];
        assert_eq!(
            (tape.kind.get(), tape.count.get(), tape.flags.get()),
            (1, 1, 3)
        );
        assert_eq!(headers(&blocks[1])[0].ordinal.get(), 7);
    }

    #[test]
    fn blocks_that_come_back_are_numbered_anew() {
        let items = [file(11, 5), file(12, 2)].concat();
        let mut layout = Layout::new(identity(4), items.into_iter(), Position::default());
        layout.begin_volume();
        let _written = layout.block();
        let unwritten = vec![layout.block().unwrap(), layout.block().unwrap()];
        layout.take_back(unwritten);
        assert_eq!(layout.place().record, 3);
        layout.begin_volume();
        let block = layout.block().unwrap();
        let tape = headers(&block)[0];
        assert_eq!((tape.volume.get(), tape.first.get()), (2, 4));
        assert_eq!((tape.count.get(), tape.inumber.get()), (0, 11));
        let block = layout.block().unwrap();
        assert_eq!(headers(&block)[0].ordinal.get(), 8);
        assert_eq!(headers(&block)[1].kind.get(), 5);
        // The first word is nobody's, the others are those of volumes 1 and 2.
        assert_eq!(
            headers(&block)[1].addresses[..12],
            [0, 0, 0, 0, 11, 0, 0, 0, 11, 0, 0, 0]
        );
        assert!(layout.block().is_none());
    }

    /// Attributes of an inode, which are so many records.
    fn attributes(inode: u32, records: u64) -> Vec<Item> {
        let mut items = file(inode, records);
        if let Contents::Header(header) = &mut items[0].contents {
            header.flags = flags::ATTRIBUTES.into();
        }
        items
    }

    #[test]
    fn no_volume_should_end_between_attributes_and_the_next_header() {
        let items = [file(11, 2), attributes(11, 2), file(12, 1)].concat();
        let mut layout = Layout::new(identity(1), items.into_iter(), Position::default());
        layout.begin_volume();
        let blocks: Vec<_> = std::iter::from_fn(|| layout.block()).collect();
        let torn =
            |blocks: &[Block]| -> Vec<bool> { blocks.iter().map(|block| block.is_torn).collect() };
        let should = [
            false, false, false, false, true, true, true, false, false, false,
        ];
        assert_eq!(torn(&blocks), should);
        layout.take_back(blocks[6..].to_vec());
        let again: Vec<_> = std::iter::from_fn(|| layout.block()).collect();
        assert_eq!(torn(&again), should[6..]);
    }

    /// Records that are skipped once or twice do not lead to attributes, nor does looking for a
    /// header of this date from there.
    #[test]
    fn a_volume_leads_to_the_next_file() {
        let items = [
            file(11, 5),
            attributes(11, 1),
            attributes(11, 4),
            file(12, 3),
        ]
        .concat();
        let mut layout = Layout::new(identity(1), items.into_iter(), Position::default());
        layout.begin_volume();
        let blocks = |layout: &mut Layout<_>, count| {
            let made: Vec<_> = std::iter::from_fn(|| layout.block()).take(count).collect();
            assert_eq!(made.len(), count);
            made
        };
        // In the first file, before its attributes, before the second one, and in that.
        for (records, should) in [(4, 0), (3, 3), (7, 0), (2, 0)] {
            blocks(&mut layout, records);
            layout.begin_volume();
            let block = layout.block().unwrap();
            assert_eq!(headers(&block)[0].count.get(), should);
            let later = blocks(&mut layout, 1);
            layout.take_back(vec![block, later[0].clone()]);
        }
    }

    /// More of the same file is no place to begin with, either.
    #[test]
    fn a_volume_does_not_lead_to_more_of_a_file() {
        let more = |records| {
            let mut items = file(11, records);
            let header = Header::new(Kind::More, 11);
            items[0].contents = Contents::Header(Box::new(header));
            items
        };
        let items = [file(11, 2), more(1), more(4), file(12, 1)].concat();
        let mut layout = Layout::new(identity(1), items.into_iter(), Position::default());
        layout.begin_volume();
        let _written: Vec<_> = (0..4).map(|_| layout.block()).collect();
        layout.begin_volume();
        let blocks: Vec<_> = std::iter::from_fn(|| layout.block()).collect();
        // Headers are 0 and 2 records behind the volume's, and the next file 7.
        assert_eq!(headers(&blocks[0])[0].count.get(), 3);
        let all = blocks.iter().flat_map(headers);
        let dates: Vec<_> = all
            .map(|header| header.date.get() - 1_700_000_000)
            .collect();
        assert_eq!(dates, [0, 1, 1, 0, 0]);
    }

    #[test]
    fn headers_have_another_date_before_the_first_file_of_a_volume() {
        let of = |inode| [file(inode, 3), attributes(inode, 1)].concat();
        let items = [of(11), of(12)].concat();
        let mut layout = Layout::new(identity(1), items.into_iter(), Position::default());
        layout.begin_volume();
        let _written: Vec<_> = (0..4).map(|_| layout.block()).collect();
        layout.begin_volume();
        let dates = |layout: &mut Layout<_>| -> Vec<u32> {
            let blocks: Vec<_> = std::iter::from_fn(|| layout.block()).collect();
            let all = blocks.iter().flat_map(headers);
            let dates = all
                .map(|header| header.date.get() - 1_700_000_000)
                .collect();
            layout.take_back(blocks);
            dates
        };
        // The volume's, attributes, the second file, its attributes, the end.
        assert_eq!(dates(&mut layout), [0, 1, 0, 0, 0]);
        layout.begin_volume();
        assert_eq!(dates(&mut layout), [0, 1, 0, 0, 0]);
    }

    /// dump.md, test 19: the field of 32 bits wraps around, that of 64 does not.
    #[test]
    fn ordinals_go_on_behind_four_thousand_millions() {
        let position = Position {
            volume: 1,
            next: (1 << 32) - 2,
            ..Position::default()
        };
        let mut layout = Layout::new(identity(4), file(11, 1).into_iter(), position);
        let block = layout.block().unwrap();
        let last = headers(&block)[1];
        assert_eq!((last.ordinal.get(), last.ordinal_64.get()), (0, 1 << 32));
        assert_eq!((last.first.get(), last.first_64.get()), (0, 0));
        // The volume that follows begins behind that.
        let position = layout.position().clone();
        let mut layout = Layout::new(identity(4), file(12, 5).into_iter(), position);
        layout.begin_volume();
        let next = layout.block().unwrap();
        let header = headers(&next)[0];
        assert_eq!(
            (header.ordinal.get(), header.ordinal_64.get()),
            (2, (1 << 32) + 2)
        );
        assert_eq!(
            (header.first.get(), header.first_64.get()),
            (2, (1 << 32) + 2)
        );
    }
}
