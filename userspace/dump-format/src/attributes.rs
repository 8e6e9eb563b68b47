// SPDX-License-Identifier: GPL-2.0
//! Extended attributes in a dump: the form of an attribute block of ext4, of 4096 bytes, which is
//! also the most that any `restore` takes. More than that is divided among several headers.

/// Bytes of a block of attributes in a dump.
pub const BLOCK: usize = 4096;

/// First word of a block.
pub const MAGIC: u32 = 0xea02_0000;

/// Bytes before the first entry.
const HEAD: usize = 32;

/// Bytes of an entry before its name.
const ENTRY: usize = 16;

/// Bytes behind the last entry.
const END: usize = 4;

/// An extended attribute as ext4 stores it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Attribute {
    /// Number that stands for the part of the name up to its first dot.
    pub index: u8,
    /// The rest of the name.
    pub name: Vec<u8>,
    /// Value; of an access control list in the form of the file system.
    pub value: Vec<u8>,
}

impl Attribute {
    fn bytes(&self) -> usize {
        (ENTRY + self.name.len()).next_multiple_of(4) + self.value.len().next_multiple_of(4)
    }

    /// Whether a block has room for it.
    pub fn fits(&self) -> bool {
        self.name.len() <= 255 && HEAD + self.bytes() + END <= BLOCK
    }
}

/// The blocks for these attributes. What does not fit into a block has no place in a dump and is
/// left out ([`Attribute::fits`]).
pub fn write(attributes: &[Attribute]) -> Vec<Vec<u8>> {
    let mut sorted: Vec<_> = attributes.iter().filter(|one| one.fits()).collect();
    sorted.sort_by_key(|one| (one.index, one.name.len(), &one.name));
    let mut blocks = Vec::new();
    let mut rest = &sorted[..];
    while !rest.is_empty() {
        let mut used = HEAD + END;
        let fit = rest.iter().take_while(|one| {
            used += one.bytes();
            used <= BLOCK
        });
        let (now, later) = rest.split_at(fit.count());
        blocks.push(block(now));
        rest = later;
    }
    blocks
}

fn block(attributes: &[&Attribute]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..4].copy_from_slice(&MAGIC.to_le_bytes());
    // One user of the block, one block.
    block[4] = 1;
    block[8] = 1;
    let (mut entry, mut value) = (HEAD, BLOCK);
    for one in attributes {
        value -= one.value.len().next_multiple_of(4);
        let at = if one.value.is_empty() { 0 } else { value };
        block[entry] = one.name.len() as u8;
        block[entry + 1] = one.index;
        block[entry + 2..entry + 4].copy_from_slice(&(at as u16).to_le_bytes());
        block[entry + 8..entry + 12].copy_from_slice(&(one.value.len() as u32).to_le_bytes());
        block[entry + ENTRY..entry + ENTRY + one.name.len()].copy_from_slice(&one.name);
        block[value..value + one.value.len()].copy_from_slice(&one.value);
        entry += (ENTRY + one.name.len()).next_multiple_of(4);
    }
    block
}

/// The attributes in a block, or nothing if it is none.
pub fn read(block: &[u8]) -> Option<Vec<Attribute>> {
    if block.len() != BLOCK || block.get(..4)? != MAGIC.to_le_bytes() {
        return None;
    }
    let mut attributes = Vec::new();
    let mut at = HEAD;
    loop {
        let entry = block.get(at..)?;
        if entry.get(..END)?.iter().all(|byte| *byte == 0) {
            return Some(attributes);
        }
        let name = entry.get(ENTRY..)?.get(..usize::from(*entry.first()?))?;
        let offset = u16::from_le_bytes(entry.get(2..4)?.try_into().ok()?);
        let bytes = u32::from_le_bytes(entry.get(8..12)?.try_into().ok()?);
        let value = block.get(usize::from(offset)..)?.get(..bytes as usize)?;
        attributes.push(Attribute {
            index: *entry.get(1)?,
            name: name.to_vec(),
            value: value.to_vec(),
        });
        at += (ENTRY + name.len()).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: &[u8]) -> Attribute {
        Attribute {
            index: 1,
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_block_has_ext4s_form() {
        let blocks = write(&[attribute("user", b"hello"), attribute("b", b"")]);
        let [block] = &blocks[..] else {
            panic!("{}", blocks.len());
        };
        assert_eq!(block[..12], [0, 0, 2, 0xea, 1, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(block[32..36], [1, 1, 0, 0]);
        assert_eq!(block[48], b'b');
        assert_eq!(block[52..56], [4, 1, 0xf8, 0x0f]);
        assert_eq!(block[60], 5);
        assert_eq!(&block[68..72], b"user");
        assert_eq!(&block[4088..4093], b"hello");
    }

    #[test]
    fn many_attributes_take_several_blocks() {
        let attributes: Vec<_> = (0..20)
            .map(|n| attribute(&format!("name{n:02}"), &[n; 1000]))
            .collect();
        let blocks = write(&attributes);
        assert_eq!(blocks.len(), 7);
        let read: Vec<_> = blocks
            .iter()
            .flat_map(|block| read(block).unwrap())
            .collect();
        assert_eq!(read, attributes);
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let largest = BLOCK - HEAD - END - ENTRY - 4;
        assert!(attribute("a", &vec![1; largest]).fits());
        let large = attribute("a", &vec![1; largest + 1]);
        assert!(!large.fits());
        assert_eq!(write(&[large]), Vec::<Vec<u8>>::new());
    }
}
