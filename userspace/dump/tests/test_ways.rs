// SPDX-License-Identifier: GPL-2.0
//! Pipes, compression, messages, threads that die (dump.md 7, 10, 12, 17 and 18).

use crate::{
    env::{
        clear,
        dump,
        mddump,
        restore,
        restore_command,
        succeeded,
        versions,
        Place, //
    },
    in_process::{
        image_of_batches,
        small_image,
        Medium,
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
    job::Job,
    progress::Meter,
    signals::Signals,
    state::Checkpoint, //
};
use md_dump_format::decode::decode;
use md_extfs::source::Source;
use std::{
    cell::Cell,
    fs,
    io::{
        self,
        Read, //
    },
    process::Stdio,
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        OnceLock, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
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
        "  DUMP: dumping (Pass III) [directories]",
        "  DUMP: dumping (Pass IV) [regular files]",
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

thread_local! {
    /// How long the clock of this test has gone.
    static GONE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A clock that goes on by three seconds whenever it is looked at.
fn clock() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    let gone = GONE.get() + Duration::from_secs(3);
    GONE.set(gone);
    *START.get_or_init(Instant::now) + gone
}

/// How long a volume took and how fast it was is told at its end, by the clock that is handed in;
/// and every five minutes how far it is.
#[test]
fn times_and_rates_are_told() {
    let small = Small::new(image_of_batches(&mut Place::new()));
    let console = Recorded::default();
    let mut meter = Meter::new(false).with_clock(clock);
    let mut shelf = Shelf::new(&[Medium::Blocks(2000)]);
    let slow = |job: &mut Job<'_, Vec<u8>>| job.identity.ntrec = 1;
    let totals = small.dump_measured(
        &mut shelf,
        &console,
        Checkpoint::default(),
        slow,
        &mut meter,
    );
    let totals = totals.unwrap();
    let lines = console.lines.lock().unwrap();
    let mut rates = Vec::new();
    for (volume, bytes) in shelf.bytes().iter().enumerate() {
        let (volume, blocks) = (volume + 1, bytes.len() / 1024);
        let told = |words: &str| {
            let start = format!("Volume {volume} {words}");
            let found = lines.iter().find_map(|line| line.strip_prefix(&start));
            found.unwrap_or_else(|| panic!("no {start:?} in {lines:?}"))
        };
        assert_eq!(
            told(&format!("{blocks} blocks ")),
            format!("({} bytes)", bytes.len())
        );
        let took: Vec<u64> = told("took ")
            .split(':')
            .map(|word| word.parse().unwrap())
            .collect();
        let seconds = took[0] * 3600 + took[1] * 60 + took[2];
        assert!(seconds >= 3 && seconds % 3 == 0, "{seconds}");
        let rate = blocks as u64 / seconds;
        assert_eq!(told("transfer rate: "), format!("{rate} KB/s"));
        rates.push(rate);
    }
    assert_eq!(rates.len(), 2);
    assert_eq!(totals.average_rate(), Some((rates[0] + rates[1]) / 2));
}

/// A clock on which five minutes go by whenever it is looked at.
fn fast_clock() -> Instant {
    GONE.set(GONE.get() + Duration::from_secs(297));
    clock()
}

#[test]
fn every_five_minutes_it_is_told_how_far_a_dump_is() {
    let small = Small::new(image_of_batches(&mut Place::new()));
    let told = |clock: fn() -> Instant| {
        let console = Recorded::default();
        let mut meter = Meter::new(false).with_clock(clock);
        let mut shelf = Shelf::new(&[]);
        let (start, as_it_is) = (Checkpoint::default(), |_: &mut Job<'_, Vec<u8>>| ());
        let done = small.dump_measured(&mut shelf, &console, start, as_it_is, &mut meter);
        done.unwrap();
        let lines = console.lines.into_inner().unwrap();
        let mut lines = lines.into_iter();
        lines.find(|line| line.contains("% done, finished in "))
    };
    let line = told(fast_clock).expect("it takes long enough");
    let (percent, left) = line.split_once("% done, finished in ").unwrap();
    assert!(
        (10.0..=100.0).contains(&percent.parse::<f64>().unwrap()),
        "{line}"
    );
    assert!(
        left.split_once(':')
            .is_some_and(|(_, minutes)| minutes.len() == 2),
        "{line}"
    );
    assert_eq!(told(Instant::now), None);
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
        .dump_with(&mut shelf, &console, signals.clone())
        .unwrap();
    assert!(console.has("Do you want to abort dump?"));
    // Who says yes, and who cannot be asked, has it end.
    for answers in [&[true][..], &[]] {
        signals.interrupt.store(true, Ordering::Relaxed);
        let console = Recorded::with_answers(answers);
        let ended = small.dump_with(&mut shelf, &console, signals.clone());
        assert!(ended.is_err() && console.has("Do you want to abort dump?"));
        assert!(console.has("The ENTIRE dump is aborted."));
    }
    signals.stop.store(true, Ordering::Relaxed);
    let stopped = small.dump_with(&mut shelf, &console, signals);
    assert!(stopped.is_err() && console.has("The ENTIRE dump is aborted."));
}
