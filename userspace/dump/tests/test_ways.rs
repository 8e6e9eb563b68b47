// SPDX-License-Identifier: GPL-2.0
//! Pipes, other machines, compression, signals (dump.md 7, 10 to 12, 17 and 18).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore,
        restore_command,
        succeeded,
        tools,
        versions,
        Place, //
    },
    in_process::{
        small_image,
        Shelf,
        Small, //
    },
    snapshot::{
        assert_same,
        take, //
    },
    test_restore::filled,
};
use md_dump::{
    console::Recorded,
    signals::Signals, //
};
use md_dump_format::decode::decode;
use md_extfs::source::Source;
use std::{
    fs,
    io::{
        self,
        Read, //
    },
    os::unix::fs::PermissionsExt,
    path::{
        Path,
        PathBuf, //
    },
    process::Stdio,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
    thread,
    time::Duration, //
};

#[test]
fn a_pipe_leads_to_restore() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    for version in versions() {
        clear(&target);
        let mut from = mddump("-0 -f -")
            .arg(&image)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut command, _own) = restore_command(version, "-rf -", &target);
        let output = command.stdin(from.stdout.take().unwrap()).output().unwrap();
        succeeded(version, &output);
        assert!(from.wait().unwrap().success());
        fs::remove_file(target.join("restoresymtable")).unwrap();
        assert_same(version, &take(&target), &should);
    }
}

#[test]
fn a_reader_that_goes_ends_the_dump() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let mut command = mddump("-0 -f -");
    command
        .arg(&image)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut [0; 5000]).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("Broken pipe") && said.contains("Cannot recover"),
        "{said}"
    );
}

/// Nobody who listens is no reason to stop, unlike nobody who reads.
#[test]
fn messages_nobody_reads_do_no_harm() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let file = place.path("file");
    let mut command = mddump("-0 -f");
    let mut child = command
        .arg(&file)
        .arg(&image)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    decode(&[fs::read(file).unwrap()]).unwrap();
}

/// A script that stands for a remote shell: it runs what is asked for here.
fn shell(place: &Place) -> PathBuf {
    let lines = "echo \"$@\" >\"$0.words\"\nfor last; do :; done\nexec $last";
    program(place, "shell", lines)
}

fn rmt() -> PathBuf {
    let version = versions().last().expect("some version of dump");
    tools().join(version).join("rmt")
}

#[test]
fn another_machine_is_written_to_by_rmt() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let (shell, file) = (shell(&place), place.path("remote"));
    let there = format!("me@anyhost:{}", file.display());
    let mut command = mddump("-0 -f");
    command
        .arg(&there)
        .arg(&image)
        .env("RSH", &shell)
        .env("RMT", rmt());
    succeeded("mddump", &command.output().unwrap());
    decode(&[fs::read(&file).unwrap()]).unwrap();
    let words = fs::read_to_string(shell.with_extension("words")).unwrap();
    assert_eq!(words.trim(), format!("anyhost -l me {}", rmt().display()));
}

/// A medium that is full over there, and a server that goes.
#[test]
fn another_machine_may_fail() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let shell = shell(&place);
    let memory = place.memory("memory", "1024k");
    let names = format!(
        "host:{}/a,host:{}",
        memory.display(),
        place.path("b").display()
    );
    let mut command = mddump("-0 -f");
    command
        .arg(&names)
        .arg(&image)
        .env("RSH", &shell)
        .env("RMT", rmt());
    succeeded("mddump", &command.output().unwrap());
    let mut first = fs::read(memory.join("a")).unwrap();
    // The server has kept what it had room for, and cannot be asked to cut it.
    first.truncate(first.len() / 10_240 * 10_240);
    decode(&[first, fs::read(place.path("b")).unwrap()]).unwrap();
    let lines = "read a; read b; echo A0; read c; head -c 10240 >/dev/null";
    let dying = program(&place, "dying", lines);
    let mut command = mddump("-0 -q -f host:x");
    let output = command
        .arg(&image)
        .env("RSH", &shell)
        .env("RMT", &dying)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("write error ") && said.contains("rmt is gone"),
        "{said}"
    );
}

#[test]
fn compressed_dumps_are_restored() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let (plain, file) = (place.path("plain"), place.path("file"));
    dump(&format!("-0 -f {}", plain.display()), &image);
    for option in ["-z", "-z9", "-j"] {
        dump(&format!("-0 {option} -f {}", file.display()), &image);
        let lengths = [&file, &plain].map(|path| fs::metadata(path).unwrap().len());
        assert!(lengths[0] < lengths[1], "{lengths:?}");
        let bytes = fs::read(&file).unwrap();
        assert_eq!(bytes[888] & 0x80, 0x80);
        let word = u32::from_le_bytes(bytes[10_240..10_244].try_into().unwrap());
        assert_eq!((word >> 1) & 7, u32::from(option == "-j"));
        for version in versions() {
            clear(&target);
            restore(version, &format!("-rf {}", file.display()), &target);
            assert_same(&format!("{option} {version}"), &take(&target), &should);
        }
    }
}

/// -B counts what is on the medium.
#[test]
fn volumes_of_compressed_dumps_are_not_longer_than_asked_for() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let prefix = place.path("volume");
    dump(&format!("-0 -z -M -B 600 -f {}", prefix.display()), &image);
    let lengths = (1..100)
        .map_while(|n| fs::metadata(format!("{}{n:03}", prefix.display())).ok())
        .map(|found| found.len());
    let lengths: Vec<u64> = lengths.collect();
    assert!(lengths.len() > 2, "{lengths:?}");
    assert!(
        lengths.iter().all(|bytes| *bytes <= 600 * 1024),
        "{lengths:?}"
    );
    for version in versions() {
        clear(&target);
        restore(version, &format!("-r -M -f {}", prefix.display()), &target);
        assert_same(version, &take(&target), &should);
    }
}

/// The estimate is within two percent of what is written.
#[test]
fn the_estimate_is_near() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let file = place.path("file");
    dump(&format!("-0 -f {}", file.display()), &image);
    let output = mddump("-0 -S").arg(&image).output().unwrap();
    succeeded("mddump -S", &output);
    let estimate: u64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap();
    let is = fs::metadata(&file).unwrap().len();
    assert!(estimate.abs_diff(is) * 50 < is, "{estimate} and {is}");
}

/// The texts that scripts look for, in their order.
#[test]
fn a_dump_says_what_dump_has_always_said() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let said = dump(&format!("-0 -f {}", place.path("file").display()), &image);
    let mut rest = &said[..];
    for words in [
        "  DUMP: Date of this level 0 dump: ",
        "  DUMP: Dumping ",
        "  DUMP: Label: none",
        "  DUMP: Writing 10 Kilobyte records",
        "  DUMP: mapping (Pass I) [regular files]",
        "  DUMP: mapping (Pass II) [directories]",
        "  DUMP: estimated ",
        "  DUMP: Volume 1 started with block 1 at: ",
        "  DUMP: Closing ",
        "  DUMP: Volume 1 completed at: ",
        " blocks on 1 volume(s)",
        "  DUMP: Date this dump completed:  ",
        "  DUMP: DUMP IS DONE",
    ] {
        let at = rest.find(words);
        let at = at.unwrap_or_else(|| panic!("no {words:?} in {rest}"));
        rest = &rest[at + words.len()..];
    }
}

/// A source whose reader dies in the middle.
struct Deadly {
    image: Vec<u8>,
    is_armed: AtomicBool,
}

impl Source for Deadly {
    fn bytes(&self) -> u64 {
        self.image.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let is_worker = thread::current().name() != thread_name().as_deref();
        assert!(
            !is_worker || !self.is_armed.load(Ordering::Relaxed),
            "on purpose"
        );
        self.image.read_at(buffer, offset)
    }
}

/// The name of the thread that a test runs in.
fn thread_name() -> Option<String> {
    Some("test_ways::a_reader_that_dies_ends_the_dump".to_string())
}

#[test]
fn a_reader_that_dies_ends_the_dump() {
    let image = small_image(&mut Place::new());
    let small = Small::new(Deadly {
        image,
        is_armed: AtomicBool::new(false),
    });
    small.fs.source().is_armed.store(true, Ordering::Relaxed);
    let console = Recorded::default();
    let mut shelf = Shelf::new(&[]);
    assert!(small.dump(&mut shelf, &console, None).is_err());
    assert!(console.has("a reader of the dump is gone"));
    assert!(console.has("The ENTIRE dump is aborted."));
}

#[test]
fn signals_are_answered() {
    let small = Small::new(small_image(&mut Place::new()));
    let signals = Signals::default();
    signals.interrupt.store(true, Ordering::Relaxed);
    let console = Recorded::with_answers(&[false]);
    let mut shelf = Shelf::new(&[]);
    small
        .dump_with(&mut shelf, &console, None, signals.clone())
        .unwrap();
    assert!(console.has("Do you want to abort dump?"));
    signals.stop.store(true, Ordering::Relaxed);
    let stopped = small.dump_with(&mut shelf, &console, None, signals);
    assert!(stopped.is_err() && console.has("The ENTIRE dump is aborted."));
}

/// A program with these lines.
fn program(place: &Place, name: &str, lines: &str) -> PathBuf {
    let path = place.path(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What a dump says that must end with this status.
#[track_caller]
fn said(mut command: std::process::Command, status: i32) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// A script at the end of a volume goes on or stops; what was stopped goes on where it stopped, but
/// not if the file system or a volume is not what it was.
#[test]
fn a_dump_goes_on_only_with_what_it_was_begun_with() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let script = program(
        &place,
        "script",
        "echo \"$@\" >>\"$0.words\"; test \"$2\" != 2",
    );
    let stop = program(&place, "stop", "test \"$2\" != 2 || exit 5");
    let (state, prefix) = (place.path("state"), place.path("volume"));
    let state = state.display().to_string();
    let start = |program: &Path| {
        let mut command = mddump("-0 -q -M -B 900 --state");
        command
            .arg(&state)
            .arg("-F")
            .arg(program)
            .arg("-f")
            .arg(&prefix)
            .arg(&image);
        command
    };
    let resume = |more: &str| mddump(&format!("--resume {state} {more}"));
    // Asking ends it too, since nobody is there.
    let told = said(start(&script), 3);
    assert!(
        told.contains("Is the new volume mounted") && told.contains("--resume"),
        "{told}"
    );
    let words = fs::read_to_string(script.with_extension("words")).unwrap();
    let volume = |n: u32| format!("{}{n:03}", prefix.display());
    assert_eq!(words, format!("{} 1\n{} 2\n", volume(1), volume(2)));
    said(start(&stop), 3);
    let first = fs::read(volume(1)).unwrap();
    fs::write(volume(1), &first[1..]).unwrap();
    assert!(said(resume(""), 1).contains("is not as it was written"));
    fs::write(volume(1), &first).unwrap();
    let at = place.mount(&image, "mount", "loop");
    fs::write(at.join("later"), "x").unwrap();
    place.unmount(&at);
    assert!(said(resume(""), 1).contains("was written to since its dump stopped"));
    let told = said(resume("--force"), 0);
    assert!(told.contains("Volume 3 started"), "{told}");
    let volumes: Vec<_> = (1..100).map_while(|n| fs::read(volume(n)).ok()).collect();
    decode(&volumes).unwrap();
    assert!(said(resume(""), 1).contains("No such file"));
}

/// Runs a dump that is killed after a while, and goes on until it is done; how often it was killed.
fn until_done(start: &str, image: &Path, state: &Path, seed: u64) -> u32 {
    let mut kills = 0;
    loop {
        let mut command = if state.exists() {
            mddump(&format!("--resume {}", state.display()))
        } else {
            let mut command = mddump(start);
            command.arg(image);
            command
        };
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let delay = (seed * 37 + u64::from(kills) * 101) % 40;
        thread::sleep(Duration::from_millis(delay));
        if kills < 6 {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        if status.success() {
            return kills;
        }
        assert_eq!(status.code(), None, "it was killed");
        kills += 1;
    }
}

/// Killed at any moment, it goes on behind the last finished volume (dump.md 7, 12).
#[test]
fn a_dump_that_is_killed_goes_on() {
    const KILLS: u32 = 200;
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let (state, prefix) = (place.path("state"), place.path("volume"));
    let start = format!(
        "-0 -M -B 200 --state {} -f {}",
        state.display(),
        prefix.display()
    );
    let wanted = if std::env::var_os("MD_LONG").is_some() {
        KILLS * 5
    } else {
        KILLS
    };
    let (mut kills, mut seed) = (0, 0);
    while kills < wanted {
        seed += 1;
        kills += until_done(&start, &image, &state, seed);
        let volumes: Vec<_> = (1..1000)
            .map_while(|n| fs::read(format!("{}{n:03}", prefix.display())).ok())
            .collect();
        decode(&volumes).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        assert!(volumes.len() > 10 && !state.exists());
        (1..=volumes.len())
            .for_each(|n| fs::remove_file(format!("{}{n:03}", prefix.display())).unwrap());
    }
}
