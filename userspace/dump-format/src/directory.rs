// SPDX-License-Identifier: GPL-2.0
//! Directories in the form of 4.4BSD: entries of a number (u32), a length (u16), a type, the length
//! of the name, and the name with a NUL behind it, on multiples of 4 bytes. No entry crosses a
//! chunk of 512 bytes: the last in a chunk is as long as the rest of it.

use thiserror::Error;

/// Bytes of a chunk.
pub const CHUNK: usize = 512;

/// Bytes of an entry before its name.
const HEAD: usize = 8;

/// An entry of a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Number of its inode.
    pub inode: u32,
    /// Type, as `d_type` has it; 0 if not known.
    pub kind: u8,
    /// Name, 1 to 255 bytes without NUL or slash.
    pub name: Vec<u8>,
}

/// What is wrong with the bytes of a directory.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("the entry at byte {at} {what}")]
pub struct BadEntry {
    /// Where it is.
    pub at: usize,
    /// What is wrong. Reads on from the entry.
    pub what: &'static str,
}

/// The bytes of a directory with these entries, whole chunks. An entry whose name is empty or too
/// long has no form and is left out.
pub fn write<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0;
    for entry in entries {
        let Some(length) = u8::try_from(entry.name.len()).ok().filter(|len| *len > 0) else {
            continue;
        };
        let need = entry_bytes(entry.name.len());
        let room = (CHUNK - bytes.len() % CHUNK) % CHUNK;
        if need > room && room > 0 {
            stretch(&mut bytes, last, room);
        }
        last = bytes.len();
        bytes.extend(entry.inode.to_le_bytes());
        bytes.extend((need as u16).to_le_bytes());
        bytes.extend([entry.kind, length]);
        bytes.extend(&entry.name);
        bytes.resize(last + need, 0);
    }
    let room = (CHUNK - bytes.len() % CHUNK) % CHUNK;
    stretch(&mut bytes, last, room);
    bytes
}

/// Bytes of an entry with a name of this length.
fn entry_bytes(name: usize) -> usize {
    HEAD + (name + 1).next_multiple_of(4)
}

/// Makes the entry at `last` longer by `room` bytes.
fn stretch(bytes: &mut Vec<u8>, last: usize, room: usize) {
    let length = (bytes.len() + room - last) as u16;
    bytes.resize(bytes.len() + room, 0);
    if let Some(field) = bytes.get_mut(last + 4..last + 6) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

/// The entries in the bytes of a directory. Those without an inode are left out.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, BadEntry> {
    let mut entries = Vec::new();
    for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
        let mut at = 0;
        while at < chunk.len() {
            let bad = |what| BadEntry {
                at: index * CHUNK + at,
                what,
            };
            let head = chunk.get(at..at + HEAD);
            let head = head.ok_or(bad("does not fit into its chunk"))?;
            let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
            let name = usize::from(head[7]);
            if length % 4 != 0 || length < entry_bytes(name) || at + length > chunk.len() {
                return Err(bad("has a wrong length"));
            }
            let inode = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let rest = &chunk[at + HEAD..at + length];
            let (name, padding) = rest.split_at(name);
            if padding.iter().any(|byte| *byte != 0) {
                return Err(bad("is not padded with zeros"));
            }
            if name.is_empty() || name.contains(&0) || name.contains(&b'/') {
                return Err(bad("has no proper name"));
            }
            if inode != 0 {
                entries.push(Entry {
                    inode,
                    kind: head[6],
                    name: name.to_vec(),
                });
            }
            at += length;
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(inode: u32, name: &str) -> Entry {
        Entry {
            inode,
            kind: 8,
            name: name.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_entry_has_bsds_form() {
        let bytes = write(&[entry(2, "."), entry(11, "abc"), entry(12, "abcd")]);
        assert_eq!(bytes.len(), CHUNK);
        assert_eq!(bytes[..12], [2, 0, 0, 0, 12, 0, 8, 1, b'.', 0, 0, 0]);
        assert_eq!(
            bytes[12..24],
            [11, 0, 0, 0, 12, 0, 8, 3, b'a', b'b', b'c', 0]
        );
        let rest = ((CHUNK - 24) as u16).to_le_bytes();
        assert_eq!(bytes[28..30], rest);
        assert!(bytes[37..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn no_entry_crosses_a_chunk() {
        let long = "n".repeat(255);
        let entries: Vec<_> = (1..40).map(|n| entry(n, &long[..n as usize * 6])).collect();
        let bytes = write(&entries);
        assert_eq!(bytes.len() % CHUNK, 0);
        assert_eq!(read(&bytes), Ok(entries));
    }

    #[test]
    fn an_empty_directory_has_no_bytes() {
        assert_eq!(write(&[]), []);
        assert_eq!(read(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let good = write(&[entry(2, "."), entry(11, "abc")]);
        for (at, byte) in [(4, 13), (4, 0), (7, 200), (10, 1), (8, b'/'), (17, 0)] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert!(read(&bytes).is_err(), "{at} {byte}");
        }
        assert!(read(&good[..4]).is_err());
    }
}
