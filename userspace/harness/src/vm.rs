// SPDX-License-Identifier: GPL-2.0
//! One guest, from power-on to exit status.
//!
//! Threads copy what the guest says and turn it into events; one loop takes the events in order,
//! and decides. QEMU is a child that dies with us, and all its streams end when it dies.

use std::{
    env,
    fs::File,
    path::PathBuf,
    process::Child,
    sync::{
        mpsc::{
            self,
            Receiver,
            RecvTimeoutError, //
        },
        Arc,
        Mutex,
        MutexGuard,
        PoisonError, //
    },
    thread::JoinHandle,
    time::{
        Duration,
        Instant, //
    }, //
};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    console::Console,
    console_log::ConsoleLog,
    launch,
    machine::Machine,
    options::VmOptions,
    phase::{
        self,
        Phase, //
    },
    qemu::Streams,
    qmp::Qmp,
    streams, //
};

/// The guest took longer than it was given.
pub(crate) const STATUS_TIMEOUT: u8 = 124;
/// The kernel complained, or the guest went away without a word.
pub(crate) const STATUS_KERNEL: u8 = 86;
/// The guest could not be run at all.
pub(crate) const STATUS_HARNESS: u8 = 125;
/// The kernel did not panic although it should have.
const STATUS_NO_PANIC: u8 = 1;

/// What happens to a guest.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// SCRIPT is about to run.
    Started,
    /// SCRIPT has ended.
    Left,
    /// All that SCRIPT had left has ended, too; this was its status.
    Finished(u8),
    /// The guest has pulled its own plug.
    Cut,
    /// QEMU has ended.
    Gone,
    /// Somebody wants us to end.
    Signal(i32),
}

/// How a guest's life ended.
#[derive(Debug, PartialEq)]
enum End {
    /// By itself; with the status of SCRIPT, if it got so far.
    Gone(Option<u8>),
    /// The plug was pulled, as asked.
    Cut,
    /// The time for this phase, or for the whole test, was over.
    TimedOut(Phase),
    Signal(i32),
}

/// Runs a guest and returns the exit status of `scripts/vm`.
pub(crate) fn run(options: &VmOptions) -> Result<u8> {
    options.check()?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let work = tempfile::Builder::new().prefix("md-vm-").tempdir()?;
    let mut guest = Guest::start(options, seed, work)?;
    let end = guest.watch(options)?;
    guest.stop(&end, seed)?;
    let status = verdict(options, &end, &lock(&guest.console));
    guest.explain(status, &end)?;
    Ok(status)
}

/// The exit status, from how it ended and what the kernel said.
fn verdict(options: &VmOptions, end: &End, console: &Console) -> u8 {
    if let End::Signal(number) = end {
        return u8::try_from(128 + number).unwrap_or(STATUS_HARNESS);
    }
    if let Some(text) = &options.expect_panic {
        return if console.panicked_with(text) {
            0
        } else {
            STATUS_NO_PANIC
        };
    }
    match end {
        _ if !console.reports.is_empty() => STATUS_KERNEL,
        End::Gone(Some(status)) => *status,
        End::Cut => 0,
        End::TimedOut(Phase::Starting) => STATUS_HARNESS,
        End::TimedOut(_) => STATUS_TIMEOUT,
        End::Gone(None) | End::Signal(_) => STATUS_KERNEL,
    }
}

/// A running guest.
struct Guest {
    qemu: Child,
    machine: Arc<Machine>,
    console: Arc<Mutex<Console>>,
    console_log: ConsoleLog,
    /// The user's keys, until the guest's shell is there to get them.
    keys: Option<streams::Keys>,
    readers: Vec<JoinHandle<()>>,
    events: Receiver<Event>,
    started: Instant,
    phase: Phase,
    /// When it is over with the phase, and with the test that we are part of.
    limits: [Option<Instant>; 2],
    interactive: bool,
    work: TempDir,
}

impl Guest {
    fn start(options: &VmOptions, seed: u64, work: TempDir) -> Result<Self> {
        let started = Instant::now();
        let (sender, events) = mpsc::channel();
        streams::watch_signals(&sender)?;
        let console_log = ConsoleLog::new(options)?;
        let log = File::create(&console_log.path)?;
        let disks = launch::disks(options, work.path(), seed)?;
        let ports = Streams::new()?;
        let qemu = launch::qemu(options, &ports, work.path(), seed)?;
        let console = Arc::new(Mutex::new(Console::default()));
        let state = streams::read_state(ports.state.connected(), &sender);
        let mut readers = vec![
            streams::read_console(
                ports.console.connected(),
                Arc::clone(&console),
                log,
                state,
                &sender,
            ),
            streams::copy_output(ports.output.connected()),
        ];
        let monitor = Qmp::connect(ports.monitor.connected())
            .map_err(|error| error.context(launch::complaint(work.path())))?;
        let machine = Arc::new(Machine::new(options.clone(), disks, monitor, seed));
        streams::serve_control(Arc::clone(&machine), ports.control.connected(), &sender);
        let mut keys = None;
        if options.interactive {
            let (typed, screen) = streams::Keys::connect(ports.terminal.connected(), &sender)?;
            keys = Some(typed);
            readers.push(screen);
        }
        Ok(Self {
            qemu,
            machine,
            console,
            console_log,
            keys,
            readers,
            events,
            started,
            phase: Phase::Starting,
            limits: [None, phase::deadline()],
            interactive: options.interactive,
            work,
        })
    }

    /// Takes events until the end.
    fn watch(&mut self, options: &VmOptions) -> Result<End> {
        self.enter(Phase::Starting, options);
        let mut kill_at = None;
        let mut status = None;
        loop {
            let [phase_over, test_over] = self.limits;
            let next = [phase_over, test_over, kill_at].into_iter().flatten().min();
            match self.next_event(next) {
                Some(Event::Started) => {
                    self.enter(Phase::Running, options);
                    if let Some(keys) = self.keys.take() {
                        keys.copy();
                    }
                    kill_at = options.kill_after.map(|after| Instant::now() + after);
                }
                Some(Event::Left) => self.enter(Phase::Leaving, options),
                Some(Event::Finished(code)) => {
                    status = Some(code);
                    self.enter(Phase::PoweringOff, options);
                    kill_at = None;
                }
                Some(Event::Cut) => return Ok(End::Cut),
                Some(Event::Gone) => return Ok(End::Gone(status)),
                Some(Event::Signal(number)) => return Ok(End::Signal(number)),
                None if kill_at.is_some_and(|at| at <= Instant::now()) => return Ok(End::Cut),
                None => return Ok(End::TimedOut(self.phase)),
            }
        }
    }

    /// The guest has come so far; its time for this starts now.
    fn enter(&mut self, phase: Phase, options: &VmOptions) {
        self.phase = phase;
        self.limits[0] = phase.limit(options).map(|limit| Instant::now() + limit);
    }

    /// The next event, or none when its time has come.
    fn next_event(&self, until: Option<Instant>) -> Option<Event> {
        let wait = until.map_or(Duration::from_secs(u64::from(u32::MAX)), |until| {
            until.saturating_duration_since(Instant::now())
        });
        match self.events.recv_timeout(wait) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::Gone),
        }
    }

    /// Makes sure that QEMU is gone and everything it said is read, and settles the disks.
    fn stop(&mut self, end: &End, seed: u64) -> Result<()> {
        if *end == End::Cut {
            self.machine.switch_off();
        }
        // It may be gone already.
        let _ = self.qemu.kill();
        self.qemu.wait()?;
        for reader in self.readers.drain(..) {
            // A reader that panicked has said so.
            let _ = reader.join();
        }
        if *end == End::Cut {
            eprintln!("md-vm: power cut, seed {seed}");
            for loss in self.machine.lose_caches()? {
                eprintln!("md-vm: {loss}");
            }
        }
        Ok(())
    }

    /// Says on standard error why the status is what it is, unless SCRIPT decided it.
    fn explain(self, status: u8, end: &End) -> Result<()> {
        let console = lock(&self.console);
        let seconds = self.started.elapsed().as_secs();
        let when = self.phase.words();
        for report in &console.reports {
            eprintln!("md-vm: the kernel reported: {report}");
        }
        match end {
            End::TimedOut(_) => eprintln!("md-vm: time-out after {seconds} s, {when}"),
            End::Gone(None) if console.reports.is_empty() => {
                eprintln!("md-vm: the guest ended without a status or a report, {when}");
                eprintln!("md-vm: {}", launch::complaint(self.work.path()));
            }
            _ => {}
        }
        let of_interest = status != 0 && !matches!(end, End::Signal(_));
        let shell_ended = matches!(end, End::Gone(Some(_))) && console.reports.is_empty();
        if of_interest && !(self.interactive && shell_ended) {
            eprintln!("md-vm: status {status}; the console's last lines:");
            for line in console.tail() {
                eprintln!("    {line}");
            }
            let path = &self.console_log.path;
            eprintln!(
                "md-vm: whole console: {}",
                path.strip_prefix(top()).unwrap_or(path).display()
            );
        }
        drop(console);
        self.console_log.finish(status);
        Ok(())
    }
}

/// The source tree, in the build root.
pub(crate) fn top() -> PathBuf {
    env::var_os("MD_TOP").map_or_else(|| PathBuf::from("/work"), PathBuf::from)
}

fn lock(console: &Mutex<Console>) -> MutexGuard<'_, Console> {
    console.lock().unwrap_or_else(PoisonError::into_inner)
}
