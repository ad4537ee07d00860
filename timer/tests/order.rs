//! In which order timers come out, and what may happen to them between two pops.

use std::cell::Cell;
use std::rc::Rc;

use taskgroup_timer::{Key, Wheel};

/// All that comes out up to a tick.
fn popped<T>(wheel: &mut Wheel<T>, to: u64) -> Vec<T> {
    std::iter::from_fn(|| wheel.pop(to)).collect()
}

#[test]
fn timers_come_out_by_deadline_however_they_were_armed() {
    let mut wheel = Wheel::new(0);
    for deadline in [300_000, 5, 64, 70, 4_096, 63, 6, 65] {
        wheel.insert(deadline, deadline);
    }
    assert_eq!(popped(&mut wheel, u64::MAX), [5, 6, 63, 64, 65, 70, 4_096, 300_000]);
}

#[test]
fn timers_of_one_tick_come_out_as_they_were_armed() {
    let mut wheel = Wheel::new(0);
    for value in 0..100 {
        wheel.insert(7, value);
    }
    assert!(popped(&mut wheel, 7).into_iter().eq(0..100));
}

#[test]
fn timers_of_one_tick_keep_their_order_through_the_cascades_of_all_levels() {
    // Time creeps up on one deadline. Just before it enters the next slot that leads there, and
    // just after, when that slot has cascaded, more timers are armed behind those that have moved.
    let deadline = u64::MAX;
    let mut wheel = Wheel::new(0);
    let mut armed = 0..;
    for level in (1..=10).rev() {
        let entered = deadline - ((1 << (6 * level)) - 1);
        for tick in [entered - 1, entered] {
            assert_eq!(wheel.pop(tick), None);
            wheel.insert(deadline, armed.next());
            wheel.insert(deadline, armed.next());
        }
    }
    assert!(popped(&mut wheel, deadline).into_iter().eq((0..40).map(Some)));
}

#[test]
fn a_timer_for_an_earlier_tick_overtakes_those_that_wait_for_a_later_one() {
    let mut wheel = Wheel::new(0);
    wheel.insert(100, "second");
    wheel.insert(50, "first");
    assert_eq!(wheel.pop(200), Some("first"));
    wheel.insert(99, "in between");
    assert_eq!(popped(&mut wheel, 200), ["in between", "second"]);
}

#[test]
fn a_reset_timer_moves_to_the_end_of_its_tick() {
    let mut wheel = Wheel::new(0);
    let keys = ["a", "b", "c"].map(|value| wheel.insert(1_000, value));
    assert!(wheel.reset(keys[1], 1_000));
    assert!(wheel.reset(keys[0], 2_000));
    assert!(wheel.reset(keys[0], 1_000));
    assert_eq!(popped(&mut wheel, 1_000), ["c", "b", "a"]);
}

#[test]
fn a_reset_timer_keeps_its_value_and_its_key() {
    let mut wheel = Wheel::new(0);
    let key = wheel.insert(10, String::from("tea"));
    assert!(wheel.reset(key, 5_000));
    if let Some(value) = wheel.get_mut(key) {
        value.push_str(", black");
    }
    assert_eq!(wheel.pop(4_999), None);
    assert_eq!(wheel.get(key).map(String::as_str), Some("tea, black"));
    assert_eq!(wheel.pop(5_000).as_deref(), Some("tea, black"));
}

#[test]
fn a_due_timer_cancelled_by_its_neighbour_does_not_come_out() {
    // Both stand in tick 70. Whichever comes out first cancels the other, in either order.
    for first in [0, 1] {
        let mut wheel = Wheel::new(0);
        let keys = [0, 1].map(|number| wheel.insert(70, number));
        assert!(wheel.reset(keys[1 - first], 70));
        assert_eq!(wheel.pop(80), Some(first));
        assert_eq!(wheel.cancel(keys[1 - first]), Some(1 - first));
        assert_eq!(wheel.pop(80), None);
        assert!(wheel.is_empty());
    }
}

#[test]
fn a_due_timer_reset_by_its_neighbour_comes_out_when_it_is_due_anew() {
    let mut wheel = Wheel::new(0);
    wheel.insert(70, "first");
    let second = wheel.insert(70, "second");
    assert_eq!(wheel.pop(80), Some("first"));
    assert!(wheel.reset(second, 90));
    assert_eq!(wheel.pop(80), None);
    assert_eq!(wheel.pop(89), None);
    assert_eq!(wheel.pop(90), Some("second"));
}

#[test]
fn a_timer_armed_between_pops_for_the_same_tick_comes_out_last() {
    let mut wheel = Wheel::new(0);
    wheel.insert(70, "first");
    wheel.insert(70, "second");
    assert_eq!(wheel.pop(70), Some("first"));
    wheel.insert(70, "first again");
    wheel.insert(0, "overdue");
    assert_eq!(popped(&mut wheel, 70), ["second", "first again", "overdue"]);
}

#[test]
fn a_timer_that_came_out_has_a_stale_key() {
    let mut wheel = Wheel::new(0);
    let key = wheel.insert(1, "once");
    assert_eq!(wheel.pop(1), Some("once"));
    assert_stale(&mut wheel, key);
}

#[test]
fn a_stale_key_does_not_touch_the_timer_that_has_its_memory_now() {
    let mut wheel = Wheel::new(0);
    let mut stale = Vec::new();
    for round in 0..1_000 {
        let key = wheel.insert(round + 1, round);
        assert!(!stale.contains(&key), "a key was given out twice");
        for &key in stale.iter().rev().take(3) {
            assert_stale(&mut wheel, key);
        }
        assert_eq!(wheel.get(key), Some(&round));
        // By either way out; the memory is used again in any case.
        let gone = if round % 2 == 0 { wheel.cancel(key) } else { wheel.pop(round + 1) };
        assert_eq!(gone, Some(round));
        stale.push(key);
    }
}

fn assert_stale<T: PartialEq + std::fmt::Debug>(wheel: &mut Wheel<T>, key: Key) {
    let before = (wheel.len(), wheel.next_deadline());
    assert_eq!(wheel.get(key), None);
    assert_eq!(wheel.get_mut(key), None);
    assert_eq!(wheel.cancel(key), None);
    assert!(!wheel.reset(key, u64::MAX));
    assert_eq!((wheel.len(), wheel.next_deadline()), before);
}

#[test]
fn every_value_is_dropped_once_whichever_way_it_goes() {
    struct CountsDrops(Rc<Cell<u32>>);
    impl Drop for CountsDrops {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    let counters: [Rc<Cell<u32>>; 4] = Default::default();
    let dropped = || counters.each_ref().map(|counter| counter.get());
    let mut wheel = Wheel::new(0);
    let deadlines = [10, 20, 5_000, u64::MAX];
    let keys: Vec<Key> = std::iter::zip(deadlines, &counters)
        .map(|(deadline, counter)| wheel.insert(deadline, CountsDrops(Rc::clone(counter))))
        .collect();
    assert_eq!(dropped(), [0, 0, 0, 0]);

    drop(wheel.pop(15));
    assert_eq!(dropped(), [1, 0, 0, 0]);
    drop(wheel.cancel(keys[1]));
    assert_eq!(dropped(), [1, 1, 0, 0]);
    assert!(wheel.reset(keys[2], 6_000));
    assert!(wheel.pop(5_999).is_none(), "cascades, and drops nothing");
    assert_eq!(dropped(), [1, 1, 0, 0]);
    drop(wheel);
    assert_eq!(dropped(), [1, 1, 1, 1]);
}

#[test]
fn the_next_deadline_is_exact_while_the_earliest_timer_stays() {
    let mut wheel = Wheel::new(0);
    wheel.insert(5_000, 'a');
    let later = wheel.insert(4_800, 'b');
    let earliest = wheel.insert(4_700, 'c');
    let latest = wheel.insert(4_750, 'd');
    assert_eq!(wheel.next_deadline(), Some(4_700));
    assert_eq!(wheel.cancel(later), Some('b'));
    assert!(wheel.reset(latest, 4_710));
    assert_eq!(wheel.next_deadline(), Some(4_700));

    // The slot 4096..8192 is not searched for the second earliest; 4700 is early, but not late.
    assert_eq!(wheel.cancel(earliest), Some('c'));
    assert_eq!(wheel.next_deadline(), Some(4_700));
    // One look that finds nothing sets it right.
    assert_eq!(wheel.pop(4_700), None);
    assert_eq!(wheel.next_deadline(), Some(4_710));
}

#[test]
fn a_wheel_shows_its_state_and_not_its_values() {
    struct Mute;
    let mut wheel = Wheel::default();
    wheel.insert(9, Mute);
    let shown = format!("{wheel:?}");
    assert_eq!(shown, "Wheel { now: 0, len: 1, next_deadline: Some(9), .. }");
}
