// SPDX-License-Identifier: GPL-2.0
//! Which metadevice is made of which. A metadevice is a component of at most one other, so that
//! there are trees: parents above the metadevices that they are made of. Only soft partitions share
//! one: it stands below the last of them.

use crate::{
    syntax::{
        name::MetadeviceName,
        spec::Kind, //
    },
    unit::Unit, //
};
use std::collections::{
    BTreeMap,
    BTreeSet, //
};

/// A metadevice, and the one that it is a component of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kin {
    /// The metadevice.
    pub name: MetadeviceName,
    /// The one that it is a component of.
    pub parent: Option<MetadeviceName>,
    /// Its kind.
    pub kind: Kind,
    /// Of a soft partition, the metadevice that it is on, if that is one and known.
    pub base: Option<MetadeviceName>,
}

/// A metadevice in a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The metadevice.
    pub name: MetadeviceName,
    /// How many steps it stands below the first one of its tree in the list.
    pub depth: usize,
}

/// All metadevices that there are.
#[derive(Debug)]
pub struct Family {
    parents: BTreeMap<MetadeviceName, Option<MetadeviceName>>,
    children: BTreeMap<MetadeviceName, Vec<MetadeviceName>>,
    kinds: BTreeMap<MetadeviceName, Kind>,
    /// Soft partitions on each metadevice that has some.
    above: BTreeMap<MetadeviceName, BTreeSet<MetadeviceName>>,
}

impl From<&Unit> for Kin {
    fn from(unit: &Unit) -> Self {
        Kin {
            name: unit.name,
            parent: unit.parent,
            kind: unit.unit_kind(),
            base: unit
                .soft()
                .and_then(|soft| MetadeviceName::at_path(&soft.base.device)),
        }
    }
}

impl FromIterator<Kin> for Family {
    fn from_iter<T: IntoIterator<Item = Kin>>(all: T) -> Self {
        let mut family = Family {
            parents: BTreeMap::new(),
            children: BTreeMap::new(),
            kinds: BTreeMap::new(),
            above: BTreeMap::new(),
        };
        for Kin {
            name,
            parent,
            kind,
            base,
        } in all
        {
            family.parents.insert(name, parent);
            family.kinds.insert(name, kind);
            if let Some(base) = base {
                family.children.entry(name).or_default().push(base);
                family.above.entry(base).or_default().insert(name);
            }
            if let Some(parent) = parent {
                family.children.entry(parent).or_default().push(name);
            }
        }
        family
    }
}

impl Family {
    /// The given metadevices, or all if none is given, each followed by those that it is made of.
    pub fn places(&self, names: &[MetadeviceName]) -> Vec<Place> {
        if names.is_empty() {
            self.all()
        } else {
            self.below(names.iter().copied())
        }
    }

    /// All metadevices in the order of their numbers, mirrors first (`svm.md` section 10.1), except
    /// that each is followed by those that it is made of.
    fn all(&self) -> Vec<Place> {
        let is_top = |name: &&MetadeviceName| {
            self.parent(**name).is_none() && !self.above.contains_key(*name)
        };
        let mirrors = self.parents.keys().filter(|name| self.is_mirror(**name));
        let tops = mirrors.chain(self.parents.keys());
        let tops = tops.filter(is_top);
        // A parent that was cleared while the list was read has left its components behind, and
        // a kernel that is out of its mind may say that two are parents of each other: all are
        // in the list.
        self.below(tops.chain(self.parents.keys()).copied())
    }

    /// The given metadevices, each followed by those that it is made of. None comes twice.
    fn below(&self, tops: impl IntoIterator<Item = MetadeviceName>) -> Vec<Place> {
        let mut seen = BTreeSet::new();
        let mut places = Vec::new();
        for top in tops {
            self.append(top, 0, &mut seen, &mut places);
        }
        places
    }

    /// Appends a metadevice and those that it is made of.
    fn append(
        &self,
        name: MetadeviceName,
        depth: usize,
        seen: &mut BTreeSet<MetadeviceName>,
        places: &mut Vec<Place>,
    ) {
        if !seen.insert(name) {
            return;
        }
        places.push(Place { name, depth });
        for child in self.children.get(&name).into_iter().flatten() {
            let mut above = self.above.get(child).into_iter().flatten();
            if above.all(|soft| seen.contains(soft)) {
                self.append(*child, depth + 1, seen, places);
            }
        }
    }

    /// The metadevice at the top of the tree that the given one is in.
    pub fn top_of(&self, name: MetadeviceName) -> MetadeviceName {
        let mut top = name;
        // No way up is longer than there are metadevices.
        for _ in 0..self.parents.len() {
            match self.parent(top) {
                Some(parent) => top = parent,
                None => break,
            }
        }
        top
    }

    /// Whether a metadevice is a mirror.
    pub fn is_mirror(&self, name: MetadeviceName) -> bool {
        self.kind(name) == Kind::Mirror
    }

    /// The kind of a metadevice.
    pub fn kind(&self, name: MetadeviceName) -> Kind {
        self.kinds.get(&name).copied().unwrap_or(Kind::Stripe)
    }

    /// The metadevice that the given one is a component of.
    pub fn parent(&self, name: MetadeviceName) -> Option<MetadeviceName> {
        self.parents.get(&name).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number from which on a metadevice of these tests is a mirror.
    const MIRRORS: u32 = 100;

    fn name(number: u32) -> MetadeviceName {
        MetadeviceName::from_number(number).unwrap()
    }

    fn family(kin: &[(u32, Option<u32>)]) -> Family {
        let kin = kin.iter().map(|(number, parent)| Kin {
            name: name(*number),
            parent: parent.map(name),
            kind: if *number >= MIRRORS {
                Kind::Mirror
            } else {
                Kind::Stripe
            },
            base: None,
        });
        kin.collect()
    }

    /// A list as text, one letter of indentation for each step.
    fn text(places: &[Place]) -> String {
        let place = |place: &Place| format!("{}{}", "-".repeat(place.depth), place.name);
        places.iter().map(place).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn components_follow_what_is_made_of_them() {
        let family = family(&[
            (1, Some(30)),
            (2, None),
            (3, Some(20)),
            (4, Some(30)),
            (20, Some(30)),
            (30, None),
        ]);
        assert_eq!(text(&family.places(&[])), "d2 d30 -d1 -d4 -d20 --d3");
        assert_eq!(
            text(&family.places(&[20, 30, 3].map(name))),
            "d20 -d3 d30 -d1 -d4"
        );
        assert_eq!(text(&family.places(&[name(7)])), "d7");
        let tops = [3, 2, 30, 7].map(|number| family.top_of(name(number)));
        assert_eq!(tops, [30, 2, 30, 7].map(name));
    }

    /// `svm.md` section 10.1.
    #[test]
    fn mirrors_come_first() {
        let family = family(&[
            (1, None),
            (2, Some(101)),
            (3, Some(101)),
            (100, None),
            (101, None),
        ]);
        assert_eq!(text(&family.places(&[])), "d100 d101 -d2 -d3 d1");
        assert!(family.is_mirror(name(101)));
        assert!(!family.is_mirror(name(2)));
    }

    #[test]
    fn what_soft_partitions_share_stands_below_the_last_of_them() {
        let kin = |number: u32, kind, base: Option<u32>| Kin {
            name: name(number),
            parent: None,
            kind,
            base: base.map(name),
        };
        let family: Family = [
            kin(10, Kind::Mirror, None),
            kin(20, Kind::Soft, Some(10)),
            kin(21, Kind::Soft, Some(10)),
            kin(22, Kind::Soft, None),
        ]
        .into_iter()
        .collect();
        assert_eq!(text(&family.places(&[])), "d20 d21 -d10 d22");
        assert_eq!(text(&family.places(&[name(20)])), "d20");
        assert_eq!(text(&family.places(&[name(10)])), "d10");
        assert_eq!(text(&family.places(&[20, 21].map(name))), "d20 d21 -d10");
    }

    #[test]
    fn none_is_lost_when_the_parent_is_missing_or_impossible() {
        let family = family(&[(1, Some(9)), (2, Some(3)), (3, Some(2)), (4, Some(4))]);
        assert_eq!(text(&family.places(&[])), "d1 d2 -d3 d4");
        assert_eq!(family.top_of(name(1)), name(9));
        assert_eq!(family.top_of(name(4)), name(4));
    }
}
