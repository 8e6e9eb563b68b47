// SPDX-License-Identifier: GPL-2.0
//! Starts what a guest consists of: the servers of its disks, and QEMU.

use std::{
    env,
    fs::{
        self,
        File, //
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
    sync::Arc, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    nbd,
    options::VmOptions,
    payload,
    qemu::{
        self,
        Streams, //
    },
    vm, //
};

/// Opens or makes the images and starts their servers.
pub(crate) fn disks(options: &VmOptions, work: &Path, seed: u64) -> Result<Vec<Arc<nbd::Disk>>> {
    let mut disks = Vec::new();
    for number in 0..options.disk_count() {
        let name = qemu::disk_name(number);
        let image = match options.disk.get(number) {
            Some(path) => nbd::Image::open(path)?,
            None => nbd::Image::create(&work.join(format!("{name}.image")), options.disk_size)?,
        };
        let disk = Arc::new(nbd::Disk::new(name.clone(), image, seed));
        nbd::serve(Arc::clone(&disk), &work.join(name))?;
        disks.push(disk);
    }
    Ok(disks)
}

/// Starts QEMU with everything that the options ask for.
pub(crate) fn qemu(
    options: &VmOptions,
    streams: &Streams,
    work: &Path,
    seed: u64,
) -> Result<Child> {
    let release = fs::read_to_string(options.kit.join("release"))
        .with_context(|| format!("{} is no kernel kit", options.kit.display()))?;
    let release = release.trim().to_owned();
    let top = vm::top();
    let modules = options.modules.clone();
    let sources = payload::Sources {
        modules: modules.unwrap_or_else(|| top.join("build/modules").join(&release)),
        cache: env::var_os("MD_CACHE").map_or_else(|| PathBuf::from("/cache"), PathBuf::from),
        top,
        release,
    };
    let initramfs = match &options.initrd {
        Some(given) => given.clone(),
        None => {
            let made = work.join("initramfs");
            fs::write(&made, payload::build(options, &sources, seed)?)?;
            made
        }
    };
    let is_ours = options.initrd.is_none();
    let stock_modules = options.kit.join("modules.erofs");
    let files = qemu::BootFiles {
        kernel: &options.kit.join("boot/vmlinuz"),
        initramfs: &initramfs,
        root: is_ours.then_some(options.image.as_path()),
        modules: (is_ours && stock_modules.exists()).then_some(stock_modules.as_path()),
    };
    // QEMU must not outlive us, however we die; and it must not see the terminal's Ctrl-C.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "setsid", "qemu-system-x86_64"])
        .args(qemu::arguments(options, &files, streams, work))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(work.join("qemu.log"))?)
        .spawn()
        .context("cannot start QEMU")
}

/// What QEMU itself had to say.
pub(crate) fn complaint(work: &Path) -> String {
    let text = fs::read_to_string(work.join("qemu.log")).unwrap_or_default();
    format!(
        "QEMU said: {}",
        if text.is_empty() {
            "nothing"
        } else {
            text.trim()
        }
    )
}
