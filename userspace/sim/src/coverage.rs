// SPDX-License-Identifier: GPL-2.0
//! What has happened how often: transitions of the machines, and points at which the power went. A
//! full run in which one of them is rare has not tested it.

use std::fmt;

/// Hits of each point that a full run has at least.
pub const HITS_MIN: u64 = 100;

macro_rules! points {
    ($($point:ident $text:literal,)*) => {
        /// A transition, or a moment of a power cut.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Point {
            $($point,)*
        }

        const POINTS: &[(Point, &str)] = &[$((Point::$point, $text),)*];
    };
}

points! {
    LoadMost "load: starts with more than half",
    LoadHalfAndTie "load: starts with half and the tie-breaker",
    LoadTooFew "load: read-only, too few",
    LoadHalfNoTie "load: read-only, half without a tie-breaker",
    LoadHalfTieMissing "load: read-only, half, tie-breaker missing",
    LoadHalfTieBehind "load: read-only, half, tie-breaker behind",
    LoadHalfTieAhead "load: read-only, half, tie-breaker ahead",
    LoadIncomplete "load: read-only, newest commit incomplete",
    LoadNoReplica "load: no voting replica",
    LoadFromTie "load: the source is the tie-breaker",
    LoadMarked "load: members on their way in or out",
    StandingCurrent "load: replica current",
    StandingStale "load: replica stale",
    StandingDuplicate "load: replica there twice",
    StandingOutsider "load: replica of no member",
    StandingDamaged "load: replica without a root",
    ReviveAtLoad "load: member without a root is made anew",
    FlawHead "load: flaw in a head",
    FlawTail "load: flaw in a tail",
    FlawRoot "load: flaw in a root",
    FlawTable "load: flaw in a table",
    FlawRecords "load: flaw in a page of records",
    ClaimRoot "job: claim, root only, voter",
    ClaimTie "job: claim, root only, tie-breaker",
    ClaimDiffering "job: claim and commit, stale voter",
    WriteNext "job: the next commit, voter",
    WriteBehind "job: newer pages, voter behind",
    WriteDiffering "job: differing pages, voter",
    WriteJoining "job: voter that is to join",
    WriteTie "job: newer pages, tie-breaker",
    WriteTieDiffering "job: differing pages, tie-breaker",
    ClaimedWaits "returned: claim, waits for more",
    ClaimedCounts "returned: claim, holds",
    ClaimFailedWaits "returned: claim failed, waits for others",
    ClaimFailedStops "returned: claim failed, set stops",
    FirstCounts "returned: first commit of a load counts",
    FirstStops "returned: failed, set stops before its first commit counts",
    WrittenWaits "returned: commit, waits for more",
    WrittenForTie "returned: commit, waits for the tie-breaker",
    WrittenCounts "returned: commit, counts",
    WrittenLate "returned: commit that counted before",
    WrittenOld "returned: commit older than the newest",
    FailedWaits "returned: failed, waits for others",
    FailedCounts "returned: failed, and so it counts",
    FailedStops "returned: failed, set stops",
    FailedLate "returned: failed, but it counted before",
    WrittenJoining "returned: of a voter that is to join",
    FailedJoining "returned: failed, of a voter that is to join",
    ReturnedLeft "returned: of a replica that was deleted",
    ReturnedStopped "returned: after the set stopped",
    GoneWaits "device gone: nothing changes",
    GoneCounts "device gone: and so the commit counts",
    GoneStops "device gone: set stops",
    RevivedEarly "device back: before the first commit counts",
    Revived "device back: brought up to date",
    ReviveRefused "device back: refused, a write to it is in flight",
    AddVoter "add: voter",
    AddTie "add: tie-breaker",
    AddRefused "add: refused, there is a tie-breaker",
    AddCannotCount "add: refused, a commit could not count",
    AddTakenBack "add: taken back, a commit cannot count any more",
    RemoveVoter "delete: voter",
    RemoveTie "delete: tie-breaker",
    RemoveJoining "delete: voter that has not joined",
    RemoveRefused "delete: refused, the last voter",
    RemoveCannotCount "delete: refused, a commit could not count",
    RemoveTakenBack "delete: taken back, a commit cannot count any more",
    BeginFirst "begin: first commit of a load",
    BeginChanges "begin: changed pages",
    BeginNothing "begin: no page changed",
    BeginJoin "begin: a voter joins",
    BeginJoinTie "begin: a tie-breaker joins",
    BeginLeave "begin: a voter leaves",
    BeginLeaveTie "begin: a tie-breaker leaves",
    BeginSettle "begin: settles the list",
    BeginCarries "begin: first commit carries members on their way",
    BeginLostTie "begin: takes out a tie-breaker that failed",
    BeginTells "begin: the list says who has failed",
    BeginRefused "begin: no room for the change",
    CutIdle "power cut: running, nothing in flight",
    CutMarked "power cut: list not settled, nothing in progress",
    CutCommit "power cut: commit in progress",
    CutFirst "power cut: first commit of a load in progress",
    CutLoaded "power cut: loaded, nothing written yet",
    CutClaiming "power cut: claiming",
    CutClaimed "power cut: claimed, before the first commit",
    CutStopped "power cut: stopped",
    CutReadOnly "power cut: read-only",
    CutClaimRootBefore "power cut: claim, before the root",
    CutClaimRootFlight "power cut: claim, root in flight",
    CutClaimRootDone "power cut: claim, root durable",
    CutUpdatePageBefore "power cut: claim and commit, before a page",
    CutUpdatePageFlight "power cut: claim and commit, page in flight",
    CutUpdateFlushBefore "power cut: claim and commit, before the flush",
    CutUpdateFlushFlight "power cut: claim and commit, flush in flight",
    CutUpdateRootBefore "power cut: claim and commit, before the root",
    CutUpdateRootFlight "power cut: claim and commit, root in flight",
    CutUpdateRootDone "power cut: claim and commit, root durable",
    CutPageBefore "power cut: commit, before a page",
    CutPageFlight "power cut: commit, page in flight",
    CutFlushBefore "power cut: commit, before the flush",
    CutFlushFlight "power cut: commit, flush in flight",
    CutRootBefore "power cut: commit, before the root",
    CutRootFlight "power cut: commit, root in flight",
    CutRootDone "power cut: commit, root durable",
    CutRepairPageBefore "power cut: repair, before a page",
    CutRepairPageFlight "power cut: repair, page in flight",
    CutRepairFlushBefore "power cut: repair, before the flush",
    CutRepairFlushFlight "power cut: repair, flush in flight",
    CutRepairRootBefore "power cut: repair, before the root",
    CutRepairRootFlight "power cut: repair, root in flight",
    CutRepairRootDone "power cut: repair, root durable",
    CutTie "power cut: tie-breaker, being written",
    CutTieDone "power cut: tie-breaker, root durable",
    CutAdded "power cut: voter that is to join, nothing on it",
    CutJoining "power cut: voter that is to join, being written",
    CutJoinReady "power cut: voter that is to join, up to date",
    CutJoin "power cut: commit in which a voter joins",
    CutJoinTie "power cut: commit in which a tie-breaker joins",
    CutLeave "power cut: commit in which a voter leaves",
    CutLeaveTie "power cut: commit in which a tie-breaker leaves",
    CutSettle "power cut: commit that settles the list",
    FaultDies "fault: disk dies",
    FaultReturns "fault: disk comes back",
    FaultError "fault: a write fails",
    FaultHangs "fault: a write hangs",
    FaultLate "fault: a write that hung arrives",
    FaultRot "fault: a bit flips",
    FaultMisdirected "fault: a write goes elsewhere",
    FaultReload "fault: loaded again without a power cut",
    Healed "heal: converged",
    HealedAnew "heal: a replica was made anew",
    MirrorWrite "mirror: write acknowledged",
    MirrorErredWrite "mirror: a write fails, the side goes out of service",
    MirrorErredGone "mirror: a device is gone, the side goes out of service",
    MirrorErredAgain "mirror: a side that is out of service fails again",
    MirrorLastWrite "mirror: a write fails on the last side that has a block",
    MirrorLastRead "mirror: a read fails on the last side that has a block",
    MirrorLastGone "mirror: the last side that has a block is gone",
    MirrorLastAgain "mirror: the last side fails again",
    MirrorFailedCaller "mirror: the error is the caller's",
    MirrorWaits "mirror: a write waits for one that overlaps",
    MirrorRead "mirror: read",
    MirrorReadElsewhere "mirror: a failed read is answered by another side",
    MirrorUnavailable "mirror: unavailable, the good side is missing",
    MirrorFlush "mirror: flush acknowledged",
    MirrorWants "mirror: a write waits for a region to be opened",
    MirrorReopened "mirror: a region that was to be cleaned is written to",
    MirrorAskedMeanwhile "mirror: a region that was to be cleaned is asked for",
    MirrorCleanFailed "mirror: a region is not cleaned, since a flush failed",
    MirrorCleaned "mirror: regions are recorded to be clean",
    MirrorReadCopied "mirror: a read is copied to all sides and answered",
    MirrorCopyWaits "mirror: a copy waits for a write that overlaps",
    MirrorCopyUnavailable "mirror: nothing to copy from",
    MirrorCopyFailed "mirror: a copy fails on a side",
    MirrorRegionCopied "resync: a region is copied",
    MirrorResyncMends "resync: a block that its source has lost is rewritten",
    MirrorBehindCopied "resync: a side that was behind has a region",
    MirrorCaughtUp "resync: a side that was behind is flushed",
    MirrorSynced "resync: a component has it all",
    MirrorResyncFailed "resync: a component fails on its way back",
    MirrorLastNoMore "resync: what was the last one is not any more",
    MirrorOffline "mirror: a side goes offline",
    MirrorOnline "mirror: a side comes online",
    MirrorStarted "mirror: a side that was offline comes back with a start",
    MirrorSideSynced "resync: a side has it all",
    MirrorEnabled "mirror: a component is enabled",
    MirrorEnableRefused "mirror: the last component that has a block is not enabled",
    MirrorHealed "mirror: healed, all sides are equal",
    CutMirrorIdle "power cut: mirror, nothing in flight",
    CutMirrorSides "power cut: mirror, writes in flight",
    CutMirrorRecord "power cut: mirror, state being recorded",
    CutMirrorFlush "power cut: mirror, flush in flight",
    CutMirrorCarried "power cut: mirror, carried out, caller not told",
    CutMirrorClaimed "power cut: mirror, claimed, region not looked at",
    CutMirrorMark "power cut: mirror, dirty regions being recorded",
    CutMirrorClosed "power cut: mirror, regions closed",
    CutMirrorCleaning "power cut: mirror, flushing before regions are clean",
    CutMirrorClean "power cut: mirror, clean regions being recorded",
    CutMirrorAnswer "power cut: mirror, a read is being copied",
    CutMirrorResync "power cut: mirror, a resync copies",
    CutMirrorCatchUp "power cut: mirror, a side that has caught up is being flushed",
    SoftCreated "soft partition: made",
    SoftGrown "soft partition: grown",
    SoftGrownInPlace "soft partition: its last extent becomes longer",
    SoftSeveralExtents "soft partition: of several extents",
    SoftShrunk "soft partition: shrunk",
    SoftCleared "soft partition: cleared",
    SoftMoved "soft partition: an extent is moved",
    SoftMovedFirst "soft partition: the first extent is moved",
    SoftNoRoom "soft partition: refused, no room",
    SoftLookalike "soft partition: data that looks like a watermark",
    SoftFinished "soft partition: a start brings a change to its end",
    SoftWasDone "soft partition: a start finds that all watermarks are written",
    SoftRebuilt "soft partition: all records are lost and rebuilt",
    SoftRebuiltBefore "soft partition: rebuilt as before the change",
    SoftRebuiltAfter "soft partition: rebuilt as after the change",
    CutSoftIdle "power cut: soft partition, nothing under way",
    CutSoftRecorded "power cut: soft partition, a change is recorded and not begun",
    CutSoftCreateNew "power cut: soft partition is made, new places",
    CutSoftCreateCommon "power cut: soft partition is made, common places",
    CutSoftGrowNew "power cut: soft partition grows, new places",
    CutSoftGrowCommon "power cut: soft partition grows, common places",
    CutSoftShrinkNew "power cut: soft partition shrinks, new places",
    CutSoftShrinkCommon "power cut: soft partition shrinks, common places",
    CutSoftClearNew "power cut: soft partition is cleared, new places",
    CutSoftClearCommon "power cut: soft partition is cleared, common places",
    CutSoftCopied "power cut: an extent of a soft partition is copied",
    CutSoftDoubleNew "power cut: an extent is there twice, new places",
    CutSoftDoubleCommon "power cut: an extent is there twice, common places",
    CutSoftMoveCommit "power cut: an extent is moved, its commit",
    CutSoftMoveFree "power cut: an extent is moved, the place that it had",
    CutSoftCommitFirst "power cut: soft partition shrinks, its commit",
    CutSoftCommitLast "power cut: soft partition grows, its commit",
    CutSoftCommitAgain "power cut: soft partition, second copy of a commit",
    CutSoftCommonAgain "power cut: soft partition, second copies of common places",
    RaidAnnounced "RAID5: a line is announced",
    RaidRedone "RAID5: a start carries a batch out again",
    RaidLeft "RAID5: a start leaves a batch alone",
    RaidMadeToFit "RAID5: a start makes the parity of a line that was announced",
    RaidLost "RAID5: a block is listed as lost",
    RaidRewritten "RAID5: a block that was lost is written again",
    RaidFailedFlush "RAID5: a column fails while it is flushed",
    RaidUnrecorded "RAID5: a column fails while it is flushed, which cannot be recorded",
    CutRaid "power cut: RAID5",
    CutRaidLosing "power cut: RAID5, a column is lost with the power",
    CutRaidDegraded "power cut: RAID5, a column was missing",
    CutRaidMaking "power cut: RAID5, a column or the parity is made",
    CutRaidReplay "power cut: RAID5, a replay",
    RaidOlderRecord "RAID5: a start with a record that is older than the columns",
    RaidStaleColumn "RAID5: a column that is left out for that",
}

/// Hits of every point.
#[derive(Clone, Debug)]
pub struct Coverage {
    hits: Vec<u64>,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            hits: vec![0; POINTS.len()],
        }
    }
}

impl Coverage {
    pub(crate) fn hit(&mut self, point: Point) {
        self.hit_often(point, 1);
    }

    pub(crate) fn hit_often(&mut self, point: Point, times: u64) {
        self.hits[point as usize] += times;
    }

    /// Adds what another run has hit.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.hits.iter_mut().zip(&other.hits) {
            *own += other;
        }
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.hits.len()
    }

    /// The point with the fewest hits, and these.
    pub fn rarest(&self) -> (&'static str, u64) {
        let pairs = POINTS.iter().zip(&self.hits);
        let rarest = pairs.min_by_key(|(_, hits)| **hits);
        rarest.map_or(("", 0), |((_, text), hits)| (*text, *hits))
    }

    /// The points with fewer hits than a full run has.
    pub fn rare(&self) -> Vec<(&'static str, u64)> {
        let pairs = POINTS.iter().zip(&self.hits);
        let rare = pairs.filter(|(_, hits)| **hits < HITS_MIN);
        rare.map(|((_, text), hits)| (*text, *hits)).collect()
    }
}

/// The table.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((_, text), hits) in POINTS.iter().zip(&self.hits) {
            writeln!(f, "{hits:>12}  {text}")?;
        }
        Ok(())
    }
}
