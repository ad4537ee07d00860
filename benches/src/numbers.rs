//! Numbers as people read them: three digits that mean something.
//!
//! Before: nothing. After: `tables.rs`, `plots.rs`.

use crate::plan::{Unit, grouped};

/// `8.31`, `83.1`, `831`, `8,310`.
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "-".to_string(),
        0.0 => "0".to_string(),
        ..0.0995 => format!("{value:.3}"),
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        ..999.5 => format!("{value:.0}"),
        size => {
            let step = 10f64.powi(size.log10().floor() as i32 - 2);
            grouped(((value / step).round() * step) as u64)
        }
    }
}

/// `831 ns`, `8.31 µs`, `8.31 ms`; bytes as bytes.
pub fn with_unit(value: f64, unit: Unit) -> String {
    match (unit, value.abs()) {
        (Unit::Bytes, _) => format!("{} B", digits(value)),
        (_, ..9_995.0) => format!("{} ns", digits(value)),
        (_, ..9_995_000.0) => format!("{} µs", digits(value / 1e3)),
        _ => format!("{} ms", digits(value / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept() {
        let shown = [0.04567, 0.4567, 4.567, 45.67, 456.7, 4_567.0, 45_678.0].map(digits);
        assert_eq!(shown, ["0.046", "0.46", "4.57", "45.7", "457", "4,570", "45,700"]);
        assert_eq!([0.0, f64::NAN].map(digits), ["0", "-"]);
    }

    #[test]
    fn times_get_the_unit_that_suits_them() {
        let shown = [83.1, 8_310.0, 83_100.0, 83_100_000.0].map(|ns| with_unit(ns, Unit::Nanos));
        assert_eq!(shown, ["83.1 ns", "8,310 ns", "83.1 µs", "83.1 ms"]);
    }
}
