// SPDX-License-Identifier: GPL-2.0
//! The threads that listen to a guest and turn what it says into events. Each ends with its
//! stream, and each stream ends with QEMU.

use std::{
    fs::File,
    io::{
        self,
        BufRead,
        BufReader,
        Read,
        Write, //
    },
    os::unix::net::UnixStream,
    sync::{
        mpsc::Sender,
        Arc,
        Mutex,
        PoisonError, //
    },
    thread::{
        self,
        JoinHandle, //
    }, //
};

use anyhow::Result;
use signal_hook::consts::{
    SIGHUP,
    SIGINT,
    SIGTERM, //
};

use crate::{
    console::Console,
    control,
    machine::Machine,
    terminal,
    vm::{
        Event,
        STATUS_HARNESS, //
    }, //
};

/// Turns the signals that ask us to end into events.
pub(crate) fn watch_signals(events: &Sender<Event>) -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let events = events.clone();
    thread::spawn(move || {
        for number in signals.forever() {
            // Nobody listens any more: we are about to exit anyway.
            let _ = events.send(Event::Signal(number));
        }
    });
    Ok(())
}

/// The console's end is QEMU's end: there is no other way to close it. That is told when `state`,
/// who reads what process 1 reports, has told the last of that.
pub(crate) fn read_console(
    mut port: UnixStream,
    console: Arc<Mutex<Console>>,
    mut log: File,
    state: JoinHandle<()>,
    events: &Sender<Event>,
) -> JoinHandle<()> {
    let events = events.clone();
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = port.read(&mut buffer) {
            console
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .feed(&buffer[..count]);
            // A full disk must not stop the guest; the scanner has seen it.
            let _ = log.write_all(&buffer[..count]);
        }
        console
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish();
        // A reader that panicked has said so.
        let _ = state.join();
        let _ = events.send(Event::Gone);
    })
}

/// Shows what SCRIPT prints.
pub(crate) fn copy_output(port: UnixStream) -> JoinHandle<()> {
    thread::spawn(move || copy_to_stdout(port))
}

/// Standard output may be closed early (`scripts/vm ... | head`): the guest goes on all the same.
fn copy_to_stdout(mut port: UnixStream) {
    let mut buffer = [0; 65536];
    let mut output = io::stdout();
    while let Ok(count @ 1..) = port.read(&mut buffer) {
        let written = output.write_all(&buffer[..count]);
        let _ = written.and_then(|()| output.flush());
    }
}

/// What process 1 of the guest reports.
pub(crate) fn read_state(port: UnixStream, events: &Sender<Event>) -> JoinHandle<()> {
    let events = events.clone();
    thread::spawn(move || {
        for line in BufReader::new(port).lines().map_while(Result::ok) {
            let event = match line.split_once(' ') {
                None if line == "start" => Event::Started,
                None if line == "left" => Event::Left,
                Some(("exit", status)) => Event::Finished(status.parse().unwrap_or(STATUS_HARNESS)),
                _ => continue,
            };
            let _ = events.send(event);
        }
    })
}

/// Lets the guest do things to its machine.
pub(crate) fn serve_control(machine: Arc<Machine>, port: UnixStream, events: &Sender<Event>) {
    let events = events.clone();
    thread::spawn(move || {
        // Ends with the guest, in the middle of an answer if it must.
        let _ = control::serve(&machine, port, &events);
    });
}

/// The user's keys on their way to the guest's terminal.
pub(crate) struct Keys {
    port: UnixStream,
    events: Sender<Event>,
}

impl Keys {
    /// Joins the user's terminal and the guest's. The thread puts the user's back when the guest's
    /// ends.
    pub(crate) fn connect(
        port: UnixStream,
        events: &Sender<Event>,
    ) -> Result<(Self, JoinHandle<()>)> {
        let raw = terminal::RawMode::enter()?;
        let from_guest = port.try_clone()?;
        let screen = thread::spawn(move || {
            copy_to_stdout(from_guest);
            drop(raw);
        });
        let events = events.clone();
        Ok((Self { port, events }, screen))
    }

    /// Copies keys from now on: before the guest's shell is there, they would be lost.
    pub(crate) fn copy(self) {
        thread::spawn(move || self.copy_to_end());
    }

    fn copy_to_end(mut self) {
        let mut buffer = [0; 1024];
        while let Ok(count) = io::stdin().read(&mut buffer) {
            if buffer[..count].contains(&terminal::ESCAPE) {
                // Nobody listens any more: the guest has ended.
                let _ = self.events.send(Event::Cut);
            }
            // The end of our input is the end of the guest's.
            let keys = if count == 0 {
                &[terminal::END][..]
            } else {
                &buffer[..count]
            };
            if self.port.write_all(keys).is_err() || count == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// QEMU's end closes both streams, and the threads that read them are not equally fast.
    #[test]
    fn the_end_is_told_after_the_status() {
        let (sender, events) = mpsc::channel();
        let (console, screen) = UnixStream::pair().unwrap();
        let (port, mut reports) = UnixStream::pair().unwrap();
        let state = read_state(port, &sender);
        let log = File::create("/dev/null").unwrap();
        let console = read_console(console, Arc::default(), log, state, &sender);
        drop(screen);
        reports.write_all(b"left\nexit 3\n").unwrap();
        drop(reports);
        console.join().unwrap();
        let told: Vec<_> = events.try_iter().collect();
        assert_eq!(told, [Event::Left, Event::Finished(3), Event::Gone]);
    }
}
