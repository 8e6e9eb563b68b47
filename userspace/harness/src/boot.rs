// SPDX-License-Identifier: GPL-2.0
//! Makes what guests on a kernel boot from, by the same commands that a developer types.

use std::{
    fs::File,
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        Stdio, //
    }, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};

use crate::{
    plan::Kernel,
    report::Outcome, //
};

/// kernel-kit's status for a series that the suite does not have.
const STATUS_NO_KERNEL: i32 = 3;

/// What guests on a kernel boot from.
#[derive(Clone)]
pub(crate) struct Boot {
    /// The kernel kit.
    pub(crate) kit: PathBuf,
    /// The image of the guest's root.
    pub(crate) image: PathBuf,
}

impl Boot {
    /// Makes the kit and the image, and builds the modules; or says why guests cannot run.
    pub(crate) fn make(kernel: &Kernel, top: &Path, log: &Path) -> Result<Result<Self, Outcome>> {
        let mut command = Command::new("scripts/kernel-kit");
        command.args(kernel.debug.then_some("--debug"));
        command.arg(kernel.series).current_dir(top);
        let kit = command.stderr(File::create(log)?).output()?;
        if kit.status.code() == Some(STATUS_NO_KERNEL) {
            let reason = format!("kernel {} is unavailable in the suite", kernel.series);
            return Ok(Err(Outcome::Skipped(reason)));
        }
        ensure!(kit.status.success(), "there is no kernel kit");
        let image = Command::new("scripts/guest-image")
            .current_dir(top)
            .output()?;
        ensure!(image.status.success(), "there is no guest image");
        let mut make = Command::new("make");
        make.args(["-s", &format!("KERNEL={}", kernel.series)]);
        make.args(kernel.debug.then_some("DEBUG=1"));
        if execute(&make, top, log)? != 0 {
            return Ok(Err(Outcome::Broken("the build failed".to_owned())));
        }
        Ok(Ok(Self {
            kit: printed_path(&kit.stdout),
            image: printed_path(&image.stdout),
        }))
    }
}

fn printed_path(output: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(output).trim())
}

/// Runs a command in a folder, all its output into the log, and returns its status. It is told to
/// end if we die first.
pub(crate) fn execute(command: &Command, folder: &Path, log: &Path) -> Result<i32> {
    let file = File::create(log).with_context(|| log.display().to_string())?;
    let mut guarded = Command::new("setpriv");
    guarded.args(["--pdeathsig", "TERM"]);
    guarded.arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            guarded.env(key, value);
        }
    }
    let status = guarded
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    Ok(status.code().unwrap_or(-1))
}
