// SPDX-License-Identifier: GPL-2.0
//! Events in the kernel's log, in the words of SVM's md(7D) where it has them (`svm.md` section
//! 12), with the next command to type.

use kernel::{
    prelude::*,
    str::BStr, //
};
use md_model::events::kind::{
    Kind,
    State, //
};

use super::{
    text_in,
    Event, //
};
use crate::abi;

/// Tells of an event, and how many lines were left out before it.
pub(super) fn tell(event: &Event<'_>, told: &abi::Event, left_out: u32) {
    if left_out > 0 {
        pr_warn!("{left_out} messages were left out; 'mdctl monitor --past' has the last events\n");
    }
    let line = Line {
        event,
        volume: shown(&told.volume),
        device: shown(&told.device),
        new_device: shown(&told.new_device),
    };
    match event.kind {
        Kind::Erred | Kind::LastErred | Kind::Ok => line.component(),
        Kind::Slow | Kind::InTime => line.pace(),
        Kind::ResyncStart | Kind::ResyncDone | Kind::ResyncFailed | Kind::ResyncCancel => {
            line.resync();
        }
        Kind::Hotspared | Kind::HotspareFreed | Kind::HotspareChanged => line.spare(),
        Kind::Add | Kind::Remove | Kind::ReplicaFailed | Kind::Back => line.device(),
        Kind::Start | Kind::Stop | Kind::QuorumLost => line.set(),
        // What it has found is told with it; and a loss, where it is found.
        Kind::Check | Kind::Lost | Kind::Fenced => {}
        _ => line.change(),
    }
}

fn shown(field: &[u8]) -> &BStr {
    BStr::from_bytes(text_in(field))
}

/// What a line is about.
struct Line<'a> {
    event: &'a Event<'a>,
    volume: &'a BStr,
    device: &'a BStr,
    new_device: &'a BStr,
}

impl Line<'_> {
    fn component(&self) {
        let Self { volume, device, .. } = self;
        match self.event.kind {
            Kind::Erred => pr_warn!(
                "{volume}: {device} needs maintenance: it is out of service, and the other side \
                 has its data; 'metastat {volume}' says how to replace it\n"
            ),
            Kind::LastErred => pr_err!(
                "{volume}: {device} last erred: it fails, but holds the last copy of its data, and \
                 stays in service; 'metastat {volume}' says what to replace first\n"
            ),
            _ => pr_info!("{volume}: {device} is in service again\n"),
        }
    }

    fn pace(&self) {
        let Self { volume, device, .. } = self;
        let [ms, _] = self.event.values;
        if self.event.kind == Kind::Slow {
            pr_warn!(
                "{volume}: {device} is slow: it takes {ms} ms to answer, and reads go to another \
                 side; if it stays so, replace it: 'metastat {volume}' shows how it is\n"
            );
        } else {
            pr_info!("{volume}: {device} answers in time again ({ms} ms)\n");
        }
    }

    fn resync(&self) {
        let volume = self.volume;
        match self.event.kind {
            Kind::ResyncStart => pr_info!("{volume}: resync is started\n"),
            Kind::ResyncDone => pr_info!("{volume}: resync is done\n"),
            Kind::ResyncCancel if self.event.states.1 == Some(State::Paused) => {
                pr_info!("{volume}: resync pauses; 'metasync {volume}' lets it go on\n");
            }
            Kind::ResyncCancel => {
                pr_info!("{volume}: resync is cancelled; 'metasync {volume}' lets it go on\n");
            }
            _ => pr_err!(
                "{volume}: resync is stuck: some blocks cannot be read on any side; 'metastat \
                 {volume}' shows what needs maintenance, 'metasync {volume}' tries again\n"
            ),
        }
    }

    fn spare(&self) {
        let Self {
            volume,
            device,
            new_device,
            ..
        } = self;
        match (self.event.kind, self.event.states.1) {
            (Kind::Hotspared, _) => {
                pr_info!("{volume}: hotspared device {device} with {new_device}\n");
            }
            (Kind::HotspareFreed, _) => {
                pr_info!("{volume}: hot spare {device} is available again\n");
            }
            (_, Some(State::Broken)) => {
                pr_err!("hot spare {device} is broken; 'metahs -e {device}' when it works again\n")
            }
            _ => pr_info!("hot spare {device} is enabled\n"),
        }
    }

    fn device(&self) {
        let Self { volume, device, .. } = self;
        let is_spare = !volume.is_empty();
        match self.event.kind {
            Kind::Add if is_spare => pr_info!("{volume}: hot spare {device} is added\n"),
            Kind::Remove if is_spare => pr_info!("{volume}: hot spare {device} is deleted\n"),
            Kind::Add => pr_info!("state database: a replica on {device} is added\n"),
            Kind::Remove => pr_info!("state database: a replica on {device} is deleted\n"),
            Kind::Back => pr_info!("failfast: {device}: is this host's again, or given up\n"),
            _ => pr_err!(
                "state database: the replica on {device} failed; 'metadb -i' shows the others, \
                 'metadb -d {device}' gives it up\n"
            ),
        }
    }

    fn set(&self) {
        let [made, failed] = self.event.values;
        match self.event.kind {
            Kind::Start => pr_info!(
                "state database: the set is started: {made} metadevices, and {failed} could not be \
                 made\n"
            ),
            Kind::Stop => pr_info!("state database: the set is stopped\n"),
            _ => pr_err!(
                "state database: too few replicas can be written: the set is read-only, and writes \
                 whose failure would have to be recorded fail; 'metadb -i' shows the replicas\n"
            ),
        }
    }

    /// What the administrator has done.
    fn change(&self) {
        let Self {
            volume,
            device,
            new_device,
            ..
        } = self;
        match self.event.kind {
            Kind::Create => pr_info!("{volume}: is made\n"),
            Kind::Delete => pr_info!("{volume}: is cleared\n"),
            Kind::Grow => {
                let [before, now] = self.event.values;
                pr_info!("{volume}: has {now} blocks now, {before} before\n");
            }
            Kind::Rename => pr_info!("{device}: is called {volume} now\n"),
            Kind::Exchange => {
                pr_info!("{device}: is called {volume} now, and the other way round\n")
            }
            Kind::Attach => pr_info!("{volume}: submirror {device} is attached\n"),
            Kind::Detach => pr_info!("{volume}: submirror {device} is detached\n"),
            Kind::Offline => pr_info!("{volume}: submirror {device} is offlined\n"),
            Kind::Online => pr_info!("{volume}: submirror {device} is onlined\n"),
            Kind::Replace if new_device == device => {
                pr_info!("{volume}: device {device} is enabled\n");
            }
            _ => pr_info!("{volume}: device {device} is replaced with {new_device}\n"),
        }
    }
}
