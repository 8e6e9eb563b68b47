// SPDX-License-Identifier: GPL-2.0
//! What a guest is made of: the options of `scripts/vm`.

use std::{
    ffi::OsString,
    path::{
        Path,
        PathBuf, //
    },
    time::Duration, //
};

use anyhow::{
    bail,
    ensure,
    Result, //
};
use clap::Args;

/// How many fresh disks a guest has when nothing is said.
const DEFAULT_DISKS: usize = 4;
/// The virtio-scsi controller has this many targets, one per disk.
const MAX_DISKS: usize = 255;

/// Boots the stock kernel in QEMU with our modules and tool, and runs SCRIPT under bash as root.
///
/// Exits with the status of SCRIPT; 124 on time-out; 86 if the kernel reported an oops, BUG,
/// WARNING, lockdep, KASAN or kmemleak finding, a hung task or a panic that was not expected;
/// 125 if the guest could not be run at all.
#[derive(Args, Clone, Debug)]
#[command(
    name = "scripts/vm",
    override_usage = "scripts/vm [OPTIONS] SCRIPT [ARG...] | -i | --initrd FILE"
)]
pub(crate) struct VmOptions {
    /// Kernel series of the suite.
    #[arg(long, value_name = "K", default_value = "7.3")]
    pub(crate) kernel: String,
    /// Use the debug kernel of that series (KASAN, lockdep, fault injection).
    #[arg(long)]
    pub(crate) debug: bool,
    /// With the debug kernel, also look for lost memory when SCRIPT has ended (kmemleak), which
    /// takes twice the time.
    #[arg(long)]
    pub(crate) leaks: bool,
    /// Take our modules from this folder instead of the build's.
    #[arg(long, value_name = "DIR")]
    pub(crate) modules: Option<PathBuf>,
    /// Number of virtio-scsi disks, /dev/sda and on [default: 4, or the number of --disk].
    #[arg(long, value_name = "N")]
    pub(crate) disks: Option<usize>,
    /// Size of each fresh disk.
    #[arg(long, value_name = "S", default_value = "256M", value_parser = parse_size)]
    pub(crate) disk_size: u64,
    /// Use this image for the next disk and keep what is written (may be repeated).
    #[arg(long, value_name = "FILE")]
    pub(crate) disk: Vec<PathBuf>,
    /// Logical block size of all disks.
    #[arg(long, value_name = "B", default_value = "512", value_parser = parse_block_size)]
    pub(crate) logical_block_size: u32,
    /// Physical block size of all disks [default: the logical one].
    #[arg(long, value_name = "B", value_parser = parse_block_size)]
    pub(crate) physical_block_size: Option<u32>,
    /// Show this host folder to the guest, read-only, at /host.
    #[arg(long, value_name = "DIR")]
    pub(crate) share: Option<PathBuf>,
    /// What the guest writes to /out comes to this host folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Connect a network card to this end, FILE.a or FILE.b, of a wire to another guest, which has
    /// the other end. Nothing else is on it.
    #[arg(long, value_name = "FILE", value_parser = parse_wire)]
    pub(crate) wire: Option<Wire>,
    /// Number of processors.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) smp: u32,
    /// Memory of the guest.
    #[arg(long, value_name = "S", default_value = "1G", value_parser = parse_size)]
    pub(crate) mem: u64,
    /// Deterministic time: one guest instruction is one nanosecond.
    #[arg(long)]
    pub(crate) icount: bool,
    /// More words for the kernel command line (may be repeated).
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) append: Vec<String>,
    /// Give up when SCRIPT has taken so many seconds, with status 124 [default: 600; none for a
    /// shell on a terminal]. The boot has a limit of its own, with status 125.
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Succeed if and only if the kernel panics with this text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) expect_panic: Option<String>,
    /// Pull the plug so many seconds after SCRIPT started; unflushed writes are partly lost.
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    pub(crate) kill_after: Option<Duration>,
    /// Decides what a power cut loses; the guest sees it as $SEED [default: random].
    #[arg(long, value_name = "N", value_parser = parse_seed)]
    pub(crate) seed: Option<u64>,
    /// Boot this initramfs instead of the harness's own. What it boots is to say how it fares at
    /// the ports md.state and md.output, as guest/stage2 does.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["words", "interactive"])]
    pub(crate) initrd: Option<PathBuf>,
    /// A shell on the terminal instead of SCRIPT (Ctrl-] pulls the plug).
    #[arg(short, long, conflicts_with_all = ["words", "kill_after", "expect_panic"])]
    pub(crate) interactive: bool,
    /// The kernel's console goes to this file [default: below build/vm, kept on failure].
    #[arg(long, value_name = "FILE")]
    pub(crate) console: Option<PathBuf>,

    /// An environment variable for SCRIPT (may be repeated).
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_variable)]
    pub(crate) env: Vec<String>,

    /// The kernel kit (set by scripts/vm).
    #[arg(long, value_name = "DIR", hide = true, required = true)]
    pub(crate) kit: PathBuf,
    /// The guest's root file system image (set by scripts/vm).
    #[arg(long, value_name = "FILE", hide = true, required = true)]
    pub(crate) image: PathBuf,

    /// Runs in the guest under bash, as root, with standard input empty; then its arguments.
    #[arg(
        trailing_var_arg = true,
        required_unless_present_any = ["interactive", "initrd"],
        value_name = "SCRIPT [ARG...]"
    )]
    pub(crate) words: Vec<OsString>,
}

/// An end of a wire between two guests: unix sockets, so that it needs no network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wire {
    /// Our end.
    pub(crate) ours: PathBuf,
    /// The other one.
    pub(crate) theirs: PathBuf,
    /// Hardware address of our card.
    pub(crate) mac: &'static str,
}

impl VmOptions {
    /// Number of disks, the given images included.
    pub(crate) fn disk_count(&self) -> usize {
        let given = self.disk.len();
        let fallback = if given == 0 { DEFAULT_DISKS } else { given };
        self.disks.unwrap_or(fallback).max(given)
    }

    /// SCRIPT, unless a shell was asked for.
    pub(crate) fn script(&self) -> Option<&Path> {
        self.words.first().map(Path::new)
    }

    /// What clap cannot check by itself.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            self.disk_count() <= MAX_DISKS,
            "--disks {}: at most {MAX_DISKS} are possible",
            self.disk_count()
        );
        ensure!(
            self.physical_block_size.unwrap_or(u32::MAX) >= self.logical_block_size,
            "--physical-block-size is smaller than --logical-block-size {}",
            self.logical_block_size
        );
        for image in &self.disk {
            ensure!(
                image.is_file(),
                "--disk {0}: no such image; make one with 'truncate -s 256M {0}'",
                image.display()
            );
        }
        Ok(())
    }
}

/// Reads a size such as `512`, `64K`, `256M` or `4G` (powers of 1024).
pub(crate) fn parse_size(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        unit => bail!("unknown unit '{unit}': use K, M, G or T, as in 256M"),
    };
    let number: u64 = digits.parse()?;
    let size = number.checked_mul(1 << shift);
    match size {
        Some(size) if size > 0 => Ok(size),
        _ => bail!("a size must be at least 1 byte and less than 16 EiB"),
    }
}

/// Reads a disk's block size: a power of two that QEMU can emulate.
fn parse_block_size(text: &str) -> Result<u32> {
    let size = u32::try_from(parse_size(text)?)?;
    ensure!(
        size.is_power_of_two() && (512..=32768).contains(&size),
        "a block size is a power of two from 512 to 32768"
    );
    Ok(size)
}

/// Reads a time in seconds; fractions are allowed.
fn parse_seconds(text: &str) -> Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

/// Reads a variable; the guest's shell reads it once more, so that only plain characters are
/// possible.
fn parse_variable(text: &str) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.,:/+-".contains(c);
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && key.chars().chain(value.chars()).all(is_plain) => {
            Ok(text.to_owned())
        }
        _ => bail!("'{text}' is not KEY=VALUE made of letters, digits and _.,:/+-"),
    }
}

/// Reads an end of a wire.
fn parse_wire(text: &str) -> Result<Wire> {
    let end = |other: &str, mac| Wire {
        ours: PathBuf::from(text),
        theirs: Path::new(text).with_extension(other),
        mac,
    };
    match Path::new(text).extension().and_then(|end| end.to_str()) {
        Some("a") => Ok(end("b", "52:54:00:00:00:0a")),
        Some("b") => Ok(end("a", "52:54:00:00:00:0b")),
        _ => bail!("a wire has the ends FILE.a and FILE.b, and '{text}' is neither"),
    }
}

/// Reads a seed, decimal or with 0x in hexadecimal.
pub(crate) fn parse_seed(text: &str) -> Result<u64> {
    Ok(match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16)?,
        None => text.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Phase;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        vm: VmOptions,
    }

    fn parse(words: &[&str]) -> Result<VmOptions, clap::Error> {
        let fixed = ["vm", "--kit", "/kit", "--image", "/image"];
        Cli::try_parse_from(fixed.iter().chain(words)).map(|cli| cli.vm)
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse_size("512").unwrap(), 512);
        assert_eq!(parse_size("64K").unwrap(), 65_536);
        assert_eq!(parse_size("256m").unwrap(), 268_435_456);
        assert_eq!(parse_size("1GiB").unwrap(), 1 << 30);
        for bad in ["", "M", "1X", "0", "99999999999T", "-1"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_design() {
        let options = parse(&["s.sh"]).unwrap();
        assert_eq!(options.disk_count(), 4);
        assert_eq!(options.disk_size, 256 << 20);
        assert_eq!((options.smp, options.mem), (2, 1 << 30));
        let limit = Phase::Running.limit(&options);
        assert_eq!(limit, Some(Duration::from_secs(600)));
    }

    #[test]
    fn arguments_of_the_script_are_not_options_of_ours() {
        let options = parse(&["--smp", "1", "s.sh", "--disks", "9", "-i", "a b", "--"]).unwrap();
        assert_eq!(options.smp, 1);
        assert!(options.disks.is_none() && !options.interactive);
        assert_eq!(options.script(), Some(Path::new("s.sh")));
        assert_eq!(options.words[1..], ["--disks", "9", "-i", "a b", "--"]);
        assert!(
            parse(&["--dsks", "9", "s.sh"]).is_err(),
            "a mistyped option is no script"
        );
    }

    #[test]
    fn images_replace_fresh_disks() {
        assert_eq!(
            parse(&["--disk", "a", "--disk", "b", "s"])
                .unwrap()
                .disk_count(),
            2
        );
        assert_eq!(
            parse(&["--disk", "a", "--disks", "3", "s"])
                .unwrap()
                .disk_count(),
            3
        );
        assert_eq!(parse(&["--disks", "0", "s"]).unwrap().disk_count(), 0);
    }

    #[test]
    fn a_shell_takes_no_script() {
        assert!(parse(&["-i"]).unwrap().interactive);
        assert!(parse(&["-i", "s.sh"]).is_err());
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn every_phase_ends_whatever_the_guest_does() {
        let stock = parse(&["s.sh", "--timeout", "1"]).unwrap();
        let debug = parse(&["--debug", "--timeout", "7", "s.sh"]).unwrap();
        for phase in [Phase::Starting, Phase::Leaving, Phase::PoweringOff] {
            let limit = phase.limit(&stock).unwrap();
            assert_eq!(phase.limit(&debug), Some(limit * 4), "{phase:?}");
        }
        let limit = Phase::Running.limit(&debug);
        assert_eq!(limit, Some(Duration::from_secs(7)));
    }

    #[test]
    fn impossible_disks_are_refused() {
        assert!(parse(&["--logical-block-size", "1000", "s"]).is_err());
        let fourk = [
            "--logical-block-size",
            "4096",
            "--physical-block-size",
            "512",
            "s",
        ];
        assert!(parse(&fourk).unwrap().check().is_err());
        assert!(parse(&["--disks", "256", "s"]).unwrap().check().is_err());
        let missing = parse(&["--disk", "/nonexistent", "s"]).unwrap().check();
        assert!(missing.unwrap_err().to_string().contains("truncate"));
    }

    #[test]
    fn a_wire_has_two_ends() {
        let (a, b) = (parse_wire("/x/w.a").unwrap(), parse_wire("/x/w.b").unwrap());
        assert_eq!((&a.ours, &a.theirs), (&b.theirs, &b.ours));
        assert_ne!(a.mac, b.mac);
        assert!(parse_wire("/x/w").is_err() && parse_wire("/x/w.c").is_err());
        assert_eq!(
            parse(&["--wire", "w.a", "s.sh"]).unwrap().wire,
            parse_wire("w.a").ok()
        );
    }

    #[test]
    fn seconds_may_have_fractions_and_seeds_a_prefix() {
        assert_eq!(parse_seconds("1.5").unwrap(), Duration::from_millis(1500));
        assert!(parse_seconds("-1").is_err() && parse_seconds("inf").is_err());
        assert_eq!(parse_variable("A=1.5").unwrap(), "A=1.5");
        assert!(parse_variable("A='$(x)'").is_err() && parse_variable("=x").is_err());
        assert_eq!(parse_seed("0x10").unwrap(), 16);
        assert_eq!(parse_seed("18446744073709551615").unwrap(), u64::MAX);
    }
}
