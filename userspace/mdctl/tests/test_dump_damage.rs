// SPDX-License-Identifier: GPL-2.0
//! `mdctl dump` on bytes of any kind: it ends with an answer, and notices every byte that counts.

use crate::{
    env::TestEnvironment,
    test_images::images, //
};
use md_image::inspect;
use md_model::database::{
    crc32c::Crc32c,
    page::{
        CHECKSUM,
        HEAD_BYTES,
        PAGE_BYTES, //
    },
};
use proptest::{
    prelude::*,
    sample::Index, //
};

/// Something that happens to an image.
#[derive(Clone, Debug)]
enum Harm {
    Flip(Index, u8),
    Zero(Index, usize),
    Noise(Index, u64),
    Move(Index, Index),
    Truncate(Index),
    /// A flipped bit in a page whose checksum fits all the same, and so do those of pointers to it.
    Forge(Index, u8),
}

fn any_harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        2 => (any::<Index>(), 1..20_000_usize).prop_map(|(at, count)| Harm::Zero(at, count)),
        1 => (any::<Index>(), any::<u64>()).prop_map(|(at, seed)| Harm::Noise(at, seed)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Harm::Move(from, to)),
        1 => any::<Index>().prop_map(Harm::Truncate),
        6 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Forge(at, bit)),
    ]
}

/// Offsets of the pages that are not empty: harm elsewhere would be noticed by nobody.
fn pages_in_use(image: &[u8]) -> Vec<usize> {
    let pages = image.chunks(PAGE_BYTES).enumerate();
    let used = pages.filter(|(_, page)| page.iter().any(|byte| *byte != 0));
    used.map(|(number, _)| number * PAGE_BYTES).collect()
}

/// A byte in a page that is in use.
fn spot(image: &[u8], at: &Index) -> Option<usize> {
    let pages = pages_in_use(image);
    let all = pages.len() * PAGE_BYTES;
    let at = at.index(all.max(1));
    let page = pages.get(at / PAGE_BYTES)?;
    Some((page + at % PAGE_BYTES).min(image.len() - 1))
}

fn harm(image: &mut Vec<u8>, harm: &Harm) -> Option<()> {
    match harm {
        Harm::Flip(at, bit) => {
            let at = spot(image, at)?;
            image[at] ^= 1 << bit;
        }
        Harm::Zero(at, count) => {
            let at = spot(image, at)?;
            let end = image.len().min(at + count);
            image[at..end].fill(0);
        }
        Harm::Noise(at, seed) => {
            let at = spot(image, at)? / PAGE_BYTES * PAGE_BYTES;
            let end = image.len().min(at + PAGE_BYTES);
            let mut state = seed | 1;
            for byte in &mut image[at..end] {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
        }
        Harm::Move(from, to) => {
            let [from, to] = [from, to].map(|at| spot(image, at).map(|at| at / PAGE_BYTES));
            let (from, to) = (from? * PAGE_BYTES, to? * PAGE_BYTES);
            if from.max(to) + PAGE_BYTES <= image.len() {
                image.copy_within(from..from + PAGE_BYTES, to);
            }
        }
        Harm::Forge(at, bit) => {
            // Where there is something: most of a page is zeros.
            let used = (0..image.len()).filter(|byte| image[*byte] != 0);
            let used: Vec<_> = used.collect();
            let at = *used.get(at.index(used.len().max(1)))?;
            image[at] ^= 1 << bit;
            forge(image, at / PAGE_BYTES);
        }
        Harm::Truncate(at) => image.truncate(at.index(image.len().max(1))),
    }
    Some(())
}

/// Makes the checksum of a page fit what is in it, and then those of the pages that point to it.
fn forge(image: &mut [u8], number: usize) {
    let Some(page) = image.chunks_exact_mut(PAGE_BYTES).nth(number) else {
        return;
    };
    let before = CHECKSUM.of(page).to_vec();
    CHECKSUM.put(page, 0);
    let sum = Crc32c::START.with(page).value();
    CHECKSUM.put(page, sum.into());
    // What has no checksum is pointed to by nobody.
    if before == sum.to_le_bytes() || before == [0; 4] {
        return;
    }
    let pages = image.chunks_exact_mut(PAGE_BYTES).enumerate();
    let mut above = Vec::new();
    for (place, page) in pages.filter(|(place, _)| *place != number) {
        let mut words = page[HEAD_BYTES..].chunks_exact_mut(4);
        if let Some(pointer) = words.find(|word| **word == before[..]) {
            pointer.copy_from_slice(&sum.to_le_bytes());
            above.push(place);
        }
    }
    for place in above {
        forge(image, place);
    }
}

/// An image from `tests/images/` that something has happened to.
fn any_harmed() -> impl Strategy<Value = Vec<u8>> {
    let images: Vec<_> = images().into_values().collect();
    let image = prop::sample::select(images);
    (image, prop::collection::vec(any_harm(), 0..6)).prop_map(|(mut image, harms)| {
        for one in &harms {
            harm(&mut image, one);
        }
        image
    })
}

proptest! {
    /// Text and document are made of anything, and the exit status says whether there is damage.
    #[test]
    fn no_bytes_are_a_panic(image in any_harmed()) {
        let mut env = TestEnvironment::new();
        env.write_bytes("image", &image);
        let text = env.run("mdctl dump /image");
        let document = env.run("mdctl dump --json /image");
        prop_assert_eq!(text.status, document.status);
        let damage = document.json()["dump"]["damage"].as_array().unwrap().len();
        prop_assert_eq!(text.status, u8::from(damage > 0));
        prop_assert_eq!(text.stdout.matches("Damage: ").count(), damage);
        prop_assert!(text.stdout.is_ascii());
    }

    /// Damage that no checksum tells goes all the way to the records.
    #[test]
    fn forged_values_are_judged(at in any::<Index>(), bit in 0..8_u8) {
        let mut image = images().remove("v1-two-replicas").unwrap();
        harm(&mut image, &Harm::Forge(at, bit));
        let mut env = TestEnvironment::new();
        env.write_bytes("image", &image);
        let text = env.run("mdctl dump /image");
        prop_assert!(text.status < 2);
        let sums = text.stdout.matches("has the checksum").count();
        prop_assert_eq!(sums, 0, "{}", text);
    }

    /// Every bit of every page that something leads to counts.
    #[test]
    fn a_flipped_bit_is_noticed(at in any::<usize>(), bit in 0..8_u8) {
        let mut image = images().remove("v1-tie-breaker").unwrap();
        let dump = inspect(&image, "image", None);
        prop_assert_eq!(&dump.damage, &[]);
        let replica = &dump.replicas[0];
        let roots = replica.roots.iter().map(|root| root.page);
        let tables = replica.tables.iter().map(|table| table.page);
        let records = replica.pages.iter().map(|page| page.page);
        let pages = [1, 224, 32, 223].into_iter();
        let pages: Vec<u64> = pages.chain(roots).chain(tables).chain(records).collect();
        let page = pages[at % pages.len()];
        let byte = at / pages.len() % PAGE_BYTES;
        image[page as usize * PAGE_BYTES + byte] ^= 1 << bit;
        let damage = inspect(&image, "image", None).damage;
        prop_assert!(damage.iter().any(|damage| damage.page == page), "page {}", page);
    }
}
