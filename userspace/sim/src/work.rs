// SPDX-License-Identifier: GPL-2.0
//! A job being carried out on a disk, step by step: what the kernel's worker of a replica does.

use md_model::database::{
    commit::{
        Step,
        Writing, //
    },
    commits::{
        Extent,
        Job, //
    },
    page::{
        Kind,
        PAGE_BYTES, //
    },
    root::Root,
};

use crate::{
    coverage::Point,
    disk::{
        Bytes,
        Disk, //
    },
    image::Image,
    random::Random,
    rules::Rules,
};

/// What is in flight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Page,
    Flush,
    Root,
}

/// An operation that has not completed.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) operation: Operation,
    pub(crate) place: u32,
    pub(crate) bytes: Bytes,
    pub(crate) hangs: bool,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Done,
    Failed,
    /// At another place, unnoticed.
    Elsewhere(u32),
}

/// A job.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) job: Job,
    pub(crate) disk: usize,
    pages: Vec<(u32, Bytes)>,
    root: Bytes,
    writing: Writing,
    next: Step,
    pub(crate) in_flight: Vec<InFlight>,
    pub(crate) has_failed: bool,
    pub(crate) is_durable: bool,
    /// Whether it was taken while the epoch was claimed.
    pub(crate) is_claim: bool,
}

impl Work {
    /// The job, of the commit with these contents, on a disk.
    pub(crate) fn new(job: Job, index: usize, disk: &Disk, image: &Image, rules: &Rules) -> Self {
        let pages: Vec<_> = image
            .all()
            .filter(|(pointer, page, is_table)| match job.extent {
                Extent::RootOnly => false,
                Extent::Newer(held) => page.generation() > held,
                Extent::Differing => {
                    let kind = if *is_table {
                        Kind::Table
                    } else {
                        Kind::Records
                    };
                    let found = disk.read(pointer.slot);
                    found.is_none_or(|bytes| pointer.open(bytes, kind, image.set).is_err())
                }
            })
            .map(|(pointer, page, _)| (pointer.slot, page.bytes.clone()))
            .collect();
        let mut writing = job.writing(pages.len());
        let mut next = writing.advance();
        if job.extent == Extent::RootOnly && !rules.claim {
            next = Step::Done;
        }
        Self {
            job,
            disk: index,
            pages,
            root: root(&job, image, rules),
            writing,
            next,
            in_flight: Vec::new(),
            has_failed: false,
            is_durable: false,
            is_claim: false,
        }
    }

    /// Whether the next step may be taken.
    pub(crate) fn can_go_on(&self) -> bool {
        !self.has_failed
            && match self.next {
                Step::Page(_) => true,
                Step::Flush | Step::Root => self.in_flight.is_empty(),
                Step::Done => false,
            }
    }

    /// Takes the next step.
    pub(crate) fn go_on(&mut self, rules: &Rules) {
        let (operation, (place, bytes)) = match self.next {
            Step::Page(index) => (Operation::Page, self.pages[index].clone()),
            Step::Flush => (Operation::Flush, (0, Bytes::default())),
            Step::Root => (Operation::Root, (self.job.places[0], self.root.clone())),
            Step::Done => return,
        };
        if operation != Operation::Flush || rules.flush {
            self.in_flight.push(InFlight {
                operation,
                place,
                bytes,
                hangs: false,
            });
        }
        self.next = self.writing.advance();
    }

    /// Whether all has returned.
    pub(crate) fn is_finished(&self) -> bool {
        self.in_flight.is_empty() && (self.has_failed || self.next == Step::Done)
    }

    /// An operation that is in flight ends.
    pub(crate) fn end(&mut self, index: usize, end: End, disk: &mut Disk, random: &mut Random) {
        let done = self.in_flight.swap_remove(index);
        let is_done = end != End::Failed && !disk.is_dead;
        let place = match end {
            End::Elsewhere(place) => place,
            End::Done | End::Failed => done.place,
        };
        match done.operation {
            Operation::Page if is_done => disk.accept(place, &done.bytes),
            Operation::Page if random.per_mille(500) && !disk.is_dead => {
                disk.accept(place, &done.bytes);
            }
            Operation::Root if is_done => disk.force(place, &done.bytes),
            Operation::Page | Operation::Root => disk.tear(place, &done.bytes, random),
            Operation::Flush if is_done => disk.flush(),
            Operation::Flush => {}
        }
        self.has_failed |= !is_done;
        self.is_durable |= is_done && done.operation == Operation::Root;
    }

    /// The power goes, or the disk does, while it is carried out.
    pub(crate) fn cut(&self, disk: &mut Disk, random: &mut Random) {
        for lost in &self.in_flight {
            match lost.operation {
                Operation::Page | Operation::Root => disk.tear(lost.place, &lost.bytes, random),
                Operation::Flush if random.per_mille(300) => disk.flush(),
                Operation::Flush => {}
            }
        }
    }

    /// Where it is, for the table of power cuts.
    pub(crate) fn point(&self) -> Option<Point> {
        let flight = self.in_flight.last().map(|flight| flight.operation);
        let (step, is_before) = match (flight, self.next) {
            (Some(operation), _) => (operation, false),
            (None, Step::Page(_)) => (Operation::Page, true),
            (None, Step::Flush) => (Operation::Flush, true),
            (None, Step::Root) => (Operation::Root, true),
            (None, Step::Done) => return self.is_durable.then(|| self.done_point()),
        };
        let points = match self.job.extent {
            Extent::RootOnly => [
                [Point::CutClaimRootBefore, Point::CutClaimRootFlight],
                [Point::CutClaimRootBefore, Point::CutClaimRootFlight],
                [Point::CutClaimRootBefore, Point::CutClaimRootFlight],
            ],
            Extent::Newer(_) => [
                [Point::CutPageBefore, Point::CutPageFlight],
                [Point::CutFlushBefore, Point::CutFlushFlight],
                [Point::CutRootBefore, Point::CutRootFlight],
            ],
            Extent::Differing if self.is_claim => [
                [Point::CutUpdatePageBefore, Point::CutUpdatePageFlight],
                [Point::CutUpdateFlushBefore, Point::CutUpdateFlushFlight],
                [Point::CutUpdateRootBefore, Point::CutUpdateRootFlight],
            ],
            Extent::Differing => [
                [Point::CutRepairPageBefore, Point::CutRepairPageFlight],
                [Point::CutRepairFlushBefore, Point::CutRepairFlushFlight],
                [Point::CutRepairRootBefore, Point::CutRepairRootFlight],
            ],
        };
        let [before, in_flight] = points[step as usize];
        Some(if is_before { before } else { in_flight })
    }

    fn done_point(&self) -> Point {
        match self.job.extent {
            Extent::RootOnly => Point::CutClaimRootDone,
            Extent::Newer(_) => Point::CutRootDone,
            Extent::Differing if self.is_claim => Point::CutUpdateRootDone,
            Extent::Differing => Point::CutRepairRootDone,
        }
    }
}

/// The two pages of a root.
fn root(job: &Job, image: &Image, rules: &Rules) -> Bytes {
    let root = Root {
        set: image.set,
        replica: job.replica,
        role: job.role,
        generation: job.generation,
        claim: if rules.claim { job.claim } else { 0 },
    };
    let mut bytes = vec![0; 2 * PAGE_BYTES];
    for (place, page) in job.places.into_iter().zip(bytes.chunks_mut(PAGE_BYTES)) {
        let encoded = root.encode(place, &image.tables, &image.members, page);
        encoded.expect("lists within their limits");
    }
    bytes.into()
}
