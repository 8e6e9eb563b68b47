// SPDX-License-Identifier: GPL-2.0
//! A tape or file of another machine, by the protocol of `rmt`: a letter and numbers in lines, and
//! `A` with a number or `E` with one and a line of text as the answer.

use super::{
    is_end,
    Sink,
    Written, //
};
use rustix::fs::OFlags;
use std::{
    env,
    io::{
        self,
        BufRead,
        BufReader,
        Read,
        Write, //
    },
    process::{
        Child,
        ChildStdin,
        ChildStdout,
        Command,
        Stdio, //
    }, //
};

/// A place on another machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Who to be there.
    pub user: Option<String>,
    /// The machine.
    pub host: String,
    /// The file there.
    pub path: String,
}

impl Place {
    /// The place that a name such as `me@tapehost:/dev/nst0` means, if it means one. A name with a
    /// slash before its colon is a file here.
    pub fn parse(name: &str) -> Option<Self> {
        let (host, path) = name.split_once(':')?;
        if host.is_empty() || host.contains('/') || path.is_empty() {
            return None;
        }
        let (user, host) = match host.split_once('@') {
            Some((user, host)) => (Some(user.to_string()), host),
            None => (None, host),
        };
        Some(Place {
            user,
            host: host.to_string(),
            path: path.to_string(),
        })
    }
}

/// What starts a program that Ctrl-C on the terminal does not end: that is a question to the user,
/// who may go on. It stays in the terminal's foreground, where it can ask for a password.
const WITHOUT_INTERRUPT: &str = "trap '' INT; exec \"$@\"";

/// Operations of a tape, by Linux's numbers.
mod tape {
    pub(super) const FILE_MARK: u32 = 5;
    pub(super) const OFFLINE: u32 = 7;
    pub(super) const NOTHING: u32 = 8;
}

/// An open file of another machine.
#[derive(Debug)]
pub struct RemoteSink {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Whether it is a tape that comes out at the end.
    ejects: bool,
}

impl RemoteSink {
    /// Opens a file on another machine. With `ejects` it comes out at the end if it is a tape.
    pub fn open(place: &Place, ejects: bool) -> io::Result<Self> {
        // The number is for old servers, the names are for those of other systems.
        let flags = OFlags::RDWR | OFlags::CREATE;
        let flags = format!("{} O_RDWR|O_CREAT|O_TRUNC", flags.bits());
        let mut sink = RemoteSink::opened(place, &flags)?;
        sink.ejects = ejects && sink.is_tape();
        Ok(sink)
    }

    /// Whether a place is a tape that is loaded. No file is made or cut there.
    pub fn is_loaded(place: &Place) -> bool {
        let flags = format!("{} O_RDWR", OFlags::RDWR.bits());
        let mut opened = RemoteSink::opened(place, &flags);
        opened.as_mut().is_ok_and(RemoteSink::is_tape)
    }

    /// `$RSH` (else `ssh`) runs `$RMT` (else `/etc/rmt`) there, which opens the file.
    fn opened(place: &Place, flags: &str) -> io::Result<Self> {
        let shell = env::var("RSH").unwrap_or_else(|_| "ssh".to_string());
        let rmt = env::var("RMT").unwrap_or_else(|_| "/etc/rmt".to_string());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WITHOUT_INTERRUPT, "sh", &shell, &place.host]);
        if let Some(user) = &place.user {
            command.args(["-l", user]);
        }
        let piped = command
            .arg(rmt)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = piped.spawn()?;
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let to = child.stdin.take().ok_or_else(broken)?;
        let from = BufReader::new(child.stdout.take().ok_or_else(broken)?);
        let mut sink = RemoteSink {
            child,
            to,
            from,
            ejects: false,
        };
        let request = format!("O{}\n{flags}\n", place.path);
        sink.call(request.as_bytes(), &[])?;
        Ok(sink)
    }

    /// Has the tape do something.
    fn operate(&mut self, operation: u32) -> io::Result<()> {
        let request = format!("I{operation}\n1\n");
        self.call(request.as_bytes(), &[]).map(drop)
    }

    fn is_tape(&mut self) -> bool {
        self.operate(tape::NOTHING).is_ok()
    }

    /// Asks for something and waits for the answer.
    fn call(&mut self, request: &[u8], data: &[u8]) -> io::Result<u64> {
        self.to.write_all(request)?;
        self.to.write_all(data)?;
        self.to.flush()?;
        let first = self.line()?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let bad = || io::Error::other(format!("the remote rmt answers {first:?}"));
        match first.split_at_checked(1) {
            Some(("A", count)) => number(count).ok_or_else(bad),
            Some(("E" | "F", errno)) => {
                let errno = number(errno).ok_or_else(bad)?;
                self.line()?;
                Err(io::Error::from_raw_os_error(errno as i32))
            }
            _ => Err(bad()),
        }
    }

    fn line(&mut self) -> io::Result<String> {
        const MOST: u64 = 1024;
        let mut line = String::new();
        if self.from.by_ref().take(MOST).read_line(&mut line)? == 0 {
            let gone = "the remote rmt is gone";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, gone));
        }
        Ok(line)
    }
}

impl Sink for RemoteSink {
    fn write(&mut self, bytes: &[u8], lengths: &[usize]) -> Written {
        let mut rest = bytes;
        for (blocks, length) in lengths.iter().enumerate() {
            let (block, behind) = rest.split_at(*length);
            rest = behind;
            match self.call(format!("W{length}\n").as_bytes(), block) {
                Ok(count) if count == *length as u64 => {}
                Ok(_) => return Written::EndOfMedium { blocks },
                Err(error) if is_end(&error) => return Written::EndOfMedium { blocks },
                Err(error) => return Written::Failed(error),
            }
        }
        Written::All
    }

    fn ejects(&self) -> bool {
        self.ejects
    }

    fn close(&mut self) -> io::Result<()> {
        if self.ejects {
            self.operate(tape::FILE_MARK)?;
            self.operate(tape::OFFLINE)?;
        }
        self.call(b"C\n", &[]).map(drop)
    }
}

impl Drop for RemoteSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_machine_are_told_from_files() {
        let place = Place::parse("me@tapehost:/dev/nst0").unwrap();
        assert_eq!(place.user.as_deref(), Some("me"));
        assert_eq!(
            (&place.host[..], &place.path[..]),
            ("tapehost", "/dev/nst0")
        );
        assert_eq!(Place::parse("host:dump").unwrap().user, None);
        for name in ["/srv/a:b", "dump", ":x", "host:", "./a:b"] {
            assert_eq!(Place::parse(name), None, "{name}");
        }
    }
}
