// SPDX-License-Identifier: GPL-2.0
//! The names of volumes, and how they are opened: standard output, files, tapes, other machines.

use crate::{
    kapi,
    sink::{
        file::FileSink,
        remote::{
            Place,
            RemoteSink, //
        },
        tape::TapeSink,
        Media,
        Sink, //
    }, //
};
use rustix::fs::{
    open,
    Mode,
    OFlags, //
};
use std::{
    fs::File,
    io::{
        self,
        stdout, //
    },
    os::fd::AsFd, //
};

/// The name of standard output.
const STANDARD_OUTPUT: &str = "-";

/// Volumes with these names.
#[derive(Clone, Debug)]
pub struct Names {
    names: Vec<String>,
    is_prefix: bool,
    ejects: bool,
}

impl Names {
    /// Those of a list with commas. With `is_prefix` it is what comes before the numbers of files.
    pub fn new(list: &str, is_prefix: bool, ejects: bool) -> Self {
        Names {
            names: list.split(',').map(str::to_string).collect(),
            is_prefix,
            ejects,
        }
    }

    /// Whether somebody else sees what is written before the dump is done.
    pub fn is_standard_output(&self) -> bool {
        self.names.len() == 1 && self.names.iter().all(|name| name == STANDARD_OUTPUT)
    }
}

impl Media for Names {
    fn open(&mut self, volume: u32) -> io::Result<Box<dyn Sink>> {
        let name = self.name(volume);
        if self.is_pipe() {
            let output = stdout().as_fd().try_clone_to_owned()?;
            return Ok(Box::new(FileSink::new(File::from(output), true)?));
        }
        if let Some(place) = Place::parse(&name) {
            return Ok(Box::new(RemoteSink::open(&place, self.ejects)?));
        }
        let mut options = File::options();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&name)?;
        match TapeSink::new(file, self.ejects) {
            Ok(tape) => Ok(Box::new(tape)),
            Err(file) => Ok(Box::new(FileSink::new(file, false)?)),
        }
    }

    fn name(&self, volume: u32) -> String {
        let index = (volume as usize).clamp(1, self.names.len().max(1)) - 1;
        let name = self.names.get(index).cloned().unwrap_or_default();
        if self.is_prefix {
            format!("{name}{volume:03}")
        } else {
            name
        }
    }

    fn is_at_hand(&self, volume: u32) -> bool {
        self.is_prefix || volume as usize <= self.names.len()
    }

    fn is_listed(&self, volume: u32) -> bool {
        self.is_prefix || (self.names.len() > 1 && volume as usize <= self.names.len())
    }

    fn is_pipe(&self) -> bool {
        self.is_standard_output() && !self.is_prefix
    }

    fn is_loaded(&self, volume: u32) -> bool {
        let name = self.name(volume);
        if let Some(place) = Place::parse(&name) {
            return RemoteSink::is_loaded(&place);
        }
        // Without making or cutting a file, and without waiting for a drive that is not ready: that
        // nobody else can use it meanwhile, nor can the dump be stopped.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        open(name, flags, Mode::empty()).is_ok_and(kapi::is_ready)
    }

    fn is_remote(&self, volume: u32) -> bool {
        !self.is_pipe() && Place::parse(&self.name(volume)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_volumes_one_after_the_other() {
        let names = Names::new("a,b", false, false);
        assert_eq!([1, 2, 3].map(|n| names.name(n)), ["a", "b", "b"]);
        assert_eq!([1, 2, 3].map(|n| names.is_at_hand(n)), [true, true, false]);
        assert_eq!([1, 2, 3].map(|n| names.is_listed(n)), [true, true, false]);
        assert!(!names.is_pipe() && !Names::new("a", false, false).is_listed(1));
        assert!(Names::new("-", false, false).is_pipe());
    }

    #[test]
    fn a_prefix_is_followed_by_the_number() {
        let names = Names::new("/srv/dump", true, false);
        assert_eq!(names.name(12), "/srv/dump012");
        assert!(names.is_at_hand(99));
    }
}
