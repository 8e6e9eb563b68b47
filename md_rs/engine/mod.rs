// SPDX-License-Identifier: GPL-2.0
//! The life of a request: it comes in from blk-mq, its pieces go out to the leaves, and it ends
//! when they have come back.
//!
//! Where a piece goes is the unit's decision; how clones are made, counted and finished is
//! [`kapi::request`](crate::kapi::request)'s. What is in between is here: in [`stripe`] for
//! metadevices in which each block has one place, in [`mirror`] for those that have several, and in
//! [`soft`] for soft partitions, which may be on either.

mod mirror;
pub(crate) mod place;
mod soft;
mod stripe;

use crate::{
    body::Body,
    fencing,
    kapi::{
        request::{
            Failure,
            Request, //
        },
        submission::Submission, //
    },
    personality::Unit, //
};

/// Carries out a request.
pub(crate) fn queue(request: Request, body: &Body, submission: &Submission<'_>) {
    if fencing::is_below(body) {
        return request.end(Failure::Io);
    }
    let shape = body.shape();
    match shape.unit() {
        Unit::Striped(_) => stripe::queue(request, shape, submission),
        Unit::Mirrored(_) => mirror::queue(request, body, submission),
        Unit::Soft(_) => soft::queue(request, shape, submission),
    }
}
