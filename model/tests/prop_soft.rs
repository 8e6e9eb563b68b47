// SPDX-License-Identifier: GPL-2.0
//! Properties of soft partitions (`svm.md` section 6), against a slow and obvious model that keeps
//! the owner of every grain: no overlap, nothing lost, nothing outside; and layouts that are
//! rebuilt from watermarks that were torn, damaged, or written in the middle of data are right or
//! not there.

use std::{
    collections::BTreeMap,
    num::NonZeroU64, //
};

use md_model::{
    database::identity::Uuid,
    limits::GRAIN_SECTORS,
    name::UnitName,
    soft::{
        allocate::{
            allocate,
            cut,
            Amount,
            NoRoom, //
        },
        chain::{
            agrees,
            tiles,
            Walk, //
        },
        change::{
            all,
            Change,
            Copies,
            Kind,
            Layout, //
        },
        extents::total,
        rebuild::{
            rebuild,
            Candidate,
            Found, //
        },
        taken::{
            free_sectors,
            sort,
            verify,
            Taken, //
        },
        watermark::{
            Stamp,
            Version,
            Watermark,
            BYTES, //
        },
        Base,
        Extent, //
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select, //
};

use crate::seeded::for_all;

/// Grains of the base.
const GRAINS: u64 = 200;

/// Most extents of a soft partition in these tests.
const EXTENTS: usize = 12;

const BASE: Base = Base {
    start: 4 * GRAIN_SECTORS,
    end: GRAINS * GRAIN_SECTORS,
};

/// Identity of the watermarks of the base.
const MARKS: Uuid = Uuid::from_bytes([0xba; 16]);

/// What is asked for. Which soft partition is meant is a number modulo how many there are.
#[derive(Clone, Debug)]
enum Wish {
    Create { grains: u64, align: u64 },
    CreateAll { align: u64 },
    Grow { which: usize, grains: u64 },
    Shrink { which: usize, grains: u64 },
    Clear { which: usize },
    Move { which: usize, extent: usize },
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let align = || select(vec![1_u64, 1, 2, 3, 8]);
    let grains = 1_u64..60;
    let one_by = (any::<usize>(), grains.clone());
    let wish = prop_oneof![
        4 => (grains, align()).prop_map(|(grains, align)| Wish::Create { grains, align }),
        1 => align().prop_map(|align| Wish::CreateAll { align }),
        3 => one_by.clone().prop_map(|(which, grains)| Wish::Grow { which, grains }),
        2 => one_by.prop_map(|(which, grains)| Wish::Shrink { which, grains }),
        3 => any::<(usize, usize)>().prop_map(|(which, extent)| Wish::Move { which, extent }),
        3 => any::<usize>().prop_map(|which| Wish::Clear { which }),
    ];
    vec(wish, 1..25)
}

#[derive(Clone, Debug, PartialEq)]
struct Soft {
    uuid: Uuid,
    name: UnitName,
    align: u64,
    generation: u64,
    extents: Vec<Extent>,
}

impl Soft {
    fn version(&self) -> Version {
        Version {
            generation: self.generation,
            extents: self.extents.len() as u64 as u32,
            total_sectors: total(&self.extents),
        }
    }
}

/// All soft partitions of the base.
#[derive(Clone, Debug, Default)]
struct World {
    softs: BTreeMap<u32, Soft>,
    made: u32,
    generation: u64,
    has_chain: bool,
}

/// A change that is about to happen: the soft partition before and after it.
struct Planned {
    kind: Kind,
    number: u32,
    after: World,
}

impl World {
    fn taken(&self) -> Vec<Taken> {
        let mut taken: Vec<_> = self
            .softs
            .iter()
            .flat_map(|(number, soft)| {
                let extents = soft.extents.iter().zip(0..);
                extents.map(|(extent, sequence)| Taken {
                    extent: *extent,
                    owner: *number,
                    sequence,
                })
            })
            .collect();
        sort(&mut taken);
        taken
    }

    fn which(&self, which: usize) -> Option<u32> {
        let numbers: Vec<_> = self.softs.keys().copied().collect();
        let index = which.checked_rem(numbers.len())?;
        numbers.get(index).copied()
    }

    fn plan(&self, wish: &Wish) -> Option<Planned> {
        let mut after = self.clone();
        after.generation += 1;
        after.has_chain = true;
        let (kind, number) = match *wish {
            Wish::Create { grains, align } => {
                after.create(Amount::Sectors(grains * GRAIN_SECTORS), align)?
            }
            Wish::CreateAll { align } => after.create(Amount::All, align)?,
            Wish::Grow { which, grains } => after.grow(self.which(which)?, grains)?,
            Wish::Shrink { which, grains } => after.shrink(self.which(which)?, grains)?,
            Wish::Clear { which } => {
                let number = self.which(which)?;
                after.softs.remove(&number)?;
                (Kind::Clear, number)
            }
            Wish::Move { which, extent } => after.move_extent(self.which(which)?, extent)?,
        };
        Some(Planned {
            kind,
            number,
            after,
        })
    }

    fn create(&mut self, amount: Amount, align: u64) -> Option<(Kind, u32)> {
        let extents = allocated(self, &[], amount, align)?.1;
        self.made += 1;
        let soft = Soft {
            uuid: Uuid::from_bytes([self.made as u8; 16]),
            name: UnitName::from_number(self.made).expect("a name"),
            align,
            generation: self.generation,
            extents,
        };
        self.softs.insert(self.made, soft);
        Some((Kind::Create, self.made))
    }

    fn grow(&mut self, number: u32, grains: u64) -> Option<(Kind, u32)> {
        let soft = self.softs.get(&number)?.clone();
        let amount = Amount::Sectors(grains * GRAIN_SECTORS);
        let (extended, added) = allocated(self, &soft.extents, amount, soft.align)?;
        let generation = self.generation;
        let soft = self.softs.get_mut(&number)?;
        soft.extents.last_mut()?.count += extended;
        soft.extents.extend(added);
        soft.generation = generation;
        Some((Kind::Grow, number))
    }

    fn shrink(&mut self, number: u32, grains: u64) -> Option<(Kind, u32)> {
        let generation = self.generation;
        let soft = self.softs.get_mut(&number)?;
        let (kept, last) = cut(&soft.extents, grains * GRAIN_SECTORS)?;
        soft.extents.truncate(kept);
        soft.extents.last_mut()?.count = last;
        soft.generation = generation;
        Some((Kind::Shrink, number))
    }

    /// An extent goes to the first place where it fits.
    fn move_extent(&mut self, number: u32, extent: usize) -> Option<(Kind, u32)> {
        let soft = self.softs.get(&number)?.clone();
        let index = extent % soft.extents.len();
        let amount = Amount::Sectors(soft.extents[index].count);
        let mut out = [Extent::UNFILLED; 1];
        let unit = NonZeroU64::new(soft.align * GRAIN_SECTORS)?;
        allocate(&BASE, &self.taken(), &[], amount, unit, &mut out).ok()?;
        let generation = self.generation;
        let soft = self.softs.get_mut(&number)?;
        soft.extents[index] = out[0];
        soft.generation = generation;
        Some((Kind::Move, number))
    }

    /// What is there is what should be: every grain has one owner.
    fn check(&self) {
        let taken = self.taken();
        assert_eq!(verify(&BASE, &taken), Ok(()));
        let mut owners = BTreeMap::new();
        for tile in tiles(&BASE, &taken) {
            let grains = tile.length / GRAIN_SECTORS + 1;
            for grain in 0..grains {
                let before = owners.insert(tile.sector / GRAIN_SECTORS + grain, tile);
                assert_eq!(before, None, "a grain has two owners");
            }
        }
        let first = BASE.start / GRAIN_SECTORS;
        assert!(
            owners.keys().copied().eq(first..=GRAINS),
            "every grain has one"
        );
        for soft in self.softs.values() {
            for extent in &soft.extents {
                assert_eq!(extent.sector % (soft.align * GRAIN_SECTORS), 0);
            }
        }
    }

    /// How the watermarks of a world should be.
    fn marks(&self) -> Vec<Watermark> {
        let (taken, softs) = (self.taken(), self.softs.clone());
        let layout = Layout {
            base: BASE,
            taken: &taken,
        };
        let stamp = |one: &Taken| {
            let soft: &Soft = softs.get(&one.owner)?;
            Some(Stamp {
                soft: soft.uuid,
                name: soft.name,
                sequence: one.sequence,
                version: soft.version(),
            })
        };
        all(MARKS, layout, stamp).collect()
    }
}

/// Allocates, and compares with what one finds by looking at each grain.
fn allocated(
    world: &World,
    own: &[Extent],
    amount: Amount,
    align: u64,
) -> Option<(u64, Vec<Extent>)> {
    let taken = world.taken();
    let mut out = [Extent::UNFILLED; EXTENTS];
    let unit = NonZeroU64::new(align * GRAIN_SECTORS).expect("not zero");
    let room = EXTENTS - own.len();
    let share = allocate(&BASE, &taken, own, amount, unit, &mut out[..room]);
    let free = free_sectors(&BASE, &taken);
    match share {
        Ok(share) => {
            let added = out[..share.added].to_vec();
            let got = share.extended + total(&added);
            if let Amount::Sectors(sectors) = amount {
                assert_eq!(got, sectors, "all of it, and no more");
            }
            assert!(got <= free + GRAIN_SECTORS && got > 0);
            if let ([one], 0, Amount::Sectors(sectors)) = (&added[..], own.len(), amount) {
                assert_eq!(one.sector, first_fit(&taken, sectors, align), "first fit");
            }
            Some((share.extended, added))
        }
        Err(NoRoom::Full { free: found, .. }) => {
            if let Amount::Sectors(sectors) = amount {
                assert!(found < sectors, "there was room: {found} of {sectors}");
            }
            None
        }
        Err(NoRoom::TooManyExtents { most }) => {
            assert_eq!(most, room);
            None
        }
    }
}

/// The lowest sector where so many fit, by trying each.
fn first_fit(taken: &[Taken], sectors: u64, align: u64) -> u64 {
    let mut tries = (0..GRAINS).step_by(align as usize);
    let fits = |grain: &u64| {
        let extent = Extent {
            sector: grain * GRAIN_SECTORS,
            count: sectors,
        };
        let one = Taken {
            extent,
            owner: 0,
            sequence: 0,
        };
        let mut all = taken.to_vec();
        all.push(one);
        sort(&mut all);
        extent.sector >= GRAIN_SECTORS && verify(&BASE, &all).is_ok()
    };
    tries.find(fits).expect("it was found") * GRAIN_SECTORS
}

#[test]
fn every_grain_has_one_owner_whatever_is_asked_for() {
    for_all(wishes(), |wishes| {
        let mut world = World::default();
        for wish in &wishes {
            if let Some(planned) = world.plan(wish) {
                world = planned.after;
            }
            world.check();
        }
        Ok(())
    });
}

/// The places of watermarks on a base: two copies each.
type Places = BTreeMap<u64, [Vec<u8>; 2]>;

fn write(places: &mut Places, mark: &Watermark, copy: usize) {
    let copies = places.entry(mark.sector).or_default();
    copies[copy] = vec![0; BYTES];
    assert!(mark.encode(&mut copies[copy]));
}

/// What a base has when it was made anew with these.
fn base_of(world: &World) -> Places {
    let mut places = Places::new();
    for mark in world.marks() {
        write(&mut places, &mark, 0);
        write(&mut places, &mark, 1);
    }
    places
}

/// The extents that the chain leads to; whether it comes to its end.
fn walk(places: &Places) -> (Vec<Found>, bool) {
    let mut walk = Walk::new(&BASE);
    let mut found = Vec::new();
    while let Some(place) = walk.place() {
        let none = Default::default();
        let [first, second] = places.get(&place).unwrap_or(&none);
        match walk.step((first, second)) {
            Ok(mark) => {
                let extent = mark.extent();
                found.extend(extent.map(|(extent, stamp)| Found { extent, stamp }));
            }
            Err(_) => return (found, false),
        }
    }
    (found, true)
}

/// The layout of each soft partition that a chain has.
fn layouts(found: &[Found]) -> BTreeMap<Uuid, (u64, Vec<Extent>)> {
    let mut layouts = BTreeMap::new();
    for one in found {
        let soft = one.stamp.soft;
        let mut out = [Candidate::UNFILLED; EXTENTS];
        if let Some(rebuilt) = rebuild(found, &soft, &mut out) {
            let own = &out[..rebuilt.version.extents as usize];
            let extents = own.iter().map(|one| one.extent).collect();
            layouts.insert(soft, (rebuilt.version.generation, extents));
        }
    }
    layouts
}

fn expected(world: &World) -> BTreeMap<Uuid, (u64, Vec<Extent>)> {
    let softs = world.softs.values();
    softs
        .map(|soft| (soft.uuid, (soft.generation, soft.extents.clone())))
        .collect()
}

/// Carries out a change; stops after so many copies, of which the last one is torn. An extent that
/// is moved is at both places in between.
fn carry_out(places: &mut Places, world: &World, planned: &Planned, mut left: usize) -> bool {
    let (old, new) = (world.taken(), planned.after.taken());
    if planned.kind != Kind::Move {
        return carry_out_step(places, world, planned, (&old, &new), &mut left);
    }
    let mut both = old.clone();
    both.extend(new.iter().filter(|one| !old.contains(one)));
    sort(&mut both);
    let double = Planned {
        kind: Kind::Double,
        number: planned.number,
        after: planned.after.clone(),
    };
    carry_out_step(places, world, &double, (&old, &both), &mut left)
        && carry_out_step(places, world, planned, (&both, &new), &mut left)
}

fn carry_out_step(
    places: &mut Places,
    world: &World,
    planned: &Planned,
    (old, new): (&[Taken], &[Taken]),
    left: &mut usize,
) -> bool {
    let soft = |world: &World| world.softs.get(&planned.number).cloned();
    let own = soft(&planned.after).or(soft(world)).expect("one of them");
    let version = |world: &World| soft(world).unwrap_or(own.clone()).version();
    let layout = |taken| Layout { base: BASE, taken };
    let change = Change {
        kind: planned.kind,
        base: MARKS,
        old: world.has_chain.then_some(layout(old)),
        new: layout(new),
        owner: planned.number,
        soft: own.uuid,
        name: own.name,
        before: version(world),
        after: version(&planned.after),
    };
    for round in change.rounds() {
        for mark in change.writes(round.step) {
            for copy in 0..2 {
                let wanted = match round.copies {
                    Copies::Both => true,
                    Copies::First => copy == 0,
                    Copies::Second => copy == 1,
                };
                if !wanted {
                    continue;
                }
                if *left == 0 {
                    // Torn: neither what was there nor what is to be.
                    places.entry(mark.sector).or_default()[copy] = vec![0xee; BYTES];
                    return false;
                }
                *left -= 1;
                write(places, &mark, copy);
            }
        }
    }
    true
}

/// `svm.md` section 6.4: whenever the power goes, the layout is the one from before or after.
#[test]
fn a_change_that_is_cut_off_has_happened_or_not() {
    for_all((wishes(), any::<usize>()), |(wishes, cut)| {
        let mut world = World::default();
        let mut places = Places::new();
        for (index, wish) in wishes.iter().enumerate() {
            let Some(planned) = world.plan(wish) else {
                continue;
            };
            let mut torn = places.clone();
            let done = carry_out(&mut torn, &world, &planned, (cut >> index) % 40);
            let (found, ends) = walk(&torn);
            let now = layouts(&found);
            let (before, after) = (expected(&world), expected(&planned.after));
            prop_assert!(ends || !world.has_chain, "the chain is broken");
            let is_clear = planned.kind == Kind::Clear;
            prop_assert!(
                now == after || !done && now == before,
                "{:?} done {done}, clear {is_clear}: {now:?} is neither {before:?} nor {after:?}",
                planned.kind
            );
            carry_out(&mut places, &world, &planned, usize::MAX);
            world = planned.after;
            for mark in world.marks() {
                let copies = places.get(&mark.sector).expect("it was written");
                for copy in copies {
                    let found = Watermark::decode(copy);
                    prop_assert!(found.is_ok_and(|found| agrees(&mark, &found)));
                }
            }
        }
        Ok(())
    });
}

/// What is rebuilt from a damaged base is right, however it was damaged; what cannot be told is
/// left out.
#[test]
fn what_is_rebuilt_after_damage_is_right() {
    let damage = vec((any::<usize>(), 0..2_usize, 0..BYTES, any::<u8>()), 1..6);
    for_all((wishes(), damage), |(wishes, damage)| {
        let mut world = World::default();
        for wish in &wishes {
            if let Some(planned) = world.plan(wish) {
                world = planned.after;
            }
        }
        let mut places = base_of(&world);
        let sectors: Vec<_> = places.keys().copied().collect();
        for (which, copy, at, byte) in damage {
            let sector = sectors[which % sectors.len()];
            places.get_mut(&sector).expect("there")[copy][at] = byte;
        }
        let right = expected(&world);
        for (soft, layout) in layouts(&walk(&places).0) {
            prop_assert_eq!(Some(&layout), right.get(&soft));
        }
        Ok(())
    });
}

/// Watermarks in the data of a soft partition, with everything right but their place in the chain,
/// mislead nobody.
#[test]
fn watermarks_among_data_are_not_followed() {
    for_all((wishes(), any::<usize>()), |(wishes, which)| {
        let mut world = World::default();
        let mut places = Places::new();
        for wish in &wishes {
            if let Some(planned) = world.plan(wish) {
                // What earlier changes have left is still there.
                carry_out(&mut places, &world, &planned, usize::MAX);
                world = planned.after;
            }
        }
        let right = expected(&world);
        let Some(number) = world.which(which) else {
            return Ok(());
        };
        let soft = &world.softs[&number];
        for extent in &soft.extents {
            for sector in (extent.sector..extent.end()).step_by(GRAIN_SECTORS as usize) {
                let mark = Watermark {
                    base: MARKS,
                    sector,
                    length: extent.end() - sector,
                    behind: world.marks()[0].behind,
                };
                write(&mut places, &mark, 0);
            }
        }
        prop_assert_eq!(layouts(&walk(&places).0), right);
        Ok(())
    });
}
