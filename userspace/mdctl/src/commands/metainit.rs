// SPDX-License-Identifier: GPL-2.0
//! `metainit`

use crate::{
    admin::requests::{
        self,
        pools, //
    },
    discover,
    explain::{
        self,
        md_tab::{
            in_entry,
            no_entry,
            some_failed,
            unreadable, //
        },
        Failure,
        Subject, //
    },
    making::{
        make,
        make_pool,
        Manner, //
    },
    output::Answer,
    syntax::{
        md_tab::{
            entries,
            Entry,
            MD_TAB, //
        },
        pool::{
            PoolName,
            PoolSpec, //
        },
        rows::KEEP_DATA,
        shell::quoted,
        spec::Spec,
        SyntaxError, //
    },
    Machine,
};
use clap::Parser;

/// Name of the command, as it stands in messages.
const COMMAND: &str = "metainit";

/// Make a stripe, a concat, a concat of stripes, a mirror of these, a RAID5 metadevice, a soft
/// partition, or a hot spare pool.
///
/// A stripe or concat has one or more ROWS, one behind the other. Each has a WIDTH, as many
/// COMPONENTs, and if there is more than one of these is striped over them. A component is a disk,
/// partition or metadevice that nobody uses; a name without a slash is that of a metadevice, as in
/// d10, or of a device in /dev. A mirror has the same data on 1 to 4 stripes or concats, its
/// SUBMIRRORs, that of the first one. A soft partition is a part of a disk, partition, stripe,
/// concat, mirror or RAID5 metadevice, its BASE, which many can share. RAID5 has its data on 3 to
/// 64 disks or partitions, with a parity that makes up for one that is lost; it wants a state
/// database. NAME alone stands for the entry of that name in md.tab.
#[derive(Debug, Parser)]
#[command(
    name = COMMAND,
    verbatim_doc_comment,
    override_usage = "metainit [OPTIONS] NAME ROWS (WIDTH COMPONENT... [-i INTERLACE])... [-h POOL]
       metainit [OPTIONS] NAME -m SUBMIRROR... [-g | -r | -H] [-S | -C] [PACE] [PASS]
       metainit [OPTIONS] NAME -r COMPONENT... [-i INTERLACE] [-h POOL] [-o COUNT] [PACE]
                [--svm-rotation] [--no-log] [-k]
       metainit [OPTIONS] NAME -p BASE [-A ALIGNMENT] SIZE | all
       metainit [OPTIONS] NAME -p BASE (-o OFFSET -b LENGTH)... [-A ALIGNMENT]
       metainit [OPTIONS] NAME -p -e DISK [-A ALIGNMENT] SIZE | all
       metainit [OPTIONS] POOL [COMPONENT...]
       metainit [OPTIONS] [-T FILE] NAME
       metainit [OPTIONS] [-T FILE] -a",
    after_help = "Each row:
  -i INTERLACE  How much lies on one component before it is the next one's turn: a number and k
                (KiB), m (MiB) or b (blocks of 512 bytes), from 8k to 100m [default: 512k]

Each mirror:
  -g    A read goes to the submirror that has its part of the blocks (geometric)
  -r    A read goes to the first submirror [default: to each in turn]
  -H    A read goes to each in turn, and to another one as well if it takes long (hedged)
  -S    A write goes to one submirror after the other [default: to all at once]
  -C    A write goes to all at once, from a copy of the data
  PACE  How fast it is resynced: --resync-floor, --resync-ceiling and --resync-latency, with
        values as for metaparam
  PASS  When it is resynced after a crash, 1 to 9; 0 for never [default: 1]

RAID5:
  -i INTERLACE  As above, but a multiple of 4k, and from 4k to 100m [default: 512k]
  -h POOL       The hot spare pool: one of its spares takes the place of a component that fails
  -o COUNT      So many components are those that it was made of, 3 or more; the others were
                attached later by metattach, in this order
  PACE          As for a mirror: how fast the parity, or a component, is made
  --svm-rotation
                The parity goes around as in SVM, to the right
  --no-log      For comparison: a write is not written to the log first. A crash leaves a write half
                done: after it all of the parity is made again, and if a component is missing then,
                or was missing before, the metadevice cannot be opened any more
  -k            The parity fits what is on the components, and is not made: they were the same RAID5
                metadevice before, in the same order
  -w COUNT      As in SVM, 10 to 100; of no effect, since there are as many slots as are needed

Each soft partition:
  SIZE          How large it is: a number and b (blocks of 512 bytes), k, m, g or t; or all, for
                all that is free. It is where there is room, in several extents if need be
  -A ALIGNMENT  What its data begins on a multiple of [default: 1m, or what the base asks for]
  -o OFFSET -b LENGTH
                An extent, in blocks: where its data begins on the base, and how much it is. As
                \"metastat -p\" prints them, for a soft partition that was there before
  -e DISK       On a disk that gets one partition first, which is all of it. What is on the disk
                is lost

The parity of RAID5 is made of whatever is on its components while it can be used; until then it
makes up for none. A write that is cut off by a crash is brought to its end at the next start, also
if a component is lost at the same time: each has a log of 4 MiB in front of its data.

A mirror shows what is on its first submirror. What is on the others is lost: they are made equal to
that while the mirror can be used. With --assume-clean nothing is copied.

The first 1 MiB of a disk or partition is kept free and holds none of the metadevice's data, except
with --keep-data. So what -f overrides stays there and is found the next time, until
\"wipefs --all DEVICE\" removes it.

md.tab has one metadevice to a line, as it stands on the command line behind \"metainit\". Their
order does not matter. A # begins a comment, a \\ at the end of a line joins the next one to it.
Lines of replicas, as in \"mddb01 -c 2 sda1 sdb1\", are for \"metadb -a mddb01\".
\"metastat -p\" writes such lines, so this keeps what there is now:
  mkdir -p /etc/mdctl && metastat -p >/etc/mdctl/md.tab

Examples:
  metainit d10 1 2 sda sdb -i 64k    A stripe over two disks
  metainit d12 1 1 sdc --keep-data   A disk with the file system that is on it
  metainit d20 -m d10 d11            A mirror with what is on d10
  metainit d30 -p d20 10g            A part of that mirror
  metainit d40 -r sdd sde sdf        RAID5 over three disks
  metainit -a                        What stands in md.tab and does not exist yet"
)]
pub struct Arguments {
    /// Also over components that carry a file system or the like, but not over one in use
    #[arg(short = 'f')]
    force: bool,

    /// Check only, make nothing
    #[arg(short = 'n')]
    check_only: bool,

    /// All of md.tab that does not exist yet; one that fails does not stop the others
    #[arg(short = 'a', conflicts_with_all = ["name", "rows", "keep_data"])]
    all: bool,

    /// The file to read in place of /etc/mdctl/md.tab
    #[arg(
        short = 'T',
        long = "md-tab",
        value_name = "FILE",
        conflicts_with_all = ["rows", "keep_data"]
    )]
    md_tab: Option<String>,

    /// Begin where the only component begins, to show what is on it; may end the line
    #[arg(long = "keep-data")]
    keep_data: bool,

    /// The submirrors of a mirror are equal already: no resync; may end the line
    #[arg(long = "assume-clean")]
    assume_clean: bool,

    /// Name of the metadevice, d0 to d8191, or hot spare pool, hsp000 to hsp999
    #[arg(value_name = "NAME", required_unless_present = "all")]
    name: Option<String>,

    /// ROWS and the rows, or -m, -r or -p and what follows it
    #[arg(
        value_name = "ROW",
        hide = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    rows: Vec<String>,
}

/// The option of [`Arguments::assume_clean`], which may also end the line.
const ASSUME_CLEAN: &str = "--assume-clean";

/// Runs the command.
pub fn run(
    mut arguments: Arguments,
    machine: &mut Machine<'_>,
    answer: &mut Answer,
) -> Result<(), Failure> {
    if arguments
        .rows
        .last()
        .is_some_and(|word| word == ASSUME_CLEAN)
    {
        arguments.rows.pop();
        arguments.assume_clean = true;
    }
    let mut words: Vec<_> = arguments
        .name
        .iter()
        .chain(&arguments.rows)
        .cloned()
        .collect();
    if arguments.keep_data {
        words.push(KEEP_DATA.to_string());
    }
    match &words[..] {
        [] => arguments.make_all(machine, answer),
        [name] if arguments.is_in_md_tab(name, machine) => {
            arguments.make_from_md_tab(name, machine, answer)
        }
        words if PoolSpec::is_meant(words) => {
            let spec = PoolSpec::parse(words);
            let spec = spec.map_err(|error| explain::syntax(COMMAND, &error, words))?;
            make_pool(machine, &spec, arguments.manner(false), answer)
        }
        words => {
            let spec = parsed(Spec::parse(words), words)?;
            if arguments.assume_clean && !matches!(spec, Spec::Mirror(_)) {
                let reason = format!("{ASSUME_CLEAN} is for a mirror");
                return Err(explain::line(COMMAND, reason));
            }
            make(machine, &spec, arguments.manner(false), answer)
        }
    }
}

impl Arguments {
    /// How metadevices are to be made.
    fn manner(&self, from_md_tab: bool) -> Manner {
        Manner {
            check_only: self.check_only,
            force: self.force,
            from_md_tab,
            assume_clean: self.assume_clean,
        }
    }

    /// Whether a name alone stands for an entry of the file. That of a pool which does not stand
    /// there is a pool without spares.
    fn is_in_md_tab(&self, name: &str, machine: &Machine<'_>) -> bool {
        if name.parse::<PoolName>().is_err() || self.md_tab.is_some() {
            return true;
        }
        let entries = self.entries(machine);
        entries.is_ok_and(|entries| entries.iter().any(|entry| entry.is_called(name)))
    }

    /// Path of the file with the entries.
    fn file(&self) -> &str {
        self.md_tab.as_deref().unwrap_or(MD_TAB)
    }

    /// The entries of the file.
    fn entries(&self, machine: &Machine<'_>) -> Result<Vec<Entry>, Failure> {
        let text = discover::read_named(machine.host, self.file())
            .map_err(|error| unreadable(self.file(), &error))?;
        Ok(entries(&text))
    }

    /// Makes the metadevice that stands in the file under a name. If there are several, the last
    /// one says that it is not the first.
    fn make_from_md_tab(
        &self,
        name: &str,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let entries = self.entries(machine)?;
        match entries.iter().rfind(|entry| entry.is_called(name)) {
            Some(entry) => self.make_entry(entry, machine, answer),
            None => Err(no_entry(self.file(), explain::name(COMMAND, name)?)),
        }
    }

    /// Makes what stands in the file and does not exist yet. A component may be a metadevice that
    /// stands below, so this goes on for as long as anything can be made.
    fn make_all(&self, machine: &mut Machine<'_>, answer: &mut Answer) -> Result<(), Failure> {
        let entries = self.entries(machine)?;
        let existing = requests::list(machine.admin)
            .map_err(|error| explain::request(&error, &Subject::none()))?;
        let pools = pools::list(machine.admin)
            .map_err(|error| explain::request(&error, &Subject::none()))?;
        let exists = |entry: &&Entry| {
            let name = entry.metadevice();
            let pool = entry.name().parse().ok();
            let is_pool = pools.iter().any(|own| Some(own.name) == pool);
            is_pool || existing.iter().any(|kin| Some(kin.name) == name)
        };
        let is_wanted = |entry: &&Entry| !entry.is_of_replicas() && !exists(entry);
        let mut left: Vec<_> = entries.iter().filter(is_wanted).collect();
        self.begin_list(answer);
        loop {
            let before = left.len();
            answer.failures.clear();
            left.retain(|entry| {
                let failure = self.make_entry(entry, machine, answer).err();
                let failed = failure.is_some();
                answer.failures.extend(failure);
                failed
            });
            if left.is_empty() {
                return Ok(());
            }
            if left.len() == before {
                return Err(some_failed(self.file(), left.len()));
            }
        }
    }

    /// Sees that the document has a list of what was done even if that is nothing.
    fn begin_list(&self, answer: &mut Answer) {
        if self.check_only {
            answer.document.checked = Some(Vec::new());
        } else {
            answer.document.metadevices = Some(Vec::new());
        }
    }

    /// Makes the metadevice of an entry.
    fn make_entry(
        &self,
        entry: &Entry,
        machine: &mut Machine<'_>,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        if let Some(spec) = entry.pool() {
            let made = spec
                .map_err(|error| explain::syntax(COMMAND, &error, &entry.words))
                .and_then(|spec| make_pool(machine, &spec, self.manner(true), answer));
            return made
                .map_err(|failure| in_entry(failure, self.file(), entry, self.with_force(entry)));
        }
        parsed(entry.spec(), &entry.words)
            .and_then(|spec| make(machine, &spec, self.manner(true), answer))
            .map_err(|failure| in_entry(failure, self.file(), entry, self.with_force(entry)))
    }

    /// The command that makes the metadevice of an entry, whatever its components carry.
    fn with_force(&self, entry: &Entry) -> String {
        let mut line = format!("{COMMAND} -f");
        if self.check_only {
            line += " -n";
        }
        if self.assume_clean {
            line += &format!(" {ASSUME_CLEAN}");
        }
        if let Some(file) = &self.md_tab {
            line += &format!(" -T {}", quoted(file));
        }
        format!("{line} {}", quoted(entry.name()))
    }
}

/// The metadevice that words ask for, or what is wrong with them.
fn parsed(spec: Result<Spec, SyntaxError>, words: &[String]) -> Result<Spec, Failure> {
    spec.map_err(|error| explain::syntax(COMMAND, &error, words))
}
