// SPDX-License-Identifier: GPL-2.0
//! The files that the tool keeps in `/etc/md`: md.cf, the configuration after the last change, and
//! mddb.cf, where the replicas of the state database are (`svm.md` sections 2.18 and 10.4). Nothing
//! reads them but people, and scripts of theirs.
//!
//! A file is replaced as a whole: whoever reads it, also after a power cut, finds the one before or
//! the one after. Who writes one has the folder locked from before he asks for what he writes, so
//! that of two commands at once the later one has the last word.

use crate::{
    admin::requests::{
        database::{
            database,
            Database, //
        },
        pools, //
    },
    description::{
        self,
        mddb_cf, //
    },
    discover::Host,
    explain::{
        self,
        keeping::unwritable,
        Failure,
        Subject, //
    },
    Machine,
};
use rustix::fs::{
    flock,
    FlockOperation, //
};
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Write, //
    },
    path::Path,
    process, //
};

/// The folder.
const FOLDER: &str = "/etc/md";

/// The file with the configuration.
const MD_CF: &str = "/etc/md/md.cf";

/// The file with the replicas.
pub const MDDB_CF: &str = "/etc/md/mddb.cf";

/// Writes md.cf, if the set is stored in a database. What was changed is changed, whatever becomes
/// of the file: so a failure is only something to be warned of.
pub fn write_md_cf(machine: &mut Machine<'_>) -> Option<String> {
    let failure = try_md_cf(machine).err()?;
    let device = failure.device.unwrap_or_default();
    let reason = failure.reason;
    Some(if device == MD_CF {
        format!("{MD_CF} {reason}, and is not up to date")
    } else {
        format!("{MD_CF} is not up to date: {device} {reason}")
    })
}

fn try_md_cf(machine: &mut Machine<'_>) -> Result<(), Failure> {
    let asked = |error| explain::request(&error, &Subject::none());
    if database(machine.admin).map_err(asked)?.is_none() {
        return Ok(());
    }
    let folder = locked(machine.host).map_err(|error| unwritable(MD_CF, &error))?;
    let Some(database) = database(machine.admin).map_err(asked)? else {
        return Ok(());
    };
    let units = description::units(machine.admin).map_err(asked)?;
    let pools = pools::list(machine.admin).map_err(asked)?;
    let text = description::md_cf(&database, &units, &pools);
    replace(machine.host, &folder, MD_CF, &text).map_err(|error| unwritable(MD_CF, &error))
}

/// Writes mddb.cf.
pub fn write_mddb_cf(host: &dyn Host, database: &Database) -> Result<(), Failure> {
    let text = mddb_cf(host, database);
    let written = locked(host).and_then(|folder| replace(host, &folder, MDDB_CF, &text));
    written.map_err(|error| unwritable(MDDB_CF, &error))
}

/// The folder, locked until it is dropped; it is made if it is not there.
fn locked(host: &dyn Host) -> io::Result<File> {
    let path = below(host, FOLDER);
    fs::create_dir_all(&path)?;
    let folder = File::open(path)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

/// Puts a new file in the place of the one with this path, or of none.
fn replace(host: &dyn Host, folder: &File, path: &str, text: &str) -> io::Result<()> {
    let path = below(host, path);
    let new = path.with_extension(format!("new.{}", process::id()));
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        // There is nothing more to be done if it cannot be removed either.
        let _ = fs::remove_file(&new);
    }
    written?;
    folder.sync_all()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A path below the machine's root.
fn below(host: &dyn Host, path: &str) -> std::path::PathBuf {
    host.root().join(path.trim_start_matches('/'))
}
