// SPDX-License-Identifier: GPL-2.0
//! What the user wishes while a dump runs, by signals.

use signal_hook::{
    consts::{
        SIGHUP,
        SIGINT,
        SIGTERM,
        SIGUSR1,
        SIGXFSZ, //
    },
    flag, //
};
use std::{
    io,
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Arc, //
    },
};

/// Signals that came and were not answered yet.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// SIGUSR1: how far is it?
    pub status: Arc<AtomicBool>,
    /// SIGINT: the user may want to stop.
    pub interrupt: Arc<AtomicBool>,
    /// SIGTERM or SIGHUP: stop.
    pub stop: Arc<AtomicBool>,
}

impl Signals {
    /// Those of this process from now on. A file that is as long as it may be is the end of a
    /// volume and not of the process.
    pub fn of_process() -> io::Result<Self> {
        let signals = Signals::default();
        flag::register(SIGUSR1, signals.status.clone())?;
        flag::register(SIGINT, signals.interrupt.clone())?;
        flag::register(SIGTERM, signals.stop.clone())?;
        flag::register(SIGHUP, signals.stop.clone())?;
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(signals)
    }

    /// Whether one came since it was last asked for.
    pub(crate) fn take(flag: &AtomicBool) -> bool {
        flag.swap(false, Ordering::Relaxed)
    }
}
