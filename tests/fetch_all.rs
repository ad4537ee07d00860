//! The program `fetch_all`, against a server in a thread that answers as it is told.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::{env, fs, process, thread};

type Test = Result<(), Box<dyn Error>>;

fn fetch_all(args: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_fetch_all")).args(args).stdin(Stdio::null()).output()
}

fn code_and_stderr(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Answers every connection, each in a thread, until the test process ends.
fn server() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream)); // a client that hangs up early makes an error that is none of ours
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let text = match path {
        "/ok" | "/dir/page.html?x=1" => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
        "/to-the-end" => "HTTP/1.0 200 OK\r\n\r\nto the end",
        "/garbage" => "SSH-2.0-OpenSSH_9.6\r\n",
        "/huge" => &huge,
        "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "/nothing" => "",
        "/slow" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")?;
            stream.read_to_end(&mut Vec::new())?; // until the client gives up
            ""
        }
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    };
    stream.write_all(text.as_bytes())
}

/// An address where nobody listens, for as long as the connection lives that uses it as its own end.
fn closed(server: SocketAddr) -> io::Result<(SocketAddr, TcpStream)> {
    let stream = TcpStream::connect(server)?;
    Ok((stream.local_addr()?, stream))
}

/// Standard output, with times and addresses that differ from run to run replaced.
fn masked(text: &[u8], names: &[(SocketAddr, &str)]) -> String {
    let mut text = String::from_utf8_lossy(text).into_owned();
    for (address, name) in names {
        text = text.replace(&address.to_string(), name);
    }
    let mask = |line: &str| match line.split_once(" ms  ") {
        Some((before, url)) => {
            format!("{} MS  {url}\n", before.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' '))
        }
        None => format!("{line}\n"),
    };
    text.lines().map(mask).collect()
}

#[test]
fn successes_are_kept_and_failures_are_named() -> Test {
    let server = server()?;
    let (closed, _keep) = closed(server)?;
    let names = [(server, "SERVER"), (closed, "CLOSED")];
    let paths = ["ok", "missing", "chunked", "garbage", "huge", "cut", "nothing", "to-the-end"];
    let mut urls: Vec<String> = paths.iter().map(|path| format!("http://{server}/{path}")).collect();
    urls.extend([format!("http://{closed}/"), "https://example.org/".into(), format!("http://{server}/a b")]);
    let output = fetch_all(&urls.iter().map(String::as_str).collect::<Vec<_>>())?;
    assert_eq!(
        masked(&output.stdout, &names),
        "\
200         5 bytes MS  http://SERVER/ok
404         4 bytes MS  http://SERVER/missing
200        12 bytes MS  http://SERVER/chunked
---         - bytes MS  http://SERVER/garbage
---         - bytes MS  http://SERVER/huge
---         - bytes MS  http://SERVER/cut
---         - bytes MS  http://SERVER/nothing
200        10 bytes MS  http://SERVER/to-the-end
---         - bytes MS  http://CLOSED/
---         - bytes MS  https://example.org/
---         - bytes MS  http://SERVER/a b
"
    );
    let refused = TcpStream::connect(closed).expect_err("nobody listens there");
    assert_eq!(
        masked(&output.stderr, &names),
        format!(
            "\
fetch_all: 8 of 11 failed
|- http://SERVER/missing: the server says 404 Not Found
|- http://SERVER/garbage: the answer is not HTTP/1: invalid HTTP version
|- http://SERVER/huge: the head of the answer is larger than 64 KiB
|- http://SERVER/cut: the connection was closed in the middle of the body
|- http://SERVER/nothing: the connection was closed without an answer
|- http://CLOSED/: cannot connect to CLOSED: {refused}
|- https://example.org/: https is not spoken here (there is no TLS): only http:// URLs can be fetched
`- http://SERVER/a b: not a URL that can be fetched: write spaces and other special characters as %XX
"
        )
    );
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn bodies_are_saved_and_all_good_is_exit_0() -> Test {
    let server = server()?;
    let out = env::temp_dir().join(format!("fetch_all-test-{}", process::id()));
    let urls = ["/chunked", "/dir/page.html?x=1", "/to-the-end#part"].map(|path| format!("http://{server}{path}"));
    let mut args = vec!["--out", out.to_str().ok_or("a temporary directory in UTF-8")?];
    args.extend(urls.iter().map(String::as_str));
    let output = fetch_all(&args)?;
    assert_eq!(code_and_stderr(&output), (Some(0), String::new()));
    let saved = ["1-chunked", "2-page.html", "3-to-the-end"].map(|name| fs::read_to_string(out.join(name)).ok());
    assert_eq!(saved, ["hello, world", "hello", "to the end"].map(|body| Some(body.to_owned())));
    fs::remove_dir_all(out)?;
    Ok(())
}

#[test]
fn a_url_that_takes_too_long_is_a_failure() -> Test {
    let server = server()?;
    let output = fetch_all(&["--timeout-ms", "30", &format!("http://{server}/slow")])?;
    let expected = "fetch_all: 1 of 1 failed\n`- http://SERVER/slow: not done within 30ms\n";
    assert_eq!(masked(&output.stderr, &[(server, "SERVER")]), expected);
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn a_body_that_is_too_large_is_a_failure_of_its_url() -> Test {
    let server = server()?;
    let urls = ["ok", "chunked"].map(|path| format!("http://{server}/{path}"));
    let output = fetch_all(&["--max-body", "5", &urls[0], &urls[1]])?;
    let expected = "fetch_all: 1 of 2 failed\n`- http://SERVER/chunked: the body is larger than 5 bytes\n";
    assert_eq!(masked(&output.stderr, &[(server, "SERVER")]), expected);
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

#[test]
fn an_output_that_is_gone_ends_the_run() -> Test {
    let server = server()?;
    // In the second case `/slow`, which has no end, is cancelled.
    for paths in [&["ok"][..], &["ok", "slow"]] {
        let (reader, writer) = io::pipe()?;
        drop(reader);
        let urls = paths.iter().map(|path| format!("http://{server}/{path}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch_all"));
        let output = command.args(urls).stdout(writer).stderr(Stdio::piped()).output()?;
        let (code, stderr) = code_and_stderr(&output);
        assert_eq!(code, Some(1));
        assert!(stderr.starts_with("fetch_all: Broken pipe"), "{stderr}");
    }
    Ok(())
}

#[test]
fn help_is_printed() -> Test {
    let output = fetch_all(&["--help"])?;
    assert_eq!(code_and_stderr(&output), (Some(0), String::new()));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: fetch_all [OPTIONS] URL..."));
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    let wrong: [(&[&str], &str); 5] = [
        (&[], "no URL is given"),
        (&["--timeout-ms", "0", "http://x/"], "--timeout-ms takes a whole number above zero, not \"0\""),
        (&["--max-body", "many", "http://x/"], "--max-body takes a whole number above zero, not \"many\""),
        (&["--out"], "missing argument for option '--out'"),
        (&["--wrong"], "invalid option '--wrong'"),
    ];
    for (args, why) in wrong {
        let expected = format!("fetch_all: {why} (fetch_all --help tells more)\n");
        assert_eq!(code_and_stderr(&fetch_all(args)?), (Some(2), expected), "{args:?}");
    }
    Ok(())
}
