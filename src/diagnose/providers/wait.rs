//! How long a provider asks to be left alone.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// Longer waits are cut: nobody waits a week, and adding them to a time must not overflow.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// `retry-after-ms`, else `retry-after` in seconds (whole or not) or as a date (RFC 9110, 10.2.3). What is neither
/// says nothing.
pub fn asked_for(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str, unit: f64| {
        let value: f64 = text(name)?.parse().ok()?;
        (value.is_finite() && value >= 0.0)
            .then(|| Duration::from_secs_f64((value * unit).min(LONGEST.as_secs_f64())))
    };
    number("retry-after-ms", 0.001).or_else(|| number("retry-after", 1.0)).or_else(|| {
        let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
        Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    type Row = (&'static [(&'static str, &'static str)], Option<f64>);

    #[test]
    fn waits_are_read_in_every_form() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 12:00:00 GMT").unwrap();
        let rows: &[Row] = &[
            (&[("retry-after", "2")], Some(2.0)),
            (&[("retry-after", " 1.5 ")], Some(1.5)),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], Some(0.25)),
            (&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9.0)),
            (&[("retry-after", "0")], Some(0.0)),
            (&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")], Some(30.0)),
            (&[("retry-after", "Sun, 22 Nov 2026 11:00:30 GMT")], Some(0.0)),
            (&[("retry-after", "1e300")], Some(604_800.0)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "tomorrow")], None),
            (&[("retry-after", "")], None),
            (&[], None),
        ];
        for (headers, expected) in rows {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(reqwest::header::HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(asked_for(&map, now).map(|d| d.as_secs_f64()), *expected, "{headers:?}");
        }
    }
}
