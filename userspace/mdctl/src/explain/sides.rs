// SPDX-License-Identifier: GPL-2.0
//! Refusals that have to do with the sides of a mirror and its resync.

use super::{
    pools,
    raid,
    rename,
    scrub,
    Failure, //
};
use crate::syntax::name::component_word;
use md_abi::admin::Refusal;

/// Why a request about a mirror, and a submirror or component of it, was refused. `index` is the
/// number of the submirror that the refusal names.
pub(super) fn refusal(
    refusal: Refusal,
    values: [u64; 2],
    mirror: &str,
    part: &str,
    index: usize,
) -> Failure {
    let word = component_word(part);
    if let Some(failure) = scrub::refusal(refusal, mirror, &word) {
        return failure;
    }
    if let Some(failure) = rename::refusal(refusal, values, mirror) {
        return failure;
    }
    if let Some(failure) = raid::refusal(refusal, values, mirror, &word, index) {
        return failure;
    }
    let metastat = format!("metastat {mirror}");
    let about_part = |reason: String| Failure::of(&word, reason, &metastat);
    match refusal {
        Refusal::TooManySubmirrors => Failure::of(
            mirror,
            format!("has {} submirrors, and there cannot be more", values[0]),
            metastat,
        ),
        Refusal::NotASubmirror => about_part(format!("is not a submirror of {mirror}")),
        Refusal::NoOtherSource => about_part(format!(
            "has, or may have, blocks that no other submirror of {mirror} in service has"
        )),
        Refusal::ResyncNeeded => Failure::of(
            mirror,
            "has to be resynced before, or is being resynced",
            format!("metasync -w {mirror}"),
        ),
        Refusal::SideOffline => Failure::of(
            &word,
            "is offline, and has to be onlined first",
            format!("metaonline {mirror} {word}"),
        ),
        Refusal::SideNotOffline => about_part("is not offline".into()),
        Refusal::NoSuchComponent => about_part(format!(
            "is no longer the component of {mirror} in its place"
        )),
        Refusal::ComponentInService => {
            about_part("is in service, so that there is nothing to be enabled".into())
        }
        Refusal::ReplaceOthersFirst => about_part(format!(
            "holds the last copy of its data: components of submirror {index} come first"
        )),
        Refusal::NothingToResync => {
            Failure::of(mirror, "has nothing that has to be resynced", metastat)
        }
        Refusal::NotLarger => Failure::of(
            &word,
            format!(
                "has {} blocks, and {mirror} has {}: each submirror has to grow before",
                values[1], values[0]
            ),
            format!("metattach {word} <new device>"),
        ),
        other => pools::refusal(other, values, mirror, part),
    }
}
