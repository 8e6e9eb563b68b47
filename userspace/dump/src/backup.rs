// SPDX-License-Identifier: GPL-2.0
//! The whole command: from its words to a dump, a list or a number.

pub use crate::failure::Failure;

use crate::{
    archive,
    calendar, //
    compression::Compression,
    console::{
        Console,
        Terminal, //
    },
    due,
    dumpdates::{
        self,
        Entry, //
    },
    job::{
        Aborted,
        Job,
        ScriptAnswer,
        Totals, //
    },
    media::Names,
    mounts,
    options::{
        self,
        Arguments, //
    },
    plan::{
        Format,
        Manner,
        Plan, //
    },
    positions::Positions,
    progress::Meter,
    resume,
    selection::{
        select,
        Selection,
        Wish, //
    },
    signals::Signals,
    sink::Media,
    state::{
        Checkpoint,
        Kept,
        Origin,
        State, //
    },
    statistics::clock,
    status::Status,
    stopping::{
        self,
        unless_stuck, //
    },
    submirror::{
        Found,
        Manager,
        Side, //
    },
    target::{
        Opened,
        Target, //
    },
    tolerant::Tolerant,
    volume_sizes,
    Exit, //
};
use clap::Parser;
use md_dump_format::{
    layout::Identity,
    RECORD, //
};
use md_extfs::FileSystem;
use std::{
    collections::HashSet,
    fs,
    io::{
        self,
        IsTerminal, //
    },
    path::Path,
    process::Command,
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Arc,
        Mutex,
        MutexGuard,
        PoisonError, //
    },
    time::Duration, //
};

/// What stands in a dump whose file system is mounted nowhere.
const UNLISTED: &str = "an unlisted file system";

/// Runs the command with these words, without its name. What it hands out is for standard output.
pub fn run(words: &[String], manager: &mut dyn Manager) -> Result<String, Failure> {
    let with_name = ["mddump".to_string()]
        .into_iter()
        .chain(options::plain(words));
    let arguments = match Arguments::try_parse_from(with_name) {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => return Ok(error.to_string()),
        Err(error) => return Err(usage(&error)),
    };
    let signals = Signals::of_process();
    let signals = signals.map_err(|error| Failure::new("", &error.to_string(), "mddump --help"))?;
    let (quiet, notify) = (arguments.quiet, arguments.notify);
    let console = Arc::new(Terminal::new(quiet, notify, signals.clone()));
    run_with(&arguments, console, signals, manager)
}

/// Options that are not accepted. The usage lines are left to `--help`.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let reason = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    Failure::new("", reason.trim(), "mddump --help")
}

/// The same with options that were read, and with somebody to tell and ask.
pub fn run_with(
    arguments: &Arguments,
    console: Arc<dyn Console>,
    signals: Signals,
    manager: &mut dyn Manager,
) -> Result<String, Failure> {
    if arguments.lzo {
        let reason = "compression by lzo is not done here, but by zlib (-z) and bzip2 (-j)";
        return Err(Failure::new("-y", reason, "mddump -z1 ..."));
    }
    if arguments.what || arguments.which {
        let entries = read_dumpdates(arguments)?;
        let now = Meter::new(false).now();
        return Ok(due::text(&entries, &mounts::fstab(), now, arguments.which));
    }
    let mut run = Run {
        arguments: arguments.clone(),
        resumed: None,
        console,
        signals,
        disk: Arc::default(),
        has_volumes: Arc::default(),
    };
    if let Some(path) = &arguments.resume {
        let say = |line: &str| run.console.say(line);
        let state = resume::read(path, arguments.force, &say)?;
        run.console
            .adopt(state.arguments.quiet, state.arguments.notify);
        run.arguments = Arguments {
            force: arguments.force,
            quiet: arguments.quiet || state.arguments.quiet,
            status_fd: arguments.status_fd,
            ..state.arguments.clone()
        };
        let has_volumes = !state.checkpoint.volumes.is_empty();
        run.has_volumes.store(has_volumes, Ordering::Relaxed);
        run.resumed = Some(state);
    }
    run.start(manager)
}

/// One call of the command.
#[derive(Clone)]
struct Run {
    arguments: Arguments,
    resumed: Option<State>,
    console: Arc<dyn Console>,
    signals: Signals,
    /// What is read, while it is open.
    disk: Arc<Mutex<Option<Opened>>>,
    /// Whether the state has volumes that are finished.
    has_volumes: Arc<AtomicBool>,
}

impl Run {
    fn start(&self, manager: &mut dyn Manager) -> Result<String, Failure> {
        let Some(word) = &self.arguments.from_submirror else {
            return self.dump_or_stop(Target::parse(self.arguments.filesystem.as_deref())?);
        };
        let side = Side::parse(word)?;
        let device = manager.device(&side.mirror);
        let mounted_at = mounts::mounted_at(&device);
        let found = self.find(&side, manager, &device, mounted_at.as_deref())?;
        let folder = mounted_at
            .as_ref()
            .map(|folder| folder.display().to_string());
        let work = |source: &str| {
            let done = self.dump_or_stop(Target {
                name: device.clone(),
                device: source.to_string(),
                folder,
                live: None,
            });
            let failure = done.as_ref().err();
            let stays = failure.is_some_and(|failure| self.needs_side(found, failure));
            (done, stays)
        };
        side.borrow(manager, &*self.console, found, work)?
    }

    /// How a side is found: a dump that goes on finds it as it left it, or as somebody else has.
    fn find<'m>(
        &self,
        side: &Side,
        manager: &mut dyn Manager,
        device: &str,
        mounted_at: Option<&'m Path>,
    ) -> Result<Found<'m>, Failure> {
        if self.resumed.is_some() {
            if manager.is_offline(&side.mirror, &side.submirror)? {
                return Ok(Found::Offline);
            }
            if mounts::is_written(device) && !self.arguments.force {
                return Err(resume::changed(device, resume::MOUNTED));
            }
        }
        Ok(Found::InService(mounted_at))
    }

    /// Whether a dump that failed can only go on if its side stays out of service. One without a
    /// finished volume can as well be begun anew.
    fn needs_side(&self, found: Found<'_>, failure: &Failure) -> bool {
        let has_volumes = self.has_volumes.load(Ordering::Relaxed);
        let is_begun = failure.exit == Exit::Aborted && has_volumes;
        is_begun || found == Found::Offline
    }

    /// Dumps, and ends when it shall, whatever does not answer then.
    fn dump_or_stop(&self, target: Target) -> Result<String, Failure> {
        let (run, device) = (self.clone(), target.device.clone());
        let work = move || run.dump(&target);
        let done = unless_stuck(&self.signals.stop, stopping::PATIENCE, work);
        let done = done.map_err(|error| Failure::new("", &error.to_string(), "ulimit -u"))?;
        let disk = self.disk().take();
        if let Some(done) = done {
            return done.map_err(|failure| self.stopped(&device, failure));
        }
        self.say("The ENTIRE dump is aborted.");
        let mute = disk.filter(|disk| disk.source.is_waited_for());
        let what = if let Some(disk) = mute {
            // Without that the end of this process waits for it.
            let _ = stopping::leave_open(disk.file);
            device
        } else {
            self.file()
        };
        let reason = "does not answer, and is not waited for any more";
        Err(Failure::new(&what, reason, &self.next("dmesg | tail")).aborted())
    }

    /// What is to be said of a failure. Of a dump that was to stop it is only that it has.
    fn stopped(&self, device: &str, failure: Failure) -> Failure {
        let has_begun = failure.exit != Exit::NotBegun;
        if has_begun || !self.signals.stop.load(Ordering::Relaxed) {
            return failure;
        }
        self.say("The ENTIRE dump is aborted.");
        self.aborted(device)
    }

    fn disk(&self) -> MutexGuard<'_, Option<Opened>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How to go on with a dump that stopped, or else this.
    fn next(&self, otherwise: &str) -> String {
        let has_volumes = self.has_volumes.load(Ordering::Relaxed);
        match &self.arguments.state {
            Some(path) if has_volumes => self.resume(path),
            _ => otherwise.to_string(),
        }
    }

    /// What to type to go on with what a state says.
    fn resume(&self, path: &str) -> String {
        let source = self.arguments.filesystem.as_deref().unwrap_or_default();
        // It is written to meanwhile, so that it is not gone on with otherwise.
        let force = if mounts::is_written(source) {
            " --force"
        } else {
            ""
        };
        format!("mddump --resume {path}{force}")
    }

    fn dump(&self, target: &Target) -> Result<String, Failure> {
        let stop = self.signals.stop.clone();
        let opened = target.open(self.console.clone(), self.arguments.errors, stop)?;
        let source = opened.source.clone();
        *self.disk() = Some(opened);
        let opened = if target.live.is_some() {
            FileSystem::open_mounted(source.clone())
        } else {
            FileSystem::open(source.clone())
        };
        let fs = opened.map_err(|error| {
            let next = format!("blkid {}", target.device);
            Failure::new(&target.device, &error.to_string(), &next)
        })?;
        for warning in fs.overlay().warnings() {
            self.say(warning);
        }
        let base = self.base(&target.name)?;
        let identity = match &self.resumed {
            Some(state) => state.identity.clone(),
            None => self.identity(target, base.as_ref()),
        };
        if !self.arguments.size {
            self.announce(target, &identity, base.as_ref());
        }
        let selection = match &self.resumed {
            Some(state) => {
                let is_mounted = mounts::is_written(&target.device);
                resume::check(state, &origin(&fs), is_mounted, self.arguments.force)?;
                state.selection()
            }
            None => self.select(&fs, &identity)?,
        };
        if self.arguments.size {
            return Ok(format!("{}\n", selection.estimate * RECORD as u64));
        }
        self.say(&format!("estimated {} blocks.", selection.estimate));
        let totals = self.write(&fs, &source, &selection, &identity)?;
        if self.signals.stop.load(Ordering::Relaxed) {
            // It may have been left behind.
            self.say("The ENTIRE dump is aborted.");
            return Err(self.aborted(&identity.device));
        }
        self.conclude(target, &identity, &totals, source.errors())?;
        Ok(String::new())
    }

    /// The dump that this one builds on.
    fn base(&self, name: &str) -> Result<Option<Entry>, Failure> {
        let level = self.arguments.level;
        if let Some(text) = &self.arguments.since {
            let bad = || {
                let reason = "is no time such as 'Sat Nov 21 06:28:05 2026 +0000'";
                Failure::new(text, reason, "mddump --help")
            };
            let date = calendar::parse(text).ok_or_else(bad)?;
            return Ok(Some(Entry {
                name: name.to_string(),
                level,
                date,
            }));
        }
        if level == 0 {
            return Ok(None);
        }
        let entries = read_dumpdates(&self.arguments)?;
        Ok(dumpdates::base(&entries, name, level).cloned())
    }

    fn identity(&self, target: &Target, base: Option<&Entry>) -> Identity {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Identity {
            date: Meter::new(false).now(),
            since: base.map_or(0, |base| base.date),
            level: self.arguments.level,
            label: self.arguments.label.clone(),
            filesystem: target
                .folder
                .clone()
                .unwrap_or_else(|| UNLISTED.to_string()),
            device: target.name.clone(),
            host,
            ntrec: self.arguments.ntrec(),
            is_compressed: self.compression().is_some(),
        }
    }

    fn compression(&self) -> Compression {
        match (self.arguments.zlib, self.arguments.bzip2) {
            (Some(level), _) => Compression::Zlib(level),
            (None, Some(level)) => Compression::Bzip2(level),
            (None, None) => Compression::None,
        }
    }

    fn announce(&self, target: &Target, identity: &Identity, base: Option<&Entry>) {
        let Identity { level, label, .. } = identity;
        let date = calendar::text(identity.date);
        self.say(&format!("Date of this level {level} dump: {date}"));
        match base {
            Some(base) => {
                let (level, date) = (base.level, calendar::text(base.date));
                self.say(&format!("Date of last level {level} dump: {date}"));
            }
            None if *level > 0 => {
                self.say("There is no dump of a lower level: everything is dumped");
            }
            None => {}
        }
        let folder = target.folder.as_deref().unwrap_or(UNLISTED);
        self.say(&format!(
            "Dumping {} ({folder}) to {}",
            target.name,
            self.file()
        ));
        self.say(&format!("Label: {label}"));
        self.say(&format!("Writing {} Kilobyte records", identity.ntrec));
    }

    /// Where to.
    fn file(&self) -> String {
        let tape = || std::env::var("TAPE").unwrap_or_else(|_| "/dev/tape".to_string());
        self.arguments.file.clone().unwrap_or_else(tape)
    }

    fn select(
        &self,
        fs: &FileSystem<Arc<Tolerant>>,
        identity: &Identity,
    ) -> Result<Selection, Failure> {
        let wish = Wish {
            since: (identity.since > 0).then_some(identity.since),
            honours_nodump: identity.level >= self.arguments.nodump,
            excluded: self.excluded()?,
        };
        self.say("mapping (Pass I) [regular files]");
        self.say("mapping (Pass II) [directories]");
        let selected = select(fs, &wish, &|line| self.say(line));
        selected.map_err(|error| {
            let next = format!("e2fsck -n {}", identity.device);
            Failure::new(&identity.device, &error.to_string(), &next)
        })
    }

    /// Inodes that are to be left out.
    fn excluded(&self) -> Result<HashSet<u32>, Failure> {
        let mut excluded: HashSet<u32> = self.arguments.exclude.iter().copied().collect();
        let Some(path) = &self.arguments.exclude_file else {
            return Ok(excluded);
        };
        let bad = |reason: &str| Failure::new(path, reason, &format!("cat {path}"));
        let text = fs::read_to_string(path).map_err(|error| bad(&error.to_string()))?;
        for word in text.split_whitespace() {
            let number = word.parse::<u32>();
            let is_none = |_| bad(&format!("{word:?} is no number of an inode"));
            excluded.insert(number.map_err(is_none)?);
        }
        Ok(excluded)
    }

    fn write(
        &self,
        fs: &FileSystem<Arc<Tolerant>>,
        source: &Arc<Tolerant>,
        selection: &Selection,
        identity: &Identity,
    ) -> Result<Totals, Failure> {
        let volume_bytes = volume_sizes::of(&self.arguments, identity.ntrec);
        volume_sizes::check(&volume_bytes, selection, identity)?;
        let warn = |line: &str| self.say(line);
        let plan = Plan {
            fs,
            selection,
            manner: self.manner(identity),
            warn: &warn,
        };
        let (checkpoint, state) = self.states(fs, selection, identity);
        let ejects = self.arguments.eject || self.arguments.autoload.is_some();
        let mut media = Names::new(&self.file(), self.arguments.many, ejects);
        let positions = self.positions(&checkpoint, identity)?;
        let names = media.clone();
        let script = |volume| self.script(&names.name(volume), volume);
        let has_script = self.arguments.script.is_some();
        let mut job = Job {
            plan: &plan,
            source,
            console: &*self.console,
            media: &mut media,
            signals: self.signals.clone(),
            identity: identity.clone(),
            volume_bytes,
            compression: self.compression(),
            state,
            at_end_of_volume: has_script.then_some(&script),
            positions,
            patience: self.arguments.autoload.map(Duration::from_secs),
            is_given_up: &|| source.is_given_up(),
        };
        let mut meter = self.meter()?;
        let done = job.run(checkpoint, &mut meter);
        let totals = done.map_err(|Aborted| self.aborted(&identity.device))?;
        if let Some(path) = &self.arguments.archive {
            self.say(&format!("Archiving dump to {path}"));
            archive::write(path.as_ref(), &plan, source, identity, &totals.inodes)
                .map_err(|error| cannot_use(path, &error).aborted())?;
        }
        Ok(totals)
    }

    /// A dump that ended before its end.
    fn aborted(&self, device: &str) -> Failure {
        let next = self.next("mddump --state FILE ...");
        Failure::new(device, "is not dumped", &next).aborted()
    }

    /// Who shows how far it is.
    fn meter(&self) -> Result<Meter, Failure> {
        let has_bar = io::stderr().is_terminal() && !self.arguments.quiet;
        let status = self.arguments.status_fd.map(|number| {
            Status::new(number.into()).map_err(|error| {
                let (what, next) = (format!("--status-fd {number}"), "mddump --help");
                Failure::new(&what, &error.to_string(), next)
            })
        });
        Ok(Meter::new(has_bar).with_status(status.transpose()?))
    }

    /// The file of positions, if it is wished for.
    fn positions(
        &self,
        checkpoint: &Checkpoint,
        identity: &Identity,
    ) -> Result<Option<Positions>, Failure> {
        let Some(path) = &self.arguments.positions else {
            return Ok(None);
        };
        let volumes = checkpoint.position.volume;
        let opened = Positions::open(path.as_ref(), identity.date, volumes);
        opened.map(Some).map_err(|error| cannot_use(path, &error))
    }

    fn manner(&self, identity: &Identity) -> Manner {
        Manner {
            format: Format::from(self.arguments.format),
            only_inodes_before: self.arguments.only_inodes.then_some(identity.since),
        }
    }

    /// Where to begin, and what is to be kept for another time.
    fn states(
        &self,
        fs: &FileSystem<Arc<Tolerant>>,
        selection: &Selection,
        identity: &Identity,
    ) -> (Checkpoint, Option<Kept>) {
        let Some(path) = &self.arguments.state else {
            return (Checkpoint::default(), None);
        };
        let (arguments, identity) = (self.arguments.clone(), identity.clone());
        let anew = || State::new(arguments, identity, origin(fs), selection);
        let state = self.resumed.clone().unwrap_or_else(anew);
        let kept = Kept {
            path: path.into(),
            state: state.clone(),
            has_volumes: self.has_volumes.clone(),
            next: self.resume(path),
        };
        (state.checkpoint, Some(kept))
    }

    fn script(&self, name: &str, volume: u32) -> ScriptAnswer {
        let program = self.arguments.script.as_deref().unwrap_or_default();
        let status = Command::new(program)
            .args([name, &volume.to_string()])
            .status();
        match status.map(|status| status.code()) {
            Ok(Some(0)) => ScriptAnswer::GoOn,
            Ok(Some(1)) => ScriptAnswer::Ask,
            Ok(_) => ScriptAnswer::Abort,
            Err(error) => {
                self.say(&format!("{program} cannot be run: {error}"));
                ScriptAnswer::Abort
            }
        }
    }

    /// Tells what was done, and remembers it.
    fn conclude(
        &self,
        target: &Target,
        identity: &Identity,
        totals: &Totals,
        errors: u64,
    ) -> Result<(), Failure> {
        let Totals {
            volumes, records, ..
        } = totals;
        self.say(&format!("{records} blocks on {volumes} volume(s)"));
        let time = clock(Duration::from_secs(totals.seconds));
        self.say(&format!("finished in {time}"));
        let date = calendar::text(identity.date);
        self.say(&format!(
            "Date of this level {} dump: {date}",
            identity.level
        ));
        let now = calendar::text(Meter::new(false).now());
        self.say(&format!("Date this dump completed:  {now}"));
        if let Some(rate) = totals.average_rate() {
            self.say(&format!("Average transfer rate: {rate} KB/s"));
        }
        if errors > 0 {
            self.say(&format!(
                "{errors} sectors could not be read and are zeros in the dump"
            ));
        }
        if self.arguments.update {
            let entry = Entry {
                name: target.name.clone(),
                level: identity.level,
                date: identity.date,
            };
            let path = &self.arguments.dumpdates;
            dumpdates::update(path.as_ref(), &entry)
                .map_err(|error| cannot_use(path, &error).aborted())?;
        }
        if let Some(path) = &self.arguments.state {
            let _ = fs::remove_file(path);
        }
        self.say("DUMP IS DONE");
        Ok(())
    }

    fn say(&self, line: &str) {
        self.console.say(line);
    }
}

fn read_dumpdates(arguments: &Arguments) -> Result<Vec<Entry>, Failure> {
    let path = &arguments.dumpdates;
    dumpdates::read(path.as_ref()).map_err(|error| cannot_use(path, &error))
}

/// A file that cannot be read or written.
fn cannot_use(path: &str, error: &io::Error) -> Failure {
    Failure::new(path, &error.to_string(), &format!("ls -l {path}"))
}

/// What the file system is now.
fn origin(fs: &FileSystem<Arc<Tolerant>>) -> Origin {
    let superblock = fs.superblock();
    let uuid = superblock
        .uuid()
        .into_iter()
        .map(|byte| format!("{byte:02x}"));
    Origin {
        uuid: uuid.collect(),
        written: superblock.written(),
        digest: superblock.digest(),
    }
}
