// SPDX-License-Identifier: GPL-2.0
//! A tape or file of another machine, by the protocol of `rmt`: a letter and numbers in lines, and
//! `A` with a number or `E` with one and a line of text as the answer.

use super::{
    is_end,
    Sink,
    Written, //
};
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

/// An open file of another machine.
#[derive(Debug)]
pub struct RemoteSink {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl RemoteSink {
    /// Opens a file on another machine: `$RSH` (else `ssh`) runs `$RMT` (else `/etc/rmt`) there.
    pub fn open(place: &Place) -> io::Result<Self> {
        let shell = env::var("RSH").unwrap_or_else(|_| "ssh".to_string());
        let rmt = env::var("RMT").unwrap_or_else(|_| "/etc/rmt".to_string());
        let mut command = Command::new(shell);
        command.arg(&place.host);
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
        let mut sink = RemoteSink { child, to, from };
        // The number is for old servers, the names are for those of other systems.
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CREATE;
        let request = format!("O{}\n{} O_RDWR|O_CREAT|O_TRUNC\n", place.path, flags.bits());
        sink.call(request.as_bytes(), &[])?;
        Ok(sink)
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

    fn close(&mut self) -> io::Result<()> {
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
