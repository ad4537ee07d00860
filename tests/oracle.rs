//! The judge: all recorded cases of `tests/oracle`, and the program `oracle` on good and bad input.
//!
//! A case that leaves a node, a future, a timer or a task behind fails: `taskgroup_oracle::run` looks.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use taskgroup::{Clock, Runtime, sleep, timeout};
use taskgroup_oracle::{
    Case, Check, Differences, Program, Tier, Verdict, Wakers, answer, future, load, recorded_cases,
};

fn cases() -> Vec<Case> {
    recorded_cases().expect("the cases are in the project")
}

#[test]
fn all_robust_cases_agree_and_the_list_of_differences_is_neither_too_short_nor_too_long() {
    let known = Differences::known().expect("the list gives reasons");
    let (mut check, mut wrong) = (Check::default(), Vec::new());
    let mut listed: Vec<_> = known.ids().collect();
    for case in cases() {
        let verdict = case.judge(Wakers::Own);
        check.add(&case, &verdict);
        let is_listed = known.reason(&case.id).is_some();
        listed.retain(|id| *id != case.id);
        match verdict {
            Verdict::Agrees if is_listed => {
                wrong.push(format!("{}: listed, and agrees: take it off the list", case.id))
            }
            Verdict::Differs(_) if is_listed && case.tier != Tier::Robust => {}
            Verdict::Agrees => {}
            Verdict::Differs(what) | Verdict::Fails(what) => wrong.push(format!("{}: {what}", case.id)),
        }
    }
    wrong.extend(listed.iter().map(|id| format!("{id}: listed, and no case")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(check.of_tier(Tier::Robust), (535, 535));
}

#[test]
fn every_case_is_read_from_its_set() {
    let cases = cases();
    let of = |set: &str| cases.iter().filter(|case| case.set == set).count();
    assert_eq!([of("hand"), of("visible"), of("since313"), cases.len()], [135, 500, 60, 695]);
}

#[test]
fn robust_cases_agree_behind_wakers_of_another_make() {
    for wakers in Wakers::FOREIGN {
        for case in cases().iter().filter(|case| case.tier == Tier::Robust) {
            assert_eq!(case.judge(wakers), Verdict::Agrees, "{} with {wakers:?} wakers", case.id);
        }
    }
}

#[test]
fn any_case_runs_behind_wakers_of_another_make() {
    for wakers in Wakers::FOREIGN {
        for case in cases() {
            let verdict = case.judge(wakers);
            assert!(!matches!(verdict, Verdict::Fails(_)), "{} with {wakers:?} wakers: {verdict:?}", case.id);
        }
    }
}

/// A judge that agrees with everything would pass the tests above.
#[test]
fn a_trace_that_was_tampered_with_is_noticed() {
    for mut case in cases().into_iter().filter(|case| case.tier == Tier::Robust) {
        let middle = case.want.trace.len() / 2;
        case.want.trace[middle].0 += 1;
        assert!(matches!(case.judge(Wakers::Own), Verdict::Differs(_)), "{}: an event later", case.id);
        case.want.trace.remove(middle);
        assert!(matches!(case.judge(Wakers::Own), Verdict::Differs(_)), "{}: an event less", case.id);
    }
}

/// As the sweep does.
#[test]
fn a_program_is_also_a_future_for_another_runtime_and_scope() {
    let program = Program::parse(r#"{"main": [{"op": "sleep", "ms": 20}, {"op": "return", "value": 1}]}"#);
    let program = program.expect("a program");
    let runtime = Runtime::with_clock(Clock::Autojump);
    runtime.block_on(async {
        sleep(Duration::from_millis(5)).await; // the program's time begins when it does
        let recorded = future(&program, Wakers::Own).await.expect("a trace");
        assert_eq!(recorded.trace[1], (20, "main".into(), "end".into(), json!({"ok": 1})));
        assert!(timeout(Duration::from_millis(10), future(&program, Wakers::Own)).await.is_err());
    });
}

fn error(line: impl AsRef<[u8]>) -> String {
    let answer: Value = serde_json::from_str(&answer(line.as_ref())).expect("an answer is JSON");
    answer["error"].as_str().unwrap_or_else(|| panic!("no error: {answer}")).to_owned()
}

/// The error of a program whose main task has these steps.
fn error_of(steps: &str) -> String {
    error(format!(r#"{{"id": 1, "program": {{"main": [{steps}]}}}}"#))
}

#[test]
fn a_line_that_is_no_case_gets_an_error() {
    for line in [r"", r"{", r"[]", r"7", r#""x""#, r"null", r#"{"id": 1} {}"#, r#"["a", {"main": []}]"#, "\u{0}"] {
        assert!(error(line).starts_with("not a case: "), "{line}: {}", error(line));
    }
    assert!(error(b"{\"id\": \"\xff\", \"program\": {\"main\": []}}").starts_with("not a case: "));
    assert!(error(b"\xff\xfe").starts_with("not a case: "));
    assert_eq!(error(r#"{"id": 1}"#), "the case has no program");
    assert_eq!(error(r#"{"id": 1, "program": null}"#), "the case has no program");
}

#[test]
fn a_program_of_the_wrong_form_gets_an_error_that_says_where() {
    let unknown = error_of(r#"{"op": "sleep", "ms": 1}, {"op": "fly"}"#);
    assert!(unknown.contains("unknown variant `fly`") && unknown.contains("line 1 column"), "{unknown}");
    let wrong = [
        r#"{}"#,
        r#"{"op": 1}"#,
        r#"["yield"]"#,
        r#"{"op": "sleep"}"#,
        r#"{"op": "sleep", "ms": 0}"#,
        r#"{"op": "sleep", "ms": -1}"#,
        r#"{"op": "sleep", "ms": 1.5}"#,
        r#"{"op": "sleep", "ms": 1e99}"#,
        r#"{"op": "sleep", "ms": "1"}"#,
        r#"{"op": "sleep", "ms": 1, "ms": 2}"#,
        r#"{"op": "sleep", "ms": 1, "label": "x"}"#,
        r#"{"op": "yield", "ms": 1}"#,
        r#"{"op": "log", "label": null}"#,
        r#"{"op": "try", "body": {}, "on_error": "swallow"}"#,
        r#"{"op": "try", "body": [], "on_error": "catch"}"#,
        r#"{"op": "try", "body": [], "on_error": {"catch": "A"}}"#,
        r#"{"op": "try", "body": [], "on_error": {"swallow": [], "catch": []}}"#,
        r#"{"op": "group", "name": "g", "on_error": "propagate"}"#,
        r#"{"op": "timeout", "ms": 1, "body": [], "on_timeout": "maybe"}"#,
        r#"{"op": "gather", "bodies": [["a", []]], "return_exceptions": false}"#,
        r#"{"op": "gather", "bodies": [{"name": "a"}], "return_exceptions": false}"#,
    ];
    for step in wrong {
        assert!(error_of(step).starts_with("not a program: "), "{step}: {}", error_of(step));
    }
    for program in ["[]", "[[]]", "7", r#""main""#, r#"{"main": {}}"#, r#"{"main": [], "main": []}"#, "{}", "true"] {
        let error = error(format!(r#"{{"id": 1, "program": {program}}}"#));
        assert!(error.starts_with("not a program: "), "{program}: {error}");
    }
}

#[test]
fn a_program_that_breaks_a_rule_gets_an_error_that_names_it() {
    let spawn =
        |group: &str, name: &str| format!(r#"{{"op": "spawn", "group": "{group}", "name": "{name}", "body": []}}"#);
    let group = |name: &str, body: &str| {
        format!(r#"{{"op": "group", "name": "{name}", "body": [{body}], "on_error": "propagate"}}"#)
    };
    let (a, b) = (spawn("g", "a"), spawn("g", "b"));
    assert_eq!(error_of(&group("g", &format!("{a}, {a}"))), r#"invalid program: two tasks are called "a""#);
    assert_eq!(error_of(&group("g", &spawn("g", "main"))), r#"invalid program: two tasks are called "main""#);
    assert_eq!(error_of(&group("g", &group("g", ""))), r#"invalid program: two groups are called "g""#);
    let around = r#"invalid program: task "b" is to be spawned in group "g", which is not around it"#;
    assert_eq!(error_of(&b), around);
    assert_eq!(error_of(&format!("{}, {b}", group("g", &a))), around);
    let last = "invalid program: a `return` is not the last step of a task";
    assert_eq!(error_of(r#"{"op": "return", "value": 1}, {"op": "yield"}"#), last);
    assert_eq!(error_of(&group("g", r#"{"op": "return", "value": 1}"#)), last);
}

/// `around` is a block with `%` for its body and `#` for a number.
fn nested(around: &str, depth: usize) -> String {
    (0..depth).fold(r#"{"op": "sleep", "ms": 1}"#.to_owned(), |steps, n| {
        around.replace('#', &n.to_string()).replace('%', &steps)
    })
}

const BLOCKS: [&str; 6] = [
    r#"{"op": "group", "name": "g#", "body": [%], "on_error": "propagate"}"#,
    r#"{"op": "try", "body": [%], "on_error": "swallow"}"#,
    r#"{"op": "try_finally", "body": [%], "cleanup": []}"#,
    r#"{"op": "try_finally", "body": [], "cleanup": [%]}"#,
    r#"{"op": "timeout", "ms": 9, "body": [%], "on_timeout": "propagate"}"#,
    r#"{"op": "shield", "body": [%]}"#,
];

#[test]
fn nesting_runs_up_to_the_limit_and_is_an_error_beyond_it() {
    let gather = r#"{"op": "gather", "bodies": [{"name": "t#", "body": [%]}], "return_exceptions": true}"#;
    let child = BLOCKS[0].replace('%', r#"{"op": "spawn", "group": "g#", "name": "t#", "body": [%]}"#);
    for (around, most) in BLOCKS.into_iter().map(|block| (block, 62)).chain([(gather, 31), (&child, 31)]) {
        let line = |depth| format!(r#"{{"id": 1, "program": {{"main": [{}]}}}}"#, nested(around, depth));
        let deepest: Value = serde_json::from_str(&answer(line(most).as_bytes())).expect("an answer is JSON");
        assert_eq!(deepest["outcome"], json!({"ok": null}), "{around}");
        for depth in [most + 1, 1_000] {
            let error = error(line(depth));
            assert!(error.starts_with("not a program: recursion limit exceeded"), "{around}: {error}");
        }
    }
    let brackets = "[".repeat(1_000_000);
    error(&brackets);
    error(format!(r#"{{"id": {brackets}"#));
    error(format!(r#"{{"id": 1, "program": {brackets}{}}}"#, "]".repeat(1_000_000)));
}

#[test]
fn a_program_that_stands_still_gets_an_error() {
    let stalled = error_of(r#"{"op": "await_task", "task": "main"}"#);
    assert!(stalled.starts_with("the program stands still: "), "{stalled}");
    let spawn = |name: &str, target: &str| {
        let body =
            format!(r#"{{"op": "try_finally", "body": [], "cleanup": [{{"op": "await_task", "task": "{target}"}}]}}"#);
        format!(r#"{{"op": "spawn", "group": "g", "name": "{name}", "body": [{body}]}}"#)
    };
    let circle = format!(
        r#"{{"op": "group", "name": "g", "body": [{}, {}], "on_error": "propagate"}}"#,
        spawn("a", "b"),
        spawn("b", "a")
    );
    assert!(error_of(&circle).starts_with("the program stands still: "), "{}", error_of(&circle));
    let never = error_of(r#"{"op": "sleep", "ms": 18446744073709551615}"#);
    assert!(never.starts_with("the program stands still: "), "{never}");
}

/// Each of two tasks joins the last failed one: 2^n leaves in n lines.
#[test]
fn a_program_whose_errors_double_again_and_again_gets_an_error() {
    let task =
        |name: String, body: &str| format!(r#"{{"op": "spawn", "group": "all", "name": "{name}", "body": [{body}]}}"#);
    let mut steps = vec![task("t0".into(), r#"{"op": "raise", "error": "A"}"#)];
    for n in 1..30 {
        let join = format!(r#"{{"op": "await_task", "task": "t{}"}}"#, n - 1);
        let inner = |side| format!(r#"{{"op": "spawn", "group": "g{n}", "name": "{side}{n}", "body": [{join}]}}"#);
        let twice = [inner('l'), inner('r')].join(", ");
        let body = format!(r#"{{"op": "group", "name": "g{n}", "body": [{twice}], "on_error": "propagate"}}"#);
        steps.push(task(format!("t{n}"), &format!(r#"{{"op": "shield", "body": [{body}]}}"#)));
    }
    let all = format!(r#"{{"op": "group", "name": "all", "body": [{}], "on_error": "propagate"}}"#, steps.join(", "));
    assert_eq!(error_of(&all), "an error tree or the trace grows too large");
}

fn oracle(arguments: &[&str], input: &str) -> Output {
    let mut oracle = Command::new(env!("CARGO_BIN_EXE_oracle"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the oracle was built with this test");
    let mut stdin = oracle.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input.as_bytes()); // it need not read, if the arguments are wrong
    drop(stdin);
    oracle.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_program_answers_each_line_and_goes_on_after_a_bad_one() {
    let input = r#"{"id": "a", "tier": "tick", "program": {"main": [{"op": "return", "value": 1}]}, "expect": 7}
no case

{"id": {"any": "thing"}, "program": {"main": [{"op": "fly"}]}}
{"program": {"main": [{"op": "panic", "name": "P"}]}}"#;
    let output = oracle(&[], input);
    let [a, no_case, thing, nameless] = text(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()[..]
        .to_vec()
        .try_into()
        .expect("four answers");
    assert_eq!(a, r#"{"id":"a","outcome":{"ok":1},"trace":[[0,"main","start",null],[0,"main","end",{"ok":1}]]}"#);
    assert!(no_case.starts_with(r#"{"id":null,"error":"not a case: "#), "{no_case}");
    assert!(thing.starts_with(r#"{"id":{"any": "thing"},"error":"not a program: unknown variant `fly`"#), "{thing}");
    assert!(nameless.starts_with(r#"{"id":null,"outcome":{"panic":"P"},"#), "{nameless}");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn the_program_answers_a_line_before_it_reads_the_next() {
    let mut oracle = Command::new(env!("CARGO_BIN_EXE_oracle"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle was built with this test");
    let (mut input, output) = (oracle.stdin.take().expect("a pipe"), oracle.stdout.take().expect("a pipe"));
    let (answered, answers) = mpsc::channel();
    let reader = thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| answered.send(line)));
    for id in 0..3 {
        writeln!(input, r#"{{"id": {id}, "program": {{"main": []}}}}"#).expect("it reads");
        let answer = answers.recv_timeout(Duration::from_secs(20)).expect("an answer, long before").expect("a line");
        assert!(answer.starts_with(&format!(r#"{{"id":{id},"#)), "{answer}");
    }
    drop(input);
    assert!(oracle.wait().expect("it ends").success());
    assert!(reader.join().is_ok());
}

#[test]
fn check_counts_all_recorded_cases_and_exits_with_0() {
    let output = oracle(&["--check"], "");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let output = text(&output.stdout);
    assert!(output.contains("robust") && output.contains("535/535"), "{output}");
    assert!(!output.contains("not in the list"), "{output}");
}

#[test]
fn check_exits_with_1_if_a_robust_case_differs_and_explains_where() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/altered.json");
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/cases/hand/main_cancels_itself.json");
    let case = std::fs::read_to_string(recorded).expect("a recorded case");
    let mut case: Value = serde_json::from_str(&case).expect("a recorded case");
    assert!(case.get("ours").is_none());
    case["expect"]["outcome"] = json!({"ok": "altered"});
    std::fs::write(path, case.to_string()).expect("the target directory is ours");
    assert_eq!(load(path.as_ref()).map(|cases| cases.len()).ok(), Some(1));
    let output = oracle(&["--check", "--explain", path], "");
    assert_eq!(output.status.code(), Some(1));
    let output = text(&output.stdout);
    assert!(output.contains("outcome\n  want {\"ok\":\"altered\"}\n  got  \"cancelled\""), "{output}");
    assert!(output.contains("0/1"), "{output}");
}

#[test]
fn wrong_arguments_and_files_are_refused_with_exit_code_2() {
    let advice = "oracle: --explain and files go with --check (see --help)\n";
    let output = oracle(&["cases.jsonl"], "");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), advice.into()));
    for arguments in [&["--fast"][..], &["--check", "no-such-file.jsonl"], &["--check", "Cargo.toml"]] {
        let output = oracle(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("oracle: ") && output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_says_how_to_use_it() {
    let output = oracle(&["--help"], "");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("Usage: oracle < CASES"));
}
