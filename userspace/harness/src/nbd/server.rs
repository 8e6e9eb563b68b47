// SPDX-License-Identifier: GPL-2.0
//! The conversation with one client: negotiation, then requests in the order in which they come.

use std::{
    io::{
        self,
        BufReader,
        BufWriter,
        Read,
        Write, //
    },
    os::unix::net::{
        UnixListener,
        UnixStream, //
    },
    path::Path,
    sync::Arc,
    thread, //
};

use anyhow::Result;

use super::{
    disk::Disk,
    protocol::{
        self,
        Command,
        Request, //
    }, //
};

/// Large enough for a few hundred small requests in one system call.
const BUFFER: usize = 1 << 20;

/// Listens at a socket and serves the disk to whoever connects, in threads of its own that last as
/// long as this process.
pub(crate) fn serve(disk: Arc<Disk>, socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket)?;
    thread::Builder::new()
        .name(format!("nbd-{}", disk.name))
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                let disk = Arc::clone(&disk);
                thread::spawn(move || {
                    // A client that goes away in the middle is a killed QEMU, not an error.
                    let _ = converse(&disk, stream);
                });
            }
        })?;
    Ok(())
}

/// Serves one connection to its end.
fn converse(disk: &Disk, stream: UnixStream) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, stream.try_clone()?);
    let mut output = BufWriter::with_capacity(BUFFER, stream);
    if negotiate(disk, &mut input, &mut output)? {
        transmit(disk, &mut input, &mut output)?;
    }
    Ok(())
}

/// Agrees on the export; false if the client did not want it after all.
fn negotiate(disk: &Disk, input: &mut impl Read, output: &mut impl Write) -> io::Result<bool> {
    output.write_all(&protocol::GREETING.to_be_bytes())?;
    output.write_all(&protocol::OPTION.to_be_bytes())?;
    output.write_all(&(protocol::FIXED_NEWSTYLE | protocol::NO_ZEROES).to_be_bytes())?;
    output.flush()?;
    let client_flags = protocol::read_u32(input)?;
    loop {
        if protocol::read_u64(input)? != protocol::OPTION {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let option = protocol::read_u32(input)?;
        let data = read_bounded(input)?;
        let decided = answer_option(disk, option, &data, client_flags, output)?;
        output.flush()?;
        if let Some(go) = decided {
            return Ok(go);
        }
    }
}

/// Options are short; a client that claims otherwise is broken.
fn read_bounded(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = protocol::read_u32(input)?;
    if length > 64 << 10 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut data = vec![0; length as usize];
    input.read_exact(&mut data)?;
    Ok(data)
}

/// Answers one option; says whether negotiation is over, and how.
fn answer_option(
    disk: &Disk,
    option: u32,
    data: &[u8],
    client_flags: u32,
    output: &mut impl Write,
) -> io::Result<Option<bool>> {
    match option {
        protocol::OPTION_EXPORT_NAME => {
            if data != disk.name.as_bytes() {
                return Ok(Some(false));
            }
            output.write_all(&protocol::export_info(disk.size()))?;
            if client_flags & u32::from(protocol::NO_ZEROES) == 0 {
                output.write_all(&[0; 124])?;
            }
            Ok(Some(true))
        }
        protocol::OPTION_GO | protocol::OPTION_INFO => {
            if requested_export(data) != Some(disk.name.as_bytes()) {
                let unknown = protocol::ANSWER_UNKNOWN_EXPORT;
                protocol::write_option_reply(output, option, unknown, b"")?;
                return Ok(None);
            }
            let mut info = protocol::INFO_EXPORT.to_be_bytes().to_vec();
            info.extend(protocol::export_info(disk.size()));
            let blocks = protocol::block_size_info();
            protocol::write_option_reply(output, option, protocol::ANSWER_INFO, &info)?;
            protocol::write_option_reply(output, option, protocol::ANSWER_INFO, &blocks)?;
            protocol::write_option_reply(output, option, protocol::ANSWER_ACK, b"")?;
            Ok((option == protocol::OPTION_GO).then_some(true))
        }
        protocol::OPTION_ABORT => {
            protocol::write_option_reply(output, option, protocol::ANSWER_ACK, b"")?;
            Ok(Some(false))
        }
        _ => {
            protocol::write_option_reply(output, option, protocol::ANSWER_UNSUPPORTED, b"")?;
            Ok(None)
        }
    }
}

/// The export's name inside of GO and INFO: a length, then the name.
fn requested_export(data: &[u8]) -> Option<&[u8]> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    rest.get(..u32::from_be_bytes(*length) as usize)
}

/// Serves requests until the client disconnects.
fn transmit<R: Read>(
    disk: &Disk,
    input: &mut BufReader<R>,
    output: &mut impl Write,
) -> io::Result<()> {
    let mut payload = Vec::new();
    loop {
        // Answers wait for company as long as more requests are already here.
        if input.buffer().is_empty() {
            output.flush()?;
        }
        let request = Request::read(input)?;
        if request.command == Command::Disconnect {
            return output.flush();
        }
        let carries_data = matches!(request.command, Command::Read | Command::Write);
        if carries_data && request.length > protocol::MAX_PAYLOAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        payload.resize(
            if carries_data {
                request.length as usize
            } else {
                0
            },
            0,
        );
        if request.command == Command::Write {
            input.read_exact(&mut payload)?;
        }
        let result = perform(disk, &request, &mut payload);
        let error = result.err().map_or(0, |error| error_number(&error));
        protocol::write_reply(output, request.cookie, error)?;
        if request.command == Command::Read && error == 0 {
            output.write_all(&payload)?;
        }
    }
}

/// Does what a request asks for.
fn perform(disk: &Disk, request: &Request, payload: &mut [u8]) -> io::Result<()> {
    let Request {
        offset,
        length,
        fua,
        ..
    } = *request;
    match request.command {
        Command::Read => disk.read(offset, payload),
        Command::Write => disk.write(offset, payload, fua),
        Command::Flush => disk.flush(),
        Command::Trim | Command::WriteZeroes => disk.zero(offset, length.into(), fua),
        Command::Disconnect | Command::Unknown(_) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// The protocol knows few errors.
fn error_number(error: &io::Error) -> u32 {
    match error.kind() {
        io::ErrorKind::InvalidInput => protocol::EINVAL,
        _ => protocol::EIO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbd::image::Image;
    use std::process;

    /// Serves a fresh disk in a folder and returns its socket's address for QEMU's tools.
    fn served(folder: &Path) -> (Arc<Disk>, String) {
        let image = Image::create(&folder.join("image"), 4 << 20).unwrap();
        let disk = Arc::new(Disk::new("disk0".to_owned(), image, 1));
        let socket = folder.join("socket");
        serve(Arc::clone(&disk), &socket).unwrap();
        (
            disk,
            format!("nbd+unix:///disk0?socket={}", socket.display()),
        )
    }

    fn qemu_io(address: &str, command: &str) -> String {
        let output = process::Command::new("qemu-io")
            .args(["-f", "raw", "-c", command, address])
            .output()
            .expect("qemu-io is in the build root");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text + &String::from_utf8_lossy(&output.stderr)
    }

    #[test]
    fn qemu_reads_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let (_disk, address) = served(folder.path());
        assert!(qemu_io(&address, "write -P 7 4k 64k").contains("wrote 65536"));
        let read = qemu_io(&address, "read -P 7 4k 64k");
        assert!(
            read.contains("read 65536") && !read.contains("fail"),
            "{read}"
        );
        assert!(qemu_io(&address, "read -P 8 4k 64k").contains("Pattern verification failed"));
        qemu_io(&address, "write -z 4k 64k");
        assert!(!qemu_io(&address, "read -P 0 4k 64k").contains("fail"));
    }

    /// A client that does not flush when it leaves, as QEMU does.
    fn connect(folder: &Path) -> UnixStream {
        let mut stream = UnixStream::connect(folder.join("socket")).unwrap();
        stream.read_exact(&mut [0; 18]).unwrap();
        let mut hello = u32::from(protocol::NO_ZEROES).to_be_bytes().to_vec();
        hello.extend(protocol::OPTION.to_be_bytes());
        hello.extend(protocol::OPTION_EXPORT_NAME.to_be_bytes());
        hello.extend(b"\0\0\0\x05disk0");
        stream.write_all(&hello).unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        stream
    }

    /// Sends a request as a client would and expects success.
    fn request(stream: &mut UnixStream, flags_and_command: [u8; 4], offset: u64, data: &[u8]) {
        let mut bytes = vec![0x25, 0x60, 0x95, 0x13];
        bytes.extend(flags_and_command);
        bytes.extend(77_u64.to_be_bytes());
        bytes.extend(offset.to_be_bytes());
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        stream.write_all(&bytes).unwrap();
        let mut reply = [0; 16];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[4..8], [0; 4], "refused");
    }

    /// For each of three sectors, in how many of 40 power cuts its newest write survived.
    fn survivals(writes: impl Fn(&mut UnixStream, u8)) -> [usize; 3] {
        let folder = tempfile::tempdir().unwrap();
        let (disk, _) = served(folder.path());
        let mut stream = connect(folder.path());
        let mut survived = [0; 3];
        for round in 1..=40 {
            writes(&mut stream, round);
            disk.lose_cache(round.into()).unwrap();
            for (sector, count) in survived.iter_mut().enumerate() {
                let mut content = [0; 512];
                disk.read(sector as u64 * 512, &mut content).unwrap();
                *count += usize::from(content == [round; 512]);
            }
        }
        survived
    }

    const WRITE: [u8; 4] = [0, 0, 0, 1];
    const WRITE_FUA: [u8; 4] = [0, 1, 0, 1];
    const FLUSH: [u8; 4] = [0, 0, 0, 3];

    #[test]
    fn a_flush_covers_what_came_before_and_nothing_after() {
        let survived = survivals(|stream, round| {
            request(stream, WRITE, 0, &[round; 1024]);
            request(stream, FLUSH, 0, b"");
            request(stream, WRITE, 1024, &[round; 512]);
        });
        assert_eq!(survived[..2], [40, 40]);
        assert!((1..40).contains(&survived[2]), "{survived:?}");
    }

    #[test]
    fn fua_covers_its_own_write_alone() {
        let survived = survivals(|stream, round| {
            request(stream, WRITE, 0, &[round; 512]);
            request(stream, WRITE_FUA, 512, &[round; 512]);
            request(stream, WRITE, 1024, &[round; 512]);
        });
        assert_eq!(survived[1], 40);
        assert!(survived[0] < 40 && survived[2] < 40, "{survived:?}");
    }

    #[test]
    fn another_export_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (_disk, address) = served(folder.path());
        let text = qemu_io(&address.replace("disk0", "disk1"), "read 0 4k");
        assert!(text.contains("can't open"), "{text}");
    }

    #[test]
    fn a_disk_without_power_answers_with_errors() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, address) = served(folder.path());
        disk.switch_off();
        assert!(qemu_io(&address, "read 0 4k").contains("error"));
    }

    #[test]
    fn an_export_name_is_cut_out_with_care() {
        assert_eq!(requested_export(b"\0\0\0\x02ab\0\0"), Some(&b"ab"[..]));
        assert_eq!(requested_export(b"\0\0\0\x09ab"), None);
        assert_eq!(requested_export(b"\0"), None);
    }
}
