//! The ends of time, clocks that misbehave, long uptime, and very many timers.

use std::thread;

use taskgroup_timer::Wheel;

/// The first tick of the second slot of a level; 1 for level 0.
const fn boundary(level: u32) -> u64 {
    1 << (6 * level)
}

/// A timer comes out when its deadline is reached: not a tick before, and not one after.
fn assert_fires_on_time(wheel: &mut Wheel<u64>, deadline: u64) {
    let now = wheel.now();
    wheel.insert(deadline, deadline);
    if deadline > now {
        assert_eq!(wheel.pop(deadline - 1), None, "early: armed at {now} for {deadline}");
    }
    assert_eq!(wheel.pop(deadline), Some(deadline), "late: armed at {now} for {deadline}");
}

#[test]
fn a_timer_at_the_last_tick_fires_when_time_gets_there() {
    for start in [0, 1, 1 << 63, u64::MAX - 64, u64::MAX - 1, u64::MAX] {
        assert_fires_on_time(&mut Wheel::new(start), u64::MAX);
    }
}

#[test]
fn a_wheel_at_the_last_tick_goes_on() {
    let mut wheel = Wheel::new(u64::MAX);
    for round in 0..3 {
        let key = wheel.insert(0, round);
        assert!(wheel.reset(key, u64::MAX));
        assert_eq!(wheel.next_deadline(), Some(u64::MAX));
        assert_eq!(wheel.pop(u64::MAX), Some(round));
        assert_eq!(wheel.pop(u64::MAX), None);
    }
}

#[test]
fn a_deadline_in_the_past_is_due_at_once() {
    let mut wheel = Wheel::new(1_000_000);
    for past in [0, 1, 999_936, 999_999, 1_000_000] {
        wheel.insert(past, past);
        assert_eq!(wheel.next_deadline(), Some(1_000_000));
        assert_eq!(wheel.pop(1_000_000), Some(past));
    }
    assert_eq!(wheel.now(), 1_000_000);
}

#[test]
fn a_timer_reset_into_the_past_is_due_at_once() {
    let mut wheel = Wheel::new(1_000);
    let key = wheel.insert(u64::MAX, "hurried");
    assert!(wheel.reset(key, 999));
    assert_eq!(wheel.pop(1_000), Some("hurried"));
}

// embassy-rs/embassy#4736.
#[test]
fn a_timer_that_never_fires_does_not_hold_up_the_next() {
    let mut wheel = Wheel::new(0);
    wheel.insert(u64::MAX, "never");
    wheel.insert(3, "short");
    assert_eq!(wheel.next_deadline(), Some(3));
    assert_eq!(wheel.pop(3), Some("short"));
    assert_eq!(wheel.pop(u64::MAX - 1), None);
    assert_eq!(wheel.len(), 1);
}

// tokio-rs/tokio#684.
#[test]
fn a_clock_that_steps_back_stands_still() {
    let mut wheel = Wheel::new(0);
    assert_eq!(wheel.pop(5_000), None);
    wheel.insert(5_100, "kept");
    for back in [4_999, 4_095, 0] {
        assert_eq!(wheel.pop(back), None);
        assert_eq!(wheel.now(), 5_000);
    }
    assert_eq!(wheel.pop(5_099), None);
    assert_eq!(wheel.pop(5_100), Some("kept"));
    // Also while a timer is due: a step back does not put it off.
    wheel.insert(5_100, "due");
    assert_eq!(wheel.pop(0), Some("due"));
}

#[test]
fn one_jump_over_all_of_time_brings_out_everything_in_order() {
    let mut deadlines: Vec<u64> = (0..=10)
        .flat_map(|level| [boundary(level) - 1, boundary(level), boundary(level) + 1])
        .chain([u64::MAX - 1, u64::MAX])
        .collect();
    deadlines.sort_unstable();
    let mut wheel = Wheel::new(0);
    // Armed latest first, so that the order is the wheel's doing.
    for &deadline in deadlines.iter().rev() {
        wheel.insert(deadline, deadline);
    }
    for &deadline in &deadlines {
        assert_eq!(wheel.pop(u64::MAX), Some(deadline));
        assert_eq!(wheel.now(), deadline);
    }
    assert_eq!(wheel.pop(u64::MAX), None);
    assert_eq!(wheel.now(), u64::MAX);
}

#[test]
fn a_jump_over_empty_time_ends_where_it_should() {
    let mut wheel = Wheel::<()>::new(0);
    for to in [1, 63, 64, 1 << 36, (1 << 60) + 1, u64::MAX] {
        assert_eq!(wheel.pop(to), None);
        assert_eq!(wheel.now(), to);
    }
}

/// tokio-rs/tokio#8334: a wheel that was right for twelve days put short sleeps into wrong slots from
/// then on, because time since its start had reached the top level and a slot there had wrapped.
#[test]
fn timers_of_every_length_fire_on_time_at_every_level_boundary() {
    for level in 1..=10 {
        for multiple in [1, 2, 7, 15] {
            for start in boundary(level) * multiple - 2..=boundary(level) * multiple + 2 {
                let lengths = (0..=10).flat_map(|level| [boundary(level) - 1, boundary(level), boundary(level) + 1]);
                for length in lengths.chain([2, 62, 128]) {
                    if let Some(deadline) = start.checked_add(length) {
                        assert_fires_on_time(&mut Wheel::new(start), deadline);
                    }
                }
            }
        }
    }
}

/// A tick is 15.625 microseconds. The walk stops at all boundaries of level 5, one every five hours or so;
/// each is a boundary of all lower levels, too, and those of levels 6 and 7 are among them.
#[test]
fn short_timers_fire_on_time_through_ten_years_of_uptime() {
    const TICKS_PER_DAY: u64 = 64_000 * 86_400;
    const TEN_YEARS: u64 = 3_653 * TICKS_PER_DAY;
    const { assert!(TEN_YEARS > boundary(7)) }

    let mut wheel = Wheel::new(0);
    let never = wheel.insert(u64::MAX, u64::MAX);
    wheel.insert(TEN_YEARS, TEN_YEARS);
    for crossing in (1..=TEN_YEARS / boundary(5)).map(|nth| nth * boundary(5)) {
        for tick in crossing - 65..=crossing + 65 {
            while let Some(deadline) = wheel.pop(tick) {
                assert_eq!(deadline, tick);
            }
            // Some end before the boundary, some on it, some behind it, some start there.
            if [65, 64, 63, 2, 1, 0].contains(&crossing.wrapping_sub(tick)) {
                for length in [1, 2, 63, 64, 65] {
                    wheel.insert(tick + length, tick + length);
                }
            }
        }
        assert_eq!(wheel.len(), 2, "only the long timers are left after {crossing}");
    }
    assert_eq!(wheel.pop(TEN_YEARS - 1), None);
    assert_eq!(wheel.pop(TEN_YEARS), Some(TEN_YEARS));
    assert_eq!(wheel.pop(TEN_YEARS), None);
    assert_eq!(wheel.get(never), Some(&u64::MAX));
}

// tokio-rs/tokio#6584, and the benchmark of libuv.
/// Were any step recursive, the small stack would overflow. Were one quadratic, the test would be the slowest here by
/// far: no test asserts a time, a benchmark does.
#[test]
fn a_million_timers_in_one_slot_need_no_stack() {
    // Fewer where nothing is optimized: either takes about a tenth of a second.
    let count: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
    let small_stack = thread::Builder::new().stack_size(64 * 1024);
    let run = small_stack.spawn(move || {
        // All in one slot of level 4, and each tick twice.
        let first = boundary(4);
        let mut wheel = Wheel::new(0);
        let keys: Vec<_> = (0..count).map(|number| (wheel.insert(first + number / 2, number), number)).collect();

        // One in four goes before the slot cascades, and one in four after it has.
        for &(key, number) in keys.iter().filter(|(_, number)| number % 4 == 1) {
            assert_eq!(wheel.cancel(key), Some(number));
        }
        assert_eq!(wheel.pop(u64::MAX), Some(0));
        for &(key, number) in keys.iter().filter(|(_, number)| number % 4 == 2) {
            assert_eq!(wheel.cancel(key), Some(number));
        }
        for number in (1..count).filter(|number| number % 4 == 0 || number % 4 == 3) {
            assert_eq!(wheel.pop(u64::MAX), Some(number));
        }
        assert_eq!(wheel.pop(u64::MAX), None);
    });
    let outcome = run.expect("the system starts a thread").join();
    assert!(outcome.is_ok(), "the thread has said why");
}

#[test]
fn a_million_timers_in_one_tick_come_out_as_they_were_armed() {
    let count = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
    let mut wheel = Wheel::new(0);
    for number in 0..count {
        wheel.insert(u64::MAX, number);
    }
    for number in 0..count {
        assert_eq!(wheel.pop(u64::MAX), Some(number));
    }
    assert!(wheel.is_empty());
}
