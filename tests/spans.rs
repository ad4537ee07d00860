//! Spans of the `tracing` crate: which there are, in which others, and when they are entered.
#![cfg(feature = "tracing")]

mod common;

use common::{Word, fail_after, group, ms};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use taskgroup::{Clock, Runtime, Spans, sleep, task_group, yield_now};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, info, subscriber};

/// Writes down what happens to spans, each as `name@parent`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    spans: BTreeMap<u64, String>,
    entered: Vec<u64>,
    lines: Vec<String>,
}

/// The fields that tests ask for, as text.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let inner = &mut *self.0.lock().expect("nobody panics");
        let id = inner.spans.len() as u64 + 1;
        let parent = span.parent().map(|id| inner.spans[&id.into_u64()].clone());
        inner.spans.insert(id, format!("{}/{}", parent.unwrap_or_default(), span.metadata().name()));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(name) = fields.0.get("name") {
            let inner = &mut *self.0.lock().expect("nobody panics");
            let path = inner.spans.get_mut(&span.into_u64()).expect("it is there");
            path.truncate(path.rfind('/').map_or(0, |at| at + 1));
            path.push_str(name);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let inner = &mut *self.0.lock().expect("nobody panics");
        let at = event.parent().map(|id| id.into_u64()).or(inner.entered.last().copied());
        let span = at.map(|id| inner.spans[&id].clone()).unwrap_or_default();
        let why = ["reason", "error", "error.type"].into_iter().find_map(|name| fields.0.get(name));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        inner.lines.push(format!("{span}: {}{why}", fields.0["message"]));
    }

    fn enter(&self, span: &Id) {
        self.0.lock().expect("nobody panics").entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let left = self.0.lock().expect("nobody panics").entered.pop();
        assert_eq!(left, Some(span.into_u64()), "spans are left in the order in which they were entered");
    }
}

/// What is logged of a run in virtual time.
fn logged<T>(future: impl Future<Output = T>) -> Vec<String> {
    let log = Log::default();
    subscriber::with_default(log.clone(), || {
        let runtime = Runtime::with_clock(Clock::Autojump);
        runtime.instrument(Spans::new());
        drop(catch_unwind(AssertUnwindSafe(|| runtime.block_on(future))));
    });
    let inner = &mut *log.0.lock().expect("nobody panics");
    assert!(inner.entered.is_empty(), "all spans are left");
    std::mem::take(&mut inner.lines)
}

#[test]
fn what_a_task_logs_says_in_which_task_of_which_group_it_was() {
    let lines = logged(group(async |g| {
        info!("body");
        g.spawn_group(group(async |inner| {
            inner.spawn(async {
                info!("before");
                yield_now().await;
                info!("after");
            });
            Ok(())
        }))
        .named("pages");
        Ok(())
    }));
    let inner = "/task/group/pages/group/task";
    assert_eq!(lines, ["/task/group: body".to_string(), format!("{inner}: before"), format!("{inner}: after")]);
}

#[test]
fn cancels_and_failures_are_events_of_their_task() {
    let lines = logged(group(async |g| {
        g.spawn(fail_after(1, "broken")).named("db");
        g.spawn(async {
            sleep(ms(9)).await;
            Ok::<(), Word>(())
        })
        .named("cache");
        Ok(())
    }));
    assert_eq!(lines, ["/task/group/db: failed: broken", "/task/group/cache: cancelled: db failed"]);
}

#[test]
fn an_error_that_cannot_be_told_is_named_by_its_type() {
    struct OutOfStock;
    let lines = logged(task_group(async |g| {
        g.spawn(async { Err::<(), _>(OutOfStock) }).named("shop");
        Ok(())
    }));
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    assert!(line.starts_with("/task/group/shop: failed: spans::") && line.ends_with("::OutOfStock"), "{line}");
}

#[test]
fn a_panic_leaves_its_spans() {
    let lines = logged(group(async |g| {
        g.spawn(async {
            yield_now().await;
            if true {
                panic!("on purpose")
            }
        });
        Ok(())
    }));
    assert_eq!(lines, ["/task/group/task: panicked"]);
}
