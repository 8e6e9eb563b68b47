// SPDX-License-Identifier: GPL-2.0
//! A terminal for a program to sit at.
//!
//! Not by script(1): it looks for the status of its program a few milliseconds after the terminal
//! was closed, which is too early on a busy machine, and says something else then.

use rustix::pty::{
    grantpt,
    openpt,
    ptsname,
    unlockpt,
    OpenptFlags, //
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{
        ErrorKind,
        Read,
        Write, //
    },
    os::unix::ffi::OsStrExt,
    process::{
        Child,
        Command,
        ExitStatus, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    thread::{
        self,
        sleep,
        JoinHandle, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// How long something may take that takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at a terminal of its own.
pub(crate) struct AtTerminal {
    pub(crate) child: Child,
    keys: File,
    said: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl AtTerminal {
    /// Runs a program, with the environment that it was given.
    pub(crate) fn run(program: &Command) -> Self {
        let keys = File::from(
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap(),
        );
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let terminal = File::options()
            .read(true)
            .write(true)
            .open(OsStr::from_bytes(name.as_bytes()))
            .unwrap();
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]);
        command.arg(program.get_program()).args(program.get_args());
        let variables = program.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        command.stdin(terminal.try_clone().unwrap());
        command.stdout(terminal.try_clone().unwrap());
        let child = command.stderr(terminal).spawn().unwrap();
        // It has the terminal open too.
        drop(command);
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, kept) = (keys.try_clone().unwrap(), said.clone());
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                match screen.read(&mut bytes) {
                    Ok(count) => kept.lock().unwrap().extend(&bytes[..count]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // Nobody has the terminal open any more.
                    Err(_) => break,
                }
            }
        });
        AtTerminal {
            child,
            keys,
            said,
            reader,
        }
    }

    /// Types something; `\x03` is Ctrl-C.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// What was on the terminal so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until words have been on the terminal so often, or the program has ended.
    pub(crate) fn wait_for(&mut self, words: &str, times: usize) {
        let begun = Instant::now();
        while self.said().matches(words).count() < times && self.child.try_wait().unwrap().is_none()
        {
            let said = self.said();
            assert!(begun.elapsed() < PATIENCE, "no {words:?} in {said}");
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end. Gives what was on the terminal, and how the program ended.
    pub(crate) fn ended(mut self) -> (String, ExitStatus) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let said = self.said.lock().unwrap();
        (String::from_utf8_lossy(&said).into_owned(), status)
    }
}
