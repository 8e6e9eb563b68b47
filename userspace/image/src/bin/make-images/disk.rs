// SPDX-License-Identifier: GPL-2.0
//! A disk in memory, with pages, and labels in its reserved head.

use md_model::database::{
    header::{
        End,
        Header, //
    },
    label::Label,
    layout::{
        PAGE_SECTORS,
        ROOT_PLACE, //
    },
    members::Member,
    page::PAGE_BYTES,
    root::Root, //
};

/// A disk.
pub(crate) struct Disk {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Disk {
    /// An empty one of so many pages.
    pub(crate) fn new(pages: usize) -> Self {
        Disk {
            bytes: vec![0; pages * PAGE_BYTES],
        }
    }

    /// A page.
    pub(crate) fn page(&mut self, page: u64) -> &mut [u8] {
        let start = page as usize * PAGE_BYTES;
        &mut self.bytes[start..start + PAGE_BYTES]
    }

    /// Writes both copies of a label.
    pub(crate) fn label(&mut self, label: &Label, tree: &[u8]) {
        let mut page = vec![0; PAGE_BYTES];
        for copy in [0, 1] {
            for number in 0..label.pages().expect("the tree is short") {
                let place = label.encode(copy, number, tree, &mut page);
                let place = place.expect("a page of the label");
                self.page(place.into()).copy_from_slice(&page);
            }
        }
    }

    /// Writes the ends of a replica.
    pub(crate) fn ends(&mut self, header: &Header) {
        for (end, place) in [(End::Head, 0), (End::Tail, header.pages - 1)] {
            let page = self.page(first_page(header) + u64::from(place));
            header.encode(end, page).expect("a page");
        }
    }

    /// Writes the first root of the first replica of a new set, as `metadb -a -f` does.
    pub(crate) fn first_root(&mut self, root: &Root, header: &Header, members: &[Member]) {
        let [first, _] = ROOT_PLACE;
        for place in first {
            let page = self.page(first_page(header) + u64::from(place));
            root.encode(place, &[], members, page).expect("a page");
        }
    }
}

/// The device's page on which a replica begins.
pub(crate) fn first_page(header: &Header) -> u64 {
    header.start_sector / PAGE_SECTORS
}
