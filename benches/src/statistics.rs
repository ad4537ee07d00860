//! The arithmetic of the driver.
//!
//! Before: nothing. After: `targets.rs`.

/// The value below which a part of the sorted values lies, as a straight line between two neighbours.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

pub fn minimum(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

/// What one operation more adds, of what two runs of different length came to: setting up cancels out.
pub fn slope(short: (f64, f64), long: (f64, f64)) -> f64 {
    (long.1 - short.1) / (long.0 - short.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn quantiles_lie_on_the_line_between_two_values() {
        assert_eq!(quantile(&[0.0, 10.0, 20.0], 0.25), 5.0);
        assert_eq!(quantile(&[0.0, 10.0, 20.0], 1.0), 20.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn the_slope_is_free_of_what_both_runs_share() {
        assert_eq!(slope((100.0, 5_100.0), (1_100.0, 15_100.0)), 10.0);
    }

    #[test]
    fn the_minimum_of_nothing_is_no_number() {
        assert_eq!(minimum(&[2.0, 1.0]), 1.0);
        assert!(minimum(&[]).is_nan());
    }
}
