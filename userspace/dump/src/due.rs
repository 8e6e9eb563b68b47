// SPDX-License-Identifier: GPL-2.0
//! `-W` and `-w`: which file systems were dumped when, and which should be.

use crate::{
    calendar,
    dumpdates::Entry,
    mounts::Mount, //
};

const DAY: i64 = 86400;

/// The text for the entries of dumpdates and of fstab, at a time in seconds since 1970. With
/// `only_due` those that need no dump are left out.
pub(crate) fn text(entries: &[Entry], mounts: &[Mount], now: i64, only_due: bool) -> String {
    let mut text = String::from(if only_due {
        "Dump these file systems:\n"
    } else {
        "Last dump(s) done (Dump '>' file systems):\n"
    });
    let mut names: Vec<&str> = mounts
        .iter()
        .filter(|mount| mount.days > 0)
        .map(|mount| &mount.device[..])
        .collect();
    names.extend(entries.iter().map(|entry| &entry.name[..]));
    let mut told: Vec<&str> = Vec::new();
    for name in names {
        if told.contains(&name) {
            continue;
        }
        told.push(name);
        let mount = mounts.iter().find(|mount| mount.device == name);
        let of_name = entries.iter().filter(|entry| entry.name == name);
        let last = of_name.max_by_key(|entry| entry.date);
        let days = mount.map_or(0, |mount| i64::from(mount.days));
        let is_due = days > 0 && last.is_none_or(|last| last.date < now - days * DAY);
        if only_due && !is_due {
            continue;
        }
        text.push_str(&line(name, mount, last, is_due, only_due));
    }
    text
}

fn line(
    name: &str,
    mount: Option<&Mount>,
    last: Option<&Entry>,
    is_due: bool,
    only_due: bool,
) -> String {
    let folder = mount.map_or("", |mount| &mount.folder);
    if only_due {
        return format!("{name}\t({folder})\n");
    }
    let mark = if is_due { '>' } else { ' ' };
    match last {
        Some(last) => {
            let (level, date) = (last.level, calendar::text(last.date));
            format!("{mark} {name}\t({folder}) Last dump: Level {level}, Date {date}\n")
        }
        None => format!("{mark} {name}\t({folder}) Last dump: never\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_its_days_is_due() {
        let mount = |device: &str, days| Mount {
            device: device.into(),
            folder: "/x".into(),
            days,
        };
        let mounts = [
            mount("/dev/a", 1),
            mount("/dev/b", 7),
            mount("/dev/c", 0),
            mount("/dev/d", 1),
        ];
        let entry = |name: &str| Entry {
            name: name.into(),
            level: 0,
            date: 0,
        };
        let entries = [entry("/dev/a"), entry("/dev/b"), entry("image")];
        let due = text(&entries, &mounts, 2 * DAY, true);
        assert_eq!(
            due,
            "Dump these file systems:\n/dev/a\t(/x)\n/dev/d\t(/x)\n"
        );
        let all = text(&entries, &mounts, 2 * DAY, false);
        let lines: Vec<_> = all.lines().collect();
        let date = "Last dump: Level 0, Date Thu Jan  1 00:00:00 1970";
        assert_eq!(lines[1], format!("> /dev/a\t(/x) {date}"));
        assert_eq!(lines[2], format!("  /dev/b\t(/x) {date}"));
        assert_eq!(lines[3], "> /dev/d\t(/x) Last dump: never");
        assert_eq!(lines[4], format!("  image\t() {date}"));
    }
}
