// SPDX-License-Identifier: GPL-2.0
//! The life of a request: it comes in from blk-mq, its pieces go out to the leaves, and it ends
//! when they have come back.
//!
//! Where a piece goes is the unit's decision; how clones are made, counted and finished is
//! [`kapi::request`](crate::kapi::request)'s. What is in between is here: in [`stripe`] for
//! metadevices in which each block has one place, in [`mirror`] for those that have several, and in
//! [`soft`] for soft partitions, which may be on either; and in [`raid`] for RAID5.

mod mirror;
pub(crate) mod place;
mod raid;
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
    personality::Unit,
    raid::Target, //
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
        Unit::Raid(_) => raid::queue(request, body, submission),
    }
}

/// Carries out requests that wait, by the worker of a disk.
pub(crate) fn queue_deferred(
    requests: &mut dyn Iterator<Item = Request>,
    body: &Body,
    submission: &Submission<'_>,
) {
    match body.shape().unit() {
        Unit::Raid(_) => crate::raid::take(body, requests, submission),
        _ => requests.for_each(|request| queue(request, body, submission)),
    }
}

/// Whether a request to a RAID5 metadevice need not wait for the worker.
pub(crate) fn raid_may_forward(target: Target<'_>, request: &Request) -> bool {
    raid::may_forward(target, request)
}
