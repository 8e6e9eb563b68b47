// SPDX-License-Identifier: GPL-2.0
//! A set that is started: the machine, the memory that it is lent, and a worker for each replica.

use std::rc::Rc;

use md_model::database::{
    commits::{
        Commits,
        Run,
        Seat, //
    },
    identity::Uuid,
    members::Member,
};

use crate::{
    image::Image,
    work::Work, //
};

/// Most members, and seats for a few that have been deleted.
const MEMBERS: usize = 10;
const SEATS: usize = 14;

/// The set.
#[derive(Debug)]
pub(crate) struct Node {
    run: Run,
    members: Vec<Member>,
    pub(crate) seats: Vec<Seat>,
    /// The job of each seat that has one.
    pub(crate) works: Vec<Option<Work>>,
    /// Whether a job has been taken.
    pub(crate) has_taken: bool,
    /// Voters that were added in this load and have not been deleted.
    pub(crate) added: Vec<Uuid>,
    /// The disk of each tag.
    pub(crate) paths: Vec<usize>,
    /// The contents of the live commit, and of the newest one.
    pub(crate) live: Rc<Image>,
    pub(crate) newest: Rc<Image>,
    /// The number of the load.
    pub(crate) load: u32,
}

impl Node {
    /// Not started yet, with contents that were loaded through these paths.
    pub(crate) fn new(image: Rc<Image>, paths: Vec<usize>, load: u32) -> Self {
        Self {
            run: Run::STOPPED,
            members: vec![Member::UNFILLED; MEMBERS],
            seats: vec![Seat::FREE; SEATS],
            works: vec![None; SEATS],
            has_taken: false,
            added: Vec::new(),
            paths,
            live: image.clone(),
            newest: image,
            load,
        }
    }

    pub(crate) fn machine(&mut self) -> Commits<'_> {
        Commits::over(&mut self.run, &mut self.members, &mut self.seats)
    }

    /// The tag of a disk, which has one from now on.
    pub(crate) fn tag(&mut self, disk: usize) -> u32 {
        let found = self.paths.iter().position(|path| *path == disk);
        let tag = found.unwrap_or_else(|| {
            self.paths.push(disk);
            self.paths.len() - 1
        });
        tag as u32
    }

    /// Seats that have a job with an operation in flight, or a step to take, or that has ended.
    pub(crate) fn busy(&self) -> Vec<usize> {
        let works = self.works.iter().enumerate();
        works
            .filter(|(_, work)| work.is_some())
            .map(|(seat, _)| seat)
            .collect()
    }
}
