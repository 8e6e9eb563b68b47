// SPDX-License-Identifier: GPL-2.0
//! Requests that SCRIPT makes with `vmctl`: one line each, answered with "ok" or "err REASON".

use std::{
    io::{
        BufRead,
        BufReader,
        Write, //
    },
    os::unix::net::UnixStream,
    sync::mpsc::Sender, //
};

use anyhow::{
    bail,
    Result, //
};

use crate::{
    machine::Machine,
    vm::Event, //
};

/// What can be asked for.
#[derive(Debug, PartialEq)]
enum Request<'a> {
    Unplug(&'a str),
    Plug(&'a str),
    Cut,
}

impl<'a> Request<'a> {
    fn parse(line: &'a str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words[..] {
            ["unplug", disk] => Self::Unplug(disk),
            ["plug", disk] => Self::Plug(disk),
            ["cut"] => Self::Cut,
            _ => bail!("'{line}' is not one of: unplug DISK, plug DISK, cut"),
        })
    }
}

/// Answers requests until the guest is gone.
pub(crate) fn serve(machine: &Machine, port: UnixStream, events: &Sender<Event>) -> Result<()> {
    let mut answers = port.try_clone()?;
    for line in BufReader::new(port).lines() {
        match perform(machine, &line?, events) {
            Ok(()) => writeln!(answers, "ok")?,
            Err(error) => writeln!(answers, "err {error:#}")?,
        }
    }
    Ok(())
}

fn perform(machine: &Machine, line: &str, events: &Sender<Event>) -> Result<()> {
    match Request::parse(line)? {
        Request::Unplug(name) => {
            eprintln!("md-vm: unplugged {}", machine.unplug(name)?);
        }
        Request::Plug(name) => machine.plug(name)?,
        Request::Cut => {
            // Not a moment later: the guest goes on running until QEMU is killed.
            machine.switch_off();
            events.send(Event::Cut)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_words() {
        assert_eq!(
            Request::parse("unplug disk1").unwrap(),
            Request::Unplug("disk1")
        );
        assert_eq!(
            Request::parse(" plug  disk12 ").unwrap(),
            Request::Plug("disk12")
        );
        assert_eq!(Request::parse("cut").unwrap(), Request::Cut);
        for bad in ["", "unplug", "cut now", "eject disk1"] {
            assert!(Request::parse(bad).is_err(), "{bad}");
        }
    }
}
