// SPDX-License-Identifier: GPL-2.0
//! Questions and a bar on a terminal, the answer to SIGUSR1, and a reader that takes its time
//! (dump.md 7, 10 and 17).

use crate::{
    env::{
        mddump,
        run,
        Place, //
    },
    terminal::AtTerminal, //
};
use md_dump::{
    console::{
        Console,
        Terminal, //
    },
    signals::Signals, //
};
use std::{
    env,
    fs::{
        self,
        File, //
    },
    io::{
        Read,
        Write, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Child,
        Command,
        Stdio, //
    },
    thread::sleep,
    time::Duration, //
};

/// Bytes of the one file in the image.
const BYTES: u64 = 200 << 20;

/// A file system with one large file.
fn large(place: &mut Place) -> PathBuf {
    let image = place.image("large", "250M", &["-t", "ext4"]);
    let at = place.mount(&image, "mount", "loop");
    let mut file = File::create(at.join("file")).unwrap();
    let piece = vec![7; 1 << 20];
    (0..BYTES >> 20).for_each(|_| file.write_all(&piece).unwrap());
    drop(file);
    place.unmount(&at);
    image
}

/// Most KiB of memory that a process has had.
fn most_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// A reader that stops for a while stops the dump, which does not fill the memory meanwhile, and
/// says how far it is.
#[test]
fn a_slow_reader_is_waited_for() {
    let mut place = Place::new();
    let image = large(&mut place);
    let mut child = mddump("-0 -q -f -")
        .arg(&image)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let mut bytes = vec![0; 4 << 20];
    pipe.read_exact(&mut bytes).unwrap();
    sleep(Duration::from_millis(1500));
    run("kill", ["-USR1", &child.id().to_string()]);
    sleep(Duration::from_millis(500));
    let memory = most_memory(&child);
    let mut all = bytes.len() as u64;
    while let Some(count) = pipe.read(&mut bytes).ok().filter(|count| *count > 0) {
        all += count as u64;
    }
    assert!(child.wait().unwrap().success());
    assert!(all > BYTES, "{all}");
    assert!(memory < 48 << 10, "{memory} KiB for {BYTES} bytes");
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let answer = said.lines().find(|line| line.contains("% done at "));
    let answer = answer.unwrap_or_else(|| panic!("{said}"));
    // "4.21% done at 8192 KB/s, finished in 0:01"
    let (percent, rest) = answer.split_once("% done at ").unwrap();
    let (rate, left) = rest.split_once(" KB/s, finished in ").unwrap();
    assert!(percent.parse::<f64>().unwrap() < 20.0, "{answer}");
    assert!(
        rate.parse::<u64>().unwrap() > 0 && left.contains(':'),
        "{answer}"
    );
    // What it says at the end: it has taken two seconds at least.
    for words in [
        "  DUMP: Volume 1 took 0:",
        "  DUMP: Volume 1 transfer rate: ",
        "  DUMP: Average transfer rate: ",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

/// Ctrl-C is a question, and where there is nobody to answer the dump ends.
#[test]
fn an_interrupt_asks_whether_to_stop() {
    let mut place = Place::new();
    let image = large(&mut place);
    let mut child = mddump("-0 -q -f -")
        .arg(&image)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let mut bytes = vec![0; 1 << 20];
    pipe.read_exact(&mut bytes).unwrap();
    run("kill", ["-INT", &child.id().to_string()]);
    while pipe.read(&mut bytes).is_ok_and(|count| count > 0) {}
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for words in [
        "Do you want to abort dump?: nobody is asked (-q)",
        "The ENTIRE dump is aborted.",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

/// What the program says on a terminal where somebody types these lines, and its status.
fn on_terminal(words: &str, image: &Path, typed: &str) -> (String, Option<i32>) {
    let mut at = AtTerminal::run(mddump(words).arg(image));
    at.type_in(typed);
    let (said, status) = at.ended();
    (said, status.code())
}

#[test]
fn who_sits_at_a_terminal_is_asked_and_sees_how_far_it_is() {
    let mut place = Place::new();
    let image = large(&mut place);
    let words = format!("-0 -B 100000 -f {}", place.path("file").display());
    let (said, status) = on_terminal(&words, &image, "perhaps\nno\nyes\n");
    assert_eq!(status, Some(3), "{said}");
    for words in [
        "Change Volumes: Mount volume #2",
        "Is the new volume mounted and ready to go?: (\"yes\" or \"no\")",
        "\"Yes\" or \"No\"?",
        "Do you want to abort?: (\"yes\" or \"no\")",
        "The ENTIRE dump is aborted.",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    // The bar, and how much is done.
    assert!(
        said.contains('\u{2588}') || said.contains('\u{2591}'),
        "{said}"
    );
    let (said, status) = on_terminal(&words, &image, "yes\nyes\n");
    assert_eq!(status, Some(0), "{said}");
    let (said, status) = on_terminal("-0 -f /nowhere/file", &image, "yes\nno\n");
    assert_eq!(status, Some(3), "{said}");
    assert_eq!(
        said.matches("Cannot open output \"/nowhere/file\"").count(),
        2,
        "{said}"
    );
}

/// Set where a test sits at a terminal itself.
const AT_TERMINAL: &str = "MD_DUMP_TEST_AT_TERMINAL";

/// Who does not answer is asked again, for good after two minutes (dump.md 5.4).
#[test]
fn a_question_is_repeated() {
    let question = "Do you see this?";
    if env::var_os(AT_TERMINAL).is_some() {
        let terminal = Terminal::new(false, false, Signals::default());
        let terminal = terminal.with_patience(Duration::from_millis(500));
        assert_eq!(terminal.ask(question), Some(true));
        return;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "test_terminal::a_question_is_repeated"]);
    let mut at = AtTerminal::run(command.arg("--nocapture").env(AT_TERMINAL, "1"));
    at.wait_for(question, 3);
    at.type_in("yes\n");
    let (said, status) = at.ended();
    let count = said.matches(question).count();
    assert!(status.success() && count >= 3, "{said}");
}
