// SPDX-License-Identifier: GPL-2.0
//! Dumps that are to stop while something does not answer, and programs that are told how far a
//! dump is (dump.md 5.4).

use crate::{
    env::{
        mddump,
        run,
        succeeded,
        Place, //
    },
    terminal::AtTerminal,
    test_restore::filled,
};
use rustix::fs::{
    fcntl_setfl,
    OFlags, //
};
use serde::Deserialize;
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        Read,
        Write, //
    },
    path::Path,
    process::{
        Child,
        Command,
        Stdio, //
    },
    thread::sleep,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Ends a process politely.
fn terminate(process: &str) {
    run("kill", ["-TERM", process]);
}

/// The status of a process that ends within so many seconds, and how long that took.
fn ended(child: &mut Child, most: u64) -> (Option<i32>, Duration) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(most) {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), begun.elapsed());
        }
        sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    panic!("it does not end");
}

fn text(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

/// Nobody reads the pipe, and nobody closes it.
#[test]
fn a_dump_that_nobody_reads_can_be_stopped() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let mut child = mddump("-0 -q -f -")
        .arg(&image)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut [0; 5000]).unwrap();
    sleep(Duration::from_millis(300));
    terminate(&child.id().to_string());
    let (status, _) = ended(&mut child, 30);
    assert_eq!(status, Some(3));
    let said = text(child.stderr.take().unwrap());
    for words in [
        "The ENTIRE dump is aborted.",
        "mddump: -: does not answer, and is not waited for any more",
        "next: ",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

/// A question is no reason to go on: who stops the dump need not answer it.
#[test]
fn a_question_does_not_keep_a_dump_that_is_to_stop() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let state = place.path("state");
    let mut command = mddump("-0 -B 500 --state");
    command
        .arg(&state)
        .arg("-f")
        .arg(place.path("file"))
        .arg(&image);
    let mut at = AtTerminal::run(&command);
    let question = "Is the new volume mounted and ready to go?";
    at.wait_for(question, 1);
    assert!(at.said().contains(question), "{}", at.said());
    terminate(&at.child.id().to_string());
    let (status, time) = ended(&mut at.child, 30);
    assert_eq!(status, Some(3));
    assert!(time < Duration::from_secs(8), "{time:?}");
    let (said, _) = at.ended();
    let next = format!("next: mddump --resume {}", state.display());
    assert!(said.contains(&next), "{said}");
}

/// A line of `--status-fd`.
#[derive(Debug, Deserialize)]
struct Line {
    state: String,
    volume: u32,
    written_kib: u64,
    estimated_kib: u64,
    seconds: u64,
}

/// A dump that tells how far it is in a file that is its third.
fn telling(place: &Place, image: &Path, file: &Path) -> Command {
    let words = "file=$1; shift; exec \"$@\" 3<>\"$file\"";
    let program = mddump("-0 -q --status-fd 3 -M -B 900 -f");
    let mut command = Command::new("sh");
    command.args(["-c", words, "sh"]).arg(file);
    command.arg(program.get_program()).args(program.get_args());
    command.arg(place.path("volume")).arg(image);
    command
}

#[test]
fn a_program_is_told_how_far_it_is() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let file = place.path("status");
    succeeded("mddump", &telling(&place, &image, &file).output().unwrap());
    let told = fs::read_to_string(&file).unwrap();
    let lines: Vec<Line> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (last, others) = lines.split_last().unwrap();
    assert!(!others.is_empty() && others.iter().all(|line| line.state == "writing"));
    assert!(lines.is_sorted_by_key(|line| (line.written_kib, line.seconds)));
    assert_eq!(last.state, "done");
    let volumes = (1..).take_while(|n| place.path(&format!("volume{n:03}")).exists());
    assert_eq!(volumes.count(), last.volume as usize);
    let differ = last.written_kib.abs_diff(last.estimated_kib);
    assert!(
        last.volume > 2 && differ * 20 < last.written_kib,
        "{last:?}"
    );
}

/// A program that does not listen does not keep the dump, and one that was not there is told so.
#[test]
fn nobody_has_to_listen() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let fifo = place.path("fifo");
    run("mkfifo", [&fifo]);
    let mut pipe = File::options().read(true).write(true).open(&fifo).unwrap();
    fcntl_setfl(&pipe, OFlags::NONBLOCK).unwrap();
    while pipe.write(&[b'x'; 4096]).is_ok() {}
    let mut child = telling(&place, &image, &fifo).spawn().unwrap();
    assert_eq!(ended(&mut child, 60).0, Some(0));
    let output = mddump("-0 --status-fd 77 -f /dev/null")
        .arg(&image)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--status-fd 77: "), "{said}");
}
