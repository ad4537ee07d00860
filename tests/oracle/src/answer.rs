//! A line in, a line out: what the program `oracle` does with its standard input.
//!
//! Before: `interpret.rs`. After: nothing; `examples/oracle.rs` has the loop.

use crate::interpret::run;
use crate::program::{Program, parse_object};
use crate::recorded::Recorded;
use crate::wakers::Wakers;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A case. Other fields (what was expected, say) are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    /// Whatever it is: it goes back as it came.
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    /// Unread, so that an error in it is an error of a known case.
    #[serde(borrow)]
    program: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Ran { id: Option<&'a RawValue>, outcome: Value, trace: Vec<(u64, String, String, Value)> },
    Failed { id: Option<&'a RawValue>, error: String },
}

/// Runs the case that a line of JSON describes, and answers with a line of JSON, without the line's end.
///
/// The answer has the case's `id` and either `outcome` and `trace` or, whatever is wrong, `error`. Fields of the case
/// but `id` and `program` are ignored.
///
/// ```
/// use taskgroup_oracle::answer;
///
/// let trace = r#"[[0,"main","start",null],[0,"main","end",{"ok":null}]]"#;
/// let ran = answer(br#"{"id": 7, "program": {"main": []}}"#);
/// assert_eq!(ran, format!(r#"{{"id":7,"outcome":{{"ok":null}},"trace":{trace}}}"#));
///
/// let failed = answer(br#"{"id": "x"}"#);
/// assert_eq!(failed, r#"{"id":"x","error":"the case has no program"}"#);
/// ```
#[must_use]
pub fn answer(line: &[u8]) -> String {
    let answer = match parse_object::<Line<'_>>(line) {
        Err(error) => Answer::Failed { id: None, error: format!("not a case: {error}") },
        Ok(Line { id, program }) => match recorded(program) {
            Err(error) => Answer::Failed { id, error },
            Ok(Recorded { outcome, trace }) => Answer::Ran { id, outcome, trace },
        },
    };
    serde_json::to_string(&answer).unwrap_or_else(|error| format!(r#"{{"id":null,"error":"{error}"}}"#))
}

fn recorded(program: Option<&RawValue>) -> Result<Recorded, String> {
    let program = program.ok_or("the case has no program")?;
    let program = Program::parse(program.get()).map_err(|error| error.to_string())?;
    run(&program, Wakers::Own).map_err(|fault| fault.to_string())
}
