// SPDX-License-Identifier: GPL-2.0
//! A set that is started, whose replicas carry out what they are told when a test says so.

use md_model::{
    database::{
        choice::{
            decide,
            Replica, //
        },
        commits::{
            Commits,
            Job,
            Phase,
            Run,
            Seat, //
        },
        identity::{
            Generation,
            Uuid, //
        },
        members::{
            Change,
            Member,
            Role, //
        },
        quorum::Progress,
    },
    limits::REPLICAS_MAX, //
};

/// The tie-breaker.
pub(crate) const TIE: u8 = 0xaa;

pub(crate) fn uuid(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

pub(crate) fn chosen() -> Generation {
    Generation {
        epoch: 3,
        sequence: 7,
    }
}

/// A set of voters from 1 on, and perhaps a tie-breaker.
pub(crate) struct Set {
    pub(crate) run: Run,
    pub(crate) members: Vec<Member>,
    pub(crate) seats: Vec<Seat>,
}

impl Set {
    /// Started, with what each member holds; `None` for one that is not there.
    pub(crate) fn claiming(voters: u8, tie: bool, holds: &[Option<u64>]) -> Self {
        let voting = (1..=voters).map(|voter| Member::new(uuid(voter), Role::Voter));
        let tie = tie.then(|| Member::new(uuid(TIE), Role::TieBreaker));
        let list: Vec<_> = voting.chain(tie).collect();
        let found: Vec<_> = list
            .iter()
            .zip(holds)
            .map(|(member, sequence)| {
                Some(Replica {
                    uuid: member.replica,
                    role: member.role,
                    generation: Generation {
                        epoch: 3,
                        sequence: (*sequence)?,
                    },
                    claim: 3,
                    complete: true,
                    members: &list,
                })
            })
            .collect();
        let mut set = Self {
            run: Run::STOPPED,
            members: vec![Member::UNFILLED; REPLICAS_MAX],
            seats: vec![Seat::FREE; REPLICAS_MAX + 2],
        };
        let decision = decide(&found, &[]).expect("a voter");
        let started = set.machine().start((&decision, 4), &[], &found, &[1; 9]);
        assert_eq!(started, Ok(()));
        set
    }

    /// Running, all members current.
    pub(crate) fn running(voters: u8, tie: bool) -> Self {
        let all = [Some(7); 9];
        let mut set = Self::claiming(voters, tie, &all);
        set.write_all();
        assert_eq!(set.machine().begin(0), Ok(Generation::first_of(4)));
        set.write_all();
        assert_eq!(set.machine().phase(), Phase::Running);
        set
    }

    pub(crate) fn machine(&mut self) -> Commits<'_> {
        Commits::over(&mut self.run, &mut self.members, &mut self.seats)
    }

    pub(crate) fn seat(&self, number: u8) -> usize {
        let mut seats = self.seats.iter();
        let found = seats.position(|seat| seat.replica() == Some(uuid(number)));
        found.expect("seated")
    }

    pub(crate) fn take(&mut self, number: u8) -> Option<Job> {
        let seat = self.seat(number);
        self.machine().take(seat)
    }

    pub(crate) fn returned(&mut self, number: u8, is_written: bool) -> Progress {
        let seat = self.seat(number);
        let progress = self.machine().returned(seat, is_written);
        assert!(self.machine().is_sound());
        progress
    }

    /// Takes a job and carries it out, or fails to.
    pub(crate) fn write(&mut self, number: u8, is_written: bool) -> Progress {
        self.take(number).expect("a job");
        self.returned(number, is_written)
    }

    /// Carries jobs out until there are none.
    pub(crate) fn write_all(&mut self) {
        while let Some(seat) =
            (0..self.seats.len()).find(|seat| self.machine().take(*seat).is_some())
        {
            self.machine().returned(seat, true);
        }
    }

    pub(crate) fn begin(&mut self) -> Generation {
        self.machine().begin(1).expect("none is in progress")
    }

    pub(crate) fn change_of(&mut self, number: u8) -> Option<Change> {
        let list = self.machine().members().to_vec();
        let mut list = list.into_iter();
        list.find(|member| member.replica == uuid(number))
            .map(|member| member.change)
    }
}
