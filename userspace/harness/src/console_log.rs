// SPDX-License-Identifier: GPL-2.0
//! Where the console of a guest is kept.

use std::{
    fs,
    path::PathBuf, //
};

use anyhow::Result;

use crate::{
    options::VmOptions,
    vm, //
};

/// Where the console goes. The default place is cleaned up after a success.
pub(crate) struct ConsoleLog {
    pub(crate) path: PathBuf,
    temporary: bool,
}

impl ConsoleLog {
    /// Chooses the place and makes its folder.
    pub(crate) fn new(options: &VmOptions) -> Result<Self> {
        if let Some(path) = &options.console {
            return Ok(Self {
                path: path.clone(),
                temporary: false,
            });
        }
        let folder = vm::top().join("build/vm");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("console-{}.log", std::process::id()));
        Ok(Self {
            path,
            temporary: true,
        })
    }

    /// The guest has ended with this status.
    pub(crate) fn finish(&self, status: u8) {
        if self.temporary && status == 0 {
            // A log that stays is only untidy.
            let _ = fs::remove_file(&self.path);
        }
    }
}
