// SPDX-License-Identifier: GPL-2.0
//! Times as people and `dumpdates` write them: `Sat Nov 21 06:28:05 2026`, in UTC.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const DAY: i64 = 86400;

/// Days of a year before it begins, counted from a March, when leap days come last.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5
}

/// The first of a month (0 to 11), in days since 1970.
fn first_of(year: i64, month: i64) -> i64 {
    days_before(year, month) - days_before(1970, 0)
}

/// A time as text, as `ctime` has it, without the end of line.
pub fn text(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Close enough to begin with; the loops find the rest.
    let mut year = 1969 + day.div_euclid(366);
    while first_of(year + 1, 0) <= day {
        year += 1;
    }
    let later = (0..12).rev().find(|month| first_of(year, *month) <= day);
    let month = later.unwrap_or(0);
    let weekday = DAYS[day.rem_euclid(7) as usize];
    let name = MONTHS[month as usize];
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let date = day - first_of(year, month) + 1;
    format!(
        "{weekday} {name} {date:2} {hour:02}:{minute:02}:{:02} {year}",
        second % 60
    )
}

/// The time that a text says, which may end with a zone such as `+0200`; without one it is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (words, zone) = match words[..] {
        [_, month, date, time, year] => ([month, date, time, year], 0),
        [_, month, date, time, year, zone] => ([month, date, time, year], offset(zone)?),
        _ => return None,
    };
    let [month, date, time, year] = words;
    let month = MONTHS.iter().position(|name| *name == month)? as i64;
    let year: i64 = year.parse().ok().filter(|year| (1..10000).contains(year))?;
    let date: i64 = date.parse().ok().filter(|date| (1..32).contains(date))?;
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute);
    if !is_time || !(0..61).contains(&second) || parts.next().is_some() {
        return None;
    }
    let day = first_of(year, month) + date - 1;
    Some(day * DAY + hour * 3600 + minute * 60 + second - zone)
}

/// Seconds that a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (seconds, expected) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_795_242_485, "Sat Nov 21 06:28:05 2026"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (4_102_444_800, "Fri Jan  1 00:00:00 2100"),
        ] {
            assert_eq!(text(seconds), expected);
            assert_eq!(parse(expected), Some(seconds));
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in (-20_000..60_000).step_by(7) {
            let seconds = day * DAY + 12_345;
            assert_eq!(parse(&text(seconds)), Some(seconds), "{}", text(seconds));
        }
    }

    #[test]
    fn zones_are_taken_off() {
        assert_eq!(parse("Thu Jan  1 02:00:00 1970 +0200"), Some(0));
        assert_eq!(parse("Wed Dec 31 18:30:00 1969 -0530"), Some(0));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Thu Jan",
            "Thu Foo  1 00:00:00 1970",
            "Thu Jan 1 24:00:00 1970",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
