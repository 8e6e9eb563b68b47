// SPDX-License-Identifier: GPL-2.0
//! Dumps to another machine (dump.md 7, 11).

use crate::{
    env::{
        clear,
        mddump,
        restore,
        said,
        succeeded,
        tools,
        versions,
        Place, //
    },
    snapshot::{
        assert_same,
        take, //
    },
    terminal::AtTerminal,
    test_restore::filled,
};
use md_dump_format::decode::decode;
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{
        Child,
        Command,
        Stdio, //
    },
    thread::sleep,
    time::Duration, //
};
use tempfile::TempDir;

/// A script that stands for a remote shell: it runs what is asked for here.
fn shell(place: &Place) -> PathBuf {
    let lines = "echo \"$@\" >\"$0.words\"\nfor last; do :; done\nexec $last";
    place.program("shell", lines)
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
    // A file is no tape, which would come out.
    let mut command = mddump("-0 --eject -f");
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
    let told = said(command, 0);
    assert!(told.contains("truncate -s "), "{told}");
    let (first, second) = names.split_once(',').unwrap();
    for words in [
        &format!("DUMP: Dumping volume 1 on {first}\n"),
        "DUMP: End of tape detected\n",
        &format!("DUMP: Dumping volume 2 on {second}\n"),
    ] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    let mut first = fs::read(memory.join("a")).unwrap();
    // The server has kept what it had room for, and cannot be asked to cut it.
    first.truncate(first.len() / 10_240 * 10_240);
    decode(&[first, fs::read(place.path("b")).unwrap()]).unwrap();
    let lines = "read a; read b; echo A0; read c; head -c 10240 >/dev/null";
    let dying = place.program("dying", lines);
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

/// Ctrl-C is a question, and what runs the program over there does not end by it.
#[test]
fn an_interrupt_does_not_break_the_way_to_another_machine() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let lines = "touch \"$0.begun\"\nsleep 1\nfor last; do :; done\nexec $last";
    let (shell, file) = (place.program("slow", lines), place.path("remote"));
    let mut command = mddump("-0 -f");
    let remote = format!("host:{}", file.display());
    let command = command.arg(remote).arg(&image);
    let mut at = AtTerminal::run(command.env("RSH", &shell).env("RMT", rmt()));
    let begun = shell.with_extension("begun");
    while !begun.exists() && at.child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(10));
    }
    at.type_in("\x03");
    let question = "Do you want to abort dump?";
    at.wait_for(question, 1);
    at.type_in("no\n");
    let (said, status) = at.ended();
    assert!(said.contains(question), "{said}");
    assert!(status.success(), "{status}: {said}");
    decode(&[fs::read(&file).unwrap()]).unwrap();
}

/// A tape drive of another machine, as its rmt answers: a tape has room for 60 blocks, and comes
/// out if it shall. The next one is in when that was asked for the second time.
const DRIVE: &str = r#"
tape() { if [ -e "$0.second" ]; then echo "$0.2"; else echo "$0.1"; fi; }
fails() { printf 'E%s\n%s\n' "$1" "$2"; }
while read -r request; do
	echo "$request" >>"$0.log"
	case $request in
	O*)
		read -r mode
		if [ ! -e "$0.out" ]; then
			echo A0
		elif [ ! -e "$0.asked" ]; then
			touch "$0.asked"
			fails 123 'No medium found'
		else
			rm "$0.out"
			touch "$0.second"
			echo A0
		fi
		;;
	W*)
		head -c "${request#W}" >"$0.block"
		size=$(cat "$0.1" 2>/dev/null | wc -c)
		if [ "$(tape)" = "$0.1" ] && [ "$size" -ge 614400 ]; then
			fails 28 'No space left on device'
		else
			cat "$0.block" >>"$(tape)"
			echo "A${request#W}"
		fi
		;;
	I*)
		read -r count
		[ "$request" != I7 ] || touch "$0.out"
		echo A0
		;;
	*) echo A0 ;;
	esac
done
"#;

/// -l has the tape of another machine come out, and waits for the next one there.
#[test]
fn a_changer_of_another_machine_is_waited_for() {
    let mut place = Place::new();
    let (image, _) = filled(&mut place, "source", "-t ext4");
    let (shell, drive) = (shell(&place), place.program("drive", DRIVE));
    let mut command = mddump("-0 -q -l 60 -f host:tape");
    command.arg(&image).env("RSH", &shell).env("RMT", &drive);
    let told = said(command, 0);
    assert_eq!(
        told.matches("DUMP: Ejecting host:tape\n").count(),
        2,
        "{told}"
    );
    assert!(!told.contains("Is the new volume mounted"), "{told}");
    let tapes = ["1", "2"].map(|number| fs::read(drive.with_extension(number)).unwrap());
    assert_eq!(tapes[0].len(), 614_400);
    decode(&tapes).unwrap();
    let log = fs::read_to_string(drive.with_extension("log")).unwrap();
    let requests: Vec<_> = log.lines().filter(|line| !line.starts_with('W')).collect();
    // Of the second tape it is asked twice whether it is there.
    let of_a_tape = ["Otape", "I8", "I5", "I7", "C"];
    let mut should = of_a_tape.to_vec();
    should.extend(["Otape", "Otape", "I8"]);
    should.extend(of_a_tape);
    assert_eq!(requests, should);
}

/// A server of ssh, which ends with this.
struct Server {
    process: Child,
    /// Its keys. It does not trust a folder below one that everybody may write to.
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A remote shell that is OpenSSH, to a server of another make that is this machine. Nothing of the
/// machine's own configuration is used.
fn ssh(place: &Place) -> (PathBuf, Server) {
    let folder = tempfile::tempdir_in("/run").unwrap();
    let key = |name: &str| folder.path().join(name).display().to_string();
    let program = |name: &str| {
        let mut command = Command::new(tools().join("ssh").join(name));
        command.env("LD_LIBRARY_PATH", tools().join("lib"));
        command
    };
    let mut command = program("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f", &key("key")]);
    succeeded("ssh-keygen", &command.output().unwrap());
    fs::copy(key("key.pub"), key("authorized_keys")).unwrap();
    let mut command = program("dropbearkey");
    command.args(["-t", "ed25519", "-f", &key("host")]);
    succeeded("dropbearkey", &command.output().unwrap());
    // A port that nobody else has.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut command = program("dropbear");
    command.args(["-F", "-E", "-s", "-p", &format!("127.0.0.1:{port}")]);
    command.args(["-r", &key("host"), "-P", &key("pid"), "-D"]);
    command.arg(folder.path()).stderr(Stdio::null());
    let process = command.spawn().unwrap();
    let lines = format!(
        "LD_LIBRARY_PATH={} exec {} -F /dev/null -i {} -p {port} -o HostName=127.0.0.1 \
         -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         -o LogLevel=ERROR -o ConnectionAttempts=20 \"$@\"",
        tools().join("lib").display(),
        tools().join("ssh/ssh").display(),
        key("key"),
    );
    let shell = place.program("ssh.sh", &lines);
    (shell, Server { process, folder })
}

#[test]
fn ssh_leads_to_another_machine() {
    let mut place = Place::new();
    let target = place.target("target");
    let (image, should) = filled(&mut place, "source", "-t ext4");
    let ((shell, server), file) = (ssh(&place), place.path("remote"));
    let mut command = mddump("-0 -f");
    command
        .arg(format!("root@anyhost:{}", file.display()))
        .arg(&image)
        .env("RSH", &shell)
        .env("RMT", rmt());
    succeeded("mddump", &command.output().unwrap());
    for version in versions() {
        clear(&target);
        restore(version, &format!("-rf {}", file.display()), &target);
        assert_same(version, &take(&target), &should);
    }
    // Who is not let in is told so, and nothing hangs.
    fs::write(server.folder.path().join("authorized_keys"), "").unwrap();
    let mut command = mddump("-0 -q -f root@anyhost:x");
    command.arg(&image).env("RSH", &shell).env("RMT", rmt());
    assert!(said(command, 3).contains("Cannot open output"));
}
