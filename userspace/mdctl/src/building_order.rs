// SPDX-License-Identifier: GPL-2.0
//! The order in which metadevices are made that are parts of each other.

use crate::syntax::spec::Spec;
use std::collections::BTreeMap;

/// Where a metadevice stands while the order is looked for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Mark {
    Unseen,
    /// What it is made of is being looked at.
    Begun,
    Placed,
}

/// Indexes of the metadevices in an order in which they can be made: each after those that it is
/// made of, else as they stand. If one is a part of itself, the error is its index.
pub fn children_first(specs: &[&Spec]) -> Result<Vec<usize>, usize> {
    let names = specs.iter().enumerate();
    let places: BTreeMap<_, _> = names
        .map(|(index, spec)| (spec.name().path(), index))
        .collect();
    let mut order = Order {
        specs,
        places,
        marks: vec![Mark::Unseen; specs.len()],
        placed: Vec::new(),
    };
    for index in 0..specs.len() {
        order.place(index)?;
    }
    Ok(order.placed)
}

/// The order as far as it is known.
struct Order<'a> {
    specs: &'a [&'a Spec],
    /// Which of them has which path.
    places: BTreeMap<String, usize>,
    marks: Vec<Mark>,
    placed: Vec<usize>,
}

impl Order<'_> {
    /// Places a metadevice behind all that it is made of.
    fn place(&mut self, index: usize) -> Result<(), usize> {
        match self.marks[index] {
            Mark::Placed => return Ok(()),
            Mark::Begun => return Err(index),
            Mark::Unseen => self.marks[index] = Mark::Begun,
        }
        for path in self.specs[index].devices() {
            if let Some(child) = self.places.get(&path) {
                self.place(*child)?;
            }
        }
        self.marks[index] = Mark::Placed;
        self.placed.push(index);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &[&str]) -> Result<Vec<usize>, usize> {
        let words = |line: &&str| line.split(' ').map(String::from).collect::<Vec<_>>();
        let specs: Vec<_> = lines
            .iter()
            .map(|line| Spec::parse(&words(line)).unwrap())
            .collect();
        children_first(&specs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_others_are_made_of_comes_first() {
        let lines = [
            "d0 -m d1 d2",
            "d1 1 1 d3",
            "d2 1 1 sda",
            "d3 1 1 sdb",
            "d4 1 1 d9",
        ];
        assert_eq!(order(&lines), Ok(vec![3, 1, 2, 0, 4]));
        assert_eq!(order(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_a_part_of_itself_has_no_place() {
        assert_eq!(order(&["d0 1 1 sda", "d1 1 1 d1"]), Err(1));
        assert_eq!(order(&["d0 1 1 d1", "d1 1 1 d2", "d2 1 1 d0"]), Err(0));
    }
}
