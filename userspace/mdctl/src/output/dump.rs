// SPDX-License-Identifier: GPL-2.0
//! What is written on a device, as text. Sizes and places within metadevices are in blocks of 512
//! bytes, as everywhere in text.

use md_abi::admin::SECTOR_BYTES;
use md_report::{
    dump::{
        Component,
        Damage,
        Dump,
        Header,
        Label,
        Member,
        Metadevice,
        Pool,
        Raid5,
        Record,
        Replica,
        Root,
        Row,
        SoftPartition,
        Spared,
        Standing,
        Watched, //
    },
    Kind,
};

/// The whole of it.
pub fn text(dump: &Dump) -> String {
    let mut text = format!("{}: {} bytes\n", dump.device, dump.size);
    match &dump.label {
        Some(label) => text += &label_text(label),
        None => text += "Component label: none that is whole\n",
    }
    for replica in &dump.replicas {
        text += &replica_text(replica);
    }
    if dump.replicas.is_empty() {
        text += "Replicas: none\n";
    }
    for note in &dump.notes {
        text += &format!("Note: {note}\n");
    }
    for damage in &dump.damage {
        text += &damage_text(damage);
    }
    if dump.damage.is_empty() && dump.label.is_none() && dump.replicas.is_empty() {
        text += "Nothing of ours is written here.\n";
    } else if dump.damage.is_empty() {
        text += "All of it is whole.\n";
    }
    text
}

fn damage_text(damage: &Damage) -> String {
    let Damage {
        page,
        offset,
        what,
        reason,
    } = damage;
    format!("Damage: page {page} (byte {offset}), {what}: {reason}\n")
}

fn label_text(label: &Label) -> String {
    let Label {
        set,
        name,
        component,
        sequence,
        ..
    } = label;
    let data = blocks(label.data);
    let mut text = format!("Component label: component {component}\n");
    text += &format!("    Set: {name} ({set})\n");
    text += &format!("    Data: from block {data}\n    Sequence: {sequence}\n");
    for copy in &label.copies {
        let (page, offset) = (copy.page, copy.offset);
        let (pages, sequence) = (counted(copy.pages, "page"), copy.sequence);
        text += &format!(
            "    Copy at page {page} (byte {offset}): whole, {pages}, sequence {sequence}\n"
        );
    }
    if !label.tree.is_empty() {
        text += "    Part of:\n";
    }
    text + &records(&label.tree, false)
}

fn replica_text(replica: &Replica) -> String {
    let (number, page, offset) = (replica.number, replica.page, replica.offset);
    let title = format!("Replica {number} at page {page} (byte {offset})");
    let Some(header) = &replica.header else {
        return format!("{title}: neither its head nor its tail can be read\n");
    };
    let mut text = format!("{title}: {}\n", header.uuid);
    text += &header_text(replica, header);
    text += &roots_text(&replica.roots);
    for table in &replica.tables {
        let (number, page, offset) = (table.number, table.page, table.offset);
        let pointers = counted(table.pointers, "page");
        let commit = commit(&table.commit);
        text += &format!(
            "    Table {number} at page {page} (byte {offset}): {commit}, {pointers} of records\n"
        );
    }
    for records in &replica.pages {
        let (number, page, offset) = (records.number, records.page, records.offset);
        let commit = commit(&records.commit);
        text += &format!("    Records {number} at page {page} (byte {offset}): {commit}");
        for part in &records.parts {
            let (record, of, length) = (part.record, part.of, part.length);
            let number = part.part.saturating_add(1);
            text += &match of {
                1 => format!(", record {record} ({length} bytes)"),
                of => format!(", record {record}, part {number} of {of} ({length} bytes)"),
            };
        }
        text.push('\n');
    }
    text + &records(&replica.records, true)
}

fn header_text(replica: &Replica, header: &Header) -> String {
    let end = |is_whole| if is_whole { "whole" } else { "DAMAGED" };
    let (head, tail) = (end(replica.head), end(replica.tail));
    let complete = if replica.complete { "yes" } else { "NO" };
    let (set, role) = (&header.set, header.role.word());
    let (size, start) = (blocks(header.size), blocks(replica.offset));
    format!(
        "    Set: {set}\n    Role: {role}\n    Size: {size} blocks from block {start}\n    \
         Head: {head}\n    Tail: {tail}\n    Complete: {complete}\n"
    )
}

fn roots_text(roots: &[Root]) -> String {
    let mut text = String::new();
    let mut last: &[Member] = &[];
    for root in roots {
        let standing = match root.standing {
            Standing::Live => "live: its commit and claim are the largest",
            Standing::Same => "the live one again",
            Standing::Older => "older than the live one",
            Standing::Damaged => "DAMAGED",
            Standing::Empty => "not written yet",
        };
        text += &format!("    Root at page {} (byte {}): ", root.page, root.offset);
        if let (Some(commit), Some(claim)) = (&root.commit, root.claim) {
            text += &format!("commit {commit}, claim {claim}, ");
        }
        text += &format!("{standing}\n");
        if root.members != last {
            text += &root.members.iter().map(member_text).collect::<String>();
        }
        last = &root.members;
    }
    text
}

fn member_text(member: &Member) -> String {
    let Member {
        replica, change, ..
    } = member;
    let role = member.role.word();
    let failed = if member.failed { ", failed" } else { "" };
    let component = optional("component", &member.component);
    let start = blocks(member.start);
    format!("        Member {replica}: {role}, {change}{failed}, from block {start}{component}\n")
}

fn records(records: &[Record], with_states: bool) -> String {
    let text = |record: &Record| match (&record.metadevice, &record.pool, &record.failfast) {
        (Some(metadevice), ..) => metadevice_text(metadevice, with_states),
        (None, Some(pool), _) => pool_text(pool),
        (None, None, Some(devices)) => devices.iter().map(watched_text).collect(),
        (None, None, None) => {
            let Record {
                record,
                kind,
                version,
                ..
            } = record;
            format!("    Record {record} of kind {kind}, version {version}: not read\n")
        }
    };
    records.iter().map(text).collect()
}

fn watched_text(device: &Watched) -> String {
    let period = match device.failfast_ms {
        0 => "off".to_string(),
        ms => format!("every {ms} ms"),
    };
    let action = device.action.unwrap_or("as the module has it");
    let own = optional("device", &device.device);
    let partition = optional("partition", &device.partition);
    let wwn = optional("disk", &device.wwn);
    format!("    Failfast {period}, when lost {action}{own}{partition}{wwn}\n")
}

fn metadevice_text(metadevice: &Metadevice, with_states: bool) -> String {
    let name = &metadevice.name;
    let kind = match metadevice.kind {
        Kind::Mirror => "mirror of",
        Kind::Stripe => "stripe",
        Kind::Concat => "concat",
        Kind::SoftPartition => "soft partition",
        Kind::Raid5 => "raid5",
    };
    let mut text = format!("    {name}: {kind}");
    for side in &metadevice.submirrors {
        let state = if with_states { side.state } else { "" };
        text += &format!(" {}", side.name);
        if !state.is_empty() && state != "okay" {
            text += &format!(" ({state})");
        }
    }
    if let Some(options) = &metadevice.options {
        let (read, write) = (options.read_policy.word(), options.write_policy.word());
        let pass = options.pass;
        text += &format!(", read option {read}, write option {write}, pass {pass}");
    }
    text += &optional("hot spare pool", &metadevice.pool);
    text += &format!(", {} blocks\n", blocks(metadevice.size));
    if with_states {
        text += &regions_text(metadevice);
        text += &checks_text(metadevice);
    }
    for (number, row) in metadevice.rows.iter().enumerate() {
        text += &row_text(number, row, with_states);
    }
    if let Some(soft) = &metadevice.soft_partition {
        text += &soft_text(soft, with_states);
    }
    if let Some(raid) = metadevice.raid5.as_ref().filter(|_| with_states) {
        text += &raid_text(raid);
    }
    text + &metadevice
        .spared
        .iter()
        .map(spared_text)
        .collect::<String>()
}

/// What a soft partition is made of.
fn soft_text(soft: &SoftPartition, with_states: bool) -> String {
    let (uuid, base) = (&soft.uuid, &soft.base_uuid);
    let (generation, alignment) = (soft.generation, blocks(soft.alignment));
    let mut text = format!(
        "        {uuid}, layout {generation}, alignment {alignment} blocks, watermarks {base}"
    );
    if with_states && soft.state != "okay" {
        text += &format!(", {}", soft.state);
    }
    text.push('\n');
    text += &component_text(&soft.base, with_states);
    for (number, extent) in soft.extents.iter().enumerate() {
        let (start, size) = (blocks(extent.start), blocks(extent.size));
        text += &format!("            Extent {number}: {size} blocks from block {start}\n");
    }
    text
}

/// What a RAID5 metadevice has besides its columns.
fn raid_text(raid: &Raid5) -> String {
    let mut text = format!("        Logs {}", raid.log);
    if let Some(made) = &raid.made {
        let done = blocks(raid.done);
        text += &format!(", {made} is being made, {done} blocks of each column are done");
    }
    text + "\n"
}

fn pool_text(pool: &Pool) -> String {
    let mut text = format!("    {}: hot spare pool\n", pool.name);
    for spare in &pool.spares {
        let uuid = spare.spare.as_deref().unwrap_or("none");
        let state = if spare.broken { "broken" } else { "not broken" };
        text += &format!("        component {uuid}: {state}");
        text += &optional("since", &spare.changed);
        text += &optional("partition", &spare.partition);
        text += &optional("wwn", &spare.wwn);
        text.push('\n');
    }
    text
}

fn spared_text(spared: &Spared) -> String {
    let (index, role) = (spared.component, spared.role);
    let uuid = spared.device.as_deref();
    let what = uuid.map_or("a device without a label".into(), |uuid| {
        format!("component {uuid}")
    });
    let what = match role {
        "replaced" => format!("the hot spare {uuid}", uuid = uuid.unwrap_or("none")),
        _ => what,
    };
    let mut text = format!("        Component {index} {role} {what}");
    text += &optional("partition", &spared.partition);
    text += &optional("wwn", &spared.wwn);
    text + "\n"
}

/// What a mirror remembers of its regions, if that is known.
fn regions_text(metadevice: &Metadevice) -> String {
    let Some(regions) = &metadevice.regions else {
        return String::new();
    };
    let (count, size) = (counted(regions.count, "region"), blocks(regions.size));
    let dirty = regions.dirty;
    let mut text = format!("        {count} of {size} blocks, {dirty} dirty");
    for side in &metadevice.submirrors {
        if let Some(behind) = side.behind.filter(|behind| *behind > 0) {
            text += &format!(", {} behind in {behind}", side.name);
        }
    }
    if regions.resync_cancelled {
        text += ", resync cancelled";
    }
    text + "\n"
}

/// What a mirror remembers of checks, if there were some.
fn checks_text(metadevice: &Metadevice) -> String {
    let Some(checks) = &metadevice.checks else {
        return String::new();
    };
    let count = counted(u32::try_from(checks.count).unwrap_or(u32::MAX), "check");
    let ranges = counted(checks.ranges, "range");
    let last = optional("the last one", &checks.last);
    format!("        {count}{last}, with {ranges} that differ\n")
}

fn row_text(number: usize, row: &Row, with_states: bool) -> String {
    let (interlace, size) = (blocks(row.interlace), blocks(row.size));
    let mut text = format!("        Row {number}: interlace {interlace} blocks, {size} blocks\n");
    for component in &row.components {
        text += &component_text(component, with_states);
    }
    text
}

fn component_text(component: &Component, with_states: bool) -> String {
    let what = match (&component.metadevice, &component.component) {
        (Some(metadevice), _) => metadevice.clone(),
        (None, Some(uuid)) => format!("component {uuid}"),
        (None, None) => "component without a label".to_string(),
    };
    let (start, size) = (blocks(component.start), blocks(component.size));
    let mut text = format!("            {what}: {size} blocks from block {start}");
    if with_states {
        text += &format!(", {}", component.state);
        text += &optional("since", &component.changed);
    }
    let partition = optional("partition", &component.partition);
    let wwn = optional("wwn", &component.wwn);
    if !partition.is_empty() || !wwn.is_empty() {
        text += &format!("\n               {partition}{wwn}").replacen(", ", " ", 1);
    }
    text.push('\n');
    text
}

fn commit(commit: &Option<String>) -> String {
    match commit {
        Some(commit) => format!("commit {commit}"),
        None => "DAMAGED".to_string(),
    }
}

/// A value with its name in front, behind a comma; nothing if there is none.
fn optional(name: &str, value: &Option<String>) -> String {
    let value = value.as_ref().map(|value| format!(", {name} {value}"));
    value.unwrap_or_default()
}

fn counted(count: u32, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn blocks(bytes: u64) -> u64 {
    bytes / SECTOR_BYTES
}
