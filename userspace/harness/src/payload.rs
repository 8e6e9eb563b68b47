// SPDX-License-Identifier: GPL-2.0
//! What one run adds to the guest: our modules, the tool, SCRIPT and its arguments, in an
//! initramfs.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    initramfs::Archive,
    kmod,
    options::VmOptions,
    terminal, //
};

/// Static, so that it runs before there is a root.
const BUSYBOX: &str = "/usr/bin/busybox";
/// Where the guest's root keeps what only the harness uses.
const PRIVATE: &str = "payload/usr/local/lib/md-vm";

/// Where the parts of a payload come from.
pub(crate) struct Sources {
    /// The source tree.
    pub(crate) top: PathBuf,
    /// The cache, for module indexes.
    pub(crate) cache: PathBuf,
    /// The folder of our `.ko` files.
    pub(crate) modules: PathBuf,
    /// The kernel's release name.
    pub(crate) release: String,
}

/// Makes the initramfs of one run.
pub(crate) fn build(options: &VmOptions, sources: &Sources, seed: u64) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    archive.program("init", include_bytes!("../guest/stage1"));
    let busybox = read(Path::new(BUSYBOX))?;
    archive.program("bin/busybox", &busybox);
    archive.program(&format!("{PRIVATE}/busybox"), &busybox);
    boot_modules(&mut archive, &options.kit, &sources.release)?;
    our_modules(&mut archive, &options.kit, sources)?;
    tool(&mut archive, &sources.top)?;
    library(&mut archive, &sources.top.join("tests/lib"))?;
    archive.program(
        &format!("{PRIVATE}/stage2"),
        include_bytes!("../guest/stage2"),
    );
    archive.program(
        "payload/usr/local/bin/vmctl",
        include_bytes!("../guest/vmctl"),
    );
    archive.file(
        &format!("{PRIVATE}/settings"),
        settings(options, seed).as_bytes(),
    );
    if let Some(script) = options.script() {
        script_and_arguments(&mut archive, script, options)?;
    }
    Ok(archive.finish())
}

/// The stock modules that bring up the root, and the order to insert them in.
fn boot_modules(archive: &mut Archive, kit: &Path, release: &str) -> Result<()> {
    let stock = kit.join("lib/modules").join(release);
    let listing = fs::read_to_string(stock.join("modules.dep")).unwrap_or_default();
    let mut order = String::new();
    for file in kmod::Dependencies::parse(&listing).boot_order() {
        let name = file.rsplit('/').next().unwrap_or(&file);
        archive.file(&format!("boot/{name}"), &read(&stock.join(&file))?);
        order.push_str(name);
        order.push('\n');
    }
    archive.file("boot/order", order.as_bytes());
    Ok(())
}

/// Our modules, and the index that lets modprobe find them by name and by alias.
fn our_modules(archive: &mut Archive, kit: &Path, sources: &Sources) -> Result<()> {
    let ours = kmod::modules_in(&sources.modules)?;
    archive.folder("index");
    for file in &ours {
        let name = file
            .file_name()
            .and_then(OsStr::to_str)
            .context("module name")?;
        archive.file(&format!("index/updates/{name}"), &read(file)?);
    }
    let index = kmod::index(kit, &sources.release, &ours, &sources.cache)?;
    for entry in fs::read_dir(index)? {
        let entry = entry?;
        let name = entry.file_name();
        archive.file(
            &format!("index/{}", name.to_string_lossy()),
            &read(&entry.path())?,
        );
    }
    Ok(())
}

/// The tool and its other names, once it is built.
fn tool(archive: &mut Archive, top: &Path) -> Result<()> {
    let program = top.join("build/cargo/release/mdctl");
    if program.is_file() {
        archive.program("payload/usr/local/sbin/mdctl", &read(&program)?);
        let help = Command::new(&program).arg("--help").output();
        let help = help.with_context(|| format!("cannot run {}", program.display()))?;
        for name in tool_names(&String::from_utf8_lossy(&help.stdout)) {
            archive.link(&format!("payload/usr/local/sbin/{name}"), "mdctl");
        }
    }
    Ok(())
}

/// The names under which the tool is installed, from its help page: SVM's commands all start with
/// "meta", and the backup is called by its own name as dump is.
fn tool_names(help: &str) -> impl Iterator<Item = &str> {
    let entries = help.lines().filter_map(|line| line.strip_prefix("  "));
    let names = entries.filter_map(|entry| entry.split(' ').next());
    names.filter(|name| name.starts_with("meta") || *name == "mddump")
}

/// What guest scenarios share, in $MD_TEST_LIB: shell to source, C headers to include.
fn library(archive: &mut Archive, folder: &Path) -> Result<()> {
    archive.folder("payload/usr/local/lib/md-test");
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "sh" || extension == "h")
        {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            archive.file(
                &format!("payload/usr/local/lib/md-test/{name}"),
                &read(&path)?,
            );
        }
    }
    Ok(())
}

/// What stage 2 must know, as shell assignments. No value needs quoting but $TERM, which gets it.
fn settings(options: &VmOptions, seed: u64) -> String {
    let flag = |set: bool| if set { "1" } else { "" };
    let (rows, columns) = terminal::size();
    let terminal = std::env::var("TERM").unwrap_or_default();
    let is_plain = terminal
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
    let variables = options
        .env
        .iter()
        .map(|variable| format!("export {variable}\n"));
    let settings = format!(
        "SEED={seed}\nMD_DISKS={}\nMD_SHARE={}\nMD_OUT={}\nMD_INTERACTIVE={}\n\
         MD_ROWS={rows}\nMD_COLUMNS={columns}\nMD_TERM='{}'\n\
         MD_PIPED={}\n",
        options.disk_count(),
        flag(options.share.is_some()),
        flag(options.out.is_some()),
        flag(options.interactive),
        if is_plain { terminal.as_str() } else { "" },
        flag(!terminal::is_there()),
    );
    variables.fold(settings, |settings, variable| settings + &variable)
}

/// SCRIPT under its own name, and the words of its command line, each ended by a zero byte: the
/// only byte that cannot be in one.
fn script_and_arguments(archive: &mut Archive, script: &Path, options: &VmOptions) -> Result<()> {
    let name = script
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or("script");
    archive.program(&format!("{PRIVATE}/script/{name}"), &read(script)?);
    let mut words = format!("/usr/local/lib/md-vm/script/{name}").into_bytes();
    words.push(0);
    for argument in options.words.iter().skip(1) {
        words.extend_from_slice(argument.as_bytes());
        words.push(0);
    }
    archive.file(&format!("{PRIVATE}/words"), &words);
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_tool_are_in_its_help() {
        let help = "\
Volume manager: metadevices of disks

Usage: mdctl <COMMAND>

Commands:
  metainit   Make metadevices
  metastat   Show metadevices,
             metaclear not being here
  mddump     Back up a file system
  version    Print versions

Options:
  -h, --help  Print help
";
        assert_eq!(
            tool_names(help).collect::<Vec<_>>(),
            ["metainit", "metastat", "mddump"]
        );
    }
}
