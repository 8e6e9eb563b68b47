// SPDX-License-Identifier: GPL-2.0
//! A dump from volume to volume: opening and changing media, writing one anew, stopping, going on.

use crate::{
    calendar,
    console::Console,
    pipeline::{
        self,
        Ended,
        Outcome,
        Settings,
        Watcher, //
    },
    plan::Plan,
    positions::Positions,
    progress::Meter,
    signals::Signals,
    sink::{
        Media,
        Sink, //
    },
    state::{
        Checkpoint,
        Kept,
        Volume, //
    },
    statistics::{
        clock,
        rate, //
    },
    status::Doing,
};
use md_dump_format::{
    item::{
        Item,
        Stage, //
    },
    layout::{
        Identity,
        Layout, //
    }, //
};
use md_extfs::source::Source;
use serde::{
    Deserialize,
    Serialize, //
};
use std::{
    io,
    sync::atomic::Ordering,
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// How often it is looked whether a changer has put the next tape in.
const POLL: Duration = Duration::from_secs(1);

/// Why a dump ended before its end. What has to be said was said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Aborted;

/// What was done, also before a dump was gone on with.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Totals {
    /// Volumes.
    pub volumes: u32,
    /// Records of 1 KiB.
    pub records: u64,
    /// Bytes that were written, which are fewer if they are compressed.
    pub bytes: u64,
    /// Whole seconds, without those in which nothing was done.
    pub seconds: u64,
    /// First inode of each volume.
    pub inodes: Vec<u32>,
    /// Sum of the rates of all volumes in KiB a second, and how many have one.
    rates: (u64, u64),
}

impl Totals {
    /// KiB a second over all volumes, as dump counts it.
    pub fn average_rate(&self) -> Option<u64> {
        self.rates.0.checked_div(self.rates.1)
    }
}

/// A dump that is to be written.
pub struct Job<'a, S> {
    /// What is in it.
    pub plan: &'a Plan<'a, S>,
    /// Where data is read.
    pub source: &'a dyn Source,
    /// Who is told and asked.
    pub console: &'a dyn Console,
    /// Where it goes.
    pub media: &'a mut dyn Media,
    /// What comes from outside.
    pub signals: Signals,
    /// What all headers say.
    pub identity: Identity,
    /// Most bytes of each volume; the last number is for all that follow, too.
    pub volume_bytes: Vec<u64>,
    /// How blocks are compressed.
    pub compression: crate::compression::Compression,
    /// The state, if it is kept.
    pub state: Option<Kept>,
    /// What a script says at the end of a volume: it is handed the volume's number.
    pub at_end_of_volume: Option<&'a dyn Fn(u32) -> ScriptAnswer>,
    /// Where it is told in which block which file is.
    pub positions: Option<Positions>,
    /// How long a changer may take to put the next tape in, before the user is asked.
    pub patience: Option<Duration>,
    /// Whether the source has been given up.
    pub is_given_up: &'a dyn Fn() -> bool,
}

/// What a script at the end of a volume says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScriptAnswer {
    /// Go on: the next medium is there.
    GoOn,
    /// Ask the user.
    Ask,
    /// Stop.
    Abort,
}

impl<S> std::fmt::Debug for Job<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// What is done while a volume is written.
struct Watch<'w, 'a, S> {
    job: &'w Job<'a, S>,
    meter: &'w mut Meter,
    volume: u32,
    /// Block of the tape with which the volume begins, if it is one.
    start: Option<u64>,
    positions: Option<Positions>,
    /// Whether there are only maps and directories yet.
    is_before_files: bool,
}

impl<S: Source> Watcher for Watch<'_, '_, S> {
    fn begins(&mut self, inode: u32, block: u64, byte: u64) {
        if std::mem::take(&mut self.is_before_files) {
            self.job.say("dumping (Pass IV) [regular files]");
        }
        let Some(positions) = &mut self.positions else {
            return;
        };
        let position = self.start.map_or(byte, |start| start + block);
        if let Err(error) = positions.add(inode, self.volume, position) {
            self.job.say_lost_positions(&error);
            self.positions = None;
        }
    }

    fn goes_on(&mut self, blocks: u64) -> bool {
        let records = blocks * u64::from(self.job.identity.ntrec);
        self.job.watch(self.meter, records)
    }
}

/// How a volume ended, if the dump goes on.
enum Next {
    /// With the dump.
    Done,
    /// The next volume follows.
    Volume,
    /// This one is to be written anew.
    Again,
}

impl<S: Source> Job<'_, S> {
    /// Writes the dump from a checkpoint on.
    pub fn run(&mut self, start: Checkpoint, meter: &mut Meter) -> Result<Totals, Aborted> {
        let done = self.volumes(start, meter);
        meter.end(match done {
            Ok(_) => Doing::Done,
            Err(Aborted) => Doing::Aborted,
        });
        done
    }

    fn volumes(&mut self, start: Checkpoint, meter: &mut Meter) -> Result<Totals, Aborted> {
        let mut checkpoint = start;
        meter.begin(self.plan.selection.estimate, &checkpoint.totals);
        loop {
            self.compare(&checkpoint)?;
            let items = self.plan.items_from(checkpoint.place);
            let position = checkpoint.position.clone();
            let mut layout = Layout::new(self.identity.clone(), items, position);
            self.keep(&mut layout, &mut checkpoint)?;
            loop {
                match self.volume(&mut layout, &mut checkpoint, meter)? {
                    Next::Done => return Ok(checkpoint.totals),
                    Next::Volume => {}
                    Next::Again => break,
                }
            }
        }
    }

    /// Whether the inode in the middle of which a volume begins is as it was.
    fn compare(&self, checkpoint: &Checkpoint) -> Result<(), Aborted> {
        let place = checkpoint.place;
        if place.record == 0 || self.plan.digest(place) == checkpoint.digest {
            return Ok(());
        }
        let inode = place.inode;
        self.say(&format!(
            "inode {inode} has changed since the volume before was finished: \
             it cannot go on from there"
        ));
        Err(self.abort())
    }

    /// Writes a volume.
    fn volume<I: Iterator<Item = Item>>(
        &mut self,
        layout: &mut Layout<I>,
        checkpoint: &mut Checkpoint,
        meter: &mut Meter,
    ) -> Result<Next, Aborted> {
        layout.begin_volume();
        let number = layout.position().volume;
        let mut sink = self.open(number)?;
        self.keep_positions(Positions::begin_volume);
        self.say(&format!(
            "Volume {number} started with block {} at: {}",
            layout.position().first + 1,
            calendar::text(meter.now())
        ));
        if number > 1 {
            let inode = layout.position().inodes.last().copied().unwrap_or(0);
            self.say(&format!(
                "Volume {number} begins with blocks from inode {inode}"
            ));
        }
        if number == 1 {
            self.say("dumping (Pass III) [directories]");
        }
        meter.begin_volume(number);
        let settings = Settings {
            ntrec: self.identity.ntrec,
            compression: self.compression,
            volume_bytes: self.limit(number),
            has_checksum: self.state.is_some(),
        };
        let positions = self.positions.take();
        let mut watch = Watch {
            job: self,
            meter,
            volume: number,
            start: sink.position(),
            positions,
            is_before_files: checkpoint.place.stage < Stage::Files,
        };
        let outcome = pipeline::run(layout, self.source, &mut *sink, settings, &mut watch);
        self.positions = watch.positions;
        let is_early = layout.place().stage < Stage::Directories;
        let is_full = matches!(outcome.ended, Ended::Full | Ended::EndOfMedium);
        if is_full && outcome.blocks > 0 && is_early {
            // Older versions of restore look for them nowhere else.
            self.say("the maps do not go onto the first volume as a whole");
            return Err(self.abort());
        }
        let next = self.finish(number, outcome, &mut *sink, checkpoint, meter)?;
        let inodes = &layout.position().inodes;
        checkpoint.totals.inodes.clone_from(inodes);
        // Who changes a tape wants it to be closed.
        drop(sink);
        if matches!(next, Next::Volume) {
            self.keep(layout, checkpoint)?;
            self.change(number, meter)?;
        }
        Ok(next)
    }

    /// Most bytes of a volume.
    fn limit(&self, number: u32) -> Option<u64> {
        if self.media.is_pipe() {
            return None;
        }
        let index = (number as usize).min(self.volume_bytes.len());
        self.volume_bytes.get(index.checked_sub(1)?).copied()
    }

    /// Does something with the file of positions. A dump is one without it, too.
    fn keep_positions(&mut self, keep: fn(&mut Positions) -> io::Result<()>) {
        if let Some(Err(error)) = self.positions.as_mut().map(keep) {
            self.say_lost_positions(&error);
            self.positions = None;
        }
    }

    fn say_lost_positions(&self, error: &io::Error) {
        self.say(&format!(
            "the positions (-Q) cannot be written and are not complete: {error}"
        ));
    }

    /// Remembers where the dump stands before a volume.
    fn keep<I: Iterator<Item = Item>>(
        &mut self,
        layout: &mut Layout<I>,
        checkpoint: &mut Checkpoint,
    ) -> Result<(), Aborted> {
        checkpoint.position = layout.position().clone();
        checkpoint.place = layout.place();
        if checkpoint.place.record > 0 {
            checkpoint.digest = self.plan.digest(checkpoint.place);
        }
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        let Err(error) = state.keep(checkpoint) else {
            return Ok(());
        };
        let path = state.path.display();
        let line = format!("the state {path} cannot be written: {error}");
        self.say(&line);
        Err(self.abort())
    }

    fn open(&mut self, number: u32) -> Result<Box<dyn Sink>, Aborted> {
        if self.media.is_listed(number) {
            let name = self.media.name(number);
            self.say(&format!("Dumping volume {number} on {name}"));
        }
        loop {
            match self.media.open(number) {
                Ok(sink) => return Ok(sink),
                Err(error) => {
                    let name = self.media.name(number);
                    self.say(&format!("Cannot open output \"{name}\": {error}"));
                    if self.console.ask("Do you want to retry the open?") != Some(true) {
                        return Err(self.abort());
                    }
                }
            }
        }
    }

    /// Ends a volume, and finds out how it goes on.
    fn finish(
        &mut self,
        number: u32,
        outcome: Outcome,
        sink: &mut dyn Sink,
        checkpoint: &mut Checkpoint,
        meter: &mut Meter,
    ) -> Result<Next, Aborted> {
        let name = self.media.name(number);
        let is_last = match &outcome.ended {
            Ended::Finished => true,
            Ended::Full => false,
            Ended::EndOfMedium => {
                self.say("End of tape detected");
                false
            }
            Ended::Failed(error) => {
                return self.write_error(&error.to_string(), number, outcome.blocks, meter);
            }
            Ended::Broken(reason) => {
                self.say(reason);
                return Err(self.abort());
            }
            Ended::Stopped => return Err(self.abort()),
        };
        if outcome.blocks == 0 {
            self.say("EOT detected at start of the tape!");
            return Err(self.abort());
        }
        self.say(&format!("Closing {name}"));
        if sink.ejects() {
            self.say(&format!("Ejecting {name}"));
        }
        if let Err(error) = sink.close() {
            return self.write_error(&error.to_string(), number, outcome.blocks, meter);
        }
        if outcome.is_torn && !is_last {
            self.say(&format!(
                "Volume {number} ends within extended attributes, which restore may lose"
            ));
        }
        self.keep_positions(Positions::end_volume);
        let totals = &mut checkpoint.totals;
        self.tell_volume(number, &outcome, meter, totals);
        totals.volumes = number;
        totals.seconds = meter.since_start().as_secs();
        if !is_last && self.media.is_remote(number) {
            self.say(&format!(
                "If {name} is a file and not a tape, cut it before it is restored: \
                 truncate -s {} FILE",
                outcome.bytes
            ));
        }
        meter.end_volume(outcome.blocks * u64::from(self.identity.ntrec));
        checkpoint.volumes.push(Volume {
            name,
            bytes: outcome.bytes,
            checksum: outcome.checksum,
        });
        Ok(if is_last { Next::Done } else { Next::Volume })
    }

    fn tell_volume(&self, number: u32, outcome: &Outcome, meter: &Meter, totals: &mut Totals) {
        let records = outcome.blocks * u64::from(self.identity.ntrec);
        totals.records += records;
        totals.bytes += outcome.bytes;
        let time = meter.since_volume();
        self.say(&format!(
            "Volume {number} completed at: {}",
            calendar::text(meter.now())
        ));
        self.say(&format!(
            "Volume {number} {records} blocks ({} bytes)",
            outcome.bytes
        ));
        if let Some(rate) = rate(records, time) {
            totals.rates.0 += rate;
            totals.rates.1 += 1;
            self.say(&format!("Volume {number} took {}", clock(time)));
            self.say(&format!("Volume {number} transfer rate: {rate} KB/s"));
        }
    }

    /// A volume that could not be written: with new media it is written once more.
    fn write_error(
        &self,
        error: &str,
        number: u32,
        blocks: u64,
        meter: &mut Meter,
    ) -> Result<Next, Aborted> {
        let name = self.media.name(number);
        if self.media.is_pipe() {
            self.say(&format!("write error on {name}: {error}"));
            self.say("Cannot recover");
            return Err(self.abort());
        }
        let records = blocks * u64::from(self.identity.ntrec);
        self.say(&format!(
            "write error {records} blocks into volume {number}: {error}"
        ));
        self.console.broadcast("DUMP WRITE ERROR!");
        if meter.wait(|| self.console.ask("Do you want to restart?")) != Some(true) {
            return Err(self.abort());
        }
        self.say("Closing this volume.  Prepare to restart with new media;");
        self.say("this dump volume will be rewritten.");
        Ok(Next::Again)
    }

    /// Waits for the next medium.
    fn change(&self, number: u32, meter: &mut Meter) -> Result<(), Aborted> {
        let next = number + 1;
        let answer = self.at_end_of_volume.map(|script| script(number));
        match answer {
            Some(ScriptAnswer::GoOn) => return Ok(()),
            Some(ScriptAnswer::Abort) => return Err(self.abort()),
            Some(ScriptAnswer::Ask) | None => {}
        }
        if answer.is_none() && self.media.is_at_hand(next) {
            return Ok(());
        }
        if let Some(patience) = self.patience {
            if meter.wait(|| self.is_loaded_within(next, patience)) {
                return Ok(());
            }
        }
        self.say(&format!("Change Volumes: Mount volume #{next}"));
        self.console.broadcast("CHANGE DUMP VOLUMES!");
        loop {
            let question = "Is the new volume mounted and ready to go?";
            match meter.wait(|| self.console.ask(question)) {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => return Err(self.abort()),
            }
            if self.console.ask("Do you want to abort?") != Some(false) {
                return Err(self.abort());
            }
        }
    }

    /// Whether a changer puts the tape for a volume in within a time.
    fn is_loaded_within(&self, volume: u32, patience: Duration) -> bool {
        let begun = Instant::now();
        loop {
            if self.media.is_loaded(volume) {
                return true;
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() || self.signals.stop.load(Ordering::Relaxed) {
                return false;
            }
            thread::sleep(left.min(POLL));
        }
    }

    /// Answers signals. False ends the dump.
    fn watch(&self, meter: &mut Meter, records: u64) -> bool {
        let status = Signals::take(&self.signals.status);
        meter.note(records, status, self.console);
        if self.signals.stop.load(Ordering::Relaxed) || (self.is_given_up)() {
            return false;
        }
        if Signals::take(&self.signals.interrupt) {
            let answer = meter.wait(|| self.console.ask("Do you want to abort dump?"));
            return answer == Some(false);
        }
        true
    }

    fn abort(&self) -> Aborted {
        self.say("The ENTIRE dump is aborted.");
        let state = self.state.as_ref();
        if let Some(state) = state.filter(|state| state.has_volumes.load(Ordering::Relaxed)) {
            let next = &state.next;
            self.say(&format!(
                "It can go on behind the last finished volume: {next}"
            ));
        }
        Aborted
    }

    fn say(&self, line: &str) {
        self.console.say(line);
    }
}
