// SPDX-License-Identifier: GPL-2.0
//! Kernel modules of the guest: the load order of the few stock ones that a boot needs, and an
//! index (`modules.dep`, `modules.alias`, ...) in which ours stand beside the stock ones.

use std::{
    collections::HashMap,
    fs,
    hash::{
        DefaultHasher,
        Hash,
        Hasher, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};

/// What lies between the kernel and SCRIPT. A module that a kernel has built in, or never had, is
/// not in its `modules.dep`; whether that matters shows at boot.
const NEEDED: [&str; 9] = [
    "virtio_pci",
    "virtio_blk",
    "erofs",
    "overlay",
    "virtio_console",
    "sd_mod",
    "virtio_scsi",
    "9pnet_virtio",
    "9p",
];

/// How many module indexes stay in the cache.
const INDEXES_KEPT: usize = 20;

/// The dependencies of all modules, as `modules.dep` has them.
pub(crate) struct Dependencies(HashMap<String, Vec<String>>);

impl Dependencies {
    /// Reads lines of the form `path/a.ko: path/b.ko path/c.ko` (direct and indirect dependencies).
    pub(crate) fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let (path, needs) = line.split_once(':')?;
            let mut files = vec![path.to_owned()];
            files.extend(needs.split_whitespace().map(str::to_owned));
            Some((name_of(path), files))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    /// The files to insert, each after all that it depends on.
    pub(crate) fn boot_order(&self) -> Vec<String> {
        let mut order: Vec<String> = Vec::new();
        for module in NEEDED {
            // modules.dep names the deepest dependency last.
            for file in self.0.get(module).into_iter().flatten().rev() {
                if !order.contains(file) {
                    order.push(file.clone());
                }
            }
        }
        order
    }
}

/// The module's name: kernel code treats `-` and `_` alike.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file).replace('-', "_")
}

/// All `.ko` files directly in a folder, sorted; none if there is no such folder.
pub(crate) fn modules_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ko") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the index files of stock plus our modules and returns the folder that holds them, cached
/// by what they are made from, so that a warm start takes no time.
pub(crate) fn index(kit: &Path, release: &str, ours: &[PathBuf], cache: &Path) -> Result<PathBuf> {
    let mut key = DefaultHasher::new();
    kit.hash(&mut key);
    for file in ours {
        file.file_name().hash(&mut key);
        fs::read(file)?.hash(&mut key);
    }
    let finished = cache.join(format!("module-index/{release}-{:016x}", key.finish()));
    if !finished.is_dir() {
        fs::create_dir_all(finished.parent().context("cache folder")?)?;
        make_index(kit, release, ours, &finished)?;
    }
    Ok(finished)
}

/// Runs depmod over a tree of hard links and keeps only what it wrote.
fn make_index(kit: &Path, release: &str, ours: &[PathBuf], finished: &Path) -> Result<()> {
    let parent = finished.parent().context("cache folder")?;
    let scratch = tempfile::Builder::new().prefix("tmp-").tempdir_in(parent)?;
    let tree = scratch.path().join("lib/modules").join(release);
    fs::create_dir_all(scratch.path().join("lib/modules"))?;
    let stock = kit.join("lib/modules").join(release);
    if stock.is_dir() {
        run(Command::new("cp").arg("-al").arg(&stock).arg(&tree))?;
    }
    let updates = tree.join("updates");
    fs::create_dir_all(&updates)?;
    for file in ours {
        fs::copy(file, updates.join(file.file_name().context("module name")?))?;
    }
    unlink_index(&tree)?;
    run(Command::new("depmod")
        .arg("-b")
        .arg(scratch.path())
        .arg(release))?;
    let index = scratch.path().join("index");
    fs::create_dir(&index)?;
    for file in index_files(&tree)? {
        fs::rename(&file, index.join(file.file_name().context("index name")?))?;
    }
    forget_old_indexes(parent)?;
    // Another run may have been first; its result is as good.
    match fs::rename(&index, finished) {
        Err(_) if finished.is_dir() => Ok(()),
        result => result.with_context(|| format!("cannot keep {}", finished.display())),
    }
}

/// Keeps the newest indexes only: every build of our modules makes one.
fn forget_old_indexes(folder: &Path) -> Result<()> {
    let mut indexes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("tmp-") {
            indexes.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    indexes.sort();
    for (_, path) in indexes.iter().rev().skip(INDEXES_KEPT) {
        // Another run may have been first here, too.
        let _ = fs::remove_dir_all(path);
    }
    Ok(())
}

/// The linked index files share their bytes with the kit's: they must go before depmod writes.
/// `modules.order` and `modules.builtin*` are its input and stay.
fn unlink_index(tree: &Path) -> Result<()> {
    for file in index_files(tree)? {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_input = [
            "modules.order",
            "modules.builtin",
            "modules.builtin.modinfo",
        ]
        .contains(&name.as_str());
        if !is_input {
            fs::remove_file(&file)?;
        }
    }
    Ok(())
}

fn index_files(tree: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("modules.") {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        text.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
kernel/virtio/virtio.ko:
kernel/virtio/virtio_ring.ko: kernel/virtio/virtio.ko
kernel/virtio/virtio_pci.ko: kernel/virtio/virtio_ring.ko kernel/virtio/virtio.ko
kernel/block/virtio_blk.ko: kernel/virtio/virtio_ring.ko kernel/virtio/virtio.ko
kernel/net/9p/9pnet.ko:
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko
";

    #[test]
    fn dependencies_come_first_and_once() {
        let order = Dependencies::parse(SAMPLE).boot_order();
        let names: Vec<String> = order.iter().map(|file| name_of(file)).collect();
        let expected = [
            "virtio",
            "virtio_ring",
            "virtio_pci",
            "virtio_blk",
            "9pnet",
            "9p",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_kernel_without_modules_boots_from_none() {
        assert!(Dependencies::parse("").boot_order().is_empty());
    }

    #[test]
    fn names_ignore_folders_dashes_and_compression() {
        assert_eq!(name_of("kernel/a/t10-pi.ko.xz"), "t10_pi");
    }

    #[test]
    fn a_missing_folder_has_no_modules() {
        assert!(modules_in(Path::new("/nonexistent")).unwrap().is_empty());
    }
}
