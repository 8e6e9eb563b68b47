// SPDX-License-Identifier: GPL-2.0
//! `-Q`: where files are in a dump, so that `restore -Q` goes to one at once. It is a text file as
//! Debian's dump writes it: a number that tells what it is, a version, the date of the dump, and
//! lines with an inode, its volume, and where the block begins that has its header: at a byte of
//! the volume, or as which block of a tape. There is a line for the first file of each block.

use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        BufWriter,
        Seek,
        SeekFrom,
        Write, //
    },
    path::Path, //
};

/// First line of the file, and the second: what `restore` looks for.
const MAGIC: &str = "495115637697";
const VERSION: &str = "1.0";

/// Names of the columns.
const COLUMNS: &str = "ino\ttapeno\ttapepos";

/// The file, which has all finished volumes, and the beginning of another one.
#[derive(Debug)]
pub struct Positions {
    file: BufWriter<File>,
    /// Bytes of it that tell of finished volumes.
    kept: u64,
}

impl Positions {
    /// Begins the file of a dump of this date, in seconds since 1970, or goes on with it behind so
    /// many volumes.
    pub fn open(path: &Path, date: i64, volumes: u32) -> io::Result<Self> {
        let mut text = format!("{MAGIC}\n{VERSION}\n{date}\n\n{COLUMNS}\n");
        if volumes > 0 {
            let old = fs::read_to_string(path)?;
            let Some(lines) = old.strip_prefix(&text) else {
                return Err(io::Error::other("is not that of this dump"));
            };
            let is_finished = |line: &&str| volume_of(line).is_some_and(|one| one <= volumes);
            let lines: Vec<_> = lines.lines().filter(is_finished).collect();
            lines.iter().for_each(|line| {
                text.push_str(line);
                text.push('\n');
            });
        }
        fs::write(path, &text)?;
        let mut file = File::options().write(true).open(path)?;
        let kept = file.seek(SeekFrom::End(0))?;
        Ok(Positions {
            file: BufWriter::new(file),
            kept,
        })
    }

    /// Begins a volume, perhaps once more: then what was told of it counts no longer.
    pub fn begin_volume(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.kept))?;
        self.file.get_ref().set_len(self.kept)
    }

    /// The file of an inode begins in the block at this position of a volume.
    pub fn add(&mut self, inode: u32, volume: u32, position: u64) -> io::Result<()> {
        writeln!(self.file, "{inode}\t{volume}\t{position}")
    }

    /// The volume is finished.
    pub fn end_volume(&mut self) -> io::Result<()> {
        self.kept = self.file.stream_position()?;
        self.file.get_ref().sync_all()
    }
}

/// The volume in a line.
fn volume_of(line: &str) -> Option<u32> {
    line.split('\t').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_is_written_anew_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("positions");
        let mut positions = Positions::open(&path, 77, 0).unwrap();
        positions.begin_volume().unwrap();
        positions.add(12, 1, 0).unwrap();
        positions.end_volume().unwrap();
        for inode in [13, 14] {
            positions.begin_volume().unwrap();
            positions.add(inode, 2, 10_240).unwrap();
        }
        positions.end_volume().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let head = "495115637697\n1.0\n77\n\nino\ttapeno\ttapepos\n";
        assert_eq!(text, format!("{head}12\t1\t0\n14\t2\t10240\n"));
        // A dump that goes on behind volume 1.
        let mut positions = Positions::open(&path, 77, 1).unwrap();
        positions.begin_volume().unwrap();
        positions.add(15, 2, 512).unwrap();
        positions.end_volume().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{head}12\t1\t0\n15\t2\t512\n"));
        assert!(Positions::open(&path, 78, 1).is_err());
    }
}
