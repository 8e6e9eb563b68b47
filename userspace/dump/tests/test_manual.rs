// SPDX-License-Identifier: GPL-2.0
//! The manual page `packaging/man/mddump.8` is made from the options, and is as they are.
//!
//! To make it again: `WRITE_MANUAL=1 scripts/in-root cargo test --manifest-path
//! userspace/Cargo.toml --locked --release -p md-dump --test runner manual`.

use clap::{
    Command,
    CommandFactory, //
};
use clap_mangen::Man;
use md_dump::options::Arguments;
use std::{
    env,
    fs, //
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/man/mddump.8");

const HEAD: &str = r#".\" SPDX-License-Identifier: GPL-2.0
.\" Made by userspace/dump/tests/test_manual.rs, which says how. Do not edit.
"#;

const SYNOPSIS: &str = r#".SH SYNOPSIS
\fBmddump\fR [\fB\-0\fR ... \fB\-9\fR] [\fIOPTION\fR]... \fIFILESYSTEM\fR
.br
\fBmddump \-\-from\-submirror\fR \fId10/d12\fR [\fIOPTION\fR]...
.br
\fBmddump \-\-resume\fR \fIFILE\fR
.br
\fBmddump \-W\fR | \fB\-w\fR
"#;

/// What the page says beside the options.
const FILES: &str = r#".SH FILES
.TP
\fI/var/lib/dumpdates\fR
When what was dumped at which level, as Debian's dump keeps it.
.TP
\fI/etc/fstab\fR
What \fB\-W\fR and \fB\-w\fR tell about.
.SH ENVIRONMENT
.TP
\fBTAPE\fR
Where to, without \fB\-f\fR.
.TP
\fBRSH\fR, \fBRMT\fR
What runs a program on another machine, ssh unless it is set, and the program there, /etc/rmt unless
it is set.
.SH SIGNALS
.TP
\fBSIGUSR1\fR
Say how far it is.
.TP
\fBSIGINT\fR
Ask whether to stop.
.TP
\fBSIGTERM\fR, \fBSIGHUP\fR
Stop. What does not answer is left behind after ten seconds. A side of a mirror is brought back, but
for one that \fB\-\-resume\fR goes on with.
.SH "SEE ALSO"
.BR restore (8),
.BR mdctl (8)
"#;

fn definition() -> Command {
    Arguments::command()
}

fn page() -> String {
    let man = Man::new(definition()).section("8").source("").manual("");
    let mut text = HEAD.as_bytes().to_vec();
    man.render_title(&mut text).unwrap();
    man.render_name_section(&mut text).unwrap();
    text.extend(SYNOPSIS.as_bytes());
    man.render_description_section(&mut text).unwrap();
    man.render_options_section(&mut text).unwrap();
    man.render_extra_section(&mut text).unwrap();
    text.extend(FILES.as_bytes());
    let text = String::from_utf8(text).unwrap();
    // The title ends with a blank for each thing that it does not say.
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[test]
fn the_manual_is_as_the_options_are() {
    let page = page();
    if env::var_os("WRITE_MANUAL").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(PAGE).unwrap(), page);
}

#[test]
fn the_manual_names_every_option() {
    let page = page().replace("\\-", "-");
    let definition = definition();
    let shown = definition
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    let mut count = 0;
    for argument in shown {
        let short = argument.get_short().map(|letter| format!("-{letter}"));
        let long = argument.get_long().map(|word| format!("--{word}"));
        for name in short.into_iter().chain(long) {
            assert!(page.contains(&format!("\\fB{name}\\fR")), "{name}");
            count += 1;
        }
    }
    assert!(count > 35, "{count}");
}
