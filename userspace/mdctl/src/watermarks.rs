// SPDX-License-Identifier: GPL-2.0
//! The watermarks of a base, read from it, and the tables that show them beside the records
//! (`svm.md` section 6.6).

use crate::{
    discover::Host,
    syntax::name::MetadeviceName,
    unit::Unit, //
};
use md_abi::admin::Extent;
use md_image::source::Source;
use md_model::{
    database::identity::Uuid,
    limits::{
        EXTENTS_MAX,
        RESERVED_HEAD_SECTORS, //
    },
    soft::{
        chain::Walk,
        rebuild::{
            is_part,
            rebuild,
            Candidate,
            Found, //
        },
        watermark::{
            Behind,
            Watermark,
            BYTES,
            COPY_SECTORS, //
        },
        Base,
    },
    units::SECTOR_BYTES,
};
use std::{
    collections::BTreeSet,
    io, //
};

/// Most watermarks that are followed. No base has more: each of so many soft partitions has a few.
const STEPS_MAX: usize = 1 << 20;

/// A chain of watermarks, as far as it leads.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Identity of the watermarks.
    pub base: Uuid,
    /// The watermarks, in order.
    pub marks: Vec<Watermark>,
    /// Where it is broken, and how, if it is.
    pub broken: Option<(u64, String)>,
}

/// A soft partition that the watermarks tell of.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Its name.
    pub name: MetadeviceName,
    /// Its identity.
    pub soft: Uuid,
    /// Number of its layout.
    pub generation: u64,
    /// Its extents, in order.
    pub extents: Vec<Extent>,
    candidates: Vec<Candidate>,
}

/// Reads the watermarks of the base at a path.
pub fn read(host: &dyn Host, path: &str) -> io::Result<Chain> {
    let source = host.source(path)?;
    let start = match MetadeviceName::at_path(path) {
        Some(_) => 0,
        None => RESERVED_HEAD_SECTORS,
    };
    let mut chain = Chain::default();
    let Some(base) = Base::of(start, source.bytes() / SECTOR_BYTES) else {
        chain.broken = Some((start, "there is no room for it".to_string()));
        return Ok(chain);
    };
    let mut walk = Walk::new(&base);
    while let Some(place) = walk.place() {
        let copies = [
            copy(&*source, place),
            copy(&*source, place + COPY_SECTORS), //
        ];
        let step = walk.step((&copies[0], &copies[1]));
        chain.base = walk.base();
        match step {
            Ok(mark) if chain.marks.len() < STEPS_MAX => chain.marks.push(mark),
            Ok(_) => break,
            Err(broken) => {
                chain.broken = Some((broken.sector, format!("{:?}", broken.damage)));
                break;
            }
        }
    }
    Ok(chain)
}

/// A copy of a watermark; empty if it cannot be read.
fn copy(source: &dyn Source, sector: u64) -> Vec<u8> {
    let mut bytes = vec![0; BYTES];
    match source.read_at(&mut bytes, sector * SECTOR_BYTES) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

impl Chain {
    fn found(&self) -> Vec<Found> {
        let extents = self.marks.iter().filter_map(Watermark::extent);
        extents
            .map(|(extent, stamp)| Found { extent, stamp })
            .collect()
    }

    /// The soft partitions that are complete, in the order of their names.
    pub fn layouts(&self) -> Vec<Layout> {
        let found = self.found();
        let softs: BTreeSet<_> = found.iter().map(|one| one.stamp.soft).collect();
        let mut out = vec![Candidate::UNFILLED; EXTENTS_MAX as usize];
        let mut layouts = Vec::new();
        for soft in softs {
            let Some(rebuilt) = rebuild(&found, &soft, &mut out) else {
                continue;
            };
            let candidates = out[..rebuilt.version.extents as usize].to_vec();
            let extents = candidates.iter().map(|one| Extent {
                sector: one.extent.sector,
                count: one.extent.count,
            });
            let Some(name) = MetadeviceName::from_number(rebuilt.name.number()) else {
                continue;
            };
            layouts.push(Layout {
                name,
                soft,
                generation: rebuilt.version.generation,
                extents: extents.collect(),
                candidates,
            });
        }
        layouts.sort_by_key(|layout| layout.name);
        layouts
    }

    /// A soft partition of which not all is there: to make the others would be to lose it.
    pub fn incomplete(&self, layouts: &[Layout]) -> Option<MetadeviceName> {
        let known = |one: &Found| layouts.iter().any(|own| own.soft == one.stamp.soft);
        let found = self.found();
        let one = found.iter().find(|one| !known(one))?;
        MetadeviceName::from_number(one.stamp.name.number())
    }

    /// The watermarks as a table; with those of free space on demand.
    pub fn table(&self, with_free: bool) -> String {
        let layouts = self.layouts();
        let mut text = "Watermarks:\n".to_string() + &heading();
        for mark in &self.marks {
            let line = match mark.behind {
                Behind::Extent(stamp) => {
                    let one = Found {
                        extent: mark.extent().map(|(extent, _)| extent).unwrap_or_default(),
                        stamp,
                    };
                    let is_own = |layout: &Layout| is_part(&one, &layout.soft, &layout.candidates);
                    let kind = if layouts.iter().any(is_own) {
                        "ALLOC"
                    } else {
                        "INVLD"
                    };
                    let name = stamp.name.to_string();
                    row(&name, stamp.sequence, kind, one.extent.sector, mark.length)
                }
                Behind::Free if with_free => row("free", 0, "FREE", mark.sector, mark.length),
                Behind::End if with_free => row("free", 0, "END", mark.sector, 0),
                Behind::Free | Behind::End => continue,
            };
            text += &line;
        }
        if let Some((sector, damage)) = &self.broken {
            text += &format!("broken at block {sector}: {damage}\n");
        }
        text
    }
}

/// The records as a table.
pub fn records_table(units: &[Unit]) -> String {
    let mut text = "Records:\n".to_string() + &heading();
    for unit in units {
        let extents = unit.soft().map(|soft| &soft.layout.extents);
        for (sequence, extent) in (0..).zip(extents.into_iter().flatten()) {
            let name = unit.name.to_string();
            text += &row(&name, sequence, "ALLOC", extent.sector, extent.count);
        }
    }
    text
}

fn heading() -> String {
    format!(
        "{:20}{:>5} {:7}{:>20}{:>20}\n",
        "Name", "Seq#", "Type", "Offset", "Length"
    )
}

fn row(name: &str, sequence: u32, kind: &str, sector: u64, count: u64) -> String {
    format!("{name:20}{sequence:>5} {kind:7}{sector:>20}{count:>20}\n")
}
