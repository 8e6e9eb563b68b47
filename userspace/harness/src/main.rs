// SPDX-License-Identifier: GPL-2.0
//! The test harness: boots guests, serves their disks, runs scenarios.
//!
//! Read `vm.rs` first: it is one guest from power-on to exit status. `nbd/` is the disks that can
//! lose power, `console.rs` decides whether the kernel complained, `runner.rs` runs many guests.

mod bench;
mod boot;
mod console;
mod console_log;
mod control;
mod excerpt;
mod initramfs;
mod kmod;
mod launch;
mod machine;
mod nbd;
mod options;
mod payload;
mod phase;
mod plan;
mod ports;
mod qemu;
mod qmp;
mod report;
mod runner;
mod sabotage;
mod scenario;
mod seed;
mod streams;
mod terminal;
mod vm;

use std::process::ExitCode;

use clap::Parser;

/// Test harness of the volume manager.
#[derive(Parser)]
#[command(name = "md-harness")]
enum Command {
    /// Boots one guest and runs a script in it (called by scripts/vm).
    Vm(Box<options::VmOptions>),
    /// Runs the tests (called by scripts/test).
    Test(runner::TestOptions),
    /// Compares what the benchmark has measured (called by scripts/bench).
    Bench(bench::BenchOptions),
    /// Compares what the benchmark's second lane has measured (called by scripts/bench-contention).
    Contention(bench::contention::ContentionOptions),
    /// Applies sabotage patches and demands that tests fail (called by scripts/sabotage-test).
    Sabotage(sabotage::SabotageOptions),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Vm(options) => vm::run(&options),
        Command::Test(options) => runner::run(options),
        Command::Bench(options) => bench::run(&options),
        Command::Contention(options) => bench::contention::run(&options),
        Command::Sabotage(options) => sabotage::run(&options),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("md-harness: error: {error:#}");
            ExitCode::from(vm::STATUS_HARNESS)
        }
    }
}
