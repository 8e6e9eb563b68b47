// SPDX-License-Identifier: GPL-2.0
//! The images in `tests/images/`: each release of the format has some, and every later build loads
//! them and shows the same (`tests/images/README.md`). They are never made anew.

use crate::env::TestEnvironment;
use insta::{
    assert_snapshot,
    Settings, //
};
use md_image::listing;
use md_model::{
    database::{
        choice::{
            decide,
            Start, //
        },
        layout::{
            PAGE_SECTORS,
            REPLICA_PAGE, //
        },
        load::{
            Reader,
            Room, //
        },
        members::Member,
        page::PAGE_BYTES,
        table::{
            Pointer,
            TABLES_MAX,
            TABLE_PAGES, //
        },
    },
    limits::REPLICAS_MAX,
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path, //
};

/// Largest file of an image in git.
const FILE_BYTES_MAX: u64 = 20_000;

/// All images by their names.
pub(crate) fn images() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/images");
    let mut images = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "hex") {
            assert!(fs::metadata(&path).unwrap().len() < FILE_BYTES_MAX);
            let image = listing::read(&fs::read_to_string(&path).unwrap());
            let name = path.file_stem().unwrap().to_str().unwrap();
            images.insert(name.to_string(), image.expect("a listing"));
        }
    }
    assert!(images.len() >= 4);
    images
}

/// What `mdctl dump` makes of each.
#[test]
fn every_image_is_shown_as_it_was() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("images");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, image) in images() {
        let env = &mut TestEnvironment::new();
        env.write_bytes("image", &image);
        let transcript = env.run("mdctl dump /image");
        settings.bind(|| assert_snapshot!(name.as_str(), transcript));
    }
}

/// Memory for a reader.
struct Lent {
    members: Vec<Member>,
    tables: Vec<Pointer>,
    pages: Vec<Pointer>,
}

impl Lent {
    fn new() -> Self {
        Lent {
            members: vec![Member::UNFILLED; REPLICAS_MAX],
            tables: vec![Pointer::NONE; TABLES_MAX],
            pages: vec![Pointer::NONE; TABLE_PAGES],
        }
    }
}

/// Reads the first replica of an image to its end, as the kernel does when it loads a set.
fn read<'l>(image: &[u8], lent: &'l mut Lent) -> Reader<'l> {
    let first = REPLICA_PAGE as usize;
    let room = Room {
        members: &mut lent.members,
        tables: &mut lent.tables,
        pages: &mut lent.pages,
    };
    let mut reader = Reader::new(u64::from(REPLICA_PAGE) * PAGE_SECTORS, None, room);
    while let Some(read) = reader.next() {
        let start = (first + read.place as usize) * PAGE_BYTES;
        let _ = reader.take(image.get(start..start + PAGE_BYTES));
    }
    reader
}

/// The model that the kernel loads sets with finds all of each image, and starts those whose
/// voters are all there.
#[test]
fn every_image_is_loaded() {
    for (name, image) in images() {
        let mut lent = Lent::new();
        let reader = read(&image, &mut lent);
        let flaws = u32::from(name.contains("torn"));
        assert_eq!(reader.flaws(), flaws, "{name}");
        let found = reader.found().expect("a root");
        assert!(found.complete, "{name}");
        let voters = found.members.len();
        match decide(&[Some(found)], &[]) {
            Ok(decision) => {
                assert_eq!(decision.source, Some(0), "{name}");
                let is_writable = matches!(decision.start, Start::Writable { .. });
                assert_eq!(is_writable, voters == 1, "{name}");
            }
            Err(_) => assert!(name.contains("tie-breaker"), "{name}"),
        }
    }
}
