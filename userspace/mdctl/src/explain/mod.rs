// SPDX-License-Identifier: GPL-2.0
//! Why something failed, as three parts: what it is about, the reason, and what to type next.
//!
//! A failure without a next command does not exist: [`Failure`] cannot be made without one.
//! [`refusal`] has the kernel's reasons, [`database`] those that have to do with the state
//! database, [`device`] those found by looking around, [`md_tab`] those that have to do with
//! the file, [`mirror`] what mirrors cannot do yet, [`growth`] what comes with growing a
//! metadevice, [`pools`] what with hot spares, [`dump`] what is wrong with a device that is
//! looked at offline, [`events`] what with waiting for events, [`scrub`] what a check has
//! found, [`soft`] what is wrong with soft partitions, [`import`] what is wrong with a
//! description, [`rename`] what with another name, [`recovery`] what keeps a lost set from
//! being rebuilt, [`multihost`] what with disks that several hosts can reach, and [`keeping`] what
//! with the files that the tool writes.

pub mod database;
pub mod device;
pub mod dump;
pub mod events;
pub mod growth;
pub mod import;
pub mod keeping;
pub mod md_tab;
pub mod mirror;
mod multihost;
pub mod pools;
pub mod raid;
pub mod recovery;
pub mod refusal;
pub mod rename;
pub mod scrub;
mod sides;
pub mod soft;

use crate::{
    admin::{
        requests::RequestError,
        ADMIN_PATH, //
    },
    syntax::{
        name::MetadeviceName,
        SyntaxError, //
    },
};
use md_report::{
    Entry,
    ExitStatus, //
};
use rustix::io::Errno;

/// What a command that failed says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What it is about: a metadevice, or the path of a component or file. `None` if it is about
    /// the command line.
    pub device: Option<String>,
    /// What is wrong with it. Reads on from the device's name.
    pub reason: String,
    /// What to type next.
    pub next: Next,
    /// For text output: lines that point at the wrong word.
    pub pointer: Option<String>,
    /// The entry of md.tab that it is about, if it is about one.
    pub entry: Option<Box<Entry>>,
    /// How the command ends.
    pub status: ExitStatus,
}

/// What to type next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// This command.
    Command(String),
    /// The command line that failed, once more.
    Same,
    /// The command line that failed, as root.
    SameAsRoot,
    /// The command line that failed, with `-f`.
    SameWithForce,
}

/// What a request to the kernel was about, so that its refusal can be put in words.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The metadevice, if it was about one.
    pub unit: Option<MetadeviceName>,
    /// Paths of its components in a request to make it; else empty.
    pub devices: &'a [String],
    /// Whether it was about the only one of `devices`, whichever the kernel says.
    pub only_one: bool,
}

impl Failure {
    /// A failure that is about a device.
    pub fn of(
        device: impl Into<String>,
        reason: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Failure::new(
            Some(device.into()),
            reason.into(),
            Next::Command(next.into()),
        )
    }

    /// A failure that is about a device, if about any.
    fn new(device: Option<String>, reason: String, next: Next) -> Self {
        Failure {
            device,
            reason,
            next,
            pointer: None,
            entry: None,
            status: ExitStatus::Error,
        }
    }

    /// A request that only root may make.
    fn not_root() -> Self {
        let reason = "only root may use it (CAP_SYS_ADMIN)".to_string();
        Failure::new(Some(ADMIN_PATH.to_string()), reason, Next::SameAsRoot)
    }
}

impl<'a> Subject<'a> {
    /// A request to make or grow a metadevice, with the paths of the components that are new.
    pub fn making(name: MetadeviceName, devices: &'a [String]) -> Self {
        Subject {
            unit: Some(name),
            devices,
            only_one: false,
        }
    }

    /// A request that is about a submirror or component of a mirror that exists.
    pub fn part(mirror: MetadeviceName, part: &'a [String; 1]) -> Self {
        Subject {
            unit: Some(mirror),
            devices: part,
            only_one: true,
        }
    }

    /// A request that is about a metadevice.
    pub fn unit(name: MetadeviceName) -> Self {
        Subject {
            unit: Some(name),
            devices: &[],
            only_one: false,
        }
    }

    /// A request that is about no metadevice in particular.
    pub fn none() -> Self {
        Subject {
            unit: None,
            devices: &[],
            only_one: false,
        }
    }

    /// Name of the metadevice, or of the administration device if there is none.
    fn unit_name(&self) -> String {
        self.unit
            .map_or(ADMIN_PATH.to_string(), |unit| unit.to_string())
    }

    /// A request that is about devices which are part of no metadevice.
    pub fn devices(paths: &'a [String]) -> Self {
        Subject {
            unit: None,
            devices: paths,
            only_one: false,
        }
    }

    /// A request that is about a device which is part of no metadevice.
    pub fn device(path: &'a [String; 1]) -> Self {
        Subject {
            unit: None,
            devices: path,
            only_one: true,
        }
    }

    /// Path of the component with a number, or the metadevice's name if there is none; or the
    /// only one that it can be about.
    fn component(&self, index: Option<usize>) -> String {
        let index = if self.only_one { Some(0) } else { index };
        let device = index.and_then(|index| self.devices.get(index));
        device.cloned().unwrap_or_else(|| self.unit_name())
    }
}

/// A request to the kernel that has no result.
pub fn request(error: &RequestError, subject: &Subject<'_>) -> Failure {
    match error {
        RequestError::Open(errno) => open(*errno),
        RequestError::Refused(refused) => refusal::refusal(refused, subject),
        RequestError::Failed(errno) => failed(*errno),
        RequestError::Nonsense(what) => {
            let reason = format!("the module gave an answer that this tool cannot read: {what}");
            Failure::of(ADMIN_PATH, reason, "mdctl version")
        }
    }
}

/// The administration device cannot be opened.
fn open(errno: Errno) -> Failure {
    match errno {
        Errno::NOENT | Errno::NXIO | Errno::NODEV => Failure::of(
            ADMIN_PATH,
            "does not exist: the module md_rs is not loaded",
            "modprobe md_rs",
        ),
        Errno::ACCESS | Errno::PERM => Failure::not_root(),
        errno => Failure::of(
            ADMIN_PATH,
            format!("cannot be opened: {errno}"),
            format!("ls -l {ADMIN_PATH}"),
        ),
    }
}

/// A call that failed without a refusal in its header.
fn failed(errno: Errno) -> Failure {
    match errno {
        Errno::PERM => Failure::not_root(),
        Errno::NOTTY => Failure::of(ADMIN_PATH, "does not know this request", "mdctl version"),
        errno => {
            let reason = format!("the request failed: {errno}");
            Failure::of(ADMIN_PATH, reason, "dmesg | tail")
        }
    }
}

/// Words that are not in the grammar of the command; the first is the metadevice's name.
pub fn syntax(command: &str, error: &SyntaxError, words: &[String]) -> Failure {
    let device = words.first().filter(|_| error.word > 0).cloned();
    Failure {
        pointer: Some(error.pointer(words)),
        ..Failure::new(device, error.reason.clone(), help(command))
    }
}

/// The help page of a command.
fn help(command: &str) -> Next {
    Next::Command(format!("{command} --help"))
}

/// The metadevices that words name, or what is wrong with the first word that names none.
pub fn names(command: &str, words: &[String]) -> Result<Vec<MetadeviceName>, Failure> {
    words.iter().map(|word| name(command, word)).collect()
}

/// The metadevice that a word names, or what is wrong with it.
pub fn name(command: &str, word: &str) -> Result<MetadeviceName, Failure> {
    word.parse()
        .map_err(|reason| self::word(command, word, reason))
}

/// A command line that says too little.
pub fn line(command: &str, reason: String) -> Failure {
    Failure::new(None, reason, help(command))
}

/// A word that a command cannot use, and why.
pub fn word(command: &str, word: &str, reason: String) -> Failure {
    Failure::new(Some(word.to_string()), reason, help(command))
}

/// Options that clap does not accept. Its usage lines are left to `--help`.
pub fn usage(command: &str, error: &clap::Error) -> Failure {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let reason = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    Failure::new(None, reason, help(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_is_a_missing_module() {
        let failure = open(Errno::NOENT);
        assert_eq!(failure.device.as_deref(), Some("/dev/md/admin"));
        assert_eq!(failure.next, Next::Command("modprobe md_rs".into()));
    }

    #[test]
    fn permission_is_a_matter_of_root_wherever_it_is_missing() {
        for failure in [open(Errno::ACCESS), open(Errno::PERM), failed(Errno::PERM)] {
            assert_eq!(failure.next, Next::SameAsRoot);
        }
    }

    #[test]
    fn unexpected_errors_are_passed_on_in_words() {
        assert!(open(Errno::MFILE).reason.contains("Too many open files"));
        assert!(failed(Errno::IO).reason.contains("Input/output error"));
        assert_eq!(
            failed(Errno::NOTTY).next,
            Next::Command("mdctl version".into())
        );
    }
}
