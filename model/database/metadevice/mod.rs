// SPDX-License-Identifier: GPL-2.0
//! The record of a metadevice: its name, kind, options and parts, with their states.
//!
//! A record is a head and then lists of structures of fixed size: rows and components for a stripe
//! or concat, and what these have to do with hot spares; submirrors for a mirror, and what that
//! remembers of its regions and of scrubs; the base of a soft partition, and its extents; the
//! columns of a RAID5 metadevice, and how far its parity is made. It is
//! longer than a page where the lists are; then it is stored in parts (see
//! [`records`](super::records)). Another kind of metadevice, or another version, gets numbers of
//! its own; what has a number that is unknown is refused.

mod codec;
pub mod fields;
pub mod history;
pub mod pace;
pub mod raid;
pub mod soft;

use self::{
    codec::*,
    fields::{
        COMPONENTS,
        COMPONENT_BYTES,
        HEAD_BYTES,
        KIND,
        RAID_KIND,
        REGION_WORDS,
        ROWS,
        ROW_BYTES,
        SIDE_BYTES,
        SOFT_KIND,
        SPARED,
        SPARED_BYTES,
        SPARED_COMPONENT,
        SUBMIRRORS,
        WORD,
        WORD_BYTES, //
    },
    raid::Raid,
    soft::{
        Soft,
        SoftHead, //
    },
};
use super::{
    identity::Uuid,
    page::{
        bad,
        Damage, //
    }, //
};
use crate::{
    limits::{
        COMPONENTS_MAX,
        ROWS_MAX,
        SPARED_MAX,
        SUBMIRRORS_MAX, //
    },
    mirror::{
        component::State,
        options::Options,
        regions::WORDS_MAX,
        scrub::history::History,
        side::SideState,
        throttle::Limits, //
    },
    soft::Extent,
};

/// What a metadevice is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A concat, stripe, or concat of stripes.
    Stripe,
    /// A mirror.
    Mirror(Options),
    /// A soft partition.
    Soft,
    /// RAID5.
    Raid,
}

/// The head of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Number of the metadevice, below [`UNITS_MAX`].
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Its size in sectors.
    pub size_sectors: u64,
    /// What a mirror remembers of its regions.
    pub sync: Sync,
    /// Number of the hot spare pool of a stripe, concat or RAID5 metadevice, if it has one.
    pub pool: Option<u32>,
}

/// What a mirror remembers of its regions, apart from their bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sync {
    /// log2 of the sectors in a region; 0 if nothing is known of them, so that the sides may differ
    /// anywhere.
    pub region_shift: u32,
    /// Whether the administrator has cancelled the resync.
    pub is_cancelled: bool,
}

impl Sync {
    /// Nothing is remembered: of a mirror that was recorded by version 1, and of what is none.
    pub const UNKNOWN: Self = Self {
        region_shift: 0,
        is_cancelled: false,
    };
}

/// A row, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// Interlace in sectors.
    pub interlace_sectors: u64,
    /// Size in sectors.
    pub size_sectors: u64,
    /// How many components it has.
    pub component_count: u32,
}

/// A component, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Component {
    /// Identity in its label; nil if it has none (`DURABILITY.md` clause 19).
    pub uuid: Uuid,
    /// Uuid of the partition, a hint; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of the disk, a hint, padded with zeros.
    pub wwn: [u8; 32],
    /// First sector of the data.
    pub start_sector: u64,
    /// Sectors of data.
    pub size_sectors: u64,
    /// Seconds since 1970 at its last change of state; 0 for never.
    pub erred_at: u64,
    /// Number of the metadevice that it is, if it is one.
    pub unit: Option<u32>,
    /// How it is.
    pub state: State,
}

/// A submirror, as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Side {
    /// Number of its metadevice.
    pub number: u32,
    /// How it is.
    pub state: SideState,
}

/// What a component has to do with a hot spare (`svm.md` section 7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SparedRole {
    /// The component is a hot spare, and the other device is the one that it stands for.
    StandsFor,
    /// The other device is a hot spare, whose place the component has taken. It goes back to its
    /// pools when the component has everything.
    Returns,
}

/// A component that has to do with a hot spare, and the other device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spared {
    /// Index of the component.
    pub component: u32,
    /// Which of the two is the spare.
    pub role: SparedRole,
    /// Identity in the label of the other device; nil if it has none.
    pub uuid: Uuid,
    /// Uuid of its partition, a hint; nil if it is none.
    pub partition: Uuid,
    /// World-wide name of its disk, a hint, padded with zeros.
    pub wwn: [u8; 32],
    /// First sector of the data there.
    pub start_sector: u64,
}

/// A record that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its head.
    pub head: Head,
    rows: &'a [u8],
    components: &'a [u8],
    sides: &'a [u8],
    words: &'a [u8],
    spared: &'a [u8],
    history: &'a [u8],
    soft: &'a [u8],
    raid: &'a [u8],
    pace: &'a [u8],
}

/// What a record is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The head.
    pub head: Head,
    /// Rows of a stripe or concat.
    pub rows: &'a [Row],
    /// Their components.
    pub components: &'a [Component],
    /// Submirrors of a mirror.
    pub sides: &'a [Side],
    /// The bits of its regions, if it remembers something of them: for those that are dirty, and
    /// then for each side for those in which it is behind; the same number of words for each.
    pub words: &'a [u64],
    /// What components of a stripe or concat, or columns, have to do with hot spares, in the order
    /// of their indexes.
    pub spared: &'a [Spared],
    /// What a mirror remembers of scrubs, or a RAID5 metadevice of checks.
    pub history: Option<&'a History>,
    /// What a soft partition has. Its component is its base, from the first watermark to the last.
    pub soft: Option<Soft<'a>>,
    /// What a RAID5 metadevice has besides its columns, which are the components of its rows.
    pub raid: Option<Raid>,
}

/// Writes a record; returns how many bytes it has. `None` if there is no room for it, or a list is
/// longer than its limit.
pub fn encode(parts: &Parts<'_>, to: &mut [u8]) -> Option<usize> {
    let Parts {
        rows,
        components,
        sides,
        words,
        spared,
        history,
        soft,
        raid,
        ..
    } = *parts;
    let history_bytes = history.map_or(0, |_| history::BYTES);
    let pace = history.and(chosen_pace(parts));
    let pace_bytes = pace.map_or(0, |_| pace::BYTES);
    let soft_bytes = match &soft {
        Some(soft) => soft::bytes_of(soft.extents.len())?,
        None => 0,
    };
    let raid_bytes = raid.map_or(0, |_| raid::BYTES);
    let lists = [
        rows.len().checked_mul(ROW_BYTES)?,
        components.len().checked_mul(COMPONENT_BYTES)?,
        sides.len().checked_mul(SIDE_BYTES)?,
        words.len().checked_mul(WORD_BYTES)?,
        spared.len().checked_mul(SPARED_BYTES)?,
        history_bytes,
        pace_bytes,
        soft_bytes,
        raid_bytes,
    ];
    let bitmaps = sides.len().checked_add(1)?;
    let words_each = words.len().checked_div(bitmaps)?;
    let length = lists.into_iter().try_fold(HEAD_BYTES, usize::checked_add)?;
    let is_within = rows.len() <= ROWS_MAX as usize
        && components.len() <= COMPONENTS_MAX as usize
        && sides.len() <= SUBMIRRORS_MAX as usize
        && spared.len() <= SPARED_MAX as usize
        && words_each <= WORDS_MAX
        && words_each.checked_mul(bitmaps) == Some(words.len());
    let to = to.get_mut(..length).filter(|_| is_within)?;
    to.fill(0);
    encode_head(&parts.head, to);
    REGION_WORDS.put(to, words_each as u64);
    ROWS.put(to, rows.len() as u64);
    COMPONENTS.put(to, components.len() as u64);
    SUBMIRRORS.put(to, sides.len() as u64);
    SPARED.put(to, spared.len() as u64);
    let [row_bytes, component_bytes, side_bytes, word_bytes, spared_bytes, ..] = lists;
    let (row_list, rest) = to.get_mut(HEAD_BYTES..)?.split_at_mut_checked(row_bytes)?;
    let (component_list, rest) = rest.split_at_mut_checked(component_bytes)?;
    let (side_list, rest) = rest.split_at_mut_checked(side_bytes)?;
    let (word_list, rest) = rest.split_at_mut_checked(word_bytes)?;
    let (spared_list, rest) = rest.split_at_mut_checked(spared_bytes)?;
    let (history_part, rest) = rest.split_at_mut_checked(history_bytes)?;
    let (pace_part, rest) = rest.split_at_mut_checked(pace_bytes)?;
    let (soft_part, raid_part) = rest.split_at_mut_checked(soft_bytes)?;
    fill(row_list, ROW_BYTES, rows, encode_row);
    fill(
        component_list,
        COMPONENT_BYTES,
        components,
        encode_component,
    );
    fill(side_list, SIDE_BYTES, sides, encode_side);
    fill(word_list, WORD_BYTES, words, |word, to| WORD.put(to, *word));
    fill(spared_list, SPARED_BYTES, spared, encode_spared);
    encode_end(parts, [history_part, pace_part, soft_part, raid_part]);
    Some(length)
}

/// Writes what follows the lists, as far as there is any of it.
fn encode_end(parts: &Parts<'_>, [history_part, pace_part, soft_part, raid_part]: [&mut [u8]; 4]) {
    if let Some(history) = parts.history {
        history::encode(history, history_part);
        if let Some(pace) = chosen_pace(parts) {
            pace::encode(pace, pace_part);
        }
    }
    if let Some(soft) = &parts.soft {
        soft::encode(soft, soft_part);
    }
    if let Some(raid) = &parts.raid {
        raid::encode(raid, raid_part);
    }
}

/// The pace of a mirror or RAID5 metadevice, if it is not the one that everybody has.
fn chosen_pace<'a>(parts: &'a Parts<'_>) -> Option<&'a Limits> {
    let pace = match &parts.head.kind {
        Kind::Mirror(options) => &options.pace,
        Kind::Raid => &parts.raid.as_ref()?.pace,
        Kind::Stripe | Kind::Soft => return None,
    };
    Some(pace).filter(|pace| **pace != Limits::DEFAULT)
}

/// Writes a list of structures, each of so many bytes. Without `zip`, which divides by that.
fn fill<T>(to: &mut [u8], bytes: usize, list: &[T], encode: impl Fn(&T, &mut [u8])) {
    let mut places = to.chunks_exact_mut(bytes);
    for from in list {
        let Some(place) = places.next() else {
            return;
        };
        encode(from, place);
    }
}

impl<'a> Record<'a> {
    /// Reads a record of [`RECORD_KIND`], of [`RECORD_VERSION_MIN`] to [`RECORD_VERSION`], from its
    /// bytes, all parts behind each other.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let (head, lists) = bytes
            .split_at_checked(HEAD_BYTES)
            .ok_or(bad("length", bytes.len() as u64))?;
        let rows = list_bytes(ROWS, head, ROWS_MAX, ROW_BYTES)?;
        let components = list_bytes(COMPONENTS, head, COMPONENTS_MAX, COMPONENT_BYTES)?;
        let sides = list_bytes(SUBMIRRORS, head, SUBMIRRORS_MAX, SIDE_BYTES)?;
        let cut = bad("length", bytes.len() as u64);
        let (rows, rest) = lists.split_at_checked(rows).ok_or(cut)?;
        let (components, rest) = rest.split_at_checked(components).ok_or(cut)?;
        let (sides, rest) = rest.split_at_checked(sides).ok_or(cut)?;
        let word_bytes = all_word_bytes(head, sides);
        let spared = list_bytes(SPARED, head, SPARED_MAX, SPARED_BYTES)?;
        let (words, rest) = rest.split_at_checked(word_bytes).ok_or(cut)?;
        let (spared, rest) = rest.split_at_checked(spared).ok_or(cut)?;
        let none = <&[u8]>::default();
        let (history, soft, raid) = match KIND.number(head) {
            SOFT_KIND => (none, rest, none),
            RAID_KIND => {
                let before = rest.len().checked_sub(raid::BYTES).ok_or(cut)?;
                let (history, raid) = rest.split_at_checked(before).ok_or(cut)?;
                (history, none, raid)
            }
            _ => (rest, none, none),
        };
        let (history, pace) = match history.len() {
            0 => (history, history),
            _ => history.split_at_checked(history::BYTES).ok_or(cut)?,
        };
        if !matches!(pace.len(), 0 | pace::BYTES) {
            return Err(cut);
        }
        if !history.is_empty() {
            history::judge(history)?;
        }
        let record = Self {
            head: with_pace(decode_head(head)?, pace)?,
            rows,
            components,
            sides,
            words,
            spared,
            history,
            soft,
            raid,
            pace,
        };
        record.judge()?;
        Ok(record)
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = Row> + 'a {
        let rows = self.rows.chunks_exact(ROW_BYTES);
        rows.filter_map(|row| decode_row(row).ok())
    }

    /// The components.
    pub fn components(&self) -> impl Iterator<Item = Component> + 'a {
        let components = self.components.chunks_exact(COMPONENT_BYTES);
        components.filter_map(|component| decode_component(component).ok())
    }

    /// The submirrors.
    pub fn sides(&self) -> impl Iterator<Item = Side> + 'a {
        let sides = self.sides.chunks_exact(SIDE_BYTES);
        sides.filter_map(|side| decode_side(side).ok())
    }

    /// The words of a bitmap: number 0 for the regions that are dirty, 1 and so on for those in
    /// which a side is behind. None if nothing is remembered of regions.
    pub fn words(&self, bitmap: usize) -> impl Iterator<Item = u64> + 'a {
        let bitmaps = (self.sides.len() / SIDE_BYTES).saturating_add(1);
        let each = (self.words.len() / WORD_BYTES).checked_div(bitmaps);
        let each = each.unwrap_or(0);
        let words = self.words.chunks_exact(WORD_BYTES);
        let words = words.skip(each.saturating_mul(bitmap)).take(each);
        words.map(|word| WORD.number(word))
    }

    /// What components have to do with hot spares, in the order of their indexes.
    pub fn spared(&self) -> impl Iterator<Item = Spared> + 'a {
        let spared = self.spared.chunks_exact(SPARED_BYTES);
        spared.filter_map(|spared| decode_spared(spared).ok())
    }

    /// Each names another component that there is, in order.
    fn judge_spared(&self) -> Result<(), Damage> {
        let count = (self.components.len() / COMPONENT_BYTES) as u64;
        let mut next = 0_u64;
        for spared in self.spared.chunks_exact(SPARED_BYTES) {
            let component = u64::from(decode_spared(spared)?.component);
            if component < next || component >= count {
                return Err(bad(SPARED_COMPONENT.name, component));
            }
            next = component.saturating_add(1);
        }
        Ok(())
    }

    /// What a mirror remembers of scrubs; `None` in a record that is older than that, or in a
    /// label.
    pub fn history(&self) -> Option<History> {
        history::decode(self.history)
    }

    /// What a soft partition has, its extents apart.
    pub fn soft(&self) -> Option<SoftHead> {
        soft::decode_head(self.soft).ok()
    }

    /// The extents of a soft partition, in order.
    pub fn extents(&self) -> impl Iterator<Item = Extent> + 'a {
        soft::extents(self.soft)
    }

    /// What a RAID5 metadevice has besides its columns.
    pub fn raid(&self) -> Option<Raid> {
        let columns = self.rows().map(|row| row.component_count);
        let columns = columns.fold(0, u32::saturating_add);
        let raid = raid::decode(self.raid, columns).ok()?;
        let pace = match self.pace.len() {
            0 => raid.pace,
            _ => pace::decode(self.pace).ok()?,
        };
        Some(Raid { pace, ..raid })
    }

    /// A RAID5 metadevice has one row or two, and no sides.
    fn judge_raid(&self) -> Result<(), Damage> {
        let mut rows = self.rows();
        match (rows.next(), rows.next(), rows.next()) {
            (Some(row), attached, None) if self.sides.is_empty() => {
                let rows = (&row, attached.as_ref());
                raid::judge(self.raid, rows, self.components(), self.head.size_sectors)
            }
            _ => Err(bad(ROWS.name, self.rows.len() as u64)),
        }
    }

    /// A soft partition has one component, which is its base, and nothing else.
    fn judge_soft(&self) -> Result<(), Damage> {
        let mut components = self.components();
        let (base, others) = (components.next(), components.count());
        let base = base
            .filter(|_| others == 0)
            .ok_or(bad(COMPONENTS.name, others as u64))?;
        let end = base.start_sector.saturating_add(base.size_sectors);
        let is_alone = self.rows.is_empty() && self.sides.is_empty() && self.spared.is_empty();
        if !is_alone {
            return Err(bad(ROWS.name, self.rows.len() as u64));
        }
        soft::judge(self.soft, (base.start_sector, end), self.head.size_sectors)
    }

    fn judge(&self) -> Result<(), Damage> {
        let mut in_rows = 0_usize;
        for row in self.rows.chunks_exact(ROW_BYTES) {
            let count = decode_row(row)?.component_count;
            in_rows = in_rows.saturating_add(count as usize);
        }
        for component in self.components.chunks_exact(COMPONENT_BYTES) {
            decode_component(component)?;
        }
        for side in self.sides.chunks_exact(SIDE_BYTES) {
            decode_side(side)?;
        }
        self.judge_spared()?;
        if self.head.kind == Kind::Soft {
            return self.judge_soft();
        }
        if in_rows.checked_mul(COMPONENT_BYTES) != Some(self.components.len()) {
            return Err(bad("components in rows", in_rows as u64));
        }
        match self.head.kind {
            Kind::Stripe if !self.sides.is_empty() || self.rows.is_empty() => {
                Err(bad(SUBMIRRORS.name, self.sides.len() as u64))
            }
            Kind::Stripe if !self.history.is_empty() => Err(bad("scrubs of a stripe", 1)),
            Kind::Mirror(_) if !self.rows.is_empty() || self.sides.is_empty() => {
                Err(bad(ROWS.name, self.rows.len() as u64))
            }
            Kind::Raid => self.judge_raid(),
            Kind::Stripe | Kind::Mirror(_) | Kind::Soft => Ok(()),
        }
    }
}

/// The head of a record at whose end these bytes are.
fn with_pace(head: Head, pace: &[u8]) -> Result<Head, Damage> {
    let kind = match (head.kind, pace.len()) {
        (kind, 0) => kind,
        (Kind::Mirror(options), pace::BYTES) => {
            let pace = pace::decode(pace)?;
            Kind::Mirror(Options { pace, ..options })
        }
        (Kind::Raid, pace::BYTES) => {
            pace::decode(pace)?;
            Kind::Raid
        }
        (_, length) => return Err(bad("length", length as u64)),
    };
    Ok(Head { kind, ..head })
}

/// Bytes of all bitmaps of a record with this head and these sides.
fn all_word_bytes(head: &[u8], sides: &[u8]) -> usize {
    let bitmaps = (sides.len() / SIDE_BYTES).saturating_add(1);
    let each = REGION_WORDS.number(head) as usize;
    each.saturating_mul(bitmaps).saturating_mul(WORD_BYTES)
}
