// SPDX-License-Identifier: GPL-2.0
//! QEMU's command line: a pure function of the options and of where things are.

use std::path::Path;

use serde_json::{
    json,
    Value, //
};

use crate::{
    options::{
        VmOptions,
        Wire, //
    },
    ports::Port, //
};

/// Streams between the guest and us, each a character device.
pub(crate) struct Streams {
    /// The kernel's console.
    pub(crate) console: Port,
    /// "start" and "exit N" from process 1.
    pub(crate) state: Port,
    /// What SCRIPT prints.
    pub(crate) output: Port,
    /// Requests of `vmctl`.
    pub(crate) control: Port,
    /// The terminal of an interactive shell.
    pub(crate) terminal: Port,
    /// Commands to QEMU itself.
    pub(crate) monitor: Port,
}

impl Streams {
    /// Makes all of them.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            console: Port::new("console")?,
            state: Port::new("state")?,
            output: Port::new("output")?,
            control: Port::new("control")?,
            terminal: Port::new("terminal")?,
            monitor: Port::new("monitor")?,
        })
    }

    fn all(&self) -> [&Port; 6] {
        let Self {
            console,
            state,
            output,
            control,
            terminal,
            monitor,
        } = self;
        [console, state, output, control, terminal, monitor]
    }
}

/// Files that a guest boots from.
pub(crate) struct BootFiles<'a> {
    /// The kernel.
    pub(crate) kernel: &'a Path,
    /// The initramfs.
    pub(crate) initramfs: &'a Path,
    /// The guest's root file system, unless it has one on its disks.
    pub(crate) root: Option<&'a Path>,
    /// The stock modules, if the kernel has any.
    pub(crate) modules: Option<&'a Path>,
}

/// The SCSI disk device of a number, as `-device` and `device_add` take it.
pub(crate) fn disk_device(options: &VmOptions, number: usize) -> Value {
    let logical = options.logical_block_size;
    json!({
        "driver": "scsi-hd",
        "id": disk_name(number),
        "drive": format!("{}-data", disk_name(number)),
        "bus": "scsi.0",
        "scsi-id": number,
        "lun": 0,
        "serial": disk_name(number),
        "wwn": 0x5000_c500_0000_0000_u64 + number as u64,
        "dpofua": true,
        "write-cache": "on",
        "logical_block_size": logical,
        "physical_block_size": options.physical_block_size.unwrap_or(logical),
    })
}

/// What a disk is called: its serial number, its NBD export and its name for `vmctl`.
pub(crate) fn disk_name(number: usize) -> String {
    format!("disk{number}")
}

/// The whole command line after `qemu-system-x86_64`. The disks' NBD servers listen at
/// `sockets`/diskN.
pub(crate) fn arguments(
    options: &VmOptions,
    files: &BootFiles,
    streams: &Streams,
    sockets: &Path,
) -> Vec<String> {
    let mut line = Line::default();
    machine(&mut line, options);
    line.add("-kernel", files.kernel.display());
    line.add("-initrd", files.initramfs.display());
    line.add("-append", kernel_command_line(options));
    for port in streams.all() {
        line.add("-chardev", port.chardev());
    }
    line.add("-serial", "chardev:console");
    line.add("-mon", "chardev=monitor,mode=control");
    if let Some(root) = files.root {
        read_only_image(&mut line, "root", root);
    }
    if let Some(modules) = files.modules {
        read_only_image(&mut line, "modules", modules);
    }
    serial_ports(&mut line, options.interactive);
    disks(&mut line, options, sockets);
    if let Some(wire) = &options.wire {
        network_card(&mut line, wire);
    }
    for (tag, folder) in [("host", &options.share), ("out", &options.out)] {
        if let Some(folder) = folder {
            shared_folder(&mut line, tag, folder);
        }
    }
    line.0
}

/// Processors, memory, clock.
fn machine(line: &mut Line, options: &VmOptions) {
    line.add("-nodefaults", "");
    line.add("-no-user-config", "");
    line.add("-no-reboot", "");
    line.add("-display", "none");
    line.add("-machine", "q35,vmport=off,hpet=off");
    if options.icount {
        // A guest that takes the same path twice takes the same time twice.
        line.add("-accel", "tcg");
        line.add("-icount", "shift=0,sleep=off");
        line.add("-rtc", "base=2026-01-01,clock=vm");
        line.add("-seed", "1");
        line.add("-cpu", "max,-rdrand,-rdseed");
        line.add("-nic", "none");
    } else {
        line.add("-accel", "tcg,thread=multi");
        line.add("-cpu", "max");
    }
    line.add("-smp", options.smp);
    line.add("-m", format!("{}M", options.mem.div_ceil(1 << 20)));
}

/// `panic=-1` with `-no-reboot` ends QEMU at a panic. Nothing that the kernel says may be dropped.
fn kernel_command_line(options: &VmOptions) -> String {
    let mut words = vec![
        "console=ttyS0",
        "panic=-1",
        "printk.devkmsg=on",
        "tsc=nowatchdog",
    ];
    if options.icount {
        words.extend(["nokaslr", "random.trust_cpu=0"]);
    } else {
        // On a busy machine the timer comes too late for the kernel's look whether it works.
        words.push("no_timer_check");
    }
    if options.debug {
        if options.leaks {
            // Freed objects are poisoned, or else the allocator's own pointers in them hide leaks.
            words.extend(["kmemleak=on", "slab_debug=P"]);
        }
        // While the kernel identifies the boot CPU, it forgets for a moment that it has five-level
        // page tables; a timer interrupt just then is a wild memory access to KASAN.
        words.push("no5lvl");
    }
    words.extend(options.append.iter().map(String::as_str));
    words.join(" ")
}

/// A virtio disk that several guests may read at the same time.
fn read_only_image(line: &mut Line, name: &str, image: &Path) {
    let blockdev = json!({
        "driver": "raw",
        "node-name": name,
        "read-only": true,
        "file": {"driver": "file", "filename": image, "read-only": true},
    });
    line.add("-blockdev", blockdev);
    line.add(
        "-device",
        json!({"driver": "virtio-blk-pci", "drive": name}),
    );
}

fn serial_ports(line: &mut Line, interactive: bool) {
    line.add("-device", "virtio-serial-pci,id=serial,max_ports=8");
    if interactive {
        line.add("-device", "virtconsole,bus=serial.0,nr=0,chardev=terminal");
    }
    for (number, name) in [(1, "state"), (2, "output"), (3, "control")] {
        let port = format!("bus=serial.0,nr={number},chardev={name},name=md.{name}");
        line.add("-device", format!("virtserialport,{port}"));
    }
}

fn disks(line: &mut Line, options: &VmOptions, sockets: &Path) {
    line.add("-device", "virtio-scsi-pci,id=scsi");
    for number in 0..options.disk_count() {
        let name = disk_name(number);
        let blockdev = json!({
            "driver": "nbd",
            "node-name": format!("{name}-data"),
            "server": {"type": "unix", "path": sockets.join(&name)},
            "export": name,
            "discard": "unmap",
        });
        line.add("-blockdev", blockdev);
        line.add("-device", disk_device(options, number));
    }
}

/// Datagrams: neither end has to be there before the other, and one that comes back is heard again.
fn network_card(line: &mut Line, wire: &Wire) {
    let path = |path: &Path| json!({"type": "unix", "path": path});
    let netdev = json!({
        "type": "dgram",
        "id": "wire",
        "local": path(&wire.ours),
        "remote": path(&wire.theirs),
    });
    line.add("-netdev", netdev);
    line.add(
        "-device",
        json!({"driver": "virtio-net-pci", "netdev": "wire", "mac": wire.mac, "romfile": ""}),
    );
}

fn shared_folder(line: &mut Line, tag: &str, folder: &Path) {
    let read_only = if tag == "host" { "on" } else { "off" };
    // QEMU's option syntax writes a comma twice.
    let path = folder.display().to_string().replace(',', ",,");
    line.add(
        "-fsdev",
        format!(
            "local,id={tag},path={path},security_model=none,readonly={read_only},multidevs=remap"
        ),
    );
    line.add(
        "-device",
        format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
    );
}

/// Words of a command line.
#[derive(Default)]
struct Line(Vec<String>);

impl Line {
    /// Adds an option and, unless it is empty, its value.
    fn add(&mut self, option: &str, value: impl ToString) {
        self.0.push(option.to_owned());
        let value = value.to_string();
        if !value.is_empty() {
            self.0.push(value);
        }
    }
}
