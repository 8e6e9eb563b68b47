// SPDX-License-Identifier: GPL-2.0
//! A machine for the tests: a kernel in memory, a folder with `proc` and `sys`, and a table of
//! device nodes, since a test should not need the right to make real ones.

pub(crate) mod labels;
pub(crate) mod watermarks;

use md_image::source::{
    OpenFile,
    Source, //
};
use md_model::database::{
    header::{
        End,
        Header, //
    },
    identity::Uuid,
    label::Label,
    layout::REPLICA_PAGE,
    members::Role,
    page::PAGE_BYTES, //
};
use mdctl::{
    admin::fake::FakeAdmin,
    discover::{
        Host,
        Node, //
    },
    syntax::name::MetadeviceName,
    Machine,
};
use rustix::fs::makedev;
use serde_json::json;
use std::{
    cell::{
        Cell,
        RefCell, //
    },
    collections::BTreeMap,
    fmt,
    fs,
    io::{
        self,
        IsTerminal, //
    },
    os::unix::{
        fs::{
            symlink,
            FileExt,
            MetadataExt, //
        },
        process::ExitStatusExt, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        ExitStatus,
        Output, //
    },
    sync::{
        atomic::AtomicBool,
        Arc, //
    },
    thread::sleep,
    time::Duration, //
};
use tempfile::TempDir;

/// Size of the disks, 64 MiB.
pub(crate) const DISK_SECTORS: u64 = 131_072;

/// The machine, with the disks `/dev/sda` (8:0) to `/dev/sdd` (8:48), which nobody uses.
pub(crate) struct TestEnvironment {
    /// The kernel.
    pub(crate) admin: FakeAdmin,
    host: TestHost,
    // Removes the folder at the end.
    _folder: TempDir,
}

/// The part of the machine that the tool looks at.
struct TestHost {
    root: PathBuf,
    nodes: BTreeMap<String, Node>,
    /// What `wipefs` says of devices on which it finds something, or has trouble.
    wipefs: BTreeMap<String, Wipefs>,
    /// How large `blkid` says that the file systems on devices are, in KiB.
    file_systems: BTreeMap<String, u64>,
    /// Pages of devices that something is written on, by their first bytes.
    images: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    /// How often somebody has waited.
    pauses: Cell<u32>,
    /// Whether standard error is looked at, if it is a terminal.
    is_at_terminal: bool,
    /// What was said before the end.
    said: RefCell<String>,
}

/// How `wipefs` ends when it looks at a device.
pub(crate) enum Wipefs {
    /// It finds a signature of this type, usage and label.
    Finds(&'static str, &'static str, Option<&'static str>),
    /// It fails with these words.
    Fails(&'static str),
    /// It does not even start.
    Missing,
}

impl Host for TestHost {
    fn root(&self) -> &Path {
        &self.root
    }

    fn node(&self, path: &str) -> io::Result<Node> {
        let metadevice = || {
            let name = MetadeviceName::at_path(path)?;
            let folder = self.root.join(format!("sys/devices/md!dsk!{name}"));
            let dev = FakeAdmin::dev(name.number());
            folder.exists().then_some(Node::Block { dev })
        };
        let node = self.nodes.get(path).copied().or_else(metadevice);
        node.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, path: &str, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let Some(image) = self.images.get(path) else {
            let file = fs::File::open(self.root.join(path.trim_start_matches('/')))?;
            let mut page = vec![0; bytes];
            file.read_exact_at(&mut page, offset)?;
            return Ok(page);
        };
        let page = image.get(&offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        assert_eq!(page.len(), bytes);
        Ok(page.clone())
    }

    fn source(&self, path: &str) -> io::Result<Box<dyn Source>> {
        let path = self.root.join(path.trim_start_matches('/'));
        Ok(Box::new(OpenFile::open(&path)?))
    }

    fn run(&self, command: &mut Command) -> io::Result<Output> {
        if command.get_program() == "/usr/sbin/blkid" {
            return Ok(self.blkid(command));
        }
        if command.get_program() == "/usr/sbin/sfdisk" {
            return Ok(Output {
                status: ExitStatus::from_raw(0),
                stdout: Vec::new(),
                stderr: Vec::new(),
            });
        }
        assert_eq!(command.get_program(), "/usr/sbin/wipefs");
        let arguments: Vec<_> = command
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        let [options @ .., device] = &arguments[..] else {
            panic!("wipefs without a device");
        };
        assert_eq!(
            options,
            ["--no-act", "--json", "--output", "TYPE,USAGE,LABEL"]
        );
        let (status, signatures, stderr) = match self.wipefs.get(*device) {
            None => (0, vec![], ""),
            Some(Wipefs::Finds(kind, usage, label)) => {
                let signature = json!({"type": kind, "usage": usage, "label": label});
                (0, vec![signature], "")
            }
            Some(Wipefs::Fails(words)) => (1, vec![], *words),
            Some(Wipefs::Missing) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Output {
            status: ExitStatus::from_raw(status << 8),
            stdout: json!({"signatures": signatures}).to_string().into_bytes(),
            stderr: stderr.into(),
        })
    }

    fn pause(&self, _: Duration) {
        if self.is_at_terminal {
            // A bar is not drawn more often than people can see it.
            sleep(Duration::from_millis(100));
        }
        let count = self.pauses.get() + 1;
        self.pauses.set(count);
        assert!(count < 1000, "nobody waits for ever in a test");
    }

    fn is_watched(&self) -> bool {
        self.is_at_terminal && io::stderr().is_terminal()
    }

    fn say(&self, line: &str) -> io::Result<()> {
        *self.said.borrow_mut() += &format!("{line}\n");
        Ok(())
    }

    fn interruptions(&self) -> io::Result<Arc<AtomicBool>> {
        // Who waits for something is interrupted.
        Ok(Arc::new(AtomicBool::new(true)))
    }
}

impl TestHost {
    fn blkid(&self, command: &Command) -> Output {
        let device = command.get_args().last().unwrap().to_str().unwrap();
        let size = self.file_systems.get(device);
        let text = |kib| format!("TYPE=ext4\nFSLASTBLOCK={kib}\nFSBLOCKSIZE=1024\n");
        Output {
            status: ExitStatus::from_raw(0),
            stdout: size.map(text).unwrap_or_default().into_bytes(),
            stderr: Vec::new(),
        }
    }
}

impl TestEnvironment {
    /// A machine with four disks.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let minors = [0, 16, 32, 48];
        let mut env = TestEnvironment {
            admin: FakeAdmin::with_disks(minors.map(|minor| makedev(8, minor)), DISK_SECTORS),
            host: TestHost {
                root: root.clone(),
                nodes: BTreeMap::new(),
                wipefs: BTreeMap::new(),
                file_systems: BTreeMap::new(),
                images: BTreeMap::new(),
                pauses: Cell::new(0),
                is_at_terminal: false,
                said: RefCell::default(),
            },
            _folder: folder,
        };
        env.admin.root = Some(root);
        env.write(
            "proc/self/mountinfo",
            "22 1 0:20 / /proc rw - proc proc rw\n",
        );
        env.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
        for (name, minor) in ["sda", "sdb", "sdc", "sdd"].into_iter().zip(minors) {
            env.device(name, "", 8, minor);
        }
        env
    }

    /// The same machine after some command lines, which must succeed.
    pub(crate) fn with(lines: &[&str]) -> Self {
        let mut env = TestEnvironment::new();
        for line in lines {
            env.setup(line);
        }
        env
    }

    /// The same machine with the mirror `d10` over `d11` and `d12`, on `/dev/sda` and `/dev/sdb`.
    pub(crate) fn with_mirror() -> Self {
        TestEnvironment::with(&[
            "metainit d11 1 1 sda",
            "metainit d12 1 1 sdb",
            "metainit d10 -m d11 d12 --assume-clean",
        ])
    }

    /// The same machine with the soft partitions `d20` and `d21` on its first disk.
    pub(crate) fn with_soft_partitions() -> Self {
        TestEnvironment::with(&["metainit d20 -p sda 10m", "metainit d21 -p sda 20m"])
    }

    /// Adds a block device. `disk` is the one that it is a partition of, or empty.
    pub(crate) fn device(&mut self, name: &str, disk: &str, major: u32, minor: u32) {
        let folder = Path::new("sys/devices").join(disk).join(name);
        self.write(folder.join("dev"), &format!("{major}:{minor}\n"));
        fs::create_dir_all(self.path(folder.join("holders"))).unwrap();
        if !disk.is_empty() {
            self.write(folder.join("partition"), "1\n");
        }
        let link = self.path("sys/dev/block").join(format!("{major}:{minor}"));
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(self.path(&folder), link).unwrap();
        fs::create_dir_all(self.path("sys/class/block").join(name)).unwrap();
        let path = format!("/dev/{}", name.replace('!', "/"));
        self.node(
            &path,
            Node::Block {
                dev: makedev(major, minor),
            },
        );
    }

    /// From now on somebody looks at standard error, if it is a terminal, and time passes.
    pub(crate) fn sit_at_terminal(&mut self) {
        self.host.is_at_terminal = true;
    }

    /// Adds a path that names something.
    pub(crate) fn node(&mut self, path: &str, node: Node) {
        self.host.nodes.insert(path.to_string(), node);
    }

    /// Puts a label of a set on a device, and behind it heads of so many replicas.
    pub(crate) fn label(&mut self, path: &str, set: u8, component: u8, replicas: u64) {
        let set = Uuid::from_bytes([set; 16]);
        let mut name = [0; 32];
        name[..5].copy_from_slice(b"local");
        let label = Label {
            set,
            component: Uuid::from_bytes([component; 16]),
            set_name: name,
            data_sector: 2048,
            sequence: 1,
            tree_bytes: 0,
        };
        let image = self.host.images.entry(path.to_string()).or_default();
        let mut page = vec![0; PAGE_BYTES];
        let place = label.encode(0, 0, &[], &mut page).unwrap();
        image.insert(u64::from(place) * PAGE_BYTES as u64, page.clone());
        for number in 0..replicas {
            let first = u64::from(REPLICA_PAGE) + number * 16;
            let header = Header {
                set,
                replica: Uuid::from_bytes([component + 1 + number as u8; 16]),
                start_sector: first * 8,
                pages: 16,
                role: Role::Voter,
            };
            header.encode(End::Head, &mut page).unwrap();
            image.insert(first * PAGE_BYTES as u64, page.clone());
        }
    }

    /// Says what `wipefs` makes of a device.
    pub(crate) fn wipefs(&mut self, path: &str, wipefs: Wipefs) {
        self.host.wipefs.insert(path.to_string(), wipefs);
    }

    /// Puts an ext4 file system on a device.
    pub(crate) fn mkfs(&mut self, path: &str) {
        self.wipefs(path, Wipefs::Finds("ext4", "filesystem", Some("web")));
    }

    /// Puts an ext4 file system of so many KiB on a device.
    pub(crate) fn mkfs_of(&mut self, path: &str, kib: u64) {
        self.mkfs(path);
        self.host.file_systems.insert(path.to_string(), kib);
    }

    /// Says that a device, such as `sda` or `sda/sda1`, is held by another one.
    pub(crate) fn hold(&self, device: &str, holder: &str) {
        self.write(
            Path::new("sys/devices")
                .join(device)
                .join("holders")
                .join(holder),
            "",
        );
    }

    /// Writes a file below the machine's root.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds a line to a file below the machine's root.
    pub(crate) fn append(&self, path: &str, line: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        self.write(path, &format!("{text}{line}\n"));
    }

    /// Whether there is a file below the machine's root.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Writes bytes to a file below the machine's root.
    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Copies a file with a hole in the place of each page of zeros; whether there are any.
    pub(crate) fn copy_with_holes(&self, from: &str, to: &str) -> bool {
        let bytes = fs::read(self.path(from)).unwrap();
        let file = fs::File::create(self.path(to)).unwrap();
        for (number, page) in bytes.chunks(PAGE_BYTES).enumerate() {
            if page.iter().any(|byte| *byte != 0) {
                let offset = (number * PAGE_BYTES) as u64;
                file.write_all_at(page, offset).unwrap();
            }
        }
        file.set_len(bytes.len() as u64).unwrap();
        file.metadata().unwrap().blocks() * 512 < bytes.len() as u64
    }

    /// The text of a file below the machine's root, if there is one.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Removes a file or folder below the machine's root.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// A path below the machine's root.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.host.root.join(path)
    }

    /// Runs a command line, split at blanks.
    pub(crate) fn run(&mut self, line: &str) -> Transcript {
        let arguments = line.split_whitespace().map(Into::into).collect();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut machine = Machine {
            admin: &mut self.admin,
            host: &self.host,
        };
        let status = mdctl::run(arguments, &mut machine, &mut stdout, &mut stderr);
        let root = self.host.root.to_str().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(root, "");
        Transcript {
            line: line.to_string(),
            stdout: self.host.said.take() + &text(stdout),
            stderr: text(stderr),
            status: status.code(),
        }
    }

    /// Runs a command line that must succeed; what it says is of no interest.
    pub(crate) fn setup(&mut self, line: &str) {
        let transcript = self.run(line);
        assert_eq!(transcript.status, 0, "{transcript}");
    }

    /// Runs command lines one after the other.
    pub(crate) fn run_all(&mut self, lines: &[&str]) -> String {
        lines
            .iter()
            .map(|line| self.run(line).to_string())
            .collect()
    }
}

/// A command line and what came of it.
#[must_use]
pub(crate) struct Transcript {
    line: String,
    /// What was written to standard output.
    pub(crate) stdout: String,
    /// What was written to standard error.
    pub(crate) stderr: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Transcript {
    /// The document on standard output, for a command line with `--json`.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.stderr, "",
            "with --json nothing goes to standard error"
        );
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Columns in which a transcript is shown.
const WIDTH: usize = 90;

impl fmt::Display for Transcript {
    /// As on a terminal; lines of standard error are marked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", format!("$ {}", self.line).trim_end())?;
        for line in self.stdout.lines() {
            writeln!(f, "{}", folded(line))?;
        }
        for line in self.stderr.lines() {
            writeln!(f, "{}", folded(&format!("err| {line}")))?;
        }
        if self.status != 0 {
            writeln!(f, "[exit status {}]", self.status)?;
        }
        Ok(())
    }
}

/// A line in pieces that fit into the source code of a test; all but the last end in a backslash.
pub(crate) fn folded(line: &str) -> String {
    let mut text = String::new();
    let mut columns = 0;
    for character in line.chars() {
        let width = if character == '\t' { 8 } else { 1 };
        if columns + width > WIDTH {
            text += "\\\n";
            columns = 0;
        }
        text.push(character);
        columns += width;
    }
    text
}
