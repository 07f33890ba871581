//! `Retry-After`: seconds, or one of HTTP's three ways to write a date.

use std::time::{Duration, SystemTime};

/// No server is believed that asks for more than a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long to wait from `now`, by the header's value. A date in the past is
/// zero. `None` if the value is neither a number nor a date.
pub(super) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number are still a very long time.
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(date(value)?))?;
        at.duration_since(now).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST))
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, or of its old forms
/// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
fn date(value: &str) -> Option<u64> {
    let words: Vec<&str> = value.split([' ', ',', '-', ':']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, hour, minute, second) = match words[..] {
        [_, day, month, year, hour, minute, second, "GMT"] => (day, month, year, hour, minute, second),
        [_, month, day, hour, minute, second, year] => (day, month, year, hour, minute, second),
        _ => return None,
    };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|&name| name == month)? as u64 + 1;
    let year = match (year.len(), number(year)?) {
        // Two digits: this century up to 69, the last one after.
        (2, short @ 0..=69) => 2000 + short,
        (2, short) => 1900 + short,
        (4, full) if full >= 1970 => full,
        _ => return None,
    };
    let (day, hour, minute, second) = (number(day)?, number(hour)?, number(minute)?, number(second)?);
    // 60 is a leap second.
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(word: &str) -> Option<u64> {
    if word.len() > 4 || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    word.parse().ok()
}

/// Days of the Gregorian calendar, for years from 1970. Years are counted
/// from March, so that the leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // 719,468 days lie between 1 March of year 0 and 1 January 1970.
    days - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn seconds_are_taken_as_they_are_and_absurd_ones_are_cut_to_a_year() {
        assert_eq!(parse("120", at(0)), Some(Duration::from_secs(120)));
        assert_eq!(parse(" 0 ", at(0)), Some(Duration::ZERO));
        assert_eq!(parse("99999999999999999999999", at(0)), Some(LONGEST));
        for bad in ["", "-1", "1.5", "soon", "+3"] {
            assert_eq!(parse(bad, at(0)), None, "{bad}");
        }
    }

    #[test]
    fn all_three_dates_of_http_are_understood() {
        const THEN: u64 = 784_111_777;
        for date in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(date, at(THEN - 90)), Some(Duration::from_secs(90)), "{date}");
            assert_eq!(parse(date, at(THEN + 90)), Some(Duration::ZERO), "{date} is past");
        }
        for bad in [
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1894 08:49:37 GMT",
            "06 Nov 1994",
        ] {
            assert_eq!(parse(bad, at(0)), None, "{bad}");
        }
    }

    #[test]
    fn leap_years_count() {
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(date("Fri, 01 Mar 2024 00:00:00 GMT"), Some(1_709_251_200));
        assert_eq!(date("Thu, 31 Dec 2099 23:59:59 GMT"), Some(4_102_444_799));
    }
}
