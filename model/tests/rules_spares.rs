// SPDX-License-Identifier: GPL-2.0
//! What the record of a stripe says of hot spares (`svm.md` section 7).

use md_model::database::{
    identity::Uuid,
    metadevice::{
        encode,
        Component,
        Head,
        Kind,
        Parts,
        Record,
        Row,
        Spared,
        SparedRole,
        Sync, //
    },
    page::Damage,
};
use md_model::mirror::component::State;

const HEAD: Head = Head {
    number: 6,
    kind: Kind::Stripe,
    size_sectors: 4096,
    sync: Sync::UNKNOWN,
    pool: Some(999),
};

const ROW: Row = Row {
    interlace_sectors: 16,
    size_sectors: 4096,
    component_count: 3,
};

const COMPONENT: Component = Component {
    uuid: Uuid::NIL,
    partition: Uuid::NIL,
    wwn: [0; 32],
    start_sector: 0,
    size_sectors: 4096,
    erred_at: 0,
    unit: None,
    state: State::Okay,
};

fn spared(component: u32, role: SparedRole) -> Spared {
    Spared {
        component,
        role,
        uuid: Uuid::from_bytes([component as u8; 16]),
        partition: Uuid::NIL,
        wwn: [7; 32],
        start_sector: 2048,
    }
}

/// A stripe of three components, with this list.
fn encoded(spared: &[Spared]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 10_000];
    let parts = Parts {
        head: HEAD,
        rows: &[ROW],
        components: &[COMPONENT; 3],
        sides: &[],
        words: &[],
        spared,
        history: None,
        soft: None,
        raid: None,
    };
    let length = encode(&parts, &mut bytes)?;
    bytes.truncate(length);
    Some(bytes)
}

fn read(list: &[Spared]) -> Result<Vec<Spared>, Damage> {
    let bytes = encoded(list).expect("room");
    let record = Record::decode(&bytes)?;
    assert_eq!(record.head, HEAD);
    Ok(record.spared().collect())
}

#[test]
fn what_components_have_to_do_with_hot_spares_reads_back() {
    let stands = |component| spared(component, SparedRole::StandsFor);
    let returns = spared(2, SparedRole::Returns);
    for list in [vec![], vec![stands(0)], vec![stands(1), returns]] {
        assert_eq!(read(&list), Ok(list));
    }
}

/// Each component comes once, in order, and is there.
#[test]
fn a_list_that_is_not_in_order_is_damage() {
    let stands = |component| spared(component, SparedRole::StandsFor);
    let name = "component";
    for (list, found) in [
        (vec![stands(3)], 3),
        (vec![stands(1), stands(1)], 1),
        (vec![stands(2), stands(0)], 0),
    ] {
        assert_eq!(read(&list), Err(Damage::Value { name, found }));
    }
    assert_eq!(encoded(&[stands(0); 25]), None, "too many");
}
