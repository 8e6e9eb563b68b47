// SPDX-License-Identifier: GPL-2.0
//! Dumps that stop and go on (dump.md 7, 12).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore,
        said,
        succeeded,
        tool,
        tools,
        versions,
        Place, //
    },
    snapshot::{
        assert_same,
        take, //
    },
    test_restore::filled,
    test_volumes::{
        assert_same_dump,
        read,
        volumes, //
    },
};
use md_dump_format::decode::decode;
use std::{
    fs,
    path::Path,
    process::{
        Command,
        Stdio, //
    },
    thread,
    time::Duration, //
};

/// A script at the end of a volume goes on or stops; what was stopped goes on where it stopped, but
/// not if the file system or a volume is not what it was.
#[test]
fn a_dump_goes_on_only_with_what_it_was_begun_with() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let script = place.program("script", "echo \"$@\" >>\"$0.words\"; test \"$2\" -lt 2");
    let stop = place.program("stop", "test \"$2\" != 2 || exit 5");
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
    // -q is remembered, and no other file is written to than before.
    let told = said(resume(""), 3);
    assert!(told.contains("nobody is asked (-q)"), "{told}");
    assert!(said(resume("-f elsewhere"), 1).contains("cannot be used with '-f <FILE>'"));
    let words = fs::read_to_string(script.with_extension("words")).unwrap();
    let volume = |n: u32| format!("{}{n:03}", prefix.display());
    let lines = [1, 2, 3].map(|n| format!("{} {n}\n", volume(n)));
    assert_eq!(words, lines.concat());
    said(start(&stop), 3);
    let first = fs::read(volume(1)).unwrap();
    fs::write(volume(1), &first[1..]).unwrap();
    assert!(said(resume(""), 1).contains("is not as it was written"));
    fs::write(volume(1), &first).unwrap();
    let at = place.mount(&image, "mount", "loop");
    fs::write(at.join("later"), "x").unwrap();
    place.unmount(&at);
    let elsewhere = place.path("elsewhere");
    fs::rename(volume(2), &elsewhere).unwrap();
    let told = said(resume(""), 1);
    assert!(told.contains("volume002 is no file here"), "{told}");
    assert!(
        told.contains("was written to since its dump stopped"),
        "{told}"
    );
    fs::rename(&elsewhere, volume(2)).unwrap();
    refuses_another(&image, || resume("--force"));
    let mut command = Command::new("sh");
    let line = "status=$1; shift; exec \"$@\" 9>\"$status\"";
    command.args(["-c", line, "sh"]).arg(place.path("status"));
    let mddump = resume("--force --status-fd 9");
    command.arg(mddump.get_program()).args(mddump.get_args());
    let told = said(command, 0);
    assert!(told.contains("Volume 3 started"), "{told}");
    let volumes: Vec<_> = (1..100).map_while(|n| fs::read(volume(n)).ok()).collect();
    decode(&volumes).unwrap();
    let status = fs::read_to_string(place.path("status")).unwrap();
    counts_what_was_done_before(&volumes, &told, &status);
    assert!(said(resume(""), 1).contains("No such file"));
}

/// Another file system is never the one that was dumped.
fn refuses_another(image: &Path, resume: impl Fn() -> Command) {
    let whole = fs::read(image).unwrap();
    let mut command = tool(&tools().join("e2fs/debugfs"));
    let command = command
        .args(["-w", "-R", "set_super_value uuid random"])
        .arg(image);
    succeeded("debugfs", &command.output().unwrap());
    let told = said(resume(), 1);
    assert!(
        told.contains("is another file system than the one whose dump stopped"),
        "{told}"
    );
    fs::write(image, whole).unwrap();
}

/// What was done before counts, in what is said at the end and in each line of the status.
fn counts_what_was_done_before(volumes: &[Vec<u8>], told: &str, status: &str) {
    let records: usize = volumes.iter().map(|volume| volume.len() / 1024).sum();
    let words = format!("{records} blocks on {} volume(s)", volumes.len());
    assert!(told.contains(&words), "no {words:?} in {told}");
    let first = status.lines().next().unwrap();
    let done = first.split("\"written_kib\":").nth(1).unwrap();
    let done: u64 = done.split(',').next().unwrap().parse().unwrap();
    assert!((1700..records as u64).contains(&done), "{first}");
}

/// What is written to a mounted file system need not show on its device.
#[test]
fn a_mounted_file_system_is_not_gone_on_with() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let stop = place.program("stop", "test \"$2\" != 2 || exit 5");
    let (state, prefix) = (place.path("state"), place.path("volume"));
    for (options, is_written) in [("loop", true), ("loop,ro", false)] {
        let at = place.mount(&image, "mount", options);
        let mut command = mddump("-0 -q -M -B 900 --state");
        command.arg(&state).arg("-F").arg(&stop);
        command.arg("-f").arg(&prefix).arg(&at);
        let told = said(command, 3);
        let words = format!("mddump --resume {}", state.display());
        assert!(told.contains(&words), "{told}");
        assert_eq!(told.contains("--force"), is_written, "{told}");
        let resume = |more: &str| mddump(&format!("--resume {} {more}", state.display()));
        if is_written {
            let told = said(resume(""), 1);
            assert!(told.contains("is mounted, and so may have been"), "{told}");
            said(resume("--force"), 0);
        } else {
            said(resume(""), 0);
        }
        let paths = volumes(&prefix);
        decode(&read(&paths)).unwrap();
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
        place.unmount(&at);
    }
}

/// What became of a dump that was killed now and then.
#[derive(Debug, Default)]
struct Killed {
    /// How often it was killed.
    all: u32,
    /// How often it had been begun anew with its state then.
    resumed: u32,
}

/// Runs a dump that is killed after a while, and goes on until it is done.
fn until_done(start: &str, image: &Path, state: &Path, seed: u64, killed: &mut Killed) {
    for turn in 0.. {
        let is_resumed = state.exists();
        let mut command = if is_resumed {
            mddump(&format!("--resume {}", state.display()))
        } else {
            let mut command = mddump(start);
            command.arg(image);
            command
        };
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let delay = (seed * 37 + turn * 101) % 40;
        thread::sleep(Duration::from_millis(delay));
        if turn < 12 {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        if status.success() {
            return;
        }
        assert_eq!(status.code(), None, "it was killed");
        killed.all += 1;
        killed.resumed += u32::from(is_resumed);
    }
}

/// Killed at any moment, it goes on behind the last finished volume, and what comes out is what
/// comes out of a dump that was let alone (dump.md 7, 12).
#[test]
fn a_dump_that_is_killed_goes_on() {
    const KILLS: u32 = 200;
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let (state, prefix) = (place.path("state"), place.path("volume"));
    let start = format!(
        "-0 -M -B 200 --state {} -f {}",
        state.display(),
        prefix.display()
    );
    let whole = place.path("whole");
    dump(&format!("-0 -f {}", whole.display()), &image);
    let whole = decode(&[fs::read(whole).unwrap()]).unwrap();
    let is_long = std::env::var_os("MD_LONG").is_some();
    let wanted = if is_long { KILLS * 5 } else { KILLS };
    let mut killed = Killed::default();
    for seed in 1.. {
        until_done(&start, &image, &state, seed, &mut killed);
        let paths = volumes(&prefix);
        let is = decode(&read(&paths)).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        assert_same_dump(&is, &whole);
        assert!(paths.len() > 10 && !state.exists());
        if killed.resumed >= wanted {
            println!("{seed} dumps, {killed:?}");
            break;
        }
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
    }
    for version in versions() {
        clear(&target);
        restore(version, &format!("-r -M -f {}", prefix.display()), &target);
        assert_same(version, &take(&target), &should);
    }
}
