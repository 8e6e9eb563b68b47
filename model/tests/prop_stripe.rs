// SPDX-License-Identifier: GPL-2.0
//! Properties of stripes and concats (`svm.md` section 3), against a slow and obvious model that
//! deals out sectors one by one.

use std::{
    collections::HashSet,
    num::{
        NonZeroU32,
        NonZeroU64, //
    },
};

use md_model::{
    geometry::stripe::{
        lay_out,
        map,
        ranges,
        uniform_chunk,
        unmap,
        Component,
        ComponentSpec,
        FirstRun,
        LayoutError,
        Row,
        RowSpec, //
    },
    limits::UNIT_SECTORS_MAX,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select, //
};

use crate::seeded::for_all;

/// A unit as the administrator describes it.
#[derive(Clone, Debug)]
struct Spec {
    rows: Vec<RowSpec>,
    components: Vec<ComponentSpec>,
}

/// The same unit, laid out.
#[derive(Clone, Debug)]
struct Unit {
    rows: Vec<Row>,
    components: Vec<Component>,
    total: u64,
}

/// What tables hold before they are filled; no layout ever has it.
const UNTOUCHED_ROW: Row = Row {
    first_component: u32::MAX,
    component_count: NonZeroU32::MAX,
    interlace_sectors: NonZeroU64::MAX,
    start_sector: u64::MAX,
    size_sectors: u64::MAX,
};
const UNTOUCHED_COMPONENT: Component = Component {
    start_sector: u64::MAX,
    size_sectors: u64::MAX,
};

impl Spec {
    /// Lays the unit out; a refusal must leave the tables as they were.
    fn lay_out(&self) -> Result<Unit, LayoutError> {
        let mut rows = vec![UNTOUCHED_ROW; self.rows.len()];
        let mut components = vec![UNTOUCHED_COMPONENT; self.components.len()];
        match lay_out(&self.rows, &self.components, &mut rows, &mut components) {
            Ok(total) => Ok(Unit {
                rows,
                components,
                total,
            }),
            Err(error) => {
                assert!(rows.iter().all(|row| *row == UNTOUCHED_ROW));
                assert!(components.iter().all(|c| *c == UNTOUCHED_COMPONENT));
                Err(error)
            }
        }
    }

    /// The slow model: for each sector of the unit, its component and the sector there.
    fn deal(&self) -> Vec<(u32, u64)> {
        let unit_block = self
            .components
            .iter()
            .map(|c| c.block_sectors)
            .max()
            .unwrap_or(1);
        let mut dealt = Vec::new();
        let mut first = 0;
        for row in &self.rows {
            let count = row.component_count as usize;
            let starts: Vec<u64> = self.components[first..first + count]
                .iter()
                .map(|c| c.start_sectors.unwrap_or(2048))
                .collect();
            let smallest = (0..count)
                .map(|i| self.components[first + i].capacity_sectors - starts[i])
                .min()
                .unwrap_or(0);
            let turn = if count > 1 {
                row.interlace_sectors
            } else {
                u64::from(unit_block)
            };
            for round in 0..smallest / turn {
                for (index, start) in starts.iter().enumerate() {
                    for sector in 0..turn {
                        dealt.push(((first + index) as u32, start + round * turn + sector));
                    }
                }
            }
            first += count;
        }
        dealt
    }
}

/// Units so small that every sector can be looked at, all of them valid: block sizes up to 8
/// sectors, interlaces multiples of 8, and room for at least one interlace on each device.
fn small_units() -> impl Strategy<Value = Spec> {
    let component = (
        select(vec![1, 1, 1, 2, 8]),
        option::of(0_u64..20),
        0_u64..200,
    );
    let row = (2_u64..10, vec(component, 1..5));
    vec(row, 1..5).prop_map(|rows| {
        let mut spec = Spec {
            rows: Vec::new(),
            components: Vec::new(),
        };
        for (interlace_units, components) in rows {
            let interlace_sectors = interlace_units * 8;
            spec.rows.push(RowSpec {
                interlace_sectors,
                component_count: components.len() as u32,
            });
            for (block_sectors, start_units, more) in components {
                let start_sectors = start_units.map(|units| units * u64::from(block_sectors));
                spec.components.push(ComponentSpec {
                    capacity_sectors: start_sectors.unwrap_or(2048) + interlace_sectors + more,
                    start_sectors,
                    block_sectors,
                });
            }
        }
        spec
    })
}

/// Numbers as hostile as they come.
fn extreme() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..100,
        any::<u64>(),
        (0_u64..100).prop_map(|less| u64::MAX - less),
        (0_u32..64).prop_map(|shift| 1 << shift),
        (0_u64..100).prop_map(|less| UNIT_SECTORS_MAX.saturating_sub(less)),
    ]
}

/// Specifications of any kind, most of them wrong in some way.
fn any_specs() -> impl Strategy<Value = Spec> {
    let interlace = prop_oneof![4 => (2_u64..25_600).prop_map(|n| n * 8), 1 => extreme()];
    let count = prop_oneof![8 => 1_u32..4, 1 => any::<u32>()];
    let row = (interlace, count).prop_map(|(interlace_sectors, component_count)| RowSpec {
        interlace_sectors,
        component_count,
    });
    let block = prop_oneof![8 => select(vec![1_u32, 8, 128]), 1 => any::<u32>()];
    let start = option::weighted(
        0.3,
        prop_oneof![(0_u64..64).prop_map(|n| n * 128), extreme()],
    );
    let component =
        (extreme(), start, block).prop_map(|(capacity_sectors, start_sectors, block_sectors)| {
            ComponentSpec {
                capacity_sectors,
                start_sectors,
                block_sectors,
            }
        });
    // Half of the time as many components as the rows want.
    (vec(row, 0..4), vec(component, 0..12), any::<bool>()).prop_map(
        |(rows, mut components, fitting)| {
            let wanted: u64 = rows.iter().map(|row| u64::from(row.component_count)).sum();
            if fitting {
                components.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            }
            Spec { rows, components }
        },
    )
}

/// Tables that no layout made.
fn corrupt_tables() -> impl Strategy<Value = (Vec<Row>, Vec<Component>)> {
    let row = (any::<u32>(), 1_u32..5, extreme(), extreme(), extreme()).prop_map(
        |(first, count, interlace, start_sector, size_sectors)| Row {
            first_component: first >> (first % 32),
            component_count: NonZeroU32::new(count).expect("drawn from 1 on"),
            interlace_sectors: NonZeroU64::new(interlace).unwrap_or(NonZeroU64::MIN),
            start_sector,
            size_sectors,
        },
    );
    let component = (extreme(), extreme()).prop_map(|(start_sector, size_sectors)| Component {
        start_sector,
        size_sectors,
    });
    (vec(row, 0..5), vec(component, 0..5))
}

#[test]
fn every_sector_is_where_dealing_puts_it_and_comes_back() {
    for_all(small_units(), |spec| {
        let unit = spec.lay_out().expect("a valid unit");
        let dealt = spec.deal();
        let first = FirstRun::of(&unit.rows, &unit.components);
        prop_assert_eq!(unit.total, dealt.len() as u64);

        let places: HashSet<_> = dealt.iter().collect();
        prop_assert_eq!(places.len(), dealt.len(), "two sectors in one place");
        for (sector, place) in (0_u64..).zip(&dealt) {
            let piece = map(&unit.rows, &unit.components, sector, 1).expect("inside");
            prop_assert_eq!((piece.component, piece.sector), *place);
            prop_assert_eq!(piece.count, 1);
            let back = unmap(&unit.rows, &unit.components, place.0, place.1);
            prop_assert_eq!(back, Some(sector));
            let found = first.piece(sector, unit.total);
            let mapped = map(&unit.rows, &unit.components, sector, unit.total);
            prop_assert!(found.is_none() || found == mapped);
        }
        prop_assert_eq!(map(&unit.rows, &unit.components, unit.total, 1), None);
        Ok(())
    });
}

#[test]
fn what_is_no_place_of_the_unit_comes_back_as_nothing() {
    let inputs = (small_units(), 0_u32..20, 0_u64..2600);
    for_all(inputs, |(spec, component, sector)| {
        let unit = spec.lay_out().expect("a valid unit");
        let place = (component, sector);
        let dealt = spec.deal().into_iter().position(|other| other == place);
        let expected = dealt.map(|sector| sector as u64);
        let found = unmap(&unit.rows, &unit.components, component, sector);
        prop_assert_eq!(found, expected);

        for (index, component) in (0..).zip(&unit.components) {
            let end = component.start_sector + component.size_sectors;
            prop_assert_eq!(unmap(&unit.rows, &unit.components, index, end), None);
            let before = component.start_sector.wrapping_sub(1);
            prop_assert_eq!(unmap(&unit.rows, &unit.components, index, before), None);
        }
        Ok(())
    });
}

#[test]
fn pieces_tile_a_request_and_none_could_be_longer() {
    let inputs = (small_units(), any::<u64>(), 1_u64..500);
    for_all(inputs, |(spec, sector, count)| {
        let unit = spec.lay_out().expect("a valid unit");
        let dealt = spec.deal();
        let mut sector = sector % unit.total;
        let end = (sector + count).min(unit.total);
        while sector < end {
            let piece = map(&unit.rows, &unit.components, sector, end - sector).expect("inside");
            prop_assert!(piece.count >= 1 && piece.count <= end - sector);
            for step in 0..piece.count {
                let place = (piece.component, piece.sector + step);
                prop_assert_eq!(dealt[(sector + step) as usize], place);
            }
            sector += piece.count;
            if sector < end {
                let next = (piece.component, piece.sector + piece.count);
                prop_assert_ne!(dealt[sector as usize], next, "cut without need");
            }
        }
        Ok(())
    });
}

#[test]
fn ranges_are_the_places_of_a_request_in_one_run_for_each_component() {
    let inputs = (small_units(), any::<u64>(), 0_u64..500);
    for_all(inputs, |(spec, sector, count)| {
        let unit = spec.lay_out().expect("a valid unit");
        let sector = sector % unit.total;
        let end = (sector + count).min(unit.total);
        let mut found = Vec::new();
        let mut components = HashSet::new();
        let mut twice = false;
        let inside = ranges(
            &unit.rows,
            &unit.components,
            sector,
            end - sector,
            |piece| {
                found.extend((0..piece.count).map(|step| (piece.component, piece.sector + step)));
                twice |= piece.count == 0 || !components.insert(piece.component);
            },
        );
        prop_assert_eq!(inside, Some(()));
        prop_assert!(!twice, "a component has two runs, or an empty one");
        let mut expected = spec.deal()[sector as usize..end as usize].to_vec();
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        let beyond = ranges(&unit.rows, &unit.components, sector, unit.total, |_| {});
        prop_assert_eq!(beyond.is_some(), sector == 0);
        Ok(())
    });
}

#[test]
fn no_piece_ends_within_a_logical_block() {
    for_all(small_units(), |spec| {
        let unit = spec.lay_out().expect("a valid unit");
        let blocks = spec.components.iter().map(|c| u64::from(c.block_sectors));
        let block = blocks.max().unwrap_or(1);
        prop_assert_eq!(unit.total % block, 0);
        for sector in (0..unit.total).step_by(block as usize) {
            let piece = map(&unit.rows, &unit.components, sector, block).expect("inside");
            prop_assert_eq!(piece.count, block);
            let own = &spec.components[piece.component as usize];
            prop_assert_eq!(piece.sector % u64::from(own.block_sectors), 0);
        }
        Ok(())
    });
}

#[test]
fn a_chunk_is_in_one_piece() {
    for_all(small_units(), |mut spec| {
        // Alike rows are rare among random ones.
        let interlace_sectors = spec.rows[0].interlace_sectors.min(16);
        for row in &mut spec.rows {
            row.interlace_sectors = interlace_sectors;
        }
        let unit = spec.lay_out().expect("a valid unit");
        let striped = unit.rows.iter().all(|row| row.component_count.get() > 1);
        let chunk = uniform_chunk(&unit.rows).map(u64::from);
        prop_assert_eq!(chunk, striped.then_some(interlace_sectors));
        for start in (0..unit.total).step_by(interlace_sectors as usize) {
            let Some(chunk) = chunk else { break };
            let piece = map(&unit.rows, &unit.components, start, chunk).expect("inside");
            prop_assert_eq!(piece.count, chunk);
        }
        Ok(())
    });
}

/// `Spec::lay_out` sees that a refusal leaves the tables alone; overflow and indexing would panic.
#[test]
fn any_specification_is_laid_out_soundly_or_refused() {
    let inputs = (any_specs(), any::<u64>(), extreme());
    for_all(inputs, |(spec, sector, count)| {
        let Ok(unit) = spec.lay_out() else {
            return Ok(());
        };
        prop_assert!(unit.total > 0 && unit.total <= UNIT_SECTORS_MAX);
        let sizes: u64 = unit.components.iter().map(|c| c.size_sectors).sum();
        prop_assert_eq!(sizes, unit.total);
        for (spec, laid_out) in spec.components.iter().zip(&unit.components) {
            let end = laid_out.start_sector + laid_out.size_sectors;
            prop_assert!(end <= spec.capacity_sectors);
            prop_assert_eq!(laid_out.start_sector % u64::from(spec.block_sectors), 0);
            prop_assert!(spec
                .start_sectors
                .is_none_or(|start| start == laid_out.start_sector));
            prop_assert!(spec.start_sectors.is_some() || laid_out.start_sector >= 2048);
        }

        let sector = sector % unit.total;
        let count = count.max(1);
        let piece = map(&unit.rows, &unit.components, sector, count).expect("inside");
        let back = unmap(&unit.rows, &unit.components, piece.component, piece.sector);
        prop_assert_eq!(back, Some(sector));
        let last = piece.sector + (piece.count - 1);
        let back = unmap(&unit.rows, &unit.components, piece.component, last);
        prop_assert_eq!(back, Some(sector + (piece.count - 1)));
        Ok(())
    });
}

#[test]
fn corrupt_tables_never_lead_out_of_a_component() {
    let inputs = (corrupt_tables(), extreme(), extreme(), 0_u32..6);
    for_all(inputs, |((rows, components), sector, count, index)| {
        if let Some(piece) = map(&rows, &components, sector, count) {
            let component = components[piece.component as usize];
            prop_assert!(piece.count >= 1 && piece.count <= count);
            prop_assert!(piece.sector >= component.start_sector);
            let offset = piece.sector - component.start_sector;
            prop_assert!(piece.count <= component.size_sectors - offset);
        }
        let mut outside = false;
        ranges(&rows, &components, sector, count, |piece| {
            let component = components[piece.component as usize];
            let offset = piece.sector.checked_sub(component.start_sector);
            let room = offset.and_then(|offset| component.size_sectors.checked_sub(offset));
            outside |= room.is_none_or(|room| piece.count > room);
        });
        prop_assert!(!outside);
        unmap(&rows, &components, index, sector);
        uniform_chunk(&rows);
        Ok(())
    });
}
