// SPDX-License-Identifier: GPL-2.0
//! What is dumped: which device a word of the command line means, and that device open for reading.

use crate::{
    console::Console,
    direct::Device,
    failure::Failure,
    kapi,
    mounts,
    tolerant::Tolerant, //
};
use md_extfs::source::OpenFile;
use rustix::fs::{
    sync,
    OFlags, //
};
use std::{
    fs::{
        self,
        File, //
    },
    io::{
        self,
        Seek,
        SeekFrom, //
    },
    os::unix::fs::{
        FileTypeExt,
        OpenOptionsExt, //
    },
    path::PathBuf,
    sync::{
        atomic::AtomicBool,
        Arc, //
    }, //
};

/// A file system that is to be dumped.
pub(crate) struct Target {
    /// As it was named, by which dumpdates knows it.
    pub(crate) name: String,
    /// What is read.
    pub(crate) device: String,
    /// Where it is mounted, or would be.
    pub(crate) folder: Option<String>,
    /// Where it is mounted now, so that the kernel knows more of it than its device.
    pub(crate) live: Option<PathBuf>,
}

/// A file system that is open for reading.
pub(crate) struct Opened {
    /// What is read.
    pub(crate) source: Arc<Tolerant>,
    /// The device.
    pub(crate) file: File,
}

impl Target {
    /// The one that a word means: a device, an image, or where it is mounted.
    pub(crate) fn parse(word: Option<&str>) -> Result<Self, Failure> {
        let Some(word) = word else {
            let reason = "no file system is named";
            return Err(Failure::new("", reason, "mddump --help"));
        };
        let mount = mounts::find(word.trim_end_matches('/')).or_else(|| mounts::find(word));
        let is_folder = fs::metadata(word).is_ok_and(|found| found.is_dir());
        let (device, folder) = match mount {
            Some(mount) if is_folder => (mount.device, Some(mount.folder)),
            Some(mount) => (word.to_string(), Some(mount.folder)),
            None if is_folder => {
                let reason = "is a folder where no file system is mounted; only whole file \
                              systems are dumped";
                return Err(Failure::new(word, reason, "findmnt"));
            }
            None => (word.to_string(), None),
        };
        Ok(Target {
            name: word.to_string(),
            live: mounts::mounted_at(&device),
            device,
            folder,
        })
    }

    /// Its device, of which so many errors are borne before the user is asked.
    /// When `stop` becomes true, nothing more is read.
    pub(crate) fn open(
        &self,
        console: Arc<dyn Console>,
        errors: u64,
        stop: Arc<AtomicBool>,
    ) -> Result<Opened, Failure> {
        let device = &self.device;
        let open = || {
            let device = self.open_file()?;
            let file = device.file().try_clone()?;
            Ok((device, file))
        };
        let (opened, file) = open().map_err(|error: io::Error| {
            let reason = format!("cannot be opened: {error}");
            Failure::new(device, &reason, &format!("ls -l {device}"))
        })?;
        let source = Tolerant::new(Box::new(opened), device, console, errors);
        Ok(Opened {
            source: Arc::new(source.until(stop)),
            file,
        })
    }

    fn open_file(&self) -> io::Result<Device> {
        // A pipe without a writer is not waited for.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let mut options = File::options();
        let mut file = options.read(true).custom_flags(flags).open(&self.device)?;
        let is_device = file.metadata()?.file_type().is_block_device();
        if is_device {
            // A side of a mirror belongs to a file system that has written all that it had to.
            if self.name == self.device || self.live.is_some() {
                sync();
            }
            if let Some(folder) = &self.live {
                // What the journal keeps of the contents of files is not seen on the device. File
                // systems that have no journal, or old kernels, know no such request.
                let _ = File::open(folder).and_then(kapi::empty_journal);
            }
            // Without the right to do so, the dump is of what the kernel has at hand.
            let _ = kapi::flush_buffers(&file);
        }
        let bytes = file.seek(SeekFrom::End(0))?;
        let file = OpenFile { file, bytes };
        Ok(if is_device {
            Device::with_both_ways(file)
        } else {
            Device::cached(file)
        })
    }
}
