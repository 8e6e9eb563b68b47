// SPDX-License-Identifier: GPL-2.0
//! The records of a set in memory, and what a change of them rewrites.
//!
//! The contents of a set are pages of records, which the caller keeps and shows as [`Pages`]. A
//! change is made in a [`Batch`], in drafts of those pages that it touches: a part of a record
//! stays in its page as long as it fits there, and a part that has not changed is not touched, so
//! that a new state of one component rewrites one page of however many. The pages themselves stay
//! as they are, until the commit counts and the caller puts the drafts in their place.
//!
//! Where a record is, is not kept anywhere: a batch looks for it in all pages, which touches the
//! head of every part. That is little beside the writes of a commit.
//!
//! [`judge`] looks a loaded set through: every record has all its parts, and each once.

use super::{
    commit::Draft,
    metadevice::{
        fields::{
            RECORD_KIND,
            RECORD_VERSION,
            RECORD_VERSION_MIN, //
        },
        Record,
    },
    page::{
        bad,
        payload_mut,
        Damage,
        HEAD_BYTES,
        PAYLOAD_BYTES, //
    },
    pool::{
        pool_of,
        record_of,
        Pool, //
    },
    records::{
        append,
        clear,
        cut,
        parts,
        place,
        remove,
        replace,
        Part,
        FIXED_BYTES,
        PART_BYTES_MAX, //
    },
    watched, //
};

/// Most parts of a record: 10,000 extents of a soft partition take 60.
pub const PARTS_MAX: usize = 64;

const _: () = assert!(PARTS_MAX <= u64::BITS as usize);
const _: () = assert!(super::metadevice::fields::BYTES_MAX <= PARTS_MAX * PART_BYTES_MAX);

/// Stands for no page: there are not so many.
const NO_PAGE: u32 = u32::MAX;

/// The pages of records of the live commit.
pub trait Pages {
    /// How many numbers of pages there are, in use or not: as many as the tables of the next
    /// commit can point to.
    fn count(&self) -> u32;
    /// The bytes in use of a page's payload, as they were verified or made; none for a page that
    /// is not in use.
    fn payload(&self, number: u32) -> &[u8];
}

/// Why a change is not in the batch. The batch is as it was before the change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortage {
    /// It needs more drafts than are left: commit what is in the batch, or lend more.
    Drafts {
        /// How many are missing.
        missing: usize,
    },
    /// No page has room, and there is no number for another one.
    Pages,
    /// The record has more than [`PARTS_MAX`] parts.
    TooLong,
}

/// Changes of records that are committed together, none or all of them (`DURABILITY.md` clause 4).
#[derive(Debug)]
pub struct Batch<'s, 'd, P> {
    pages: &'s P,
    drafts: &'s mut [Draft<'d>],
    count: usize,
}

/// Where the parts of one record are, and where they will be.
struct Plan {
    old: [u32; PARTS_MAX],
    new: [u32; PARTS_MAX],
    /// Bit of each part that is written or taken away.
    changed: u64,
}

impl Plan {
    const EMPTY: Self = Self {
        old: [NO_PAGE; PARTS_MAX],
        new: [NO_PAGE; PARTS_MAX],
        changed: 0,
    };

    /// The pages of the parts that change, before and after.
    fn moves(&self) -> impl Iterator<Item = (usize, u32, u32)> + '_ {
        let pages = self.old.iter().zip(&self.new).enumerate();
        let pages = pages.map(|(part, (old, new))| (part, *old, *new));
        pages.filter(|(part, ..)| self.changed & bit(*part) != 0)
    }
}

fn bit(part: usize) -> u64 {
    u32::try_from(part)
        .ok()
        .and_then(|part| 1_u64.checked_shl(part))
        .unwrap_or(0)
}

impl<'s, 'd, P: Pages> Batch<'s, 'd, P> {
    /// No changes yet. Each draft has bytes for one page; what is in them does not matter.
    pub fn new(pages: &'s P, drafts: &'s mut [Draft<'d>]) -> Self {
        let count = 0;
        Self {
            pages,
            drafts,
            count,
        }
    }

    /// From now on uses no more than so many drafts, or no more at all: the commit has no room for
    /// more.
    pub fn limit(&mut self, most: usize) {
        let most = most.max(self.count).min(self.drafts.len());
        let (drafts, _) = core::mem::take(&mut self.drafts).split_at_mut(most);
        self.drafts = drafts;
    }

    /// Makes or replaces a record.
    pub fn put(
        &mut self,
        record: u32,
        kind_and_version: (u16, u16),
        bytes: &[u8],
    ) -> Result<(), Shortage> {
        let parts = || cut(record, kind_and_version, bytes).into_iter().flatten();
        if bytes.len() > PARTS_MAX.saturating_mul(PART_BYTES_MAX) {
            return Err(Shortage::TooLong);
        }
        let mut plan = Plan::EMPTY;
        self.find(record, &mut plan);
        for (own, part) in plan.new.iter_mut().zip(parts()) {
            let old = plan.old.get(usize::from(part.part)).copied();
            let old = old.unwrap_or(NO_PAGE);
            let end = self.used_without(old, record).saturating_add(part.room());
            if old != NO_PAGE && end <= PAYLOAD_BYTES {
                *own = old;
            }
        }
        for part in parts() {
            self.settle(&part, &mut plan)?;
        }
        // The parts behind the new last one go.
        for (part, old) in plan.old.iter().enumerate().skip(parts().count()) {
            plan.changed |= if *old == NO_PAGE { 0 } else { bit(part) };
        }
        self.apply(record, &plan, parts())
    }

    /// Takes a record away, if it is there.
    pub fn remove(&mut self, record: u32) -> Result<(), Shortage> {
        let mut plan = Plan::EMPTY;
        self.find(record, &mut plan);
        for (part, old) in plan.old.iter().enumerate() {
            plan.changed |= if *old == NO_PAGE { 0 } else { bit(part) };
        }
        self.apply(record, &plan, [].into_iter())
    }

    /// Ends the batch. Returns how many of the drafts, from the first one on, are to be written,
    /// in ascending order of their numbers: those whose payload is not what it was. One with no
    /// bytes in use is a page that is dropped.
    pub fn finish(self) -> usize {
        let drafts = self.drafts.get_mut(..self.count).unwrap_or(&mut []);
        let mut kept = 0_usize;
        for index in 0..drafts.len() {
            let Some(draft) = drafts.get_mut(index) else {
                break;
            };
            if draft.used <= FIXED_BYTES {
                draft.used = 0;
            }
            if drafted(draft) != self.pages.payload(draft.number) {
                drafts.swap(kept, index);
                kept = kept.saturating_add(1);
            }
        }
        sort(drafts.get_mut(..kept).unwrap_or(&mut []));
        kept
    }

    /// A page's payload as the batch has it.
    fn payload(&self, number: u32) -> &[u8] {
        match self.drafts_in_use().find(|draft| draft.number == number) {
            Some(draft) => drafted(draft),
            None => self.pages.payload(number),
        }
    }

    fn drafts_in_use(&self) -> impl Iterator<Item = &Draft<'d>> {
        self.drafts.iter().take(self.count)
    }

    /// Finds the parts of a record.
    fn find(&self, record: u32, plan: &mut Plan) {
        for number in 0..self.pages.count() {
            let parts = parts(self.payload(number));
            for part in parts.filter(|part| part.record == record) {
                if let Some(old) = plan.old.get_mut(usize::from(part.part)) {
                    *old = number;
                }
            }
        }
    }

    /// Bytes in use of a page's payload without the parts of one record.
    fn used_without(&self, number: u32, record: u32) -> usize {
        let payload = self.payload(number);
        let own = parts(payload).filter(|part| part.record == record);
        let own = own.fold(0_usize, |sum, part| sum.saturating_add(part.room()));
        payload.len().max(FIXED_BYTES).saturating_sub(own)
    }

    /// Finds a page for a part that cannot stay where it was, and whether the part changes.
    fn settle(&self, part: &Part<'_>, plan: &mut Plan) -> Result<(), Shortage> {
        let index = usize::from(part.part);
        let own = plan.new.get(index).copied().unwrap_or(NO_PAGE);
        if own == NO_PAGE {
            let number = self.find_room(part, plan).ok_or(Shortage::Pages)?;
            if let Some(new) = plan.new.get_mut(index) {
                *new = number;
            }
        }
        let is_same = own != NO_PAGE && parts(self.payload(own)).any(|found| found == *part);
        if !is_same {
            plan.changed |= bit(index);
        }
        Ok(())
    }

    /// A page with room: one that the record is in, one that is rewritten anyway, or any.
    fn find_room(&self, part: &Part<'_>, plan: &Plan) -> Option<u32> {
        let fits = |number: &u32| {
            let used = self.used_without(*number, part.record);
            let is_taken = *number == NO_PAGE || plan.new.contains(number);
            !is_taken && used.saturating_add(part.room()) <= PAYLOAD_BYTES
        };
        let own = plan.old.iter().copied();
        let drafted = self.drafts_in_use().map(|draft| draft.number);
        let all = 0..self.pages.count();
        own.chain(drafted).chain(all).find(fits)
    }

    /// Carries a plan out, if there are drafts for it.
    fn apply<'b>(
        &mut self,
        record: u32,
        plan: &Plan,
        parts: impl Iterator<Item = Part<'b>>,
    ) -> Result<(), Shortage> {
        self.check_drafts(plan)?;
        let short = Shortage::Drafts { missing: 1 };
        for (_, old, new) in plan.moves().filter(|(_, old, _)| *old != NO_PAGE) {
            let draft = self.draft(old).ok_or(short)?;
            if old != new {
                draft.used = remove(payload_mut(draft.bytes), draft.used, record);
            }
        }
        for part in parts.filter(|part| plan.changed & bit(usize::from(part.part)) != 0) {
            let new = plan.new.get(usize::from(part.part)).copied();
            let draft = self.draft(new.unwrap_or(NO_PAGE)).ok_or(short)?;
            write_part(draft, &part).ok_or(short)?;
        }
        Ok(())
    }

    /// Counts the pages that a plan changes and that no draft has yet.
    fn check_drafts(&self, plan: &Plan) -> Result<(), Shortage> {
        let moves = || plan.moves().flat_map(|(_, old, new)| [old, new]);
        let fresh = |number: &u32| {
            *number != NO_PAGE && !self.drafts_in_use().any(|draft| draft.number == *number)
        };
        let mut needed = 0_usize;
        for (index, number) in moves().enumerate() {
            if fresh(&number) && !moves().take(index).any(|before| before == number) {
                needed = needed.saturating_add(1);
            }
        }
        let left = self.drafts.len().saturating_sub(self.count);
        match needed.saturating_sub(left) {
            0 => Ok(()),
            missing => Err(Shortage::Drafts { missing }),
        }
    }

    /// The draft of a page, made from the page if there is none yet.
    fn draft(&mut self, number: u32) -> Option<&mut Draft<'d>> {
        let found = self
            .drafts_in_use()
            .position(|draft| draft.number == number);
        if let Some(index) = found {
            return self.drafts.get_mut(index);
        }
        let draft = self.drafts.get_mut(self.count)?;
        self.count = self.count.saturating_add(1);
        let live = self.pages.payload(number);
        draft.number = number;
        draft.slot = 0;
        let payload = payload_mut(draft.bytes);
        draft.used = match payload.get_mut(..live.len()).filter(|to| !to.is_empty()) {
            Some(to) => {
                to.copy_from_slice(live);
                live.len()
            }
            None => clear(payload, number),
        };
        Some(draft)
    }
}

/// Sorts a few drafts by their numbers. The library's sort can panic.
fn sort(drafts: &mut [Draft<'_>]) {
    for end in 1..drafts.len() {
        for at in (1..=end).rev() {
            let before = at.saturating_sub(1);
            let number = |index: usize| drafts.get(index).map(|draft| draft.number);
            if number(before) <= number(at) {
                break;
            }
            drafts.swap(before, at);
        }
    }
}

/// The payload of a draft.
fn drafted<'a>(draft: &'a Draft<'_>) -> &'a [u8] {
    let end = HEAD_BYTES.saturating_add(draft.used);
    draft.bytes.get(HEAD_BYTES..end).unwrap_or(&[])
}

/// Puts a part in the place of what the draft has of the record, or behind all else.
fn write_part(draft: &mut Draft<'_>, part: &Part<'_>) -> Option<()> {
    let payload = payload_mut(draft.bytes);
    if !replace(payload, draft.used, part) {
        let used = remove(payload, draft.used, part.record);
        draft.used = append(payload, used, part)?;
    }
    Some(())
}

/// What is known of a record while all pages are looked through; [`Default`] for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    parts: u64,
    of: u16,
    kind: u16,
    version: u16,
}

/// Looks through all pages of a set that was loaded; returns how many records there are. `tallies`
/// is room for one record each: a record with a higher number is refused.
///
/// A part that is missing, there twice, or unlike the others of its record is damage: its meaning
/// is not guessed (`DURABILITY.md` clause 20).
pub fn judge(pages: &impl Pages, tallies: &mut [Tally]) -> Result<u32, Damage> {
    tallies.fill(Tally::default());
    for number in 0..pages.count() {
        for part in parts(pages.payload(number)) {
            let tally = tallies.get_mut(part.record as usize);
            let tally = tally.ok_or(bad("record", part.record.into()))?;
            tally.add(&part)?;
        }
    }
    let mut count = 0_u32;
    for (record, tally) in (0..).zip(tallies.iter()) {
        if tally.parts != 0 {
            tally.check_complete(record)?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}

impl Tally {
    fn add(&mut self, part: &Part<'_>) -> Result<(), Damage> {
        let own = bit(part.part.into());
        let is_last = part.part.checked_add(1) == Some(part.of);
        if usize::from(part.of) > PARTS_MAX {
            return Err(bad("of", part.of.into()));
        }
        if self.parts & own != 0 {
            return Err(bad("part, there twice", part.part.into()));
        }
        if !is_last && part.bytes.len() != PART_BYTES_MAX {
            return Err(bad("length of a part", part.bytes.len() as u64));
        }
        let like = (part.of, part.kind, part.version);
        if self.parts != 0 && like != (self.of, self.kind, self.version) {
            return Err(bad("record, its parts differ", part.record.into()));
        }
        (self.of, self.kind, self.version) = like;
        self.parts |= own;
        Ok(())
    }

    fn check_complete(&self, record: u64) -> Result<(), Damage> {
        if self.parts.count_ones() == self.of.into() {
            Ok(())
        } else {
            Err(bad("record, a part is missing", record))
        }
    }
}

/// A record that is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its number; for a metadevice the metadevice's.
    pub record: u32,
    /// Its kind, and the version of that kind.
    pub kind_and_version: (u16, u16),
    /// How many parts it has.
    pub parts: u16,
}

impl Entry {
    /// Whether it is of the kind that its number stands for, and of a version that is known: others
    /// are refused, not guessed (`DURABILITY.md` clause 20).
    pub fn check(&self) -> Result<(), Damage> {
        let (kind, version) = self.kind_and_version;
        let (own, versions) = if pool_of(self.record).is_some() {
            let version = super::pool::RECORD_VERSION;
            (super::pool::RECORD_KIND, version..=version)
        } else if self.record == watched::RECORD {
            let version = watched::RECORD_VERSION;
            (watched::RECORD_KIND, version..=version)
        } else {
            (RECORD_KIND, RECORD_VERSION_MIN..=RECORD_VERSION)
        };
        if kind != own {
            return Err(bad("kind", kind.into()));
        }
        if !versions.contains(&version) {
            return Err(bad("version", version.into()));
        }
        Ok(())
    }
}

/// All records, each once, in the order of their first parts' pages.
pub fn entries(pages: &impl Pages) -> impl Iterator<Item = Entry> + '_ {
    let numbers = 0..pages.count();
    let all = numbers.flat_map(|number| parts(pages.payload(number)));
    all.filter(|part| part.part == 0).map(|part| Entry {
        record: part.record,
        kind_and_version: (part.kind, part.version),
        parts: part.of,
    })
}

/// Puts a record together; returns its length. `None` if there is no room for it, or if it is not
/// there or not whole, which [`judge`] has excluded.
pub fn read(pages: &impl Pages, record: u32, to: &mut [u8]) -> Option<usize> {
    let (mut seen, mut length) = (0_u16, None);
    let mut of = None;
    for number in 0..pages.count() {
        let parts = parts(pages.payload(number));
        for part in parts.filter(|part| part.record == record) {
            length = place(&part, to)?.or(length);
            seen = seen.saturating_add(1);
            of = Some(part.of);
        }
        if of == Some(seen) {
            return length;
        }
    }
    None
}

/// Reads the record of a hot spare pool. A record of another kind or version, or whose own number
/// is another one, is refused.
pub fn pool<'b>(pages: &impl Pages, entry: &Entry, to: &'b mut [u8]) -> Result<Pool<'b>, Damage> {
    entry.check()?;
    let missing = bad("record, a part is missing", entry.record.into());
    let length = read(pages, entry.record, to).ok_or(missing)?;
    let pool = Pool::decode(to.get(..length).ok_or(missing)?)?;
    if record_of(pool.number) == entry.record {
        Ok(pool)
    } else {
        Err(bad("number", pool.number.into()))
    }
}

/// Reads the record of what failfast does. A record of another kind or version is refused.
pub fn watched<'b>(
    pages: &impl Pages,
    entry: &Entry,
    to: &'b mut [u8],
) -> Result<watched::Record<'b>, Damage> {
    entry.check()?;
    let missing = bad("record, a part is missing", entry.record.into());
    let length = read(pages, entry.record, to).ok_or(missing)?;
    watched::Record::decode(to.get(..length).ok_or(missing)?)
}

/// Reads the record of a metadevice. A record of another kind or version, or whose own number is
/// another one, is refused.
pub fn metadevice<'b>(
    pages: &impl Pages,
    entry: &Entry,
    to: &'b mut [u8],
) -> Result<Record<'b>, Damage> {
    entry.check()?;
    let missing = bad("record, a part is missing", entry.record.into());
    let length = read(pages, entry.record, to).ok_or(missing)?;
    let record = Record::decode(to.get(..length).ok_or(missing)?)?;
    if record.head.number == entry.record {
        Ok(record)
    } else {
        Err(bad("number", record.head.number.into()))
    }
}
