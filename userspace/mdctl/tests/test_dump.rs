// SPDX-License-Identifier: GPL-2.0
//! `mdctl dump`: what is whole, what is damaged and where, and what cannot be looked at.

use crate::{
    env::{
        folded,
        TestEnvironment, //
    },
    test_images::images, //
};
use insta::assert_snapshot;
use md_model::database::{
    crc32c::Crc32c,
    identity::Uuid,
    page::{
        payload_mut,
        seal,
        Kind,
        Stamp,
        CHECKSUM,
        FORMAT,
        PAGE_BYTES, //
    },
};
use serde_json::json;

/// The stripe with a replica in the head of its first disk.
const STRIPE: &str = "v1-stripe-in-head";

/// The two replicas on a partition of their own.
const TWO: &str = "v1-two-replicas";

/// A machine with an image, changed in some way.
fn with_image(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> TestEnvironment {
    let env = TestEnvironment::new();
    let mut image = images().remove(name).expect("there is such an image");
    change(&mut image);
    env.write_bytes("image", &image);
    env
}

/// The bytes of a page.
fn page(image: &mut [u8], number: usize) -> &mut [u8] {
    &mut image[number * PAGE_BYTES..][..PAGE_BYTES]
}

/// What `mdctl dump` has to say about damage.
fn damage(mut env: TestEnvironment) -> String {
    let transcript = env.run("mdctl dump /image");
    let lines = transcript.stdout.lines();
    let lines = lines.filter(|line| line.starts_with("Damage") || line.starts_with("Note"));
    let lines = lines.chain(transcript.stderr.lines());
    let lines: Vec<_> = lines.map(folded).collect();
    format!("{}\n[exit status {}]", lines.join("\n"), transcript.status)
}

/// Makes the checksum of a page fit what is in it.
fn sign(page: &mut [u8]) {
    CHECKSUM.put(page, 0);
    let sum = Crc32c::START.with(page).value();
    CHECKSUM.put(page, sum.into());
}

#[test]
fn help_page() {
    assert_snapshot!(TestEnvironment::new().run("mdctl dump --help"), @r"
    $ mdctl dump --help
    Show and verify what is written on a device or image of one, offline.

    Shows the component label and the replicas of the state database with all that is in them,\
     and
    verifies every byte that counts. Nothing is written, the modules are not needed, and neith\
    er is
    root where the device or file can be read. Whatever is damaged is told with its page and b\
    yte.
    What is in use may be in the middle of a change: then dump it once more.

    Usage: mdctl dump [OPTIONS] <DEVICE|IMAGE>

    Arguments:
      <DEVICE|IMAGE>  A block device, or a file with the bytes of one

    Options:
          --replica <N>  Of the replicas only this one, counted from 0
          --json         Answer in JSON, also errors; may stand anywhere on the line
      -h, --help         Print help

    Exit status:
      0  All is whole
      1  Something is damaged, or of a version that is not known
      2  Nothing could be looked at: the command line is wrong, or the file cannot be opened

    An interrupted commit leaves a damaged root behind as well. As long as the other root is w\
    hole
    nothing is lost, and the next start of the set writes over it.

    Examples:
      mdctl dump /dev/sda              What is on a disk
      mdctl dump --replica 1 disk.img  The second replica in an image
      mdctl dump --json /dev/sda | jq .dump.damage
    ");
}

/// The kernel is not asked.
/// Only a component has a label, and replicas on a disk of their own reach beyond where its second
/// copy would be.
#[test]
fn replicas_where_a_label_would_be_are_no_damage() {
    let env = with_image(TWO, |image| {
        let head = page(image, 56).to_vec();
        image.resize(256 * PAGE_BYTES, 0);
        page(image, 224).copy_from_slice(&head);
    });
    assert_snapshot!(damage(env), @"[exit status 0]");
}

#[test]
fn a_whole_image_is_whole_without_the_module() {
    let mut env = with_image(STRIPE, |_| ());
    let failure = mdctl::admin::CallError::Open(rustix::io::Errno::NOENT);
    env.admin.answers.fail_next(failure);
    let transcript = env.run("mdctl dump /image");
    assert_eq!((transcript.status, transcript.stderr.as_str()), (0, ""));
    assert!(transcript.stdout.ends_with("All of it is whole.\n"));
}

#[test]
fn json_has_the_whole_of_it() {
    let mut env = with_image(STRIPE, |_| ());
    let document = env.run("mdctl dump --json /image").json();
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    assert_snapshot!("stripe_in_head_json", pretty);
}

#[test]
fn one_replica_is_shown_alone() {
    let mut env = with_image(TWO, |image| page(image, 33)[100] ^= 1);
    let second = env.run("mdctl dump /image --replica 1");
    assert_eq!(second.status, 0, "{second}");
    assert_eq!(second.stdout.matches("Replica ").count(), 1);
    assert!(second.stdout.contains("Replica 1 at page 56"));
    let first = env.run("mdctl dump /image --replica 0");
    assert_eq!(first.status, 1, "{first}");
    assert_snapshot!(env.run("mdctl dump /image --replica 2"), @r"
    $ mdctl dump /image --replica 2
    err| mdctl dump: /image: has no replica 2
    err| next: mdctl dump /image
    [exit status 2]
    ");
}

/// 1 is what is damaged, 2 what nobody has seen.
#[test]
fn what_cannot_be_looked_at_has_another_status() {
    let mut env = with_image(STRIPE, |_| ());
    env.write("folder/file", "");
    let lines = [
        "mdctl dump",
        "mdctl dump --replica x /image",
        "mdctl dump /nothing",
        "mdctl dump /folder",
        "mdctl dump --json /nothing",
    ];
    assert_snapshot!(env.run_all(&lines), @r#"
    $ mdctl dump
    err| mdctl dump: the following required arguments were not provided: <DEVICE|IMAGE>
    err| next: mdctl dump --help
    [exit status 2]
    $ mdctl dump --replica x /image
    err| mdctl dump: invalid value 'x' for '--replica <N>': invalid digit found in string
    err| next: mdctl dump --help
    [exit status 2]
    $ mdctl dump /nothing
    err| mdctl dump: /nothing: there is no such device or file
    err| next: lsblk
    [exit status 2]
    $ mdctl dump /folder
    err| mdctl dump: /folder: cannot be opened: is a directory
    err| next: ls -l /folder
    [exit status 2]
    $ mdctl dump --json /nothing
    {"version":1,"error":{"command":"mdctl dump","device":"/nothing","reason":"there is no suc\
    h device or file","next":"lsblk"}}
    [exit status 2]
    "#);
}

#[test]
fn a_device_with_nothing_of_ours_has_nothing() {
    let env = &mut TestEnvironment::new();
    env.write_bytes("empty", b"");
    env.write_bytes("image", &[0; 1 << 20]);
    assert_snapshot!(env.run_all(&["mdctl dump /empty", "mdctl dump /image"]), @r"
    $ mdctl dump /empty
    /empty: 0 bytes
    Component label: none that is whole
    Replicas: none
    Nothing of ours is written here.
    $ mdctl dump /image
    /image: 1048576 bytes
    Component label: none that is whole
    Replicas: none
    Nothing of ours is written here.
    ");
}

#[test]
fn damage_is_told_with_page_byte_and_reason() {
    let flipped = with_image(STRIPE, |image| page(image, 38)[200] ^= 0x10);
    assert_snapshot!(damage(flipped), @r"
    Damage: page 38 (byte 155648), table 0 of replica 0: has the checksum 6993830d, and its by\
    tes have 687e43a2
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
    let zeroed = with_image(STRIPE, |image| page(image, 1).fill(0));
    assert_snapshot!(damage(zeroed), @r"
    Damage: page 1 (byte 4096), component label: is empty
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

/// `docs/format.md`: head and tail say the same, and the tail counts if the head cannot be read.
#[test]
fn a_replica_without_its_head_is_found_by_its_tail() {
    let mut env = with_image(TWO, |image| page(image, 32).fill(0));
    let text = env.run("mdctl dump /image").stdout;
    assert!(text.contains("Replica 0 at page 32") && text.contains("Replica 1 at page 56"));
    assert_snapshot!(damage(env), @r"
    Damage: page 32 (byte 131072), head of replica 0: is empty
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
    let neither = with_image(TWO, |image| {
        page(image, 32)[20] ^= 1;
        page(image, 55).fill(0xff);
    });
    assert_snapshot!(damage(neither), @r"
    Damage: page 32 (byte 131072), head of replica 0: has the checksum 7e57c222, and its bytes\
     have 7e57c223
    Damage: page 32 (byte 131072), tail of replica 0: is not found either, so that nobody know\
    s where the next replica begins
    mdctl dump: /image: is damaged in 2 places
    next: mdctl scan
    [exit status 1]
    ");
    let other = with_image(TWO, |image| {
        let tail = page(image, 79).to_vec();
        page(image, 55).copy_from_slice(&tail);
    });
    assert_snapshot!(damage(other), @r"
    Damage: page 55 (byte 225280), tail of replica 0: is that of a replica that begins elsewhe\
    re, or has another length
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

/// `DURABILITY.md` clause 20: unknown versions are named, and not guessed.
#[test]
fn unknown_versions_are_named() {
    let newer_page = with_image(STRIPE, |image| {
        let head = page(image, 32);
        FORMAT.put(head, 7);
        sign(head);
    });
    assert_snapshot!(damage(newer_page), @r"
    Damage: page 32 (byte 131072), head of replica 0: is of version 7 of the format, and this \
    release knows version 1: use a newer one
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

/// What follows a record that this release does not know is read all the same.
#[test]
fn an_unknown_kind_of_record_is_named() {
    let env = with_image(STRIPE, |image| {
        let label = page(image, 1);
        // The tree begins behind the head of the page and the fixed part of the label: length,
        // kind, version.
        label[64 + 64 + 4] = 9;
        sign(label);
        let copy = page(image, 224);
        copy[64 + 64 + 4] = 9;
        sign(copy);
    });
    assert_snapshot!(damage(env), @r"
    Damage: page 1 (byte 4096), record 0 of the label's tree: is of kind 9, version 1, and thi\
    s release knows kind 1, versions 1 to 3: use a newer one
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

/// A truncated image, a file that is cut off within a page, and one with holes.
#[test]
fn images_may_be_cut_off_and_have_holes() {
    let cut = with_image(STRIPE, |image| image.truncate(38 * PAGE_BYTES + 100));
    assert_snapshot!(damage(cut), @r"
    Damage: page 224 (byte 917504), component label: lies behind the end of the device, which \
    has 155748 bytes
    Damage: page 223 (byte 913408), tail of replica 0: lies behind the end of the device, whic\
    h has 155748 bytes
    Damage: page 38 (byte 155648), table 0 of replica 0: is cut off: the device ends 100 bytes\
     behind its start
    mdctl dump: /image: is damaged in 3 places
    next: mdctl scan
    [exit status 1]
    ");
    let env = with_image(STRIPE, |_| ());
    assert!(env.copy_with_holes("image", "sparse"));
    let mut env = env;
    let transcript = env.run("mdctl dump /sparse");
    assert_eq!(transcript.status, 0, "{transcript}");
}

/// The copies of a label are written one after the other.
#[test]
fn a_label_of_which_one_copy_is_older_is_whole() {
    let older = with_image("v1-torn-root", |image| {
        let [first, again] = [1, 224].map(|number| page(image, number).to_vec());
        assert_eq!(first[64..], again[64..]);
        let copy = page(image, 224);
        // The count of changes.
        copy[48] = 0;
        sign(copy);
    });
    assert_snapshot!(damage(older), @r"
    Note: the label's copy at page 224 is older (sequence 0, the other has 1): writing it was \
    cut off between the two
    Damage: page 33 (byte 135168), root of replica 0: has the checksum 0ff41d62, and its bytes\
     have dc9e282f
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

/// A page of another set in the place of one of ours.
#[test]
fn a_page_of_another_set_is_not_taken_for_ours() {
    let env = with_image(STRIPE, |image| {
        let stamp = Stamp {
            kind: Kind::Root,
            set: Uuid::from_bytes([9; 16]),
            generation: Default::default(),
            place: 1,
        };
        let root = page(image, 33);
        payload_mut(root)[..4].fill(1);
        seal(root, stamp, 40).unwrap();
    });
    assert_snapshot!(damage(env), @r"
    Damage: page 33 (byte 135168), root of replica 0: is not what belongs here, but a root of \
    a commit for place 1 of set 09090909-0909-0909-0909-090909090909, commit 0.0
    mdctl dump: /image: is damaged in 1 place
    next: mdctl scan
    [exit status 1]
    ");
}

#[test]
fn a_damaged_document_has_an_error_too() {
    let mut env = with_image(STRIPE, |image| page(image, 33)[9] ^= 1);
    let document = env.run("mdctl dump --json /image").json();
    assert_eq!(document["dump"]["damage"][0]["page"], json!(33));
    assert_eq!(document["dump"]["damage"][0]["offset"], json!(33 * 4096));
    assert_eq!(document["error"]["reason"], json!("is damaged in 1 place"));
}
