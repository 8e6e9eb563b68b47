// SPDX-License-Identifier: GPL-2.0
//! `build/bench.json`: the comparison for programs (DESIGN section 8, with more fields).

use serde_json::{
    json,
    Value, //
};

use super::cells::{
    Cell,
    PerOperation, //
};

/// The whole file. Costs are instructions per operation, and rounded to what means something.
pub(super) fn document(kernel: &str, cells: &[Cell]) -> Value {
    let cells: Vec<Value> = cells.iter().map(cell).collect();
    json!({"version": 1, "kernel": kernel, "cells": cells})
}

fn cell(cell: &Cell) -> Value {
    let peers = cell.peers.iter();
    let peers: Value = peers
        .map(|(peer, cost)| (peer.clone(), json!(round(*cost))))
        .collect();
    let below = cell.below.iter();
    let below: Value = below
        .map(|(target, below)| (target.clone(), per_operation(below)))
        .collect();
    json!({
        "kind": cell.kind,
        "job": cell.job,
        "raw": round(cell.raw),
        "ours": round(cell.ours),
        "peers": peers,
        "ratio": cell.ratio().map(|ratio| (ratio * 1000.0).round() / 1000.0),
        "spread": round(cell.spread),
        "noise": cell.is_noise(),
        "per_operation": below,
    })
}

fn per_operation(below: &PerOperation) -> Value {
    let figure = |figure: Option<f64>| figure.map(|figure| (figure * 1000.0).round() / 1000.0);
    json!({
        "member_ios": figure(below.transfers),
        "flushes": figure(below.flushes),
        "fuas": figure(below.fuas),
        "idle_ns": round(below.idle),
    })
}

fn round(cost: f64) -> f64 {
    (cost * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::{
        super::cells::tests::sample,
        *, //
    };

    #[test]
    fn the_document_is_that_of_the_design() {
        let mut cell = sample("stripe", "randread-4k-qd32", 1000.0, 1333.33, 1300.0);
        cell.below = [("ours".to_owned(), PerOperation::default())].into();
        let document = document("7.3.4", &[cell]);
        assert_eq!(
            (&document["version"], &document["kernel"]),
            (&json!(1), &json!("7.3.4"))
        );
        let cell = &document["cells"][0];
        assert_eq!(cell["kind"], "stripe");
        assert_eq!(cell["job"], "randread-4k-qd32");
        assert_eq!(
            (&cell["raw"], &cell["ours"]),
            (&json!(1000.0), &json!(1333.3))
        );
        assert_eq!(cell["peers"], json!({"dm": 1300.0, "md": 1350.0}));
        assert_eq!(cell["ratio"], json!(1.111));
        assert_eq!(cell["per_operation"]["ours"]["fuas"], Value::Null);
    }
}
