// SPDX-License-Identifier: GPL-2.0
//! What is written on a device, or in a file with the bytes of one: the component label, the
//! replicas of the state database, and everything in them (`docs/format.md`).
//!
//! Nothing is written, and neither modules nor privileges are needed. Every byte that counts is
//! verified by the model's own decoders and load code, which the kernel runs too; what they refuse
//! is told with its page and the reason, and never guessed. Whatever the bytes are, this ends with
//! an answer.
//!
//! - [`source`]: where bytes come from.
//! - [`inspect`]: the whole of it.
//! - [`replicas`]: where replicas are.
//! - [`listing`]: images as text, for those that are kept in git.

mod agreement;
mod contents;
mod damage;
mod device;
mod label;
pub mod listing;
mod metadevice;
mod replica;
pub mod replicas;
pub mod source;

use damage::Damages;
use device::Device;
use md_report::dump::Dump;
use source::Source;

/// Reads and verifies everything of ours on a device with this path. With `only`, of the replicas
/// nothing is read but the one with that number, if there is one.
pub fn inspect(source: &dyn Source, path: &str, only: Option<u32>) -> Dump {
    let device = Device::over(source);
    let mut damages = Damages::default();
    let mut notes = Vec::new();
    // Replicas may have the place of the label's second copy.
    let copies = label::copies(replicas::end(&replicas::headers(source)));
    let label = label::read(&device, copies, &mut damages, &mut notes);
    let has_second_copy = label.is_some() && copies.len() > 1;
    let replicas = replicas::read(&device, has_second_copy, only, &mut damages);
    agreement::check(label.as_ref(), &replicas, only, &mut damages);
    Dump {
        device: path.to_string(),
        size: source.bytes(),
        label,
        replicas,
        damage: damages.list,
        notes,
    }
}
