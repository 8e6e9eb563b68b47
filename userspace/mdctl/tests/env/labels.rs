// SPDX-License-Identifier: GPL-2.0
//! Labels of components, with the metadevices that they are part of, as the kernel writes them.

use super::{
    TestEnvironment,
    DISK_SECTORS, //
};
use md_model::{
    database::{
        identity::Uuid,
        label::{
            append,
            Label,
            TreeRecord, //
        },
        layout::LABEL_PAGE,
        metadevice::{
            encode,
            fields::{
                RECORD_KIND,
                RECORD_VERSION, //
            },
            Component,
            Head,
            Kind,
            Parts,
            Row,
            Side,
            Sync, //
        },
        page::PAGE_BYTES,
    },
    limits::RESERVED_HEAD_SECTORS,
    mirror::{
        component::State,
        options::Options,
        side::SideState, //
    },
};
use std::fs;

/// A record in a label.
pub(crate) enum Told<'a> {
    /// A concat of the component with an identity.
    Concat(u32, u8),
    /// A mirror of these.
    Mirror(u32, &'a [u32]),
}

impl TestEnvironment {
    /// The same machine, where nothing is on the metadevices that a test recovers.
    pub(crate) fn with_empty_units(self) -> Self {
        for name in ["d10", "d11", "d12", "d13"] {
            self.write_bytes(&format!("dev/md/dsk/{name}"), &[0; 1 << 16]);
        }
        self
    }

    /// Writes the label of a component of the set whose uuid is nothing but ones on a disk.
    pub(crate) fn write_label(&self, disk: &str, component: u8, tree: &[Told<'_>]) {
        let path = self.path(format!("dev/{disk}"));
        let mut bytes = fs::read(&path).unwrap_or_else(|_| vec![0; DISK_SECTORS as usize * 512]);
        let tree = encoded(tree);
        let label = Label {
            set: Uuid::from_bytes([1; 16]),
            component: Uuid::from_bytes([component; 16]),
            set_name: *b"local\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            data_sector: RESERVED_HEAD_SECTORS,
            sequence: 1,
            tree_bytes: tree.len() as u32,
        };
        for (copy, first) in LABEL_PAGE.into_iter().enumerate() {
            for page in 0..label.pages().unwrap() {
                let from = (first + page) as usize * PAGE_BYTES;
                let to = &mut bytes[from..from + PAGE_BYTES];
                label.encode(copy, page, &tree, to).unwrap();
            }
        }
        self.write_bytes(&format!("dev/{disk}"), &bytes);
    }
}

fn encoded(records: &[Told<'_>]) -> Vec<u8> {
    let mut tree = vec![0; 1 << 16];
    let mut used = 0;
    for record in records {
        let bytes = record.bytes();
        let record = TreeRecord {
            kind: RECORD_KIND,
            version: RECORD_VERSION,
            bytes: &bytes,
        };
        used = append(&mut tree, used, &record).unwrap();
    }
    tree.truncate(used);
    tree
}

impl Told<'_> {
    fn bytes(&self) -> Vec<u8> {
        let size = DISK_SECTORS - RESERVED_HEAD_SECTORS;
        let head = |number, kind| Head {
            number,
            kind,
            size_sectors: size,
            sync: Sync::UNKNOWN,
            pool: None,
        };
        let mut bytes = vec![0; 1 << 14];
        let mut write = |head, rows: &[Row], components: &[Component], sides: &[Side]| {
            let parts = Parts {
                head,
                rows,
                components,
                sides,
                words: &[],
                spared: &[],
                history: None,
                soft: None,
                raid: None,
            };
            encode(&parts, &mut bytes).unwrap()
        };
        let used = match self {
            Told::Concat(number, uuid) => {
                let row = Row {
                    interlace_sectors: 1024,
                    size_sectors: size,
                    component_count: 1,
                };
                let component = Component {
                    uuid: Uuid::from_bytes([*uuid; 16]),
                    partition: Uuid::NIL,
                    wwn: [0; 32],
                    start_sector: RESERVED_HEAD_SECTORS,
                    size_sectors: size,
                    erred_at: 0,
                    unit: None,
                    state: State::Okay,
                };
                write(head(*number, Kind::Stripe), &[row], &[component], &[])
            }
            Told::Mirror(number, sides) => {
                let side = |number: &u32| Side {
                    number: *number,
                    state: SideState::Okay,
                };
                let sides: Vec<_> = sides.iter().map(side).collect();
                let kind = Kind::Mirror(Options::default());
                write(head(*number, kind), &[], &[], &sides)
            }
        };
        bytes.truncate(used);
        bytes
    }
}
