//! The Beta distribution: what is known of a share after some successes and failures.

use std::sync::OnceLock;

/// The natural logarithm of the gamma function for `x > 0`, by Lanczos' approximation (Lanczos 1964, with the
/// coefficients for g = 7, n = 9); relative error below 1e-13.
fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let sine = (std::f64::consts::PI * x).sin();
        return (std::f64::consts::PI / sine).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + G + 0.5;
    let sum = C.iter().enumerate().skip(1).fold(C[0], |sum, (i, c)| sum + c / (x + i as f64));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The natural logarithm of the beta function.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// The regularised incomplete beta function: the probability that a Beta(`a`, `b`) variable is at most `x`. By
/// the continued fraction of Abramowitz and Stegun 26.5.8, evaluated by Lentz' method.
pub fn cdf(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - cdf(b, a, 1.0 - x);
    }
    let off_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let front = (a * x.ln() + b * (1.0 - x).ln() - ln_beta(a, b)).exp() / a;
    let mut d = 1.0 / off_zero(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for m in 1..200 {
        let m = f64::from(m);
        for factor in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / off_zero(1.0 + factor * d);
            c = off_zero(1.0 + factor / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-12 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// The value below which a Beta(`a`, `b`) variable is with probability `p`, to about 1e-9.
pub fn quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..32 {
        let middle = f64::midpoint(low, high);
        if cdf(a, b, middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The interval in which a share lies with a probability of 95 % after `hits` of `of`: equal tails of the
/// posterior under Jeffreys' prior, with 0 and 1 for the end that was never left (Brown, Cai and `DasGupta`,
/// *Interval Estimation for a Binomial Proportion*, 2001).
pub fn interval(hits: u32, of: u32) -> (f64, f64) {
    /// Numbers of which the interval is worked out once: all tests of a suite have the same few.
    const FEW: usize = 41;
    static KNOWN: [OnceLock<(f64, f64)>; FEW * (FEW + 1) / 2] =
        [const { OnceLock::new() }; FEW * (FEW + 1) / 2];
    let known = if hits <= of && (of as usize) < FEW {
        KNOWN.get(of as usize * (of as usize + 1) / 2 + hits as usize)
    } else {
        None
    };
    known.map_or_else(|| worked_out(hits, of), |known| *known.get_or_init(|| worked_out(hits, of)))
}

fn worked_out(hits: u32, of: u32) -> (f64, f64) {
    let (a, b) = (f64::from(hits) + 0.5, f64::from(of.saturating_sub(hits)) + 0.5);
    let low = if hits == 0 { 0.0 } else { quantile(a, b, 0.025) };
    let high = if hits >= of { 1.0 } else { quantile(a, b, 0.975) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // By hand, and by numerical integration.
        for (a, b, x, expected) in [
            (2.0, 3.0, 0.4, 0.5248),
            (0.5, 0.5, 0.25, 1.0 / 3.0),
            (20.5, 0.5, 0.9, 0.038_839_2),
            (1.0, 1.0, 0.3, 0.3),
        ] {
            assert!((cdf(a, b, x) - expected).abs() < 1e-6, "{a} {b} {x}: {}", cdf(a, b, x));
            assert!((quantile(a, b, cdf(a, b, x)) - x).abs() < 1e-6, "{a} {b} {x}");
        }
    }

    #[test]
    fn few_runs_leave_much_open() {
        let width = |hits, of| {
            let (low, high) = interval(hits, of);
            assert!((0.0..=1.0).contains(&low) && low < high && high <= 1.0, "{hits}/{of}");
            high - low
        };
        assert!(width(2, 2) > 0.6, "{}", width(2, 2));
        assert!(width(20, 20) < 0.15, "{}", width(20, 20));
        assert!(width(10, 20) < width(5, 10));
        // What is remembered is of these numbers and no others.
        for of in 0..60 {
            for hits in 0..=of + 1 {
                assert_eq!(interval(hits, of), worked_out(hits, of), "{hits}/{of}");
                assert_eq!(interval(hits, of), worked_out(hits, of), "{hits}/{of}, again");
            }
        }
    }
}
