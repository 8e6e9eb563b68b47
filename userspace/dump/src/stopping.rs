// SPDX-License-Identifier: GPL-2.0
//! A dump that shall stop does so also when a disk, a pipe or another machine does not answer: what
//! waits for that is left behind.

use crossbeam_channel::{
    bounded,
    RecvTimeoutError, //
};
use std::{
    fs::File,
    io,
    panic::resume_unwind,
    process::{
        Command,
        Stdio, //
    },
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// How long a dump that shall stop may take for that. It stops by itself behind the pieces that are
/// on their way, which takes a slow tape a few seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether it shall stop.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of the stack of that: as many as the first thread of a process has.
const STACK: usize = 8 << 20;

/// Does something in a thread of its own, and hands on what comes out; nothing if it shall stop and
/// has not done so within `patience`. Then it goes on until the process ends.
pub(crate) fn unless_stuck<T: Send + 'static>(
    shall_stop: &AtomicBool,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (is_at_work, end) = bounded::<()>(0);
    let builder = thread::Builder::new().stack_size(STACK);
    let thread = builder.spawn(move || {
        let _is_at_work = is_at_work;
        work()
    })?;
    let mut told: Option<Instant> = None;
    loop {
        if end.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected) {
            let done = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            return Ok(Some(done));
        }
        if shall_stop.load(Ordering::Relaxed) {
            let since = told.get_or_insert_with(Instant::now);
            if since.elapsed() >= patience {
                return Ok(None);
            }
        }
    }
}

/// Has another process keep a device open for a moment. Who closes a device as the last one waits
/// for all that was asked of it, as does the end of a process, which nobody can end then.
pub(crate) fn leave_open(device: File) -> io::Result<()> {
    let mut command = Command::new("sleep");
    command.arg("1").stdin(device);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{
        catch_unwind,
        AssertUnwindSafe, //
    };

    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn what_ends_by_itself_is_waited_for() {
        let stop = AtomicBool::new(false);
        let slow = || {
            thread::sleep(SHORT * 8);
            7
        };
        assert_eq!(unless_stuck(&stop, SHORT, slow).unwrap(), Some(7));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(unless_stuck(&stop, SHORT * 100, slow).unwrap(), Some(7));
    }

    #[test]
    fn what_does_not_stop_is_left_behind() {
        let stop = AtomicBool::new(true);
        let never = || loop {
            thread::park();
        };
        let done: Option<()> = unless_stuck(&stop, SHORT, never).unwrap();
        assert_eq!(done, None);
    }

    #[test]
    fn a_panic_is_handed_on() {
        let stop = AtomicBool::new(false);
        let dies = || unless_stuck(&stop, SHORT, || panic!("on purpose"));
        let done: Result<io::Result<Option<()>>, _> = catch_unwind(AssertUnwindSafe(dies));
        assert!(done.is_err());
    }
}
