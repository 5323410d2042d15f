//! Times as people read them.

/// `2026-11-22 12:45:09 UTC` for seconds since the Unix epoch; empty if they are outside the years 0 to 9999.
///
/// Days to civil date by the algorithm of Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*.
pub fn utc(seconds: f64) -> String {
    let Some((year, month, day, of_day)) = civil(seconds) else { return String::new() };
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `2026-11-22T12:45:09Z`, the form of RFC 3339; empty as for [`utc`].
pub fn rfc3339(seconds: f64) -> String {
    utc(seconds).replacen(' ', "T", 1).replace(" UTC", "Z")
}

fn civil(seconds: f64) -> Option<(i64, i64, i64, i64)> {
    // The seconds from 0000-01-01 to 9999-12-31.
    if !(-62_167_219_200.0..253_402_300_800.0).contains(&seconds) {
        return None;
    }
    let seconds = seconds.floor() as i64;
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((year, month, day, seconds.rem_euclid(86_400)))
}

/// A duration in words: `0.42 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown time".to_owned();
    }
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 59.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// How long ago something was, in words: `just now`, `5 minutes ago`, `3 days ago`.
pub fn age(seconds: f64) -> String {
    let seconds = if seconds.is_finite() && seconds > 0.0 { seconds as u64 } else { 0 };
    let (n, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        // Expected values from `date -u -d @N`.
        let check = |seconds, expected: &str| assert_eq!(utc(seconds), expected);
        check(0.0, "1970-01-01 00:00:00 UTC");
        check(951_782_400.0, "2000-02-29 00:00:00 UTC");
        check(1_795_351_509.9, "2026-11-22 12:45:09 UTC");
        check(4_107_542_399.0, "2100-02-28 23:59:59 UTC");
        check(-1.0, "1969-12-31 23:59:59 UTC");
        check(f64::NAN, "");
        check(1e300, "");
        assert_eq!(rfc3339(0.0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(f64::INFINITY), "");
    }

    #[test]
    fn spans_are_in_words() {
        let check = |seconds, expected: &str| assert_eq!(duration(seconds), expected);
        check(0.416, "0.42 s");
        check(12.34, "12.3 s");
        check(59.96, "1 min 0 s");
        check(125.0, "2 min 5 s");
        check(3725.0, "1 h 2 min");
        check(f64::NAN, "unknown time");
        assert_eq!(age(-5.0), "just now");
        assert_eq!(age(61.0), "1 minute ago");
        assert_eq!(age(7200.0), "2 hours ago");
        assert_eq!(age(86_400.0 * 3.5), "3 days ago");
    }
}
