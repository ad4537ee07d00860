//! Runs of programs as one writes them, on a virtual clock. The root task is 0, its group 1, the group's body 1.

use super::script::Script;
use crate::trace::{Recorder, Trace};
use std::time::Duration;
use taskgroup_runtime::instrument::{Event, Part, Phase, WaitsFor, WokenBy};

/// Opens the group and spawns tasks 2, 3 and so on, which sleep so long. Their first polls are in this turn.
fn open(script: &mut Script, tasks: &[(&str, u64)]) {
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        for (n, (name, _)) in tasks.iter().enumerate() {
            script.spawn(n as u32 + 2, 1, n as u32 + 1, name);
        }
    });
    script.body_ended(1);
    for (n, (_, until)) in tasks.iter().enumerate() {
        let task = n as u32 + 2;
        script.poll(&[task], |script| script.sleep(task, *until));
    }
    script.wait(0, WaitsFor::Group(1));
    script.tell(Event::PollEnds { task: 0 });
}

/// The end of the group and of the root.
fn end(script: &mut Script, errors: usize) {
    script.close(1, errors);
    script.tell(Event::PollEnds { task: 0 });
    if errors == 0 { script.done(0) } else { script.fail(0, &"1 error in task group: connection refused") }
}

pub(super) fn success() -> Trace {
    let mut script = Script::new();
    open(&mut script, &[("home", 100), ("news", 200), ("weather", 150)]);
    for (at, task) in [(100, 2), (150, 4), (200, 3)] {
        script.ms(at);
        script.wake(task, WokenBy::Timer);
        script.tell(Event::PollBegins { task: 0 });
        script.poll(&[task], |_| {});
        script.done(task);
        if task != 3 {
            script.wait(0, WaitsFor::Group(1));
            script.tell(Event::PollEnds { task: 0 });
        }
    }
    end(&mut script, 0);
    script.trace()
}

pub(super) fn failure() -> Trace {
    let mut script = Script::new();
    open(&mut script, &[("home", 100), ("database", 250), ("news", 400), ("weather", 300)]);
    script.ms(100);
    script.wake(2, WokenBy::Timer);
    script.poll(&[0, 2], |_| {});
    script.done(2);
    script.ms(250);
    script.wake(3, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |script| script.spawn(6, 1, 5, "late"));
    script.fail(3, &"connection refused");
    script.closing(1, "database failed");
    for task in [4, 5, 6] {
        script.ask(task, Part::Task, "database failed", Some(0));
    }
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    for task in [4, 5] {
        script.poll(&[task], |script| script.see(task));
        script.cancelled(task, &"database failed", true, false);
    }
    script.cancelled(6, &"database failed", false, false);
    end(&mut script, 1);
    script.trace()
}

pub(super) fn nested_failure() -> Trace {
    let mut script = Script::new();
    open(&mut script, &[("home", 300), ("basket", 0), ("search", 500)]);
    // `basket` (3) has a group of its own: its body is 8, its tasks are 9 and 10.
    script.wake(3, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.tell(Event::PollBegins { task: 3 });
    script.open(2, 3, 8);
    script.poll(&[8], |script| {
        script.spawn(9, 2, 1, "stock");
        script.spawn(10, 2, 2, "price");
    });
    script.body_ended(2);
    script.poll(&[9], |script| script.wait(9, WaitsFor::Readable(7)));
    script.poll(&[10], |script| script.sleep(10, 200));
    script.wait(3, WaitsFor::Group(2));
    script.tell(Event::PollEnds { task: 3 });
    script.tell(Event::PollEnds { task: 0 });
    script.ms(200);
    script.wake(10, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.tell(Event::PollBegins { task: 3 });
    script.poll(&[10], |_| {});
    script.fail(10, &"no price for item 17");
    script.closing(2, "price failed");
    script.ask(9, Part::Task, "price failed", Some(3));
    script.tell(Event::PollEnds { task: 3 });
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    script.tell(Event::PollBegins { task: 3 });
    script.poll(&[9], |script| script.see(9));
    script.cancelled(9, &"price failed", true, false);
    script.close(2, 1);
    script.tell(Event::PollEnds { task: 3 });
    script.fail(3, &"1 error in task group: no price for item 17");
    script.closing(1, "basket failed");
    for task in [2, 4] {
        script.ask(task, Part::Task, "basket failed", Some(0));
    }
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    for task in [2, 4] {
        script.poll(&[task], |script| script.see(task));
        script.cancelled(task, &"basket failed", true, false);
    }
    end(&mut script, 1);
    script.trace()
}

/// Task 3 is in a timeout of 200 ms around two waits, goes on after it, and its sibling waits for it.
pub(super) fn timeout() -> Trace {
    let mut script = Script::new();
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        script.spawn(2, 1, 1, "quick");
        script.spawn(3, 1, 2, "slow");
        script.spawn(4, 1, 3, "patient");
        script.sleep(1, 50);
    });
    script.poll(&[2], |script| script.sleep(2, 80));
    script.poll(&[3], |script| {
        script.enter(3, Part::Scope);
        script.wait(3, WaitsFor::Readable(5));
    });
    script.poll(&[4], |script| script.wait(4, WaitsFor::Task(3)));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(50);
    script.wake(1, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[1], |_| {});
    script.body_ended(1);
    script.wait(0, WaitsFor::Group(1));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(80);
    script.wake(2, WokenBy::Timer);
    script.poll(&[0, 2], |_| {});
    script.done(2);
    script.ms(200);
    script.ask(3, Part::Scope, "a deadline of 200ms passed", None);
    script.poll(&[0, 3], |script| {
        script.see(3);
        script.leave(3, Part::Scope);
        script.sleep(3, 260);
    });
    script.ms(260);
    script.wake(3, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |_| {});
    script.done(3);
    script.wake(4, WokenBy::Task(0));
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[4], |_| {});
    script.done(4);
    end(&mut script, 0);
    script.trace()
}

/// A failure, one cleanup that finishes in its grace of 1 s and one that does not.
pub(super) fn cleanup() -> Trace {
    let mut script = Script::new();
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        script.spawn(2, 1, 1, "connection");
        script.spawn(3, 1, 2, "transaction");
        script.spawn(4, 1, 3, "reader");
    });
    script.body_ended(1);
    for task in [2, 3] {
        script.poll(&[task], |script| {
            script.enter(task, Part::Guarded);
            script.wait(task, WaitsFor::Readable(task as i32 + 4));
        });
    }
    script.poll(&[4], |script| script.sleep(4, 2_000));
    script.wait(0, WaitsFor::Group(1));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(2_000);
    script.wake(4, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[4], |_| {});
    script.fail(4, &"the file has no end");
    script.closing(1, "reader failed");
    script.ask(2, Part::Task, "reader failed", Some(0));
    script.ask(3, Part::Task, "reader failed", Some(0));
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    for (task, until) in [(2, 2_400), (3, 60_000)] {
        script.poll(&[task], |script| {
            script.see(task);
            script.leave(task, Part::Guarded);
            script.enter(task, Part::Cleanup);
            script.sleep(task, until);
        });
    }
    script.tell(Event::PollEnds { task: 0 });
    script.ms(2_400);
    script.wake(2, WokenBy::Timer);
    script.poll(&[0, 2], |script| {
        script.leave(2, Part::Cleanup);
    });
    script.cancelled(2, &"reader failed", true, false);
    script.ms(3_000);
    script.wake(3, WokenBy::Cancel(None));
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |_| {});
    script.cancelled(3, &"reader failed", true, true);
    end(&mut script, 1);
    script.trace()
}

pub(super) fn shield() -> Trace {
    let mut script = Script::new();
    open(&mut script, &[("payment", 0), ("banner", 900)]);
    script.wake(2, WokenBy::Timer);
    script.poll(&[0, 2], |script| {
        script.enter(2, Part::Shield);
        script.wait(2, WaitsFor::Writable(6));
    });
    script.ms(300);
    script.tell(Event::PollBegins { task: 0 });
    script.closing(1, "the user left");
    script.ask(2, Part::Task, "the user left", None);
    script.ask(3, Part::Task, "the user left", None);
    script.poll(&[3], |script| script.see(3));
    script.cancelled(3, &"the user left", true, false);
    script.tell(Event::PollEnds { task: 0 });
    script.ms(700);
    script.wake(2, WokenBy::Descriptor);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[2], |script| {
        script.leave(2, Part::Shield);
        script.see(2);
    });
    script.cancelled(2, &"the user left", true, false);
    end(&mut script, 0);
    script.trace()
}

/// Three mirrors; the second wins after three days, all at one place in the source.
pub(super) fn race() -> Trace {
    let mut script = Script::new();
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        for n in 0..3 {
            script.spawn(2 + n, 1, 1 + n, ["mirror.example", "mirror.test", "mirror.invalid"][n as usize]);
        }
    });
    script.body_ended(1);
    for n in 0..3 {
        script.poll(&[2 + n], |script| script.wait(2 + n, WaitsFor::Readable(8 + n as i32)));
    }
    script.wait(0, WaitsFor::Group(1));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(5);
    script.wake(4, WokenBy::Descriptor);
    script.poll(&[0, 4], |_| {});
    script.fail(4, &"no such host");
    script.s(259_200);
    script.wake(3, WokenBy::Descriptor);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |_| {});
    script.done(3);
    script.closing(1, "another has won");
    script.ask(2, Part::Task, "another has won", Some(0));
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[2], |script| script.see(2));
    script.cancelled(2, &"another has won", true, false);
    end(&mut script, 0);
    script.trace()
}

/// A worker that fails and is started again, twice; a slot that is used again each time; a limit of two.
pub(super) fn supervisor() -> Trace {
    let mut script = Script::new();
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        script.spawn(2, 1, 1, "worker");
        script.spawn(3, 1, 2, "metrics");
        script.spawn(4, 1, 3, "audit");
        script.wait(4, WaitsFor::Place);
        script.wait(1, WaitsFor::Other);
    });
    script.poll(&[2], |script| script.sleep(2, 1_000));
    script.poll(&[3], |script| script.sleep(3, 9_000));
    script.tell(Event::PollEnds { task: 0 });
    for (n, (at, error)) in [(1_000, "broken pipe"), (3_000, "broken pipe"), (7_000, "disk full")].iter().enumerate() {
        script.ms(*at);
        script.wake(2, WokenBy::Timer);
        script.tell(Event::PollBegins { task: 0 });
        script.poll(&[2], |script| script.wake(1, WokenBy::Task(2)));
        script.fail(2, error);
        script.poll(&[1], |script| {
            script.spawn(2, 1, 4 + n as u32, "worker");
            script.wait(1, WaitsFor::Other);
        });
        script.poll(&[2], |script| script.sleep(2, [3_000, 7_000, 20_000][n]));
        script.tell(Event::PollEnds { task: 0 });
    }
    script.ms(9_000);
    script.wake(3, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |_| {});
    script.done(3);
    script.poll(&[4], |script| script.sleep(4, 9_500));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(9_500);
    script.wake(4, WokenBy::Timer);
    script.poll(&[0, 4], |_| {});
    script.done(4);
    script.ms(10_000);
    script.closing(1, "interrupted");
    script.ask(1, Part::Body, "interrupted", None);
    script.ask(2, Part::Task, "interrupted", None);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[1], |script| script.see(1));
    script.body_ended(1);
    script.poll(&[2], |script| script.see(2));
    script.cancelled(2, &"interrupted", true, false);
    end(&mut script, 0);
    script.trace()
}

/// As on a real clock: so many tasks in a group, two of which fail, each poll a few microseconds.
pub(super) fn crowd(tasks: u64) -> Trace {
    let mut script = Script::new();
    script.tick(1_500);
    let names: Vec<_> = (1..=tasks).map(|n| (String::new(), 20 + (n * 7_919) % 400)).collect();
    let names: Vec<_> = names.iter().map(|(name, until)| (name.as_str(), *until)).collect();
    open(&mut script, &names);
    let mut order: Vec<(u64, u32)> = names.iter().enumerate().map(|(n, (_, at))| (*at, n as u32 + 2)).collect();
    order.sort();
    let mut last = 0;
    for (at, task) in order {
        if at != last {
            script.ms(at);
            last = at;
        }
        script.wake(task, WokenBy::Timer);
        script.poll(&[0, task], |_| {});
        if [tasks * 2 / 5, tasks * 7 / 10].contains(&task.into()) {
            script.fail(task, &format_args!("host {task} is unreachable"));
        } else {
            script.done(task);
        }
    }
    script.tell(Event::PollBegins { task: 0 });
    end(&mut script, 2);
    script.trace()
}

/// Two groups one after the other, one inside the other's body, and a group in a task with a name of every kind.
pub(super) fn names() -> Trace {
    let mut script = Script::new();
    let names = [
        ("a \"quoted\" <b>name</b> & more", 100),
        ("two\nlines\tand a tab", 200),
        ("\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}", 300),
        ("\u{202e}reversed\u{202c} \u{1b}[31mred", 400),
        ("a name that is so long that nobody who draws a picture of it would have room for all of it", 500),
        ("\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{540d}\u{524d} \u{1f980}", 600),
        ("", 700),
    ];
    open(&mut script, &names);
    for (n, (name, at)) in names.iter().enumerate() {
        script.ms(*at);
        let task = n as u32 + 2;
        script.wake(task, WokenBy::Timer);
        script.poll(&[0, task], |_| {});
        match n {
            2 => script.fail(task, &"\u{5e9}\u{5d2}\u{5d9}\u{5d0}\u{5d4}: <\"&'>\nsecond line ]]>"),
            4 => script.fail(task, &format_args!("it said: {name}, and it said that more than once, {name}")),
            _ => script.done(task),
        }
    }
    script.tell(Event::PollBegins { task: 0 });
    script.close(1, 2);
    script.open(2, 0, 1);
    script.tell(Event::PollBegins { task: 1 });
    script.spawn(2, 2, 1, "outer");
    script.open(3, 1, 3);
    script.poll(&[3], |script| script.spawn(4, 3, 1, "inner"));
    script.body_ended(3);
    script.poll(&[4], |script| script.sleep(4, 900));
    script.wait(1, WaitsFor::Group(3));
    script.tell(Event::PollEnds { task: 1 });
    script.poll(&[2], |script| script.sleep(2, 800));
    script.tell(Event::PollEnds { task: 0 });
    script.ms(800);
    script.wake(2, WokenBy::Timer);
    script.poll(&[0, 2], |_| {});
    script.done(2);
    script.ms(900);
    script.wake(4, WokenBy::Timer);
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[1, 4], |_| {});
    script.done(4);
    script.close(3, 0);
    script.body_ended(2);
    script.close(2, 0);
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::Ended { task: 0, how: taskgroup_runtime::instrument::HowEnded::Panicked(None) });
    script.trace()
}

/// A server that spawns a task for each of so many clients, and an old one that is there throughout.
pub(super) fn server(clients: u32, limit: usize) -> Trace {
    let mut script = Script::with(Recorder::with_limit(limit));
    script.root(0);
    script.tell(Event::PollBegins { task: 0 });
    script.open(1, 0, 1);
    script.poll(&[1], |script| {
        script.spawn(2, 1, 1, "old");
        script.wait(1, WaitsFor::Readable(3));
    });
    script.poll(&[2], |script| script.wait(2, WaitsFor::Timer(None)));
    script.tell(Event::PollEnds { task: 0 });
    for n in 0..clients {
        script.ms(u64::from(n) * 10);
        script.wake(1, WokenBy::Descriptor);
        script.tell(Event::PollBegins { task: 0 });
        script.poll(&[1], |script| {
            script.spawn(3 + n % 2, 1, n + 2, if n == clients / 2 { "the one in the middle" } else { "" });
            script.wait(1, WaitsFor::Readable(3));
        });
        script.poll(&[3 + n % 2], |script| script.sleep(3 + n % 2, u64::from(n) * 10 + 15));
        script.tell(Event::PollEnds { task: 0 });
        if n > 0 {
            script.ms(u64::from(n) * 10 + 5);
            let task = 3 + (n - 1) % 2;
            script.wake(task, WokenBy::Timer);
            script.poll(&[0, task], |_| {});
            script.done(task);
        }
    }
    script.trace()
}

pub(super) fn all() -> Vec<(&'static str, Trace)> {
    vec![
        ("success", success()),
        ("failure", failure()),
        ("nested failure", nested_failure()),
        ("timeout", timeout()),
        ("cleanup", cleanup()),
        ("shield", shield()),
        ("race", race()),
        ("supervisor", supervisor()),
        ("crowd", crowd(200)),
        ("names", names()),
        ("server", server(200, 400)),
        ("instant", instant()),
        ("busy", busy()),
        ("deep", deep(130)),
        ("asleep", asleep()),
    ]
}

/// On a real clock: a loop that sleeps until a timer, and then until a client comes; in between it is woken for nothing.
pub(super) fn asleep() -> Trace {
    let mut script = Script::new();
    script.tick(20_000);
    script.tell(Event::Phase(Phase::Run));
    open(&mut script, &[("ticker", 100), ("reader", 0)]);
    script.tell(Event::Phase(Phase::Wait(Some(Duration::from_millis(99)))));
    script.ms(100);
    script.tell(Event::Phase(Phase::Dispatch));
    script.tell(Event::Phase(Phase::Expire));
    script.wake(2, WokenBy::Timer);
    script.tell(Event::Phase(Phase::Run));
    script.poll(&[0, 2], |_| {});
    script.done(2);
    script.poll(&[0, 3], |script| script.wait(3, WaitsFor::Readable(7)));
    script.tell(Event::Phase(Phase::Wait(None)));
    script.ms(300);
    script.tell(Event::Phase(Phase::Dispatch));
    script.tell(Event::Phase(Phase::Wait(None)));
    script.ms(900);
    script.tell(Event::Phase(Phase::Dispatch));
    script.wake(3, WokenBy::Descriptor);
    script.tell(Event::Phase(Phase::Run));
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |_| {});
    script.done(3);
    end(&mut script, 0);
    script.trace()
}

/// On a real clock: sixty clients that talk to one another, each with a group of two, all different in how they end.
pub(super) fn busy() -> Trace {
    let mut script = Script::new();
    script.tick(3_000);
    let names: Vec<_> = (1..=60).map(|n| (format!("client {n}"), 0)).collect();
    let names: Vec<_> = names.iter().map(|(name, until)| (name.as_str(), *until)).collect();
    open(&mut script, &names);
    for n in 2..62 {
        let (group, body) = (n, 1_000 + 3 * n);
        script.tell(Event::PollBegins { task: 0 });
        script.tell(Event::PollBegins { task: n });
        script.open(group, n, body);
        script.poll(&[body], |script| {
            script.spawn(body + 1, group, 1, "read");
            script.spawn(body + 2, group, 2, "write");
            script.wait(body, WaitsFor::Other);
        });
        script.poll(&[body + 1], |script| script.wait(body + 1, WaitsFor::Readable(n as i32)));
        script.poll(&[body + 2], |script| script.wait(body + 2, WaitsFor::Other));
        script.tell(Event::PollEnds { task: n });
        script.tell(Event::PollEnds { task: 0 });
    }
    for round in 1..20_u64 {
        script.ms(round * round * 10);
        for n in 2..62 {
            let body = 1_000 + 3 * n;
            if (u64::from(n) * 7 + round * 13) % 5 != 0 {
                continue;
            }
            script.wake(body + 1, WokenBy::Descriptor);
            script.poll(&[0, n, body + 1], |script| {
                script.wake(body + 2, WokenBy::Task(body + 1));
                script.wait(body + 1, WaitsFor::Readable(n as i32));
            });
            script.poll(&[0, n, body + 2], |script| script.wait(body + 2, WaitsFor::Other));
        }
    }
    for n in 2..62 {
        let (group, body) = (n, 1_000 + 3 * n);
        script.tell(Event::PollBegins { task: 0 });
        script.tell(Event::PollBegins { task: n });
        script.poll(&[body + 1], |_| {});
        script.fail(body + 1, &format_args!("connection {n} was reset"));
        script.closing(group, "read failed");
        script.ask(body + 2, Part::Task, "read failed", Some(n));
        script.poll(&[body], |_| {});
        script.body_ended(group);
        script.tell(Event::PollEnds { task: n });
        script.tell(Event::PollBegins { task: n });
        script.poll(&[body + 2], |script| script.see(body + 2));
        script.cancelled(body + 2, &"read failed", true, false);
        script.close(group, 1);
        script.tell(Event::PollEnds { task: n });
        script.fail(n, &format_args!("1 error: connection {n} was reset"));
        script.tell(Event::PollEnds { task: 0 });
    }
    script.tell(Event::PollBegins { task: 0 });
    end(&mut script, 60);
    script.trace()
}

/// Each task has a group with one task, so deep.
pub(super) fn deep(depth: u32) -> Trace {
    let mut script = Script::new();
    script.root(0);
    for n in 0..depth {
        script.tell(Event::PollBegins { task: 2 * n });
        script.open(n + 1, 2 * n, 2 * n + 1);
        script.poll(&[2 * n + 1], |script| script.spawn(2 * n + 2, n + 1, 1, ""));
        script.body_ended(n + 1);
    }
    script.poll(&[2 * depth], |script| script.sleep(2 * depth, 1_000));
    (0..depth).rev().for_each(|n| script.tell(Event::PollEnds { task: 2 * n }));
    script.s(1);
    (0..depth).for_each(|n| script.tell(Event::PollBegins { task: 2 * n }));
    script.poll(&[2 * depth], |_| {});
    script.done(2 * depth);
    for n in (0..depth).rev() {
        script.close(n + 1, 0);
        script.tell(Event::PollEnds { task: 2 * n });
        script.done(2 * n);
    }
    script.trace()
}

/// All at one instant: two tasks that hand a turn to each other, and a third that fails when it hears of the second.
pub(super) fn instant() -> Trace {
    let mut script = Script::new();
    open(&mut script, &[("ping", 0), ("pong", 0), ("referee", 0)]);
    for round in 0..6 {
        let (one, other) = (2 + round % 2, 3 - round % 2);
        script.poll(&[0, one], |script| {
            script.wake(other, WokenBy::Task(one));
            script.wait(one, WaitsFor::Other);
        });
    }
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[3], |script| script.wake(4, WokenBy::Task(3)));
    script.done(3);
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[4], |_| {});
    script.fail(4, &"it was a draw");
    script.closing(1, "referee failed");
    script.ask(2, Part::Task, "referee failed", Some(0));
    script.tell(Event::PollEnds { task: 0 });
    script.tell(Event::PollBegins { task: 0 });
    script.poll(&[2], |script| script.see(2));
    script.cancelled(2, &"referee failed", true, false);
    end(&mut script, 1);
    script.trace()
}
