// SPDX-License-Identifier: GPL-2.0
//! Dumps without a process of their own, onto media that are made up.

use crate::{
    env::Place,
    sample::{
        attribute,
        bytes, //
    }, //
};
use md_dump::{
    compression::Compression,
    console::{
        Console,
        Recorded, //
    },
    job::{
        Aborted,
        Job,
        Totals, //
    },
    plan::{
        Manner,
        Plan, //
    },
    progress::Meter,
    selection::{
        select,
        Selection,
        Wish, //
    },
    signals::Signals,
    sink::{
        Media,
        Sink,
        Written, //
    },
    state::Checkpoint,
};
use md_dump_format::layout::Identity;
use md_extfs::{
    source::Source,
    FileSystem, //
};
use std::{
    collections::BTreeMap,
    fs,
    io, //
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        Duration,
        Instant, //
    },
};

/// Bytes of a block in these dumps, if nothing else is said: one record.
pub(crate) const BLOCK: usize = 1024;

/// What one medium does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Medium {
    /// Takes everything.
    Endless,
    /// Takes so many blocks; then it says once that it is full, and would take all that comes.
    Blocks(usize),
    /// Takes so many blocks; then writing fails.
    Fails(usize),
    /// Takes everything, and only at the end says that it has lost it.
    FailsAtClose,
}

/// Media by the volumes that they are for, and what is on them. A volume that is written anew gets
/// the next one of its media.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) media: BTreeMap<u32, Vec<Medium>>,
    pub(crate) volumes: BTreeMap<u32, Arc<Mutex<Vec<u8>>>>,
    /// Whether something was written behind the end of a medium.
    pub(crate) is_overrun: Arc<Mutex<bool>>,
    pub(crate) is_pipe: bool,
    pub(crate) is_at_hand: bool,
    /// When a changer has put the next medium in.
    pub(crate) loads_at: Option<Instant>,
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf {
            media: BTreeMap::new(),
            volumes: BTreeMap::new(),
            is_overrun: Arc::default(),
            is_pipe: false,
            is_at_hand: true,
            loads_at: None,
        }
    }
}

impl Shelf {
    pub(crate) fn new(media: &[Medium]) -> Self {
        let media = media
            .iter()
            .zip(1..)
            .map(|(medium, volume)| (volume, vec![*medium]));
        Shelf {
            media: media.collect(),
            ..Shelf::default()
        }
    }

    /// What is on all volumes.
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        let volumes = self.volumes.values();
        volumes
            .map(|volume| volume.lock().unwrap().clone())
            .collect()
    }
}

impl Media for Shelf {
    fn open(&mut self, volume: u32) -> io::Result<Box<dyn Sink>> {
        let media = self.media.entry(volume).or_default();
        let medium = if media.is_empty() {
            Medium::Endless
        } else {
            media.remove(0)
        };
        let bytes = Arc::default();
        self.volumes.insert(volume, Arc::clone(&bytes));
        Ok(Box::new(Model {
            medium,
            bytes,
            blocks: 0,
            has_ended: false,
            is_overrun: self.is_overrun.clone(),
        }))
    }

    fn name(&self, volume: u32) -> String {
        format!("model{volume}")
    }

    fn is_at_hand(&self, _: u32) -> bool {
        self.is_at_hand
    }

    fn is_loaded(&self, _: u32) -> bool {
        self.loads_at.is_some_and(|moment| Instant::now() >= moment)
    }

    fn is_pipe(&self) -> bool {
        self.is_pipe
    }
}

struct Model {
    medium: Medium,
    bytes: Arc<Mutex<Vec<u8>>>,
    /// How many blocks it has taken.
    blocks: usize,
    has_ended: bool,
    is_overrun: Arc<Mutex<bool>>,
}

impl Sink for Model {
    fn write(&mut self, bytes: &[u8], lengths: &[usize]) -> Written {
        if self.has_ended {
            *self.is_overrun.lock().unwrap() = true;
        }
        let mut to = self.bytes.lock().unwrap();
        let limit = match self.medium {
            Medium::Endless | Medium::FailsAtClose => usize::MAX,
            Medium::Blocks(blocks) | Medium::Fails(blocks) => blocks,
        };
        let mut rest = bytes;
        for (blocks, length) in lengths.iter().enumerate() {
            if self.blocks >= limit {
                self.has_ended = true;
                return match self.medium {
                    Medium::Fails(_) => Written::Failed(io::Error::from_raw_os_error(5)),
                    _ => Written::EndOfMedium { blocks },
                };
            }
            let (block, behind) = rest.split_at(*length);
            to.extend(block);
            self.blocks += 1;
            rest = behind;
        }
        Written::All
    }

    fn retract(&mut self, _blocks: u64, bytes: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(bytes as usize);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        match self.medium {
            Medium::FailsAtClose => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(()),
        }
    }
}

/// A small file system and what is to be dumped of it.
pub(crate) struct Small<S = Vec<u8>> {
    pub(crate) fs: FileSystem<S>,
    pub(crate) selection: Selection,
}

/// The bytes of an image with a few files of all sizes, so that a dump has some 300 records.
pub(crate) fn small_image(place: &mut Place) -> Vec<u8> {
    let image = place.image("small", "2M", &["-t", "ext2", "-b", "1024", "-N", "64"]);
    let at = place.mount(&image, "small.mount", "loop");
    fs::create_dir(at.join("folder")).unwrap();
    for (index, size) in [0, 1, 700, 1024, 1500, 9000, 180_000]
        .into_iter()
        .enumerate()
    {
        fs::write(
            at.join(format!("folder/file{index}")),
            bytes(index as u32, size),
        )
        .unwrap();
    }
    for name in ["folder", "folder/file1", "folder/file6"] {
        attribute(&at.join(name), "user.of it", name.as_bytes());
    }
    let sparse = fs::File::create(at.join("sparse")).unwrap();
    sparse.set_len(700_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, &bytes(9, 3000), 600_000).unwrap();
    drop(sparse);
    place.unmount(&at);
    fs::read(image).unwrap()
}

/// The bytes of an image with one file, so large that a dump takes several batches of blocks, of
/// which some are on their way when a volume ends.
pub(crate) fn image_of_batches(place: &mut Place) -> Vec<u8> {
    let image = place.image("batches", "8M", &["-t", "ext2", "-b", "1024", "-N", "64"]);
    let at = place.mount(&image, "batches.mount", "loop");
    fs::write(at.join("file"), bytes(5, 3_200_000)).unwrap();
    place.unmount(&at);
    fs::read(image).unwrap()
}

impl<S: Source> Small<S> {
    pub(crate) fn new(source: S) -> Self {
        let fs = FileSystem::open(source).unwrap();
        let selection = select(&fs, &Wish::default(), &|line| panic!("{line}")).unwrap();
        Small { fs, selection }
    }

    /// Dumps it in blocks of a record, all at one moment.
    pub(crate) fn dump(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        volume_bytes: Option<u64>,
    ) -> Result<Totals, Aborted> {
        let change = |job: &mut Job<'_, S>| {
            job.volume_bytes = volume_bytes.into_iter().collect();
        };
        self.dump_changed(media, console, Checkpoint::default(), change)
    }

    /// The same in blocks of so many records.
    pub(crate) fn dump_in_blocks(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        ntrec: u32,
    ) -> Result<Totals, Aborted> {
        let change = |job: &mut Job<'_, S>| job.identity.ntrec = ntrec;
        self.dump_changed(media, console, Checkpoint::default(), change)
    }

    /// The same with a changer that has so much time.
    pub(crate) fn dump_patiently(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        patience: Option<Duration>,
    ) -> Result<Totals, Aborted> {
        let change = |job: &mut Job<'_, S>| job.patience = patience;
        self.dump_changed(media, console, Checkpoint::default(), change)
    }

    pub(crate) fn dump_with(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        signals: Signals,
    ) -> Result<Totals, Aborted> {
        let change = |job: &mut Job<'_, S>| job.signals = signals;
        self.dump_changed(media, console, Checkpoint::default(), change)
    }

    /// Dumps from a place on, after something of it was changed. Warnings are told.
    pub(crate) fn dump_changed(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        start: Checkpoint,
        change: impl FnOnce(&mut Job<'_, S>),
    ) -> Result<Totals, Aborted> {
        self.dump_measured(media, console, start, change, &mut Meter::new(false))
    }

    /// The same by somebody's clock.
    pub(crate) fn dump_measured(
        &self,
        media: &mut dyn Media,
        console: &Recorded,
        start: Checkpoint,
        change: impl FnOnce(&mut Job<'_, S>),
        meter: &mut Meter,
    ) -> Result<Totals, Aborted> {
        let warn = |line: &str| console.say(line);
        let plan = Plan {
            fs: &self.fs,
            selection: &self.selection,
            manner: Manner::default(),
            warn: &warn,
        };
        let mut job = Job {
            plan: &plan,
            source: self.fs.source(),
            console,
            media,
            signals: Signals::default(),
            identity: Identity {
                date: 1_795_000_000,
                ntrec: 1,
                ..Identity::default()
            },
            volume_bytes: Vec::new(),
            compression: Compression::None,
            state: None,
            at_end_of_volume: None,
            positions: None,
            patience: None,
            is_given_up: &|| false,
        };
        change(&mut job);
        job.run(start, meter)
    }
}
