//! A run as the files have it, and when two runs are the same.
//!
//! Before: `trace.rs`. After: `interpret.rs`, which makes them, and `cases.rs`, which reads them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a program ended, and the trace it left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// How the main task ended.
    pub outcome: Value,
    /// Each event: milliseconds, task, name, detail.
    pub trace: Vec<(u64, String, String, Value)>,
}

/// An event of a known task: milliseconds, name, detail.
type Event<'a> = (u64, &'a str, &'a Value);

impl Recorded {
    /// Whether two runs count as the same: the outcomes are equal, and each task's own events are. How the events of
    /// different tasks interleave is not compared.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        self.outcome == other.outcome && self.by_task() == other.by_task()
    }

    fn by_task(&self) -> BTreeMap<&str, Vec<Event<'_>>> {
        let mut tasks = BTreeMap::<_, Vec<_>>::new();
        for (ms, task, event, detail) in &self.trace {
            tasks.entry(task.as_str()).or_default().push((*ms, event.as_str(), detail));
        }
        tasks
    }

    /// Where two runs differ, for people: the tasks that do, and what each run has from the first event that does on.
    /// Empty if they agree.
    #[must_use]
    pub fn difference(&self, got: &Self) -> String {
        let mut text = String::new();
        if self.outcome != got.outcome {
            let _ = writeln!(text, "outcome\n  want {}\n  got  {}", self.outcome, got.outcome);
        }
        let (want, got) = (self.by_task(), got.by_task());
        let names: BTreeSet<_> = want.keys().chain(got.keys()).collect();
        for name in names {
            let [want, got] = [&want, &got].map(|tasks| tasks.get(*name).map_or(&[][..], Vec::as_slice));
            if want != got {
                let same = want.iter().zip(got).take_while(|(want, got)| want == got).count();
                let (want, got) = (line(&want[same..]), line(&got[same..]));
                let _ = writeln!(text, "{name}, after {same} equal events\n  want {want}\n  got  {got}");
            }
        }
        text
    }
}

fn line(events: &[Event<'_>]) -> String {
    let events = events.iter().map(|(ms, event, detail)| format!("[{ms} {event} {detail}]"));
    events.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recorded(trace: Value) -> Recorded {
        serde_json::from_value(json!({"outcome": {"ok": null}, "trace": trace})).expect("a trace")
    }

    #[test]
    fn the_interleaving_of_tasks_is_not_compared_and_each_tasks_own_order_is() {
        let one = recorded(json!([[0, "a", "log", "x"], [0, "b", "log", "x"], [0, "a", "log", "y"]]));
        let interleaved = recorded(json!([[0, "b", "log", "x"], [0, "a", "log", "x"], [0, "a", "log", "y"]]));
        let swapped = recorded(json!([[0, "a", "log", "y"], [0, "b", "log", "x"], [0, "a", "log", "x"]]));
        assert!(one.agrees(&interleaved));
        assert_eq!(one.difference(&interleaved), "");
        assert!(!one.agrees(&swapped));
        let text = "a, after 0 equal events\n  want [0 log \"x\"] [0 log \"y\"]\n  got  [0 log \"y\"] [0 log \"x\"]\n";
        assert_eq!(one.difference(&swapped), text);
    }

    #[test]
    fn the_outcome_and_the_time_are_compared() {
        let one = recorded(json!([[1, "a", "log", "x"]]));
        let late = recorded(json!([[2, "a", "log", "x"]]));
        let failed = Recorded { outcome: json!({"err": "A"}), ..one.clone() };
        assert!(!one.agrees(&late));
        assert!(!one.agrees(&failed));
    }
}
