// SPDX-License-Identifier: GPL-2.0
//! Debian's tools, images of file systems that can be mounted, and the program itself.

use std::{
    ffi::OsStr,
    fs::{
        self,
        Permissions, //
    },
    io::{
        stderr,
        Write, //
    },
    os::unix::fs::PermissionsExt,
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        Output, //
    },
    sync::OnceLock,
    thread::sleep,
    time::Duration, //
};
use tempfile::TempDir;

/// Versions of `restore` that are asked for.
pub(crate) const VERSIONS: [&str; 4] = ["0.4b47", "0.4b49", "0.4b54", "0.4b56"];

/// The folder with Debian's tools.
pub(crate) fn tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/dump-tools");
        let output = Command::new(script).output().expect("the script is there");
        succeeded("scripts/dump-tools", &output);
        let path = String::from_utf8(output.stdout).expect("a path");
        path.trim().into()
    })
}

/// Versions of `restore` that can be had here.
pub(crate) fn versions() -> &'static [&'static str] {
    static FOUND: OnceLock<Vec<&str>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let missing = fs::read_to_string(tools().join("missing")).unwrap_or_default();
        let is_there = |version: &&&str| tools().join(version).is_dir();
        for version in VERSIONS.iter().filter(|version| !is_there(version)) {
            // The harness of the tests keeps what is printed by the macros, and would lose this.
            let _ = writeln!(
                stderr(),
                "\nskipped: restore {version}: cannot be had here: {}",
                missing.trim().replace('\n', "; ")
            );
        }
        let found: Vec<_> = VERSIONS.iter().filter(is_there).copied().collect();
        assert!(!found.is_empty(), "no version of restore can be had");
        found
    })
}

/// A command with Debian's libraries, which ends some time.
pub(crate) fn tool(path: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg("120").arg(path);
    command.env("LD_LIBRARY_PATH", tools().join("lib"));
    command
}

/// Panics unless a program has succeeded.
#[track_caller]
pub(crate) fn succeeded(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a program that must succeed.
#[track_caller]
pub(crate) fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) {
    let output = Command::new(program).args(arguments).output();
    succeeded(program, &output.expect("it can be started"));
}

/// The program, with words.
pub(crate) fn mddump(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mddump"));
    command.args(words.split_whitespace());
    command
}

/// Runs the program, which must succeed; what it has said.
#[track_caller]
pub(crate) fn dump(words: &str, path: &Path) -> String {
    let output = mddump(words).arg(path).output().expect("it can be started");
    succeeded(words, &output);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the program says when it must end with this status.
#[track_caller]
pub(crate) fn said(mut command: Command, status: i32) -> String {
    let output = command.output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// A folder that is gone at the end, and what is mounted in it too.
pub(crate) struct Place {
    folder: TempDir,
    mounts: Vec<PathBuf>,
    loops: Vec<PathBuf>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place {
            folder: tempfile::tempdir().expect("a folder"),
            mounts: Vec::new(),
            loops: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A shell script with these lines.
    pub(crate) fn program(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// Makes a file system in an image.
    pub(crate) fn image(&self, name: &str, size: &str, options: &[&str]) -> PathBuf {
        let path = self.path(name);
        let _ = fs::remove_file(&path);
        let mut command = tool(&tools().join("e2fs/mke2fs"));
        command.args(["-q", "-F", "-m", "0"]).args(options);
        let output = command.arg(&path).arg(size).output();
        succeeded("mke2fs", &output.expect("it can be started"));
        path
    }

    /// Mounts something.
    pub(crate) fn mount(&mut self, what: &Path, name: &str, options: &str) -> PathBuf {
        self.try_mount(what, name, options)
            .expect("it can be mounted")
    }

    /// The same, if the kernel knows this kind of file system.
    pub(crate) fn try_mount(&mut self, what: &Path, name: &str, options: &str) -> Option<PathBuf> {
        let at = self.path(name);
        fs::create_dir_all(&at).expect("a folder");
        let mut command = Command::new("mount");
        let status = command.arg("-o").arg(options).arg(what).arg(&at).status();
        if !status.is_ok_and(|status| status.success()) {
            return None;
        }
        self.mounts.push(at.clone());
        Some(at)
    }

    /// A block device that stands for an image, with sectors of so many bytes.
    pub(crate) fn device(&mut self, image: &Path, sector: &str) -> PathBuf {
        let mut command = Command::new("losetup");
        command.args(["--find", "--show", "--sector-size", sector]);
        let output = command.arg(image).output().expect("it can be started");
        succeeded("losetup", &output);
        let device = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        self.loops.push(device.clone());
        device
    }

    /// A file system in memory of this size.
    pub(crate) fn memory(&mut self, name: &str, size: &str) -> PathBuf {
        let at = self.path(name);
        fs::create_dir_all(&at).expect("a folder");
        let options = format!("size={size}");
        let words = [
            "-t",
            "tmpfs",
            "-o",
            &options,
            "none",
            at.to_str().expect("a path"),
        ];
        run("mount", words);
        self.mounts.push(at.clone());
        at
    }

    pub(crate) fn unmount(&mut self, at: &Path) {
        self.mounts.retain(|mount| mount != at);
        // A process that another test has just started may still have our files open.
        for _ in 0..100 {
            if Command::new("umount")
                .arg(at)
                .status()
                .is_ok_and(|status| status.success())
            {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{at:?} cannot be unmounted");
    }

    /// A fresh file system to restore into, mounted. Who looks at what was restored does not change
    /// it.
    pub(crate) fn target(&mut self, name: &str) -> PathBuf {
        let image = self.image(&format!("{name}.image"), "600M", &["-t", "ext4"]);
        let at = self.mount(&image, name, "loop,noatime");
        fs::remove_dir(at.join("lost+found")).expect("an empty folder");
        at
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for mount in self.mounts.iter().rev() {
            let _ = Command::new("umount").arg("-l").arg(mount).status();
        }
        for device in &self.loops {
            let _ = Command::new("losetup").arg("-d").arg(device).status();
        }
    }
}

/// `restore` with words in a folder. What it keeps for itself is not shared with others.
pub(crate) fn restore_command(version: &str, words: &str, folder: &Path) -> (Command, TempDir) {
    let own = tempfile::tempdir().expect("a folder");
    let mut command = tool(&tools().join(version).join("restore"));
    command.args(words.split_whitespace());
    command.current_dir(folder).env("TMPDIR", own.path());
    (command, own)
}

/// Restores, and leaves only what was restored. What it has said.
#[track_caller]
pub(crate) fn restore(version: &str, words: &str, folder: &Path) -> String {
    let (mut command, _own) = restore_command(version, words, folder);
    let output = command.output().expect("it can be started");
    succeeded(&format!("restore {version} {words}"), &output);
    let _ = fs::remove_file(folder.join("restoresymtable"));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Removes everything in a folder.
pub(crate) fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            fs::remove_dir_all(entry.path()).expect("removed");
        } else {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
}
