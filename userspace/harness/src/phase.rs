// SPDX-License-Identifier: GPL-2.0
//! How far a guest has come, and how long it may take there. A guest that shares the machine with
//! another one takes longer to boot, so that the time of SCRIPT starts when SCRIPT does.

use std::{
    env,
    io::IsTerminal,
    time::{
        Duration,
        Instant,
        SystemTime,
        UNIX_EPOCH, //
    }, //
};

use crate::options::VmOptions;

/// The debug kernel is this much slower.
pub(crate) const DEBUG_PATIENCE: u32 = 4;
/// From power-on to SCRIPT; a boot takes 15 seconds on a processor of its own, and was seen to take
/// minutes on a machine that did ten other things.
const START_LIMIT: Duration = Duration::from_secs(600);
/// From the end of SCRIPT to `exit`, and from there to the power-off.
const END_LIMIT: Duration = Duration::from_secs(120);
/// What SCRIPT may take when nothing is said.
const SCRIPT_LIMIT: Duration = Duration::from_secs(600);
/// When the test that this guest is part of will be ended, in seconds since 1970. A guest that
/// gives up before can still say what it waited for.
pub(crate) const DEADLINE: &str = "MD_DEADLINE";

/// The parts of a guest's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    /// SCRIPT does not run yet.
    Starting,
    /// SCRIPT runs.
    Running,
    /// SCRIPT has ended. Its processes are ended, leaks are looked for, disks are flushed.
    Leaving,
    /// The guest has said its status.
    PoweringOff,
}

impl Phase {
    /// For messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Starting => "before SCRIPT started",
            Self::Running => "while SCRIPT ran",
            Self::Leaving => "while the guest ended what SCRIPT had left",
            Self::PoweringOff => "while the guest powered off",
        }
    }

    /// How long it may last; only a shell that somebody types into may last for ever.
    pub(crate) fn limit(self, options: &VmOptions) -> Option<Duration> {
        let patience = if options.debug { DEBUG_PATIENCE } else { 1 };
        match self {
            Self::Starting => Some(START_LIMIT * patience),
            Self::Running => {
                let has_user = options.interactive && std::io::stdin().is_terminal();
                options.timeout.or((!has_user).then_some(SCRIPT_LIMIT))
            }
            Self::Leaving | Self::PoweringOff => Some(END_LIMIT * patience),
        }
    }
}

/// The moment that `$MD_DEADLINE` stands for, if it is set.
pub(crate) fn deadline() -> Option<Instant> {
    let seconds = env::var(DEADLINE).ok()?.parse().ok()?;
    let at = UNIX_EPOCH + Duration::from_secs(seconds);
    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
    Some(Instant::now() + left)
}

/// What `$MD_DEADLINE` is for a test that is ended after `limit`: a little earlier.
pub(crate) fn deadline_after(limit: Duration) -> String {
    let at = SystemTime::now() + limit.mul_f32(0.95);
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().to_string()
}
