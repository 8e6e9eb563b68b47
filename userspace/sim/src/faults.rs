// SPDX-License-Identifier: GPL-2.0
//! What hurts a set that is started, and what mends it.

use md_model::database::{
    commits::{
        Extent,
        Job,
        Phase, //
    },
    identity::{
        Generation,
        Uuid, //
    },
    layout::other_root,
    members::{
        Change,
        Member,
        Role, //
    },
};

use crate::{
    boot::live_root,
    changes::is_marked,
    coverage::Point,
    node::Node,
    plan::Mode,
    violation::Violation,
    work::{
        Operation,
        Work, //
    },
    world::World,
};

impl World {
    /// Faults, each at its rate.
    pub(crate) fn hurt(&mut self, node: &mut Node) -> Result<(), Violation> {
        let plan = self.plan;
        if self.random.per_mille(plan.death_rate) {
            self.die(node)?;
        }
        if self.random.per_mille(plan.hang_rate) {
            self.hang(node)?;
        }
        if self.random.per_mille(plan.arrival_rate) {
            self.arrive(node);
        }
        if self.random.per_mille(plan.member_rate) && node.machine().phase() == Phase::Running {
            self.change_members(node);
        }
        if self.random.per_mille(plan.return_rate) {
            self.revive(node);
        }
        Ok(())
    }

    /// Nothing is hurt any more: writes that hang arrive, disks are seen again, and a replica that
    /// is gone is made anew.
    pub(crate) fn mend(&mut self, node: &mut Node) {
        self.arrive(node);
        self.revive(node);
        let Some((gone, disk)) = self.wiped else {
            return;
        };
        if node.machine().may_be_wiped(&gone) {
            let member = Member::new(self.make(disk, Role::Voter), Role::Voter);
            let tag = node.tag(disk);
            if node.machine().add(member, tag, 0).is_ok() {
                node.added.push(member.replica);
                self.wiped = None;
                self.coverage.hit(Point::HealedAnew);
            }
        } else if node.machine().phase() == Phase::Running {
            let leaves =
                |member: &Member| member.replica == gone && member.change == Change::Leaves;
            if !node.machine().members().iter().any(leaves) {
                let _ = node.machine().remove(&gone);
            }
        }
    }

    /// A disk dies, and perhaps that is seen before it fails a write.
    fn die(&mut self, node: &mut Node) -> Result<(), Violation> {
        let Some(disk) = self.random.one_of(&node.paths) else {
            return Ok(());
        };
        if self.disks[disk].is_dead {
            return Ok(());
        }
        self.coverage.hit(Point::FaultDies);
        self.disks[disk].cut(&mut self.random);
        self.disks[disk].is_dead = true;
        for work in node.works.iter_mut().flatten() {
            work.has_failed |= work.disk == disk;
        }
        let seen = node.seats.iter().find(|seat| {
            seat.replica().is_some() && node.paths.get(seat.tag() as usize) == Some(&disk)
        });
        let replica = seen.and_then(|seat| seat.replica());
        if let Some(replica) = replica.filter(|_| self.random.per_mille(500)) {
            self.tell_gone(node, &replica)?;
        }
        Ok(())
    }

    /// The machine is told that the device of a replica is gone.
    fn tell_gone(&mut self, node: &mut Node, replica: &Uuid) -> Result<(), Violation> {
        let (phase, live) = (node.machine().phase(), node.machine().live());
        node.machine().fail(replica);
        let is_stopped = node.machine().phase() == Phase::Stopped;
        self.coverage.hit(if is_stopped && phase != Phase::Stopped {
            Point::GoneStops
        } else if node.machine().live() != live {
            Point::GoneCounts
        } else {
            Point::GoneWaits
        });
        self.observe(node)
    }

    /// An operation that is in flight will take long.
    fn hang(&mut self, node: &mut Node) -> Result<(), Violation> {
        let busy = node.busy();
        let Some(seat) = self.random.one_of(&busy) else {
            return Ok(());
        };
        let Some(work) = node.works[seat].as_mut() else {
            return Ok(());
        };
        let count = work.in_flight.len();
        let index = self.random.below(count);
        let Some(flight) = work.in_flight.get_mut(index) else {
            return Ok(());
        };
        flight.hangs = true;
        self.coverage.hit(Point::FaultHangs);
        if !self.rules.one_in_flight && flight.operation != Operation::Flush {
            // It is given up, and the replica written to again.
            let flight = work.in_flight.swap_remove(index);
            self.forgotten.push((work.disk, flight.place, flight.bytes));
            work.has_failed = true;
        }
        // A device that hangs may be given up by the machine before it has returned what it was
        // given, which then may still be carried out.
        let is_loud = self.plan.mode == Mode::Loud;
        match node.seats[seat].replica() {
            Some(replica) if is_loud && self.random.per_mille(250) => {
                self.tell_gone(node, &replica)
            }
            _ => Ok(()),
        }
    }

    /// An operation that hung goes on.
    pub(crate) fn arrive(&mut self, node: &mut Node) {
        if !self.forgotten.is_empty() {
            let index = self.random.below(self.forgotten.len());
            let (disk, place, bytes) = self.forgotten.swap_remove(index);
            self.disks[disk].force(place, &bytes);
        }
        for work in node.works.iter_mut().flatten() {
            if let Some(flight) = work.in_flight.iter_mut().find(|flight| flight.hangs) {
                flight.hangs = false;
                self.coverage.hit(Point::FaultLate);
                return;
            }
        }
    }

    /// A replica that failed is seen again.
    fn revive(&mut self, node: &mut Node) {
        let mut failed = Vec::new();
        for seat in node.seats.iter().filter(|seat| seat.has_failed()) {
            if let Some(disk) = seat.replica().and_then(|replica| self.disk_of(&replica)) {
                failed.push((seat.replica().unwrap_or_default(), disk));
            }
        }
        let Some((replica, disk)) = self.random.one_of(&failed) else {
            return;
        };
        let is_used = node.works.iter().flatten().any(|work| work.disk == disk);
        let phase = node.machine().phase();
        if is_used || phase == Phase::Stopped {
            self.revive_in_vain(node, &replica);
            return;
        }
        let (tag, root) = (
            node.tag(disk),
            live_root(&self.disks[disk], self.plan.pages),
        );
        if node.machine().revive(&replica, tag, root).is_ok() {
            self.coverage.hit(match phase {
                Phase::Claiming | Phase::Claimed => Point::RevivedEarly,
                Phase::Running | Phase::Stopped => Point::Revived,
            });
        }
    }

    /// A replica is seen again while a write to it is in flight: the machine refuses that.
    fn revive_in_vain(&mut self, node: &mut Node, replica: &Uuid) {
        let mut seats = node.seats.iter();
        let own = seats.position(|seat| seat.replica() == Some(*replica));
        let has_job = own.is_some_and(|own| node.seats[own].job().is_some());
        if has_job && node.machine().revive(replica, 0, 0).is_err() {
            self.coverage.hit(Point::ReviveRefused);
        }
    }

    /// The disk of a replica, if it is alive.
    fn disk_of(&self, replica: &Uuid) -> Option<usize> {
        let mut made = self.made.iter();
        let is_it = |made: &crate::world::Made| made.is_some_and(|(own, _)| own == *replica);
        made.position(is_it)
            .filter(|disk| !self.disks[*disk].is_dead)
    }

    /// With the rule about its order switched off: the tie-breaker is written at once.
    pub(crate) fn take_out_of_turn(&mut self, node: &mut Node) -> Result<bool, Violation> {
        let phase = node.machine().phase();
        if self.rules.tie_order || !matches!(phase, Phase::Claimed | Phase::Running) {
            return Ok(false);
        }
        let newest = node.newest.generation;
        let ties = node.seats.iter().position(|seat| {
            let is_tie = seat.replica().is_some_and(|replica| {
                let is_it = |made: &crate::world::Made| *made == Some((replica, Role::TieBreaker));
                self.made.iter().any(is_it)
            });
            is_tie && seat.holds() != newest && !seat.has_failed()
        });
        let Some(seat) = ties.filter(|seat| node.works[*seat].is_none()) else {
            return Ok(false);
        };
        let replica = node.seats[seat].replica().unwrap_or_default();
        let is_member = |member: &Member| member.replica == replica;
        let Some(disk) = self.disk_of(&replica) else {
            return Ok(false);
        };
        let root = live_root(&self.disks[disk], self.plan.pages);
        if !node.machine().members().iter().any(is_member) || self.has_root_of(node, disk) {
            return Ok(false);
        }
        let job = Job {
            replica,
            role: Role::TieBreaker,
            tag: node.tag(disk),
            generation: newest,
            claim: newest.epoch,
            places: other_root(root),
            extent: Extent::Differing,
        };
        let work = Work::new(job, disk, &self.disks[disk], &node.newest, &self.rules);
        node.works[seat] = Some(work);
        Ok(true)
    }

    /// Whether the tie-breaker was written out of turn already.
    fn has_root_of(&self, node: &Node, disk: usize) -> bool {
        let newest = self.history.commits.get(&node.newest.generation);
        let made = self.made[disk];
        newest.is_some_and(|commit| made.is_some_and(|(own, _)| commit.held_by.contains(&own)))
    }

    /// Counts what a power cut meets.
    pub(crate) fn note_cut(&mut self) {
        match self.node.take() {
            Some(mut node) => {
                self.note_cut_of(&mut node);
                self.node = Some(node);
            }
            None => self.coverage.hit(Point::CutReadOnly),
        }
    }

    fn note_cut_of(&mut self, node: &mut Node) {
        let machine = node.machine();
        let in_progress = machine.live() != machine.newest();
        let phase = machine.phase();
        let is_busy = !node.busy().is_empty();
        let point = match phase {
            Phase::Claiming if !node.has_taken => Point::CutLoaded,
            Phase::Claiming => Point::CutClaiming,
            Phase::Claimed if in_progress => Point::CutFirst,
            Phase::Claimed => Point::CutClaimed,
            Phase::Running if in_progress || is_busy => Point::CutCommit,
            Phase::Running if is_marked(&node.live.members) => Point::CutMarked,
            Phase::Running => Point::CutIdle,
            Phase::Stopped => Point::CutStopped,
        };
        self.coverage.hit(point);
        for work in node.works.iter().flatten() {
            if let Some(point) = work.point() {
                self.coverage.hit(point);
            }
            if work.job.role == Role::TieBreaker && work.job.extent != Extent::RootOnly {
                self.coverage.hit(if work.is_durable {
                    Point::CutTieDone
                } else {
                    Point::CutTie
                });
            }
        }
        if in_progress {
            self.note_cut_of_list(node);
        }
        if phase == Phase::Running {
            self.note_cut_of_joining(node);
        }
    }

    /// The power goes while a commit is in progress: what it does to the list.
    fn note_cut_of_list(&mut self, node: &Node) {
        let list = &node.newest.members;
        for (role, change, point) in [
            (Role::Voter, Change::Joins, Point::CutJoin),
            (Role::TieBreaker, Change::Joins, Point::CutJoinTie),
            (Role::Voter, Change::Leaves, Point::CutLeave),
            (Role::TieBreaker, Change::Leaves, Point::CutLeaveTie),
        ] {
            let is_it = |member: &Member| (member.role, member.change) == (role, change);
            if list.iter().any(is_it) {
                self.coverage.hit(point);
            }
        }
        if is_marked(&node.live.members) && !is_marked(list) {
            self.coverage.hit(Point::CutSettle);
        }
    }

    /// The power goes while voters are to join.
    fn note_cut_of_joining(&mut self, node: &mut Node) {
        let joining: Vec<_> = self.joining(node).collect();
        for (seat, _) in joining {
            let held = node.seats[seat].holds();
            self.coverage.hit(if node.works[seat].is_some() {
                Point::CutJoining
            } else if held == Generation::default() {
                Point::CutAdded
            } else {
                Point::CutJoinReady
            });
        }
    }
}
