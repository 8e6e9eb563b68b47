// SPDX-License-Identifier: GPL-2.0
//! A set that is made, started, and changed, on disks in memory, by the model's own machine.

use crate::{
    contents::Contents,
    disk::{
        first_page,
        Disk, //
    },
};
use md_model::{
    database::{
        choice::{
            decide,
            Replica,
            Start, //
        },
        commit::Step,
        commits::{
            Commits,
            Extent,
            Job,
            Phase,
            Run,
            Seat, //
        },
        header::Header,
        identity::{
            Generation,
            Uuid, //
        },
        members::Member,
        page::PAGE_BYTES,
        root::Root,
    },
    limits::REPLICAS_MAX,
};

/// A set, and the disks that its replicas are on.
pub(crate) struct Set {
    pub(crate) disks: Vec<Disk>,
    uuid: Uuid,
    /// Disk and header of each replica; the index is its tag.
    replicas: Vec<(usize, Header)>,
    run: Run,
    members: Vec<Member>,
    seats: Vec<Seat>,
    contents: Contents,
    replica_pages: u32,
}

/// A replica that is to be made, and the component whose label is beside it.
pub(crate) struct New {
    pub(crate) disk: usize,
    pub(crate) header: Header,
    pub(crate) component: Uuid,
}

impl New {
    fn member(&self) -> Member {
        Member {
            component: self.component,
            start_sector: self.header.start_sector,
            ..Member::new(self.header.replica, self.header.role)
        }
    }
}

impl Set {
    /// Makes a set with its first replicas, and starts it.
    pub(crate) fn new(mut disks: Vec<Disk>, first: &[New]) -> Self {
        let members: Vec<_> = first.iter().map(New::member).collect();
        let uuid = first[0].header.set;
        let generation = Generation::first_of(1);
        for new in first {
            let root = Root {
                set: uuid,
                replica: new.header.replica,
                role: new.header.role,
                generation,
                claim: 1,
            };
            disks[new.disk].ends(&new.header);
            disks[new.disk].first_root(&root, &new.header, &members);
        }
        let mut set = Set {
            disks,
            uuid,
            replicas: first.iter().map(|new| (new.disk, new.header)).collect(),
            run: Run::STOPPED,
            members: vec![Member::UNFILLED; REPLICAS_MAX],
            seats: vec![Seat::FREE; REPLICAS_MAX],
            contents: Contents::new(),
            replica_pages: u32::MAX,
        };
        set.start(generation, &members);
        set
    }

    /// Starts it, with all replicas there and current.
    fn start(&mut self, generation: Generation, members: &[Member]) {
        let found = |(_, header): &(usize, Header)| {
            Some(Replica {
                uuid: header.replica,
                role: header.role,
                generation,
                claim: 1,
                complete: true,
                members,
            })
        };
        let pages = self.replicas.iter().map(|(_, header)| header.pages);
        self.replica_pages = pages.min().expect("a replica");
        let found: Vec<_> = self.replicas.iter().map(found).collect();
        let roots = vec![1; found.len()];
        let decision = decide(&found, &[]).expect("a voter");
        let Start::Writable { epoch } = decision.start else {
            panic!("all replicas are there");
        };
        let started = self
            .machine()
            .start((&decision, epoch), &[], &found, &roots);
        started.expect("room for the set");
        self.write_all();
        self.commit(&[]);
    }

    /// Adds a replica.
    pub(crate) fn add(&mut self, new: &New) {
        self.disks[new.disk].ends(&new.header);
        let tag = self.replicas.len() as u32;
        self.replicas.push((new.disk, new.header));
        self.replica_pages = self.replica_pages.min(new.header.pages);
        let added = self.machine().add(new.member(), tag, 0);
        added.expect("there is room");
        self.write_all();
        self.settle();
    }

    /// Commits records, and whatever follows from that.
    pub(crate) fn commit(&mut self, records: &[(u32, Vec<u8>)]) {
        self.begin(records);
        self.write_all();
        assert_eq!(self.machine().phase(), Phase::Running);
        self.settle();
    }

    /// A replica fails, which the next commit tells.
    pub(crate) fn fail(&mut self, replica: &Uuid) {
        self.machine().fail(replica);
    }

    /// Commits records, and loses the power when of the new root on the first replica only the
    /// first sector is there, and nothing of the commit on the others. More than that sector has
    /// to be new, or nothing is torn.
    pub(crate) fn tear(&mut self, records: &[(u32, Vec<u8>)]) {
        self.begin(records);
        let job = self.machine().take(0).expect("a job");
        let (disk, header) = self.replicas[job.tag as usize];
        let [place, _] = job.places;
        let page = first_page(&header) + u64::from(place);
        let before = self.disks[disk].page(page).to_vec();
        let second = self.disks[disk].page(page + 1).to_vec();
        self.carry_out(&job);
        assert!(self.disks[disk].page(page)[512..] != before[512..]);
        self.disks[disk].page(page)[512..].copy_from_slice(&before[512..]);
        self.disks[disk].page(page + 1).copy_from_slice(&second);
    }

    fn begin(&mut self, records: &[(u32, Vec<u8>)]) {
        let generation = self.machine().next_generation().expect("none is going on");
        let stamp = (self.uuid, generation);
        if !records.is_empty() {
            self.contents = self.contents.with(records, stamp, self.replica_pages);
        }
        let begun = self.machine().begin(records.len());
        assert_eq!(begun, Ok(generation));
    }

    /// Makes the commits that are due.
    fn settle(&mut self) {
        while self.machine().is_due() {
            self.begin(&[]);
            self.write_all();
        }
    }

    fn machine(&mut self) -> Commits<'_> {
        Commits::over(&mut self.run, &mut self.members, &mut self.seats)
    }

    /// Carries jobs out until there are none.
    fn write_all(&mut self) {
        let mut seat = 0;
        while seat < self.seats.len() {
            match self.machine().take(seat) {
                Some(job) => {
                    self.carry_out(&job);
                    self.machine().returned(seat, true);
                    // One that waited for this one may go on.
                    seat = 0;
                }
                None => seat += 1,
            }
        }
    }

    /// Writes what a job says, in its order.
    fn carry_out(&mut self, job: &Job) {
        let (disk, header) = self.replicas[job.tag as usize];
        let first = first_page(&header);
        let is_written = |generation| match job.extent {
            Extent::RootOnly => false,
            Extent::Newer(held) => generation > held,
            Extent::Differing => true,
        };
        let pages: Vec<_> = self
            .contents
            .all()
            .filter(|page| is_written(page.1))
            .collect();
        let mut writing = job.writing(pages.len());
        loop {
            match writing.advance() {
                Step::Page(index) => {
                    let (slot, _, bytes) = pages[index];
                    let page = self.disks[disk].page(first + u64::from(slot));
                    page.copy_from_slice(bytes);
                }
                Step::Flush => {}
                Step::Root => break,
                Step::Done => unreachable!("every job has a root"),
            }
        }
        for (place, root) in self.roots(job) {
            let page = self.disks[disk].page(first + u64::from(place));
            page.copy_from_slice(&root);
        }
    }

    fn roots(&mut self, job: &Job) -> Vec<(u32, Vec<u8>)> {
        let members = self.machine().members().to_vec();
        let root = Root {
            set: self.uuid,
            replica: job.replica,
            role: job.role,
            generation: job.generation,
            claim: job.claim,
        };
        let page = |place| {
            let mut bytes = vec![0; PAGE_BYTES];
            let encoded = root.encode(place, &self.contents.tables, &members, &mut bytes);
            encoded.expect("lists within their limits");
            (place, bytes)
        };
        job.places.into_iter().map(page).collect()
    }
}
