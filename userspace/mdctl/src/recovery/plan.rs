// SPDX-License-Identifier: GPL-2.0
//! What the metadevices of a set were, by the labels of its components.
//!
//! A label may be older than others: that of a disk which was not there when something changed. So
//! what is said of a metadevice counts only if everybody says it whom it names as a part. If that
//! leaves several, or none, nothing is guessed.

use super::labels::Labelled;
use crate::syntax::{
    mirror::{
        MirrorSpec,
        Options, //
    },
    name::MetadeviceName,
    pace::Pace,
    rows::{
        RowSpec,
        StripeSpec, //
    },
    size::Sectors,
};
use md_model::units::SECTOR_BYTES;
use md_report::dump::{
    Component,
    Metadevice, //
};
use std::collections::{
    BTreeMap,
    BTreeSet, //
};

/// A set as it was.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Its metadevices, but for soft partitions, which watermarks tell of.
    pub units: BTreeMap<MetadeviceName, Metadevice>,
    /// Those that labels do not agree about, with two devices that say different things.
    pub disputed: BTreeMap<MetadeviceName, [String; 2]>,
}

/// Why a stripe or concat cannot be made again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// Number of the component that no device is.
    pub component: usize,
    /// Its identity, as far as there is one.
    pub uuid: Option<String>,
}

/// A stripe or concat that is to be made again.
#[derive(Clone, Debug)]
pub struct StripePlan {
    /// What is to be made.
    pub spec: StripeSpec,
    /// Where the data of its components begins.
    pub starts: Vec<Sectors>,
}

fn name_of(unit: &Metadevice) -> Option<MetadeviceName> {
    unit.name.parse().ok()
}

fn parts(unit: &Metadevice) -> impl Iterator<Item = &Component> {
    unit.rows.iter().flat_map(|row| &row.components)
}

/// The metadevices that one is made of.
pub fn children(unit: &Metadevice) -> impl Iterator<Item = MetadeviceName> + '_ {
    let parts = parts(unit).filter_map(|part| part.metadevice.as_ref());
    let sides = unit.submirrors.iter().map(|side| &side.name);
    parts.chain(sides).filter_map(|name| name.parse().ok())
}

/// Whether a device should know of a metadevice, if that is made of what this says.
fn is_named(unit: &Metadevice, device: &Labelled) -> bool {
    let mut parts = parts(unit);
    let is_part = parts.any(|part| part.component.as_ref() == Some(&device.component));
    let is_below = children(unit).any(|child| {
        let mut tree = device.tree.iter();
        tree.any(|below| name_of(below) == Some(child))
    });
    is_part || is_below
}

impl Plan {
    /// By the labels of the devices of one set.
    pub fn of(labels: &[Labelled]) -> Self {
        let mut plan = Plan::default();
        let all = labels.iter().flat_map(|device| &device.tree);
        let names: BTreeSet<_> = all.filter_map(name_of).collect();
        for name in names {
            plan.decide(name, labels);
        }
        plan
    }

    fn decide(&mut self, name: MetadeviceName, labels: &[Labelled]) {
        let mut versions: Vec<(&Metadevice, &str)> = Vec::new();
        for device in labels {
            for unit in device
                .tree
                .iter()
                .filter(|unit| name_of(unit) == Some(name))
            {
                if !versions.iter().any(|(other, _)| *other == unit) {
                    versions.push((unit, &device.path));
                }
            }
        }
        let is_agreed = |unit: &Metadevice| {
            let mut named = labels.iter().filter(|device| is_named(unit, device));
            named.all(|device| device.tree.contains(unit))
        };
        let agreed: Vec<_> = versions
            .iter()
            .filter(|(unit, _)| is_agreed(unit))
            .collect();
        match (&agreed[..], &versions[..]) {
            ([(unit, _)], _) => {
                self.units.insert(name, (*unit).clone());
            }
            (_, [(unit, _)]) => {
                self.units.insert(name, (*unit).clone());
            }
            (_, [one, other, ..]) => {
                let paths = [one.1.to_string(), other.1.to_string()];
                self.disputed.insert(name, paths);
            }
            (_, []) => {}
        }
    }

    /// The metadevices that one is part of.
    pub fn above(&self, name: MetadeviceName) -> impl Iterator<Item = MetadeviceName> + '_ {
        let above = move |unit: &Metadevice| children(unit).any(|child| child == name);
        let units = self.units.iter().filter(move |(_, unit)| above(unit));
        units.map(|(name, _)| *name)
    }

    /// Whether a device is a component of a metadevice.
    pub fn is_part(&self, device: &Labelled) -> bool {
        let mut units = self.units.values();
        units.any(|unit| {
            let mut parts = parts(unit);
            parts.any(|part| part.component.as_ref() == Some(&device.component))
        })
    }
}

/// How a stripe or concat is made again. `find` has the path of the device that a component was.
pub fn stripe(
    name: MetadeviceName,
    unit: &Metadevice,
    find: &dyn Fn(&Component) -> Option<String>,
) -> Result<StripePlan, Missing> {
    let mut starts = Vec::new();
    let mut rows = Vec::new();
    for row in &unit.rows {
        let mut devices = Vec::new();
        for part in &row.components {
            let child: Option<MetadeviceName> =
                part.metadevice.as_ref().and_then(|name| name.parse().ok());
            let path = child.map(MetadeviceName::path).or_else(|| find(part));
            devices.push(path.ok_or(Missing {
                component: starts.len(),
                uuid: part.component.clone(),
            })?);
            starts.push(Sectors(part.start / SECTOR_BYTES));
        }
        rows.push(RowSpec {
            interlace: Sectors(row.interlace / SECTOR_BYTES),
            devices,
        });
    }
    let spec = StripeSpec {
        name,
        rows,
        // Pools are only in the state database.
        pool: None,
        keep_data: false,
    };
    Ok(StripePlan { spec, starts })
}

/// How a mirror is made again of those of its sides that there are, the good one first.
pub fn mirror(
    name: MetadeviceName,
    unit: &Metadevice,
    good: MetadeviceName,
    is_there: &dyn Fn(MetadeviceName) -> bool,
) -> MirrorSpec {
    let others = children(unit).filter(|side| *side != good && is_there(*side));
    let options = unit.options.as_ref();
    MirrorSpec {
        name,
        submirrors: std::iter::once(good).chain(others).collect(),
        options: options.map_or_else(Options::default, |options| Options {
            read_policy: options.read_policy,
            write_policy: options.write_policy,
            pass: options.pass.into(),
        }),
        // Labels do not tell.
        pace: Pace::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md_model::database::identity::Uuid;
    use md_report::{
        dump::{
            Row,
            Side, //
        },
        Kind, //
    };

    fn unit(name: &str, parts: &[&str], sides: &[&str]) -> Metadevice {
        let component = |uuid: &&str| Component {
            metadevice: None,
            component: Some(uuid.to_string()),
            partition: None,
            wwn: None,
            start: 1 << 20,
            size: 1 << 20,
            state: "okay",
            changed: None,
        };
        let side = |name: &&str| Side {
            name: name.to_string(),
            state: "okay",
            behind: None,
        };
        let row = Row {
            interlace: 512 << 10,
            size: 1 << 20,
            components: parts.iter().map(component).collect(),
        };
        Metadevice {
            name: name.to_string(),
            kind: Kind::Concat,
            size: 1 << 20,
            rows: (!parts.is_empty()).then_some(row).into_iter().collect(),
            pool: None,
            spared: Vec::new(),
            submirrors: sides.iter().map(side).collect(),
            options: None,
            regions: None,
            checks: None,
            soft_partition: None,
            raid5: None,
        }
    }

    fn device(component: &str, tree: Vec<Metadevice>) -> Labelled {
        Labelled {
            path: format!("/dev/{component}"),
            set: Uuid::NIL,
            set_name: String::new(),
            component: component.to_string(),
            has_replica: false,
            tree,
        }
    }

    fn name(number: u32) -> MetadeviceName {
        MetadeviceName::from_number(number).unwrap()
    }

    #[test]
    fn what_everybody_says_counts() {
        let mirror = unit("d10", &[], &["d11", "d12"]);
        let plan = Plan::of(&[
            device("a", vec![unit("d11", &["a"], &[]), mirror.clone()]),
            device("b", vec![unit("d12", &["b"], &[]), mirror.clone()]),
        ]);
        let names: Vec<_> = plan.units.keys().map(|name| name.number()).collect();
        assert_eq!(names, [10, 11, 12]);
        assert!(plan.disputed.is_empty());
        let above: Vec<_> = plan.above(name(11)).collect();
        assert_eq!(above, [name(10)]);
    }

    /// A side that was detached while its disk was not there still says that it is one.
    #[test]
    fn an_older_label_is_outvoted_by_those_that_it_names() {
        let (now, before) = (
            unit("d10", &[], &["d11", "d12"]),
            unit("d10", &[], &["d11", "d12", "d13"]),
        );
        let plan = Plan::of(&[
            device("c", vec![unit("d13", &["c"], &[]), before]),
            device("a", vec![unit("d11", &["a"], &[]), now.clone()]),
            device("b", vec![unit("d12", &["b"], &[]), now.clone()]),
        ]);
        assert_eq!(plan.units.get(&name(10)), Some(&now));
        assert!(plan.disputed.is_empty());
    }

    /// The disk that was replaced, and the one that has its place: both are right about
    /// themselves.
    #[test]
    fn what_two_say_of_themselves_is_not_decided() {
        let plan = Plan::of(&[
            device("a", vec![unit("d11", &["a"], &[])]),
            device("b", vec![unit("d11", &["b"], &[])]),
        ]);
        assert!(plan.units.is_empty());
        let paths = ["/dev/a".to_string(), "/dev/b".to_string()];
        assert_eq!(plan.disputed.get(&name(11)), Some(&paths));
    }

    #[test]
    fn a_stripe_with_a_device_that_is_not_there_is_not_made() {
        let wanted = unit("d11", &["a", "b"], &[]);
        let find = |part: &Component| {
            let uuid = part.component.clone().filter(|uuid| uuid == "a")?;
            Some(format!("/dev/{uuid}"))
        };
        let missing = stripe(name(11), &wanted, &find).unwrap_err();
        assert_eq!(
            (missing.component, missing.uuid),
            (1, Some("b".to_string()))
        );
        let wanted = unit("d11", &["a"], &[]);
        let plan = stripe(name(11), &wanted, &find).unwrap();
        assert_eq!(plan.spec.to_string(), "d11 1 1 /dev/a");
        assert_eq!(plan.starts, [Sectors(2048)]);
    }

    #[test]
    fn the_good_side_of_a_mirror_is_its_first_one() {
        let unit = unit("d10", &[], &["d11", "d12", "d13"]);
        let spec = mirror(name(10), &unit, name(12), &|side| side != name(13));
        assert_eq!(spec.to_string(), "d10 -m d12 d11 1");
    }
}
