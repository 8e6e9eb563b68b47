// SPDX-License-Identifier: GPL-2.0
//! Watches the kernel's console for reports that no test may pass over.

use std::collections::VecDeque;

/// How many lines are kept to be shown when something failed.
const TAIL: usize = 40;

/// How a line of a report starts, once time stamp and caller are cut off. User space can write to
/// the console too, but not easily a line that starts like this.
const REPORT_STARTS: [&str; 20] = [
    "BUG: ",
    "BUG ",
    "kernel BUG at ",
    "WARNING: ",
    "------------[ cut here ]------------",
    "Oops: ",
    "Oops[",
    "general protection fault",
    "invalid opcode: ",
    "divide error: ",
    "stack segment: ",
    "Kernel panic - not syncing",
    "watchdog: BUG: ",
    "INFO: task ",
    "INFO: trying to register non-static key",
    "INFO: rcu",
    "rcu: INFO: rcu",
    "UBSAN: ",
    "kmemleak report: unreferenced object ",
    "sysfs: cannot create duplicate filename",
];

/// Is in the line of a CPU that takes no interrupts any more, after changing prefixes.
const HARD_LOCKUP: &str = "Watchdog detected hard LOCKUP";
/// What `INFO: task` lines must go on with to be a hung task.
const HUNG_TASK: &str = "blocked for more than";
/// The first words of a panic.
const PANIC: &str = "Kernel panic - not syncing";

/// Everything of interest that a console has said so far.
#[derive(Default)]
pub(crate) struct Console {
    tail: VecDeque<String>,
    partial: Vec<u8>,
    /// The first line of each report, in order.
    pub(crate) reports: Vec<String>,
    /// The message of a panic.
    pub(crate) panic: Option<String>,
    /// From the first report on, for `--expect-panic`.
    since_report: String,
}

impl Console {
    /// Takes what came next, which may end within a line.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.partial);
                self.line(String::from_utf8_lossy(&line).trim_end_matches('\r'));
            } else {
                self.partial.push(*byte);
            }
        }
    }

    /// The console is closed: what is left is a line too.
    pub(crate) fn finish(&mut self) {
        self.feed(b"\n");
    }

    /// Did the kernel panic with this text, in the panic itself or in the report before it?
    pub(crate) fn panicked_with(&self, text: &str) -> bool {
        self.panic.is_some() && self.since_report.contains(text)
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    fn line(&mut self, line: &str) {
        let message = message_of(line);
        if is_report(message) {
            self.reports.push(message.to_owned());
        }
        if let Some(reason) = message.strip_prefix(PANIC) {
            self.panic
                .get_or_insert(reason.trim_start_matches([':', ' ']).to_owned());
        }
        if !self.reports.is_empty() {
            self.since_report.push_str(message);
            self.since_report.push('\n');
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
    }
}

/// Does this message start a report?
fn is_report(message: &str) -> bool {
    let found = REPORT_STARTS.iter().any(|start| message.starts_with(start));
    let hung = !message.starts_with("INFO: task ") || message.contains(HUNG_TASK);
    found && hung || message.contains(HARD_LOCKUP)
}

/// A console line without `[   12.345678]` and `[  T123]`.
fn message_of(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((stamp, message)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        let is_stamp = !stamp.is_empty()
            && stamp
                .chars()
                .all(|c| c.is_ascii_digit() || ". TC".contains(c));
        if !is_stamp {
            break;
        }
        rest = message.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(text: &str) -> Vec<String> {
        let mut console = Console::default();
        console.feed(text.as_bytes());
        console.finish();
        console.reports
    }

    #[test]
    fn every_kind_of_report_is_seen() {
        for line in [
            "[   12.345678] BUG: kernel NULL pointer dereference, address: 0000000000000008",
            "[   12.345678][  T123] BUG: KASAN: slab-use-after-free in md_rs+0x1/0x2 [md_rs]",
            "[    1.0] BUG: sleeping function called from invalid context at mm/slab.h:1",
            "[    1.0] BUG: unable to handle page fault for address: ffff",
            "[    1.0] BUG: scheduling while atomic: bash/1/0x2",
            "[    1.0] BUG kmalloc-64 (Tainted: G    B): Poison overwritten",
            "[    1.0] kernel BUG at block/bio.c:1234!",
            "[    1.0] ------------[ cut here ]------------",
            "[    1.0] WARNING: CPU: 1 PID: 77 at kernel/workqueue.c:1 x+0x1/0x2",
            "[    1.0] WARNING: block/blk-mq.c:12 at blk_mq_x+0x1/0x2, CPU#1: bash/1",
            "[    1.0] WARNING: possible circular locking dependency detected",
            "[    1.0] WARNING: inconsistent lock state",
            "[    1.0] WARNING: suspicious RCU usage",
            "[    1.0] Oops: general protection fault, probably for non-canonical address 0x6b6b",
            "[    1.0] Oops: 0002 [#1] PREEMPT SMP KASAN",
            "[    1.0] general protection fault, probably for non-canonical address 0x6b6b",
            "[    1.0] Kernel panic - not syncing: Fatal exception",
            "[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [bash:1]",
            "[    1.0] watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1",
            "[  242.0] INFO: task mkfs:77 blocked for more than 120 seconds.",
            "[    1.0] rcu: INFO: rcu_preempt self-detected stall on CPU",
            "[    1.0] INFO: trying to register non-static key.",
            "[    1.0] UBSAN: array-index-out-of-bounds in a.c:1:2",
            "[    1.0] kmemleak report: unreferenced object 0xffff888100000000 (size 64):",
            "[    1.0] sysfs: cannot create duplicate filename '/devices/virtual/block/md!dsk!d1'",
        ] {
            assert_eq!(reports(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn innocent_lines_are_not_reports() {
        for line in [
            "[    1.0] EXT4-fs (sda): mounted filesystem with ordered data mode",
            "[    1.0] I/O error, dev sda, sector 0 op 0x1:(WRITE) flags 0x800",
            "[    1.0] Buffer I/O error on dev dm-0, logical block 0, lost async page write",
            "[    1.0] traps: fio[99] general protection fault ip:1 sp:2 error:0 in fio[1+2]",
            "[    1.0] md_rs: loading out-of-tree module taints kernel.",
            "[    1.0] Spectre V2 : WARNING-like text: Retpolines",
            "[    1.0] kmemleak: Kernel memory leak detector initialized (mem pool available: 1)",
            "[    1.0] kmemleak: Automatic memory scanning thread started",
            "[    1.0] debug: BUG: is only mentioned here",
            "[    1.0] NMI watchdog: Perf NMI watchdog permanently disabled",
            "[    1.0] INFO: lockdep is turned off.",
            "[    1.0] INFO: task scheduler is fine",
            "[    1.0] Run /init as init process",
            "[    1.0] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable",
            "[not a stamp] BUG: in the name of something",
            "",
        ] {
            assert!(reports(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_panic_is_recognised_by_its_text_or_by_what_led_to_it() {
        let mut console = Console::default();
        console.feed(b"[ 1.0] fine: sysrq triggered crash\n");
        assert!(!console.panicked_with("sysrq"));
        console.feed(b"[ 2.0] Oops: invalid opcode: 0000 [#1]\r\n[ 2.0] RIP: 0010:raid_x+0x1\r\n");
        console.feed(b"[ 2.1] Kernel panic - not syncing: Fatal exc");
        console.feed(b"eption\r\n");
        assert_eq!(console.panic.as_deref(), Some("Fatal exception"));
        assert!(console.panicked_with("Fatal exception") && console.panicked_with("raid_x"));
        assert!(!console.panicked_with("sysrq"));
    }

    #[test]
    fn a_report_without_a_panic_is_no_panic() {
        let mut console = Console::default();
        console.feed(b"[ 1.0] WARNING: CPU: 0\n");
        assert!(!console.panicked_with("WARNING"));
    }

    #[test]
    fn the_tail_is_bounded_and_the_last_partial_line_counts() {
        let mut console = Console::default();
        for number in 0..100 {
            console.feed(format!("line {number}\n").as_bytes());
        }
        console.feed(b"BUG: at the very end");
        console.finish();
        assert_eq!(console.tail().count(), TAIL);
        assert_eq!(console.tail().last(), Some("BUG: at the very end"));
        assert_eq!(console.reports.len(), 1);
    }
}
