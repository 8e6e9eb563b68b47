// SPDX-License-Identifier: GPL-2.0
//! Reads the volumes of a dump and believes nothing: what a header says is compared with what was
//! counted here. Only the offsets of the header are shared with what writes.

use crate::{
    directory,
    header::{
        flags,
        Header,
        Kind,
        ADDRESSES,
        CHECKSUM, //
    },
    RECORD, //
};
use thiserror::Error;

/// What is wrong with a dump.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("volume {volume}, record {record}: {what}")]
pub struct Fault {
    /// Volume, from 1 on.
    pub volume: usize,
    /// Record of the volume, from 0 on.
    pub record: usize,
    /// What is wrong.
    pub what: String,
}

/// A dump.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// The headers of its volumes.
    pub volumes: Vec<Header>,
    /// The map of the inodes in use.
    pub used: Vec<u8>,
    /// The map of the inodes in the dump.
    pub wanted: Vec<u8>,
    /// Its files in their order, also those of extended attributes.
    pub files: Vec<File>,
    /// The last header.
    pub end: Option<Header>,
}

/// A file in a dump.
#[derive(Clone, Debug)]
pub struct File {
    /// Number of its inode.
    pub inode: u32,
    /// Its first header.
    pub header: Header,
    /// Its contents.
    pub parts: Vec<Part>,
}

/// Records of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// So many records that were left out.
    Hole(u64),
    /// These bytes.
    Data(Vec<u8>),
}

impl Dump {
    /// The file with this number that is no attributes.
    pub fn file(&self, inode: u32) -> Option<&File> {
        let mut files = self.files.iter();
        files.find(|file| file.inode == inode && !file.is_attributes())
    }
}

impl File {
    /// Whether it is the extended attributes of an inode.
    pub fn is_attributes(&self) -> bool {
        self.header.flags.get() & flags::ATTRIBUTES != 0
    }

    /// How many records its headers describe.
    pub fn records(&self) -> u64 {
        let records = self.parts.iter().map(|part| match part {
            Part::Hole(records) => *records,
            Part::Data(bytes) => (bytes.len() / RECORD) as u64,
        });
        records.sum()
    }

    /// All its bytes, holes as zeros.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            match part {
                Part::Hole(records) => bytes.resize(bytes.len() + *records as usize * RECORD, 0),
                Part::Data(data) => bytes.extend(data),
            }
        }
        bytes.truncate(self.header.inode.size.get() as usize);
        bytes
    }

    /// Its entries, if it is a directory.
    pub fn entries(&self) -> Result<Vec<directory::Entry>, directory::BadEntry> {
        directory::read(&self.bytes())
    }
}

/// Reads all volumes of a dump.
pub fn decode(volumes: &[Vec<u8>]) -> Result<Dump, Fault> {
    let mut reader = Reader {
        volumes,
        volume: 0,
        record: 0,
        before: 0,
        dump: Dump::default(),
        claimed: None,
    };
    reader.begin_volume()?;
    reader.dump.used = reader.map(Kind::Used)?;
    reader.dump.wanted = reader.map(Kind::Wanted)?;
    reader.files()?;
    Ok(reader.dump)
}

/// Records up to which a good claim is looked for.
const MOST_SKIPPED: usize = 512;

impl Claim {
    /// Whether versions of `restore` that skip once or twice so many records come to no header that
    /// they take for another, and not behind the next file.
    fn is_good(&self, count: usize) -> bool {
        let twice = count.saturating_mul(2);
        let is_wrong = [count, twice].iter().any(|to| self.headers.contains(to));
        !is_wrong && twice <= self.counted
    }
}

/// Whether a header goes on with a file, or has its attributes.
fn is_of_a_file_before(header: &Header) -> bool {
    let is_attributes = header.flags.get() & flags::ATTRIBUTES != 0;
    is_attributes || header.kind.get() == Kind::More.number()
}

struct Reader<'a> {
    volumes: &'a [Vec<u8>],
    /// The volume that is read, from 0 on.
    volume: usize,
    /// The next record of it.
    record: usize,
    /// Records on the volumes before.
    before: u64,
    dump: Dump,
    /// What the header of this volume claims, until that was compared.
    claimed: Option<Claim>,
}

/// How many records `restore` is to skip, and what comes before the next file.
struct Claim {
    claimed: usize,
    counted: usize,
    /// Where headers of a file are that began on another volume.
    headers: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn fault<T>(&self, what: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            volume: self.volume + 1,
            record: self.record.saturating_sub(1),
            what: what.into(),
        })
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        is: T,
        should: T,
    ) -> Result<(), Fault> {
        if is == should {
            return Ok(());
        }
        self.fault(format!("{what} is {is:?} and not {should:?}"))
    }

    /// The next record of the volume, if it has one.
    fn next_here(&mut self) -> Option<&'a [u8]> {
        let volume: &'a Vec<u8> = self.volumes.get(self.volume)?;
        let start = self.record * RECORD;
        let bytes = volume.get(start..start + RECORD)?;
        self.record += 1;
        Some(bytes)
    }

    /// The next record, which may be on the next volume, behind its header.
    fn next(&mut self) -> Result<&'a [u8], Fault> {
        if let Some(bytes) = self.next_here() {
            return Ok(bytes);
        }
        let Some(volume) = self.volumes.get(self.volume) else {
            return self.fault("there is no volume");
        };
        self.same("the rest of the volume", volume.len() % RECORD, 0)?;
        self.before += self.record as u64;
        self.volume += 1;
        self.record = 0;
        if self.volumes.get(self.volume).is_none() {
            return self.fault("the last volume is not the end");
        }
        self.begin_volume()?;
        match self.next_here() {
            Some(bytes) => Ok(bytes),
            None => self.fault("the volume has nothing but a header"),
        }
    }

    /// The header at the start of a volume.
    fn begin_volume(&mut self) -> Result<(), Fault> {
        let Some(bytes) = self.next_here() else {
            return self.fault("there is no header");
        };
        let header = self.header(bytes)?;
        self.same("the kind", header.kind.get(), 1)?;
        self.same("the volume", header.volume.get() as usize, self.volume + 1)?;
        self.same("the first record", header.first_64.get(), self.before)?;
        let is_new = header.flags.get() & flags::NEW_HEADER != 0;
        self.same("the mark of a new header", is_new, true)?;
        let volume = self.volumes.get(self.volume).map_or(0, Vec::len);
        let block = header.ntrec.get() as usize * RECORD;
        if block == 0 || volume % block != 0 {
            return self.fault(format!("{volume} bytes are no blocks of {block} bytes"));
        }
        // Volume 1 says 1, whatever follows.
        self.claimed = (self.volume > 0).then_some(Claim {
            claimed: header.count.get() as usize,
            counted: 0,
            headers: Vec::new(),
        });
        self.dump.volumes.push(header);
        Ok(())
    }

    /// A record that must be a header.
    fn header(&self, bytes: &[u8]) -> Result<Header, Fault> {
        let words = bytes.chunks_exact(4);
        let sum = words.fold(0u32, |sum, word| {
            sum.wrapping_add(
                word.iter()
                    .rev()
                    .fold(0, |all, b| (all << 8) | u32::from(*b)),
            )
        });
        self.same("the sum of the words", sum, CHECKSUM)?;
        let bytes: &[u8; RECORD] = match bytes.try_into() {
            Ok(bytes) => bytes,
            Err(_) => return self.fault("it is too short"),
        };
        let header = Header::from_bytes(bytes);
        self.same("the magic number", header.magic.get(), 60012)?;
        let ordinal = self.before + self.record as u64 - 1;
        self.same("the ordinal", header.ordinal.get(), ordinal as u32)?;
        self.same("the long ordinal", header.ordinal_64.get(), ordinal)?;
        let volume = self.volume as u32 + 1;
        self.same("the volume", header.volume.get(), volume)?;
        if let Some(first) = self.dump.volumes.first() {
            // What comes before the first file of a volume is to be passed by who looks for one.
            let later = u32::from(is_of_a_file_before(&header) && self.claimed.is_some());
            let date = first.date.get().wrapping_add(later);
            self.same("the date", header.date.get(), date)?;
            self.same("the date before", header.since, first.since)?;
            self.same("the level", header.level, first.level)?;
            self.same("the records of a block", header.ntrec, first.ntrec)?;
        }
        self.same("the spare bytes", header.spare, [0; 96])?;
        Ok(header)
    }

    /// The next header. If it is that of the first file of a volume, what the volume claims is
    /// compared.
    fn next_header(&mut self) -> Result<Header, Fault> {
        let bytes = self.next()?;
        let header = self.header(bytes)?;
        let Some(mut claim) = self.claimed.take() else {
            return Ok(header);
        };
        if is_of_a_file_before(&header) {
            claim.headers.push(claim.counted);
            claim.counted += 1;
            self.claimed = Some(claim);
            return Ok(header);
        }
        // Of some volumes nothing good can be claimed.
        let is_possible = (0..=claim.counted.min(MOST_SKIPPED)).any(|count| claim.is_good(count));
        let is_bad = is_possible && !claim.is_good(claim.claimed);
        self.same("whether restore goes wrong behind this", is_bad, false)?;
        Ok(header)
    }

    fn data(&mut self) -> Result<&'a [u8], Fault> {
        let bytes = self.next()?;
        if let Some(claim) = &mut self.claimed {
            claim.counted += 1;
        }
        Ok(bytes)
    }

    fn map(&mut self, kind: Kind) -> Result<Vec<u8>, Fault> {
        let header = self.next_header()?;
        self.same("the kind", header.kind.get(), kind.number())?;
        self.same("the addresses", header.addresses, [0; ADDRESSES])?;
        let mut map = Vec::new();
        for _ in 0..header.count.get() {
            map.extend(self.data()?);
        }
        Ok(map)
    }

    fn files(&mut self) -> Result<(), Fault> {
        loop {
            let header = self.next_header()?;
            match header.kind.get() {
                2 => {
                    self.dump.files.push(File {
                        inode: header.inumber.get(),
                        header: header.clone(),
                        parts: Vec::new(),
                    });
                    self.contents(&header)?;
                }
                4 => {
                    let last = self.dump.files.last().map(|file| file.inode);
                    self.same("the inode", last, Some(header.inumber.get()))?;
                    self.contents(&header)?;
                }
                5 => return self.end(header),
                other => return self.fault(format!("a header of kind {other}")),
            }
        }
    }

    /// The records that a header describes.
    fn contents(&mut self, header: &Header) -> Result<(), Fault> {
        let count = header.count.get() as usize;
        let Some(addresses) = header.addresses.get(..count) else {
            return self.fault(format!("{count} addresses"));
        };
        let mut at = 0;
        while let Some(byte) = addresses.get(at) {
            // Classic bytes are 0 and 1, of which runs make the same.
            let is_data = byte & 1 == 1;
            let small = u64::from((byte >> 1) & 63);
            let records = if byte & 0x80 == 0 {
                small + 1
            } else {
                at += 1;
                let Some(large) = addresses.get(at) else {
                    return self.fault("half a run");
                };
                u64::from(*large) * 64 + small + 65
            };
            at += 1;
            self.part(is_data, records)?;
        }
        Ok(())
    }

    fn part(&mut self, is_data: bool, records: u64) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        for _ in 0..if is_data { records } else { 0 } {
            bytes.extend(self.data()?);
        }
        let parts = self.dump.files.last_mut().map(|file| &mut file.parts);
        let Some(parts) = parts else {
            return self.fault("records of no file");
        };
        match (parts.last_mut(), is_data) {
            (Some(Part::Data(before)), true) => before.extend(bytes),
            (Some(Part::Hole(before)), false) => *before += records,
            (_, true) => parts.push(Part::Data(bytes)),
            (_, false) => parts.push(Part::Hole(records)),
        }
        Ok(())
    }

    /// Behind the first header of the end there are only more of them, up to the end of the block.
    fn end(&mut self, header: Header) -> Result<(), Fault> {
        self.dump.end = Some(header);
        while let Some(bytes) = self.next_here() {
            let header = self.header(bytes)?;
            self.same("the kind", header.kind.get(), 5)?;
        }
        self.same("the number of volumes", self.volumes.len(), self.volume + 1)
    }
}
