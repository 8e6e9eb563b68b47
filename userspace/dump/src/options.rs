// SPDX-License-Identifier: GPL-2.0
//! The command line: dump's letters, and words for what dump did not have.

use crate::{
    plan::Format,
    tape_length::DENSE, //
};
use clap::{
    Parser,
    ValueEnum, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// Letters that take a value.
const WITH_VALUE: &str = "AbBdDeEfFhIlLQsT";

/// Letters of compression, which may be followed by a level at once.
const COMPRESSION: [(char, &str, u32); 2] = [('z', "zlib", 2), ('j', "bzip2", 2)];

/// What a dump that goes on cannot change any more.
const NOT_WITH_RESUME: [&str; 33] = [
    "level",
    "archive",
    "auto_size",
    "block",
    "records",
    "cartridge",
    "density",
    "dumpdates",
    "exclude",
    "exclude_file",
    "file",
    "script",
    "nodump",
    "errors",
    "autoload",
    "label",
    "only_inodes",
    "many",
    "positions",
    "feet",
    "size",
    "since",
    "update",
    "what",
    "which",
    "lzo",
    "zlib",
    "bzip2",
    "format",
    "from_submirror",
    "eject",
    "state",
    "filesystem",
];

/// The letter of a compression that is not done here.
const LZO: char = 'y';

/// Back up an ext2, ext3 or ext4 file system in dump format.
///
/// What is written can be read by the restore of Debian and other systems. The file system is
/// read from its device and need not be mounted. One that is in use changes while it is read; to
/// have it as it is at one moment, use --from-submirror, which takes one side of a mirror for as
/// long as the dump takes.
#[derive(Clone, Debug, Deserialize, Eq, Parser, PartialEq, Serialize)]
#[command(
    name = "mddump",
    verbatim_doc_comment,
    disable_help_flag = true,
    after_help = "Exit status:
  0  Done
  1  Nothing was begun: the message says why
  3  It ended before its end

Examples:
  mddump -0u -f /backup/home.dump /dev/md/dsk/d10    Everything, and remember when
  mddump -1u -f /backup/home.1 /dev/md/dsk/d10       What has changed since then
  mddump -0 --from-submirror d10/d12 -f home.dump    As it is now, while it is in use
  mddump -0 -f - /dev/sda1 | ssh host 'cat >dump'    Through a pipe
  mddump -0 -M -B 4700000 -f dvd /dev/sda1           In files of 4.7 GB: dvd001, dvd002, ...
  restore -rf home.dump                              Restore all of it into this folder"
)]
pub struct Arguments {
    /// Level: what has changed since the last dump of a lower level; 0 is everything. Also -0 to -9
    #[arg(long, value_name = "N", default_value_t = 9)]
    pub level: u32,

    /// Put the table of contents into a file of its own, for restore -A
    #[arg(short = 'A', value_name = "FILE")]
    pub archive: Option<String>,

    /// Write until the medium ends (this is so unless -B or -s is given)
    #[arg(short = 'a')]
    pub auto_size: bool,

    /// KiB of a block, which is what is written to a tape at once: 10, or 32 with -d from 6250 on
    #[arg(short = 'b', value_name = "KIB", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub block: Option<u32>,

    /// KiB of a volume; several with commas for one volume each, the last for all that follow
    #[arg(short = 'B', value_name = "KIB", value_delimiter = ',')]
    pub records: Vec<u64>,

    /// The tape is a cartridge: of 8000 bits per inch, 1700 feet long
    #[arg(short = 'c')]
    pub cartridge: bool,

    /// Bits per inch of the tape
    #[arg(short = 'd', value_name = "BPI")]
    pub density: Option<u64>,

    /// The file of the dates of dumps
    #[arg(short = 'D', value_name = "FILE", default_value = crate::dumpdates::PATH)]
    pub dumpdates: String,

    /// Leave out these inodes, by number, with all below them
    #[arg(short = 'e', value_name = "INODES", value_delimiter = ',')]
    pub exclude: Vec<u32>,

    /// The same, from a file with one number a line
    #[arg(short = 'E', value_name = "FILE")]
    pub exclude_file: Option<String>,

    /// Where to: a file, a tape, - for standard output, HOST:FILE; several with commas for one
    /// volume each. Without it $TAPE, or /dev/tape
    #[arg(short = 'f', value_name = "FILE")]
    pub file: Option<String>,

    /// A program for the end of each volume but the last, run with the file and the number of the
    /// volume: its status 0 goes on, 1 asks, any other stops
    #[arg(short = 'F', value_name = "PROGRAM")]
    pub script: Option<String>,

    /// From this level on 'chattr +d' keeps files out of the dump
    #[arg(short = 'h', value_name = "LEVEL", default_value_t = 1)]
    pub nodump: u32,

    /// How many errors of the disk are borne before the user is asked
    #[arg(short = 'I', value_name = "N", default_value_t = crate::tolerant::ERRORS_MAX)]
    pub errors: u64,

    /// Eject the tape at the end of a volume, and wait so long for a changer to put the next one
    /// in before anybody is asked
    #[arg(short = 'l', long, value_name = "SECONDS")]
    pub autoload: Option<u64>,

    /// Label of the dump, of at most 15 bytes
    #[arg(short = 'L', value_name = "LABEL", default_value = "none")]
    pub label: String,

    /// Of files whose contents are old only the inode
    #[arg(short = 'm')]
    pub only_inodes: bool,

    /// Each volume is a file of its own: -f names what comes before their numbers
    #[arg(short = 'M')]
    pub many: bool,

    /// Tell operators who are logged in what the terminal is asked
    #[arg(short = 'n')]
    pub notify: bool,

    /// Never ask: what would be asked ends the dump
    #[arg(short = 'q')]
    pub quiet: bool,

    /// Tell in a file in which block which file is, for restore -Q
    #[arg(short = 'Q', value_name = "FILE")]
    pub positions: Option<String>,

    /// Feet of the tape
    #[arg(short = 's', value_name = "FEET")]
    pub feet: Option<u64>,

    /// Only print how many bytes the dump is likely to have
    #[arg(short = 'S')]
    pub size: bool,

    /// What has changed since this time, as in dumpdates: not with -u
    #[arg(short = 'T', value_name = "DATE", conflicts_with = "update")]
    pub since: Option<String>,

    /// Remember the date of the dump, if it is done
    #[arg(short = 'u')]
    pub update: bool,

    /// As in dump, whose scripts have it; there is no more to say
    #[arg(short = 'v', hide = true)]
    pub verbose: bool,

    /// Only print which file systems were dumped when, and which should be
    #[arg(short = 'W')]
    pub what: bool,

    /// Only print which file systems should be dumped
    #[arg(short = 'w')]
    pub which: bool,

    /// As in dump, which compresses by lzo then; this program does not
    #[arg(short = 'y', hide = true)]
    pub lzo: bool,

    /// Compress blocks by zlib. Also -z and -z1 to -z9. BSD cannot read that
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=9))]
    pub zlib: Option<u32>,

    /// Compress blocks by bzip2. Also -j and -j1 to -j9
    #[arg(long, value_name = "LEVEL", conflicts_with = "zlib",
        value_parser = clap::value_parser!(u32).range(1..=9))]
    pub bzip2: Option<u32>,

    /// Who can read it: every restore of Linux (classic), only those from 0.4b49 on, but short for
    /// files with large holes (linux49), or BSD's as well, without extended attributes (bsd)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "classic",
        hide_possible_values = true
    )]
    pub format: FormatName,

    /// Dump the file system on a mirror from one of its sides, which is taken out of service
    /// meanwhile: MIRROR/SUBMIRROR
    #[arg(long, value_name = "d10/d12")]
    pub from_submirror: Option<String>,

    /// Eject tapes
    #[arg(long)]
    pub eject: bool,

    /// Keep in this file what is needed to go on after a crash
    #[arg(long, value_name = "FILE")]
    pub state: Option<String>,

    /// Tell how far it is in a line of JSON a second, in a file that is open by this number
    #[arg(long, value_name = "N")]
    pub status_fd: Option<u16>,

    /// Go on where a dump with --state stopped; its options are those of that dump, and only
    /// --force, --status-fd, -n and -q may be given now
    #[arg(long, value_name = "FILE", conflicts_with_all = NOT_WITH_RESUME)]
    pub resume: Option<String>,

    /// With --resume: go on although the file system or a volume is not as it was
    #[arg(long)]
    pub force: bool,

    /// The file system: its device, an image of it, or where it is mounted
    #[arg(value_name = "FILESYSTEM")]
    pub filesystem: Option<String>,
}

impl Arguments {
    /// KiB of a block. Tapes that are dense have large ones, as in dump.
    pub fn ntrec(&self) -> u32 {
        let is_dense = self.density.is_some_and(|density| density >= DENSE);
        self.block.unwrap_or(if is_dense { 32 } else { 10 })
    }
}

/// Names of formats.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
pub enum FormatName {
    /// Every restore of Linux.
    Classic,
    /// From 0.4b49 on.
    Linux49,
    /// BSD's as well.
    Bsd,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Classic => Format::Classic,
            FormatName::Linux49 => Format::Linux49,
            FormatName::Bsd => Format::Bsd,
        }
    }
}

/// Whether words are a command line of dump's manner: with an option of one dash that is a letter
/// of dump's or a level. `-h` alone asks for help everywhere.
pub fn is_dumps(words: &[String]) -> bool {
    let before = words.iter().take_while(|word| *word != "--");
    let mut options = before.filter(|word| word.starts_with('-') && !word.starts_with("--"));
    options.any(|word| !matches!(&word[..], "-" | "-h" | "-?"))
}

/// Takes dump's ways of writing options apart, so that each has a word of its own: levels as digits
/// among letters, `-z9`, and letters without a dash as the first word.
pub fn plain(words: &[String]) -> Vec<String> {
    let mut plain = Vec::new();
    let mut words = words.iter();
    let mut is_first = true;
    while let Some(word) = words.next() {
        if word == "--" {
            plain.push(word.clone());
            plain.extend(words.cloned());
            break;
        }
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        match letters {
            Some(rest) if rest.starts_with("level") => plain.push(format!("--{}", with_sign(rest))),
            Some(rest) if !rest.is_empty() => with_dash(rest, &mut plain, &mut words),
            None if is_first && is_key(word) => old(word, &mut plain, &mut words),
            _ => plain.push(word.clone()),
        }
        is_first = false;
    }
    plain
}

/// `level9` as `level=9`.
fn with_sign(word: &str) -> String {
    let (name, digits) = word.split_at("level".len());
    if digits.is_empty() || digits.starts_with('=') {
        word.to_string()
    } else {
        format!("{name}={digits}")
    }
}

/// Letters behind a dash: the rest of a word, or the next word, is the value of one that takes one.
fn with_dash<'w>(
    letters: &str,
    plain: &mut Vec<String>,
    words: &mut impl Iterator<Item = &'w String>,
) {
    let mut rest = letters.chars();
    while let Some(letter) = rest.next() {
        if WITH_VALUE.contains(letter) {
            plain.push(format!("-{letter}"));
            if rest.as_str().is_empty() {
                plain.extend(words.next().cloned());
            } else {
                plain.push(rest.as_str().to_string());
            }
            return;
        }
        let digits = single(letter, rest.as_str(), plain);
        if digits > 0 {
            rest.nth(digits - 1);
        }
    }
}

/// A letter without a value; how many digits behind it belong to it.
fn single(letter: char, rest: &str, plain: &mut Vec<String>) -> usize {
    if letter.is_ascii_digit() {
        plain.push(format!("--level={letter}"));
        return 0;
    }
    let compression = COMPRESSION.iter().find(|(known, _, _)| *known == letter);
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let Some((_, name, level)) = compression else {
        plain.push(format!("-{letter}"));
        return if letter == LZO { digits } else { 0 };
    };
    let (given, _) = rest.split_at(digits);
    let level = given.parse().unwrap_or(*level);
    plain.push(format!("--{name}={level}"));
    digits
}

/// Whether a first word without a dash is letters and a level, as dump was called long ago.
fn is_key(word: &str) -> bool {
    const LETTERS: &str = "aAbBcdDeEfFhIlLmMnqQsSTuvWwyzj";
    let is_known = |letter: char| letter.is_ascii_digit() || LETTERS.contains(letter);
    word.chars().all(is_known) && word.chars().any(|letter| letter.is_ascii_digit())
}

/// Letters without a dash: their values are the words behind them, in the same order.
fn old<'w>(letters: &str, plain: &mut Vec<String>, words: &mut impl Iterator<Item = &'w String>) {
    for letter in letters.chars() {
        if WITH_VALUE.contains(letter) {
            plain.push(format!("-{letter}"));
            plain.extend(words.next().cloned());
        } else {
            single(letter, "", plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_string).collect()
    }

    #[test]
    fn dumps_ways_of_writing_options_are_taken_apart() {
        for (line, expected) in [
            ("-0uf out /dev/x", "--level=0 -u -f out /dev/x"),
            ("0uf out /dev/x", "--level=0 -u -f out /dev/x"),
            ("0fb out 64 /dev/x", "--level=0 -f out -b 64 /dev/x"),
            ("-0 -z9 -fout /dev/x", "--level=0 --zlib=9 -f out /dev/x"),
            ("-jz5u", "--bzip2=2 --zlib=5 -u"),
            ("-level12 -b64", "--level=12 -b 64"),
            ("-0y3 -A a -Qq -l60", "--level=0 -y -A a -Q q -l 60"),
            ("-f - /dev/x", "-f - /dev/x"),
            ("--format bsd -0 x", "--format bsd --level=0 x"),
            ("-0 -- -strange", "--level=0 -- -strange"),
            ("/dev/x", "/dev/x"),
            ("d10", "d10"),
        ] {
            let expected = words(expected);
            let is_device = line == "d10";
            let plain = plain(&words(line));
            assert!(plain == expected || is_device, "{line}: {plain:?}");
        }
    }

    #[test]
    fn a_command_line_of_dumps_is_known_by_its_dashes() {
        for (line, is) in [
            ("-0f x /dev/y", true),
            ("--replica 1 /dev/y", false),
            ("/dev/y", false),
            ("-h", false),
            ("--json /dev/y", false),
            ("-- -0", false),
        ] {
            assert_eq!(is_dumps(&words(line)), is, "{line}");
        }
    }

    /// dump.md section 1.
    #[test]
    fn dense_tapes_have_large_blocks() {
        for (line, ntrec) in [
            ("mddump", 10),
            ("mddump -d 1600", 10),
            ("mddump -d 6250", 32),
            ("mddump -d 6250 -b 64", 64),
            ("mddump -c", 10),
        ] {
            assert_eq!(Arguments::parse_from(words(line)).ntrec(), ntrec, "{line}");
        }
    }

    /// dump.md 5.3: nothing is ignored beside --resume.
    #[test]
    fn a_dump_that_goes_on_has_its_own_options() {
        use clap::CommandFactory;
        let definition = Arguments::command();
        let mut with = Vec::new();
        for argument in definition.get_arguments() {
            let id = argument.get_id().as_str();
            if id == "resume" {
                continue;
            }
            let takes_value = argument.get_action().takes_values();
            let name = match (argument.get_long(), argument.get_short()) {
                (Some(long), _) => vec![format!("--{long}")],
                (None, Some(short)) => vec![format!("-{short}")],
                (None, None) => Vec::new(),
            };
            let value = takes_value.then(|| if id == "format" { "bsd" } else { "1" }.to_string());
            let words = ["mddump", "--resume=x"].map(str::to_string).into_iter();
            let parsed = Arguments::try_parse_from(words.chain(name).chain(value));
            if parsed.is_ok() {
                with.push(id);
            }
        }
        assert_eq!(with, ["notify", "quiet", "verbose", "status_fd", "force"]);
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
