// SPDX-License-Identifier: GPL-2.0
//! Which command a command line is: by the name that the program was started under, or by the
//! first word after `mdctl`. [`COMMANDS`] is the whole table.

use crate::{
    commands::{
        arguments,
        dump,
        export,
        import,
        mddump,
        metaclear,
        metadb,
        metadetach,
        metahs,
        metainit,
        metaoffline,
        metaonline,
        metaparam,
        metarecover,
        metarename,
        metareplace,
        metastat,
        metasync,
        metattach,
        mhd,
        monitor,
        probe,
        r#move,
        scan,
        start,
        stop,
        version, //
    },
    explain::{
        self,
        Failure, //
    },
    keeping,
    output::Answer,
    Machine,
};
use clap::{
    error::ErrorKind,
    Arg,
    ArgAction,
    ArgMatches,
    CommandFactory, //
};
use std::{
    ffi::{
        OsStr,
        OsString, //
    },
    path::Path, //
};

/// Name of the tool itself.
const TOOL: &str = "mdctl";

/// A command of the tool.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Whether the tool is also installed under this name. SVM has no `version`.
    pub own_program: bool,
    /// Its options and help page.
    definition: fn() -> clap::Command,
    /// What it does.
    run: fn(&ArgMatches, &mut Machine<'_>, &mut Answer) -> Result<(), Failure>,
}

/// All commands, in the order of the help page.
pub static COMMANDS: [Command; 26] = [
    Command {
        name: "metainit",
        own_program: true,
        definition: metainit::Arguments::command,
        run: |matches, machine, answer| metainit::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metastat",
        own_program: true,
        definition: metastat::Arguments::command,
        run: |matches, machine, answer| metastat::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metaclear",
        own_program: true,
        definition: metaclear::Arguments::command,
        run: |matches, machine, answer| metaclear::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metattach",
        own_program: true,
        definition: metattach::Arguments::command,
        run: |matches, machine, answer| metattach::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metadetach",
        own_program: true,
        definition: metadetach::Arguments::command,
        run: |matches, machine, answer| metadetach::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metaoffline",
        own_program: true,
        definition: metaoffline::Arguments::command,
        run: |matches, machine, answer| metaoffline::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metaonline",
        own_program: true,
        definition: metaonline::Arguments::command,
        run: |matches, machine, answer| metaonline::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metaparam",
        own_program: true,
        definition: metaparam::Arguments::command,
        run: |matches, machine, answer| metaparam::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metarename",
        own_program: true,
        definition: metarename::Arguments::command,
        run: |matches, machine, answer| metarename::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metareplace",
        own_program: true,
        definition: metareplace::Arguments::command,
        run: |matches, machine, answer| metareplace::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metasync",
        own_program: true,
        definition: metasync::Arguments::command,
        run: |matches, machine, answer| metasync::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metahs",
        own_program: true,
        definition: metahs::Arguments::command,
        run: |matches, machine, answer| metahs::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metarecover",
        own_program: true,
        definition: metarecover::Arguments::command,
        run: |matches, machine, answer| metarecover::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "metadb",
        own_program: true,
        definition: metadb::Arguments::command,
        run: |matches, machine, answer| metadb::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: mddump::NAME,
        own_program: true,
        definition: mddump::Arguments::command,
        run: |matches, machine, answer| mddump::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "scan",
        own_program: false,
        definition: scan::Arguments::command,
        run: |matches, machine, answer| scan::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "probe",
        own_program: false,
        definition: probe::Arguments::command,
        run: |matches, machine, answer| probe::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "start",
        own_program: false,
        definition: start::Arguments::command,
        run: |matches, machine, answer| start::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "move",
        own_program: false,
        definition: r#move::Arguments::command,
        run: |matches, machine, answer| r#move::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "stop",
        own_program: false,
        definition: stop::Arguments::command,
        run: |matches, machine, answer| stop::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "export",
        own_program: false,
        definition: export::Arguments::command,
        run: |matches, machine, answer| export::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "import",
        own_program: false,
        definition: import::Arguments::command,
        run: |matches, machine, answer| import::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "dump",
        own_program: false,
        definition: dump::Arguments::command,
        run: |matches, machine, answer| dump::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "monitor",
        own_program: false,
        definition: monitor::Arguments::command,
        run: |matches, machine, answer| monitor::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "mhd",
        own_program: false,
        definition: mhd::Arguments::command,
        run: |matches, machine, answer| mhd::run(arguments(matches)?, machine, answer),
    },
    Command {
        name: "version",
        own_program: false,
        definition: version::Arguments::command,
        run: |matches, machine, answer| version::run(arguments(matches)?, machine, answer),
    },
];

/// A command line that was run.
pub struct Finished {
    /// Name of the command, as it stands in messages.
    pub command: String,
    /// The command line, word by word.
    pub words: Vec<String>,
    /// Whether the answer is to be JSON.
    pub json: bool,
    /// What was done.
    pub answer: Answer,
    /// What went wrong after that.
    pub failure: Option<Failure>,
}

/// Finds the command of a command line, and runs it.
pub fn run(mut arguments: Vec<OsString>, machine: &mut Machine<'_>) -> Finished {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    let mut finished = Finished {
        command: TOOL.to_string(),
        words: words.map(Into::into).collect(),
        json: arguments.iter().any(is_json),
        answer: Answer::default(),
        failure: None,
    };
    finished.answer.is_for_scripts = finished.json;
    arguments.retain(|argument| !is_json(argument));
    finished.failure = find_and_run(arguments, machine, &mut finished).err();
    if finished.answer.has_changed {
        let warning = keeping::write_md_cf(machine);
        finished.answer.document.warnings.extend(warning);
    }
    finished
}

/// Whether a word is `--json`, which may stand anywhere: no component is called so, and what
/// fails before the options are read has to know of it too.
fn is_json(word: &OsString) -> bool {
    word == "--json"
}

/// The same; the name of the command and its answer go to `finished`.
fn find_and_run(
    arguments: Vec<OsString>,
    machine: &mut Machine<'_>,
    finished: &mut Finished,
) -> Result<(), Failure> {
    let by_program = by_program_name(&arguments).map(|command| (command, 0));
    let Some((command, skipped)) = by_program.or(by_word(&arguments).map(|command| (command, 1)))
    else {
        return match tool_definition().try_get_matches_from(arguments) {
            Err(error) => unparsed(&error, TOOL, &mut finished.answer),
            Ok(_) => unreachable!("clap wants a command as the first word, and there is none"),
        };
    };
    finished.command = command.title();
    let words = command.plain(arguments.into_iter().skip(skipped).collect());
    match command.definition().try_get_matches_from(words) {
        Ok(matches) => (command.run)(&matches, machine, &mut finished.answer),
        Err(error) => {
            let unparsed = unparsed(&error, &finished.command, &mut finished.answer);
            unparsed.map_err(|failure| command.not_run(failure))
        }
    }
}

/// The command that the program was started as, if it was not as `mdctl`.
fn by_program_name(arguments: &[OsString]) -> Option<&'static Command> {
    let program = Path::new(arguments.first()?).file_name()?;
    COMMANDS
        .iter()
        .find(|command| command.own_program && program == command.name)
}

/// The command that the first word names. `dump` looks at a disk; with options as dump(8) has them,
/// which that does not have, it is the backup.
fn by_word(arguments: &[OsString]) -> Option<&'static Command> {
    let (word, rest) = arguments.get(1..)?.split_first()?;
    let is_backup = word == dump::NAME && mddump::is_meant(rest);
    let name = if is_backup {
        OsStr::new(mddump::NAME)
    } else {
        word
    };
    COMMANDS.iter().find(|command| name == command.name)
}

/// The tool with all its commands, for its help page and to say what is wrong with a line that
/// has none of them.
fn tool_definition() -> clap::Command {
    clap::Command::new(TOOL)
        .about("Volume manager: stripes, concats, mirrors and soft partitions of disks")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .args(standard_options())
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .subcommands(COMMANDS.iter().map(|command| (command.definition)()))
}

impl Command {
    /// Its name as one types it.
    fn title(&self) -> String {
        if self.own_program {
            self.name.to_string()
        } else {
            format!("{TOOL} {}", self.name)
        }
    }

    /// A command line, its name first, as clap reads it.
    fn plain(&self, words: Vec<OsString>) -> Vec<OsString> {
        if self.name == mddump::NAME {
            mddump::plain(words)
        } else {
            words
        }
    }

    /// The failure of a command line that was not understood. The exit status of one command tells
    /// that from what it has found.
    fn not_run(&self, failure: Failure) -> Failure {
        if self.name == dump::NAME {
            explain::dump::unseen(failure)
        } else {
            failure
        }
    }

    /// Its options and help page, with the options that every command has. `-h` and `--help`
    /// print the same page, in the short layout with the long description.
    fn definition(&self) -> clap::Command {
        let definition = (self.definition)();
        let description = definition
            .get_long_about()
            .or(definition.get_about())
            .cloned();
        definition
            .about(description.unwrap_or_default())
            .long_about(None)
            .bin_name(self.title())
            .disable_help_flag(true)
            .args(self.standard_options())
    }

    /// The options that every command has; `-h` is another one where SVM has it so.
    fn standard_options(&self) -> [Arg; 2] {
        let definition = (self.definition)();
        let mut arguments = definition.get_arguments();
        let is_taken = arguments.any(|argument| argument.get_short() == Some('h'));
        let [json, help] = standard_options();
        if is_taken {
            [json, help.short(None).short('?').short_alias(None)]
        } else {
            [json, help]
        }
    }
}

/// The options that every command has. `--json` is here for the help page ([`is_json`]).
fn standard_options() -> [Arg; 2] {
    [
        Arg::new("json")
            .long("json")
            .help("Answer in JSON, also errors; may stand anywhere on the line")
            .action(ArgAction::SetTrue),
        Arg::new("help")
            .short('h')
            .short_alias('?')
            .long("help")
            .help("Print help")
            .action(ArgAction::Help),
    ]
}

/// What clap has to say instead of a parsed command line: help that was asked for, or an error.
fn unparsed(error: &clap::Error, command: &str, answer: &mut Answer) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            answer.text = error.to_string();
            Ok(())
        }
        _ => Err(explain::usage(command, error)),
    }
}
