// SPDX-License-Identifier: GPL-2.0
//! The NBD wire format (fixed newstyle negotiation, simple replies). All numbers are big-endian.

use std::io::{
    self,
    Read,
    Write, //
};

/// "NBDMAGIC", the first word of a server.
pub(crate) const GREETING: u64 = 0x4e42_444d_4147_4943;
/// "IHAVEOPT", before every option.
pub(crate) const OPTION: u64 = 0x4948_4156_454f_5054;
/// Before every answer to an option.
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;

/// Handshake flags: fixed newstyle, and no 124 zero bytes.
pub(crate) const FIXED_NEWSTYLE: u16 = 1;
pub(crate) const NO_ZEROES: u16 = 2;

/// Options of the negotiation.
pub(crate) const OPTION_EXPORT_NAME: u32 = 1;
pub(crate) const OPTION_ABORT: u32 = 2;
pub(crate) const OPTION_INFO: u32 = 6;
pub(crate) const OPTION_GO: u32 = 7;

/// Answers to options; errors have the top bit set.
pub(crate) const ANSWER_ACK: u32 = 1;
pub(crate) const ANSWER_INFO: u32 = 3;
pub(crate) const ANSWER_UNSUPPORTED: u32 = 0x8000_0001;
pub(crate) const ANSWER_UNKNOWN_EXPORT: u32 = 0x8000_0006;

/// Kinds of information about an export.
pub(crate) const INFO_EXPORT: u16 = 0;
pub(crate) const INFO_BLOCK_SIZE: u16 = 3;

/// What the export can do: has flags (bit 0), flush (2), FUA (3), trim (5), write zeroes (6).
pub(crate) const TRANSMISSION_FLAGS: u16 = 0b0110_1101;
/// Longest payload that we take or give.
pub(crate) const MAX_PAYLOAD: u32 = 32 << 20;

/// The flag on a request that makes it durable.
const COMMAND_FUA: u16 = 1;

/// Error numbers of the protocol that we use.
pub(crate) const EIO: u32 = 5;
pub(crate) const EINVAL: u32 = 22;

/// What a client may ask for once connected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    Read,
    Write,
    Disconnect,
    Flush,
    Trim,
    WriteZeroes,
    /// Something we did not offer.
    Unknown(u16),
}

/// One request, without its payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) fua: bool,
    /// Chosen by the client, repeated in the answer.
    pub(crate) cookie: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Request {
    /// Reads a request of 28 bytes.
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let magic = read_u32(stream)?;
        if magic != REQUEST {
            let text = format!("request starts with {magic:#x}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let flags = read_u16(stream)?;
        let command = match read_u16(stream)? {
            0 => Command::Read,
            1 => Command::Write,
            2 => Command::Disconnect,
            3 => Command::Flush,
            4 => Command::Trim,
            6 => Command::WriteZeroes,
            other => Command::Unknown(other),
        };
        Ok(Self {
            command,
            fua: flags & COMMAND_FUA != 0,
            cookie: read_u64(stream)?,
            offset: read_u64(stream)?,
            length: read_u32(stream)?,
        })
    }
}

/// Writes the answer to a request; the data of a read follow it.
pub(crate) fn write_reply(stream: &mut impl Write, cookie: u64, error: u32) -> io::Result<()> {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&REPLY.to_be_bytes());
    bytes[4..8].copy_from_slice(&error.to_be_bytes());
    bytes[8..].copy_from_slice(&cookie.to_be_bytes());
    stream.write_all(&bytes)
}

/// Writes an answer to an option.
pub(crate) fn write_option_reply(
    stream: &mut impl Write,
    option: u32,
    kind: u32,
    data: &[u8],
) -> io::Result<()> {
    let mut bytes = OPTION_REPLY.to_be_bytes().to_vec();
    bytes.extend_from_slice(&option.to_be_bytes());
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&(data.len() as u32).to_be_bytes());
    bytes.extend_from_slice(data);
    stream.write_all(&bytes)
}

/// Size and abilities of an export, as INFO_EXPORT and EXPORT_NAME give them.
pub(crate) fn export_info(size: u64) -> Vec<u8> {
    let mut bytes = size.to_be_bytes().to_vec();
    bytes.extend_from_slice(&TRANSMISSION_FLAGS.to_be_bytes());
    bytes
}

/// Smallest, preferred and largest request.
pub(crate) fn block_size_info() -> Vec<u8> {
    let mut bytes = INFO_BLOCK_SIZE.to_be_bytes().to_vec();
    for size in [512, 4096, MAX_PAYLOAD] {
        bytes.extend_from_slice(&size.to_be_bytes());
    }
    bytes
}

pub(crate) fn read_u16(stream: &mut impl Read) -> io::Result<u16> {
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes)?;
    Ok(u16::from_be_bytes(bytes))
}

pub(crate) fn read_u32(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

pub(crate) fn read_u64(stream: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_field_by_field() {
        let bytes = [
            &[0x25, 0x60, 0x95, 0x13][..], // magic
            &[0, 1, 0, 1],                 // FUA, write
            &[0, 0, 0, 0, 0, 0, 0, 9],     // cookie
            &[0, 0, 0, 0, 0, 1, 0, 0],     // offset
            &[0, 0, 16, 0],                // length
        ]
        .concat();
        let expected = Request {
            command: Command::Write,
            fua: true,
            cookie: 9,
            offset: 65536,
            length: 4096,
        };
        assert_eq!(Request::read(&mut &bytes[..]).unwrap(), expected);
    }

    #[test]
    fn rubbish_and_short_requests_are_errors() {
        assert!(Request::read(&mut &[0; 28][..]).is_err());
        assert!(Request::read(&mut &[0x25, 0x60, 0x95, 0x13, 0][..]).is_err());
    }

    #[test]
    fn an_unknown_command_is_kept_to_be_refused() {
        let mut bytes = vec![0x25, 0x60, 0x95, 0x13, 0, 0, 0, 77];
        bytes.extend([0; 20]);
        let request = Request::read(&mut &bytes[..]).unwrap();
        assert_eq!(request.command, Command::Unknown(77));
        assert!(!request.fua);
    }

    #[test]
    fn a_reply_repeats_the_cookie() {
        let mut bytes = Vec::new();
        write_reply(&mut bytes, 0x0102, EIO).unwrap();
        assert_eq!(
            bytes,
            [0x67, 0x44, 0x66, 0x98, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 2]
        );
    }

    #[test]
    fn an_option_reply_says_how_long_it_is() {
        let mut bytes = Vec::new();
        write_option_reply(&mut bytes, OPTION_GO, ANSWER_INFO, &[1, 2, 3]).unwrap();
        assert_eq!(bytes.len(), 23);
        assert_eq!(bytes[8..20], [0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3]);
    }
}
