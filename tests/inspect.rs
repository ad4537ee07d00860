//! A view into a running program.

mod common;

use common::ms;
use serde_json::Value;
use std::fs;
use std::future::pending;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use taskgroup::inspect::{InspectError, Inspector};
use taskgroup::net::UnixStream;
use taskgroup::{BlockOnError, BoxError, Clock, Runtime, TaskGroup, sleep, task_group, timeout, yield_now};
use taskgroup_runtime::Local;

/// A path that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("taskgroup-{name}-{}.socket", std::process::id()));
        _ = fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

/// Who looks: it reads line by line.
struct Client {
    stream: UnixStream,
    bytes: Vec<u8>,
}

impl Client {
    async fn connect(inspector: &Inspector) -> Self {
        let stream = UnixStream::connect(inspector.path()).await.expect("it listens");
        Self { stream, bytes: Vec::new() }
    }

    async fn ask(&self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.expect("it reads");
    }

    /// A line without its end; `None` when it has hung up.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.bytes.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_string());
            }
            let mut buffer = [0; 4096];
            let n = self.stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
            self.bytes.extend_from_slice(&buffer[..n]);
        }
    }

    async fn json(&mut self, request: &str) -> Value {
        self.ask(request).await;
        self.value().await
    }

    async fn value(&mut self) -> Value {
        let line = self.line().await.expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

/// Runs a group under an inspector. Its tasks may sleep for ever: they are cancelled in the end.
fn inspected<T>(name: &str, body: impl for<'s, 'e> AsyncFnOnce(&'s TaskGroup<'s, 'e>, &Inspector) -> T) -> T {
    let scratch = Scratch::new(name);
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let inspector = Inspector::listen(&scratch.0).expect("a free path");
        let result = task_group::<BoxError, _, _>(async |g| {
            let result = body(g, &inspector).await;
            g.cancel("the test is over");
            Ok(result)
        });
        result.await.expect("no errors")
    })
}

fn names(answer: &Value) -> Vec<&str> {
    answer["tasks"].as_array().expect("tasks").iter().filter_map(|task| task["name"].as_str()).collect()
}

fn task<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let mut tasks = answer["tasks"].as_array().expect("tasks").iter();
    tasks.find(|task| task["name"] == name).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[test]
fn the_tree_is_shown_as_it_draws_itself_and_ends_with_an_empty_line() {
    let lines = inspected("tree", async |g, inspector| {
        g.spawn(sleep(Duration::from_secs(3600))).named("tea");
        yield_now().await;
        let mut client = Client::connect(inspector).await;
        client.ask("tree\n").await;
        let mut lines = Vec::new();
        while let Some(line) = client.line().await.filter(|line| !line.is_empty()) {
            lines.push(line);
        }
        lines
    });
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("main (block_on): waits for descriptor "), "{lines:?}");
    assert!(lines[1].starts_with("`- group (tests/inspect.rs:"), "{lines:?}");
    assert!(lines[2].starts_with("   `- task tea (tests/inspect.rs:"), "{lines:?}");
    assert!(lines[2].ends_with("): waits for a timer in 1h"), "{lines:?}");
}

#[test]
fn the_tree_as_json_says_who_where_and_what_for() {
    let answer = inspected("json", async |g, inspector| {
        g.spawn(async { _ = timeout(ms(900), sleep(ms(3000))).await }).named("a \"quoted\"\nname \u{202e}back");
        g.spawn(async { pending::<()>().await });
        yield_now().await;
        Client::connect(inspector).await.json("json\n").await
    });
    assert_eq!(names(&answer), ["main", "a \"quoted\"\nname \u{202e}back", "#2"]);
    let quoted = &answer["tasks"][1];
    assert_eq!(quoted["state"], "waiting");
    assert_eq!(quoted["waits"][0]["for"], "timer");
    assert_eq!(quoted["deadline"], 900_000_000);
    assert_eq!(quoted["words"], "waits for a timer in 3s (deadline in 900ms)");
    assert!(quoted["place"].as_str().is_some_and(|place| place.starts_with("tests/inspect.rs:")), "{quoted}");
    assert_eq!(answer["tasks"][2]["waits"][0]["for"], "other");
    assert_eq!(answer["groups"][0]["owner"], answer["tasks"][0]["task"]);
    assert_eq!(answer["groups"][0]["group"], quoted["group"]);
    assert_eq!((&answer["timers"], &answer["sockets"], &answer["left_out"]), (&2.into(), &1.into(), &0.into()));
}

#[test]
fn polls_are_counted_from_the_first_question_on_and_no_longer_than_the_connection_lives() {
    inspected("figures", async |g, inspector| {
        g.spawn(async {
            for _ in 0..1000 {
                sleep(ms(1)).await;
            }
        })
        .named("ticks");
        let mut client = Client::connect(inspector).await;
        let local = Local::current().expect("we are in a runtime");
        assert!(!local.is_heard(), "nobody has asked");
        let first = client.json("json\n").await;
        assert!(task(&first, "ticks")["polls"].is_null(), "{first}");
        assert!(local.is_heard());
        sleep(ms(10)).await;
        let second = client.json("json\n").await;
        assert_eq!(task(&second, "ticks")["polls"], 10, "{second}");
        assert!(second["loop"]["polls"].as_u64() > Some(10), "{second}");
        assert!(second["loop"]["turns"].as_u64() >= Some(10), "{second}");
        drop(client);
        while local.is_heard() {
            yield_now().await; // the peer sees that we have hung up
        }
    });
}

#[test]
fn polls_of_a_body_count_for_the_task_that_has_opened_the_group() {
    let answer = inspected("bodies", async |g, inspector| {
        let inner = task_group::<BoxError, (), _>(async |_| {
            loop {
                sleep(ms(1)).await;
            }
        });
        g.spawn_group(inner).named("owner");
        let mut client = Client::connect(inspector).await;
        client.json("json\n").await;
        sleep(ms(10)).await;
        client.json("json\n").await
    });
    // Ten of the body, and the ten of the task around them.
    assert_eq!(task(&answer, "owner")["polls"], 20, "{answer}");
}

#[test]
fn events_begin_with_what_lives_and_go_on_with_what_happens() {
    let lines = inspected("events", async |g, inspector| {
        g.spawn(sleep(ms(20))).named("tea");
        yield_now().await;
        let mut client = Client::connect(inspector).await;
        client.ask("events\n").await;
        let mut lines = vec![client.value().await];
        sleep(ms(20)).await;
        while lines.last().is_none_or(|line| line["event"] != "ended") {
            lines.push(client.value().await);
        }
        lines
    });
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(&events[..4], ["spawned", "group_opened", "spawned", "named"], "{lines:#?}");
    assert_eq!((&lines[1]["task"], &lines[2]["group"]), (&lines[0]["task"], &lines[1]["group"]), "{lines:#?}");
    let ended = lines.last().expect("the last");
    assert_eq!((&ended["task"], &ended["how"]), (&lines[2]["task"], &"value".into()), "{lines:#?}");
    let woken = lines.iter().find(|line| line["event"] == "woken" && line["task"] == lines[2]["task"]);
    assert_eq!(woken.expect("a wake")["by"], "timer", "{lines:#?}");
}

#[test]
fn a_body_of_a_group_opened_before_is_known_as_one() {
    let lines = inspected("body", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask("events\n").await;
        let mut lines = vec![client.value().await];
        sleep(ms(1)).await;
        while lines.last().is_none_or(|line| line["event"] != "poll_begins" || line["body_of"].is_null()) {
            lines.push(client.value().await);
        }
        lines
    });
    let last = lines.last().expect("the last");
    assert_eq!((&last["task"], &last["body_of"]), (&lines[1]["task"], &lines[1]["group"]), "{lines:#?}");
}

#[test]
fn a_reader_that_does_not_read_is_told_how_much_it_missed() {
    let mark = inspected("slow", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask("events\n").await;
        client.value().await;
        for _ in 0..50_000 {
            yield_now().await; // four events each, of some 60 bytes
        }
        loop {
            let line = client.value().await;
            if line["event"] == "left_out" {
                return line;
            }
        }
    });
    assert!(mark["events"].as_u64() > Some(100_000), "{mark}");
}

#[test]
fn an_unknown_request_is_answered_with_those_that_there_are() {
    let answers = inspected("unknown", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask("\ntre\u{7}e\nhelp\n").await;
        (client.line().await, client.line().await)
    });
    let unknown = r#"error: unknown request "tre\u{7}e"; there are: tree, json, events, help"#;
    assert_eq!(answers.0.as_deref(), Some(unknown));
    assert_eq!(answers.1.as_deref(), Some("tree    the task tree, in text"));
}

#[test]
fn a_line_without_an_end_is_refused() {
    let answers = inspected("endless", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask(&"x".repeat(1500)).await;
        (client.line().await, client.line().await)
    });
    assert_eq!(answers, (Some("error: that line is too long".to_string()), None));
}

#[test]
fn the_last_line_needs_no_end() {
    let answer = inspected("half", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask("help").await;
        client.stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
        client.line().await
    });
    assert_eq!(answer.as_deref(), Some("tree    the task tree, in text"));
}

#[test]
fn the_seventeenth_is_sent_away_and_a_place_is_free_when_one_hangs_up() {
    inspected("many", async |_g, inspector| {
        let mut clients = Vec::new();
        for _ in 0..16 {
            let mut client = Client::connect(inspector).await;
            client.ask("help\n").await;
            client.line().await;
            clients.push(client);
        }
        let mut refused = Client::connect(inspector).await;
        let answers = (refused.line().await, refused.line().await);
        assert_eq!(answers, (Some("error: too many are connected already".to_string()), None));
        clients.pop();
        for _ in 0..9 {
            yield_now().await;
        }
        let mut next = Client::connect(inspector).await;
        next.ask("help\n").await;
        assert!(next.line().await.is_some_and(|line| line.starts_with("tree")));
    });
}

#[test]
fn only_this_user_may_connect_and_the_socket_goes_with_the_inspector() {
    let scratch = Scratch::new("mode");
    Runtime::new().block_on(async {
        let inspector = Inspector::listen(&scratch.0).expect("a free path");
        let mode = fs::metadata(&scratch.0).expect("the socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(inspector);
        assert!(!scratch.0.exists());
    });
}

#[test]
fn who_is_connected_is_hung_up_on_when_the_inspector_goes() {
    let scratch = Scratch::new("gone");
    let answer = Runtime::new().block_on(async {
        let inspector = Inspector::listen(&scratch.0).expect("a free path");
        let mut client = Client::connect(&inspector).await;
        client.ask("help\n").await;
        client.line().await;
        drop(inspector);
        while client.line().await.is_some() {}
        UnixStream::connect(&scratch.0).await.map_err(|error| error.kind())
    });
    assert_eq!(answer.map(drop), Err(ErrorKind::NotFound));
}

#[test]
fn what_stands_under_the_path_is_named_and_left_alone() {
    let scratch = Scratch::new("taken");
    let path = scratch.0.display();
    Runtime::new().block_on(async {
        let inspector = Inspector::listen(&scratch.0).expect("a free path");
        let error = Inspector::listen(&scratch.0).expect_err("it is taken");
        assert!(matches!(error, InspectError::InUse { .. }), "{error:?}");
        let text = format!("cannot listen under {path}: a program answers there already; choose another path");
        assert_eq!(error.to_string(), text);
        drop(inspector);

        drop(std::os::unix::net::UnixListener::bind(&scratch.0));
        let error = Inspector::listen(&scratch.0).expect_err("it is taken");
        let text = format!(
            "cannot listen under {path}: a socket is there, left by a program that did not end in order; remove it, or \
             choose another path"
        );
        assert_eq!(error.to_string(), text);
        fs::remove_file(&scratch.0).expect("it is there");

        fs::write(&scratch.0, "precious").expect("a file");
        let error = Inspector::listen(&scratch.0).expect_err("it is taken");
        let text = format!("cannot listen under {path}: that is a file, and no socket; choose another path");
        assert_eq!(error.to_string(), text);
        assert_eq!(fs::read_to_string(&scratch.0).expect("the file"), "precious");
    });
}

#[test]
fn a_file_that_has_taken_the_place_of_the_socket_is_not_removed() {
    let scratch = Scratch::new("other");
    Runtime::new().block_on(async {
        let inspector = Inspector::listen(&scratch.0).expect("a free path");
        fs::remove_file(&scratch.0).expect("the socket");
        fs::write(&scratch.0, "precious").expect("a file");
        drop(inspector);
    });
    assert!(scratch.0.exists());
}

#[test]
fn a_path_that_is_too_long_or_nowhere_is_an_error_that_names_it() {
    Runtime::new().block_on(async {
        let error = Inspector::listen("/nowhere/at/all.socket").expect_err("no such directory");
        assert!(error.to_string().starts_with("cannot listen under /nowhere/at/all.socket: No such file"), "{error}");
        let error = Inspector::listen(format!("/tmp/{}", "x".repeat(200))).expect_err("too long");
        assert!(matches!(error, InspectError::Io { .. }), "{error:?}");
    });
    let error = Inspector::listen("/tmp/x").expect_err("no runtime");
    let text =
        "cannot listen under /tmp/x: there is no runtime here to look at: call it inside `block_on(async { .. })`";
    assert_eq!(error.to_string(), text);
}

#[test]
fn neither_virtual_time_nor_a_stall_takes_notice_of_an_inspector() {
    let scratch = Scratch::new("stall");
    let stalled = Runtime::with_clock(Clock::Autojump).try_block_on(async {
        let _inspector = Inspector::listen(&scratch.0).expect("a free path");
        sleep(Duration::from_secs(86_400)).await;
        pending::<()>().await
    });
    let Err(BlockOnError::Stalled(stall)) = stalled else { panic!("{stalled:?}") };
    assert_eq!(stall.tree.len(), 1, "{stall}");
}

#[test]
fn who_hangs_up_while_nothing_happens_leaves_the_place_to_others() {
    inspected("quiet", async |_g, inspector| {
        for _ in 0..20 {
            let mut client = Client::connect(inspector).await;
            client.ask("events\n").await;
            client.value().await; // it is heard
            drop(client);
            for _ in 0..9 {
                yield_now().await;
            }
        }
        let mut client = Client::connect(inspector).await;
        client.ask("help\n").await;
        assert!(client.line().await.is_some_and(|line| line.starts_with("tree")));
        while Local::current().is_some_and(|local| local.is_heard()) {
            yield_now().await;
        }
    });
}

#[test]
fn who_sends_no_more_is_told_on() {
    let line = inspected("told", async |_g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.ask("events\n").await;
        client.stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
        loop {
            match client.line().await {
                Some(line) if line.is_empty() => break,
                Some(_) => {}
                None => panic!("it has hung up"),
            }
        }
        yield_now().await;
        client.value().await
    });
    assert!(line["event"].is_string(), "{line}");
}

#[test]
fn a_body_that_comes_and_goes_leaves_no_figures_to_its_successor() {
    inspected("body-successor", async |g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.json("json\n").await;
        let inner = task_group::<BoxError, _, _>(async |_| {
            for _ in 0..100 {
                yield_now().await;
            }
            Ok(())
        });
        inner.await.expect("no errors");
        g.spawn(pending::<()>()).named("new");
        g.spawn(pending::<()>()).named("newer");
        yield_now().await;
        let answer = client.json("json\n").await;
        for name in ["new", "newer"] {
            assert_eq!(task(&answer, name)["polls"], 1, "{answer}");
        }
    });
}

#[test]
fn a_task_that_comes_and_goes_leaves_no_figures_to_its_successor() {
    inspected("successor", async |g, inspector| {
        let mut client = Client::connect(inspector).await;
        client.json("json\n").await;
        for _ in 0..3 {
            g.spawn(sleep(ms(1))).named("short");
            sleep(ms(2)).await;
        }
        g.spawn(pending::<()>()).named("long");
        yield_now().await;
        let answer = client.json("json\n").await;
        assert_eq!(task(&answer, "long")["polls"], 1, "{answer}");
    });
}
