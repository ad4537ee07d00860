//! The program `httpd`: a process, and clients in the test. What it does with a connection in time is tested beside its
//! source, in virtual time.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

type Test = Result<(), Box<dyn Error>>;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a site, beside a file that must not be seen, until it is dropped.
struct Folder(PathBuf);

/// More than the sockets between client and server hold.
const BIG: usize = 32 << 20;

impl Folder {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("taskgroup-httpd-it-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let this = Self(std::env::temp_dir().join(name));
        let site = this.site();
        fs::create_dir_all(site.join("sub/empty"))?;
        fs::write(this.0.join("secret.txt"), "secret")?;
        fs::write(site.join("index.html"), "<p>home</p>")?;
        fs::write(site.join("a.txt"), "0123456789")?;
        fs::write(site.join("sub/b c.css"), "p {}")?;
        fs::write(site.join("empty.bin"), "")?;
        fs::File::create(site.join("big.bin"))?.set_len(BIG as u64)?;
        symlink("../secret.txt", site.join("out.txt"))?;
        symlink("..", site.join("up"))?;
        symlink("a.txt", site.join("in.txt"))?;
        Ok(this)
    }

    fn site(&self) -> PathBuf {
        self.0.join("site")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// `httpd`, until it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    /// `None`: closed.
    output: Option<BufReader<ChildStdout>>,
    folder: Folder,
}

impl Server {
    fn start(args: &[&str]) -> Result<Self, Box<dyn Error>> {
        Self::of(Command::new(env!("CARGO_BIN_EXE_httpd")), args)
    }

    fn of(mut command: Command, args: &[&str]) -> Result<Self, Box<dyn Error>> {
        let folder = Folder::new()?;
        command.arg("--root").arg(folder.site()).args(["--listen", "127.0.0.1:0"]).args(args);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().map(BufReader::new);
        let mut server = Self { process, address: ([0; 4], 0).into(), output, folder };
        server.address = server.line()?.strip_prefix("listening on ").ok_or("an address")?.parse()?;
        Ok(server)
    }

    /// The next line of its output.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(output) = &mut self.output {
            output.read_line(&mut line)?;
        }
        Ok(line.trim_end().to_owned())
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends this, and gives all that comes back until the server hangs up.
    fn ask(&self, text: &str) -> io::Result<String> {
        let mut stream = self.connect()?;
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// One request with some headers. Gives the status, the head and the body.
    fn get(&self, target: &str, headers: &str) -> Result<(u16, String, String), Box<dyn Error>> {
        let answer = self.ask(&format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n"))?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(format!("{target}: no answer in {answer:?}"))?;
        let status = head.split(' ').nth(1).ok_or("a status")?.parse()?;
        Ok((status, format!("{head}\r\n"), body.to_owned()))
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.process), signal)?)
    }

    /// Waits for its end: the exit status, and the rest of its output.
    fn end(&mut self) -> io::Result<(ExitStatus, String)> {
        let mut rest = String::new();
        if let Some(output) = &mut self.output {
            output.read_to_string(&mut rest)?;
        }
        Ok((self.process.wait()?, rest))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn files_are_found_and_have_types() -> Test {
    let server = Server::start(&[])?;
    for (target, content_type, body) in [
        ("/", "text/html; charset=utf-8", "<p>home</p>"),
        ("/a.txt?x=1", "text/plain; charset=utf-8", "0123456789"),
        ("/in.txt", "text/plain; charset=utf-8", "0123456789"),
        ("/sub/b%20c.css", "text/css; charset=utf-8", "p {}"),
        ("/empty.bin", "application/octet-stream", ""),
        ("http://example.org/a.txt", "text/plain; charset=utf-8", "0123456789"),
    ] {
        let (status, head, found) = server.get(target, "")?;
        assert_eq!((status, found.as_str()), (200, body), "{target}");
        assert_eq!(header(&head, "Content-Type"), Some(content_type), "{target}");
        assert_eq!(header(&head, "Content-Length"), Some(body.len().to_string().as_str()), "{target}");
    }
    Ok(())
}

#[test]
fn what_is_not_there_is_not_found() -> Test {
    let server = Server::start(&[])?;
    let long = format!("/{}", "x".repeat(5_000));
    for target in ["/b.txt", "/a.txt/", "/a.txt/b", "/sub/", "/sub/empty/", long.as_str()] {
        assert_eq!(server.get(target, "")?.0, 404, "{target}");
    }
    Ok(())
}

#[test]
fn nothing_outside_the_root_is_served() -> Test {
    let server = Server::start(&[])?;
    for (target, expected) in [
        ("/../secret.txt", 400),
        ("/%2e%2e/secret.txt", 400),
        ("/sub/..%2f..%2fsecret.txt", 400),
        ("/out.txt", 404),
        ("/up/secret.txt", 404),
        ("/up/", 404),
        ("//etc/passwd", 404),
    ] {
        let (status, _, body) = server.get(target, "")?;
        assert_eq!(status, expected, "{target}");
        assert!(!body.contains("secret\n") && !body.starts_with("secret"), "{target}");
    }
    Ok(())
}

#[test]
fn a_folder_is_redirected_to_where_its_links_work() -> Test {
    let server = Server::start(&[])?;
    let (status, head, _) = server.get("//sub", "")?;
    assert_eq!((status, header(&head, "Location")), (301, Some("/sub/")), "a slash and not two");
    Ok(())
}

#[test]
fn a_named_pipe_is_not_opened() -> Test {
    let server = Server::start(&[])?;
    let made = Command::new("mkfifo").arg(server.folder.site().join("pipe")).status()?;
    assert!(made.success());
    assert_eq!(server.get("/pipe", "")?.0, 404);
    Ok(())
}

#[test]
fn ranges_are_served() -> Test {
    let server = Server::start(&[])?;
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=-3", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=8-99", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=10-", 416, Some("bytes */10"), "416 Range Not Satisfiable\n"),
        ("bytes=0-1,3-4", 200, None, "0123456789"),
    ] {
        let (got, head, found) = server.get("/a.txt", &format!("Range: {range}\r\n"))?;
        assert_eq!((got, header(&head, "Content-Range"), found.as_str()), (status, content_range, body), "{range}");
    }
    Ok(())
}

#[test]
fn what_the_client_has_is_not_sent_again() -> Test {
    let server = Server::start(&[])?;
    let (_, head, _) = server.get("/a.txt", "")?;
    for (header_name, condition) in [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")] {
        let value = header(&head, header_name).ok_or(header_name)?;
        let (status, head, body) = server.get("/a.txt", &format!("{condition}: {value}\r\n"))?;
        assert_eq!((status, body.as_str(), header(&head, "Content-Length")), (304, "", None), "{condition}");
    }
    Ok(())
}

#[test]
fn a_connection_is_kept_and_requests_may_be_sent_ahead() -> Test {
    let server = Server::start(&[])?;
    let one = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "HEAD /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = server.ask(&format!("{one}{one}{last}"))?;
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{answers}");
    assert_eq!(answers.matches("\r\n\r\n0123456789").count(), 2, "{answers}");
    Ok(())
}

#[test]
fn what_breaks_the_rules_is_refused_in_words() -> Test {
    let server = Server::start(&[])?;
    let bomb = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(1_000));
    for (request, status) in [
        (bomb.as_str(), "431 Request Header Fields Too Large"),
        (many.as_str(), "431 Request Header Fields Too Large"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "405 Method Not Allowed"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("\x16\x03\x01\r\n", "400 Bad Request"),
        ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
    ] {
        let mut stream = server.connect()?;
        _ = stream.write_all(request.as_bytes()); // the server may hang up before it has all
        _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
    }
    Ok(())
}

#[test]
fn clients_that_are_silent_or_slow_are_hung_up_on() -> Test {
    let server = Server::start(&["--idle-timeout", "0.05", "--header-timeout", "0.05"])?;
    assert_eq!(server.ask("")?, "");
    assert!(server.ask("GET / HTTP/1.1\r\nHost")?.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    Ok(())
}

#[test]
fn ctrl_c_during_a_download_lets_it_finish() -> Test {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = Server::start(&[])?;
        let (mut download, mut silent) = (server.connect()?, server.connect()?);
        download.write_all(b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let mut some = vec![0; 1000];
        download.read_exact(&mut some)?; // it has begun
        server.signal(signal)?;
        assert_eq!(silent.read(&mut [0])?, 0, "the silent one is closed at once");
        let mut rest = Vec::new();
        download.read_to_end(&mut rest)?;
        assert!(some.len() + rest.len() > BIG, "{}", rest.len());
        let (status, output) = server.end()?;
        assert_eq!(status.code(), Some(0));
        assert!(output.contains("\"GET /big.bin HTTP/1.1\" 200 33554432 "), "{output}");
        assert!(output.ends_with(if signal == Signal::INT { "ended by SIGINT\n" } else { "ended by SIGTERM\n" }));
    }
    Ok(())
}

#[test]
fn a_drain_that_takes_too_long_is_cut_off_and_a_second_ctrl_c_is_the_end() -> Test {
    for (drain, code, signal) in [("0.05", Some(1), None), ("1000", None, Some(Signal::INT.as_raw()))] {
        let mut server = Server::start(&["--drain", drain])?;
        let (mut stuck, mut silent) = (server.connect()?, server.connect()?);
        stuck.write_all(b"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n")?;
        stuck.read_exact(&mut [0])?; // and nothing more is taken
        server.signal(Signal::INT)?;
        if code.is_none() {
            assert_eq!(silent.read(&mut [0])?, 0, "the first was noticed");
            server.signal(Signal::INT)?;
        }
        let (status, _) = server.end()?;
        assert_eq!((status.code(), status.signal()), (code, signal));
    }
    Ok(())
}

#[test]
fn who_is_over_the_limit_waits_for_a_place() -> Test {
    let server = Server::start(&["--connections", "2"])?;
    let (one, _two, mut three) = (server.connect()?, server.connect()?, server.connect()?);
    three.write_all(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    three.set_read_timeout(Some(Duration::from_millis(50)))?;
    assert!(three.read(&mut [0]).is_err(), "it is not even accepted");
    drop(one);
    three.set_read_timeout(Some(PATIENCE))?;
    let mut answer = String::new();
    three.read_to_string(&mut answer)?;
    assert!(answer.ends_with("0123456789"));
    Ok(())
}

#[test]
fn with_few_descriptors_all_are_served_in_the_end() -> Test {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 16; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_httpd")]).stderr(Stdio::piped());
    let mut server = Server::of(command, &["--connections", "100"])?;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect()?;
        client.write_all(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        clients.push(client);
    }
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("0123456789"), "{answer}");
    }
    let mut said = String::new();
    BufReader::new(server.process.stderr.take().ok_or("piped")?).read_line(&mut said)?;
    assert_eq!(said, "httpd: not 100 connections at once, as asked, but 1: see `ulimit -n`\n");
    Ok(())
}

#[test]
fn several_threads_share_a_port_and_end_together() -> Test {
    let mut server = Server::start(&["--threads", "3"])?;
    for _ in 0..30 {
        assert_eq!(server.get("/a.txt", "")?.2, "0123456789");
    }
    server.signal(Signal::TERM)?;
    let (status, output) = server.end()?;
    assert_eq!((status.code(), output.matches("GET /a.txt").count()), (Some(0), 30));
    Ok(())
}

#[test]
fn each_answer_is_a_line_that_no_request_can_forge() -> Test {
    let mut server = Server::start(&[])?;
    server.get("/a.txt", "")?;
    let line = server.line()?;
    assert!(line.starts_with("127.0.0.1:") && line.contains(" \"GET /a.txt HTTP/1.1\" 200 10 "), "{line}");
    server.ask("GET /\x1b[1m\"\u{7f} HTTP/1.1\r\n\r\n")?;
    let line = server.line()?;
    assert!(line.contains(" \"GET /\\x1b[1m\\\"\\x7f HTTP/1.1\" 400 "), "{line}");
    Ok(())
}

#[test]
fn a_closed_output_neither_ends_nor_stops_it() -> Test {
    let mut server = Server::start(&[])?;
    server.output = None; // the pipe has no reader any more
    for _ in 0..20 {
        assert_eq!(server.get("/a.txt", "")?.0, 200);
    }
    server.signal(Signal::TERM)?;
    assert_eq!(server.process.wait()?.code(), Some(0));
    Ok(())
}

/// Exit status and standard error of one that does not begin.
fn fails(args: &[&str]) -> io::Result<(Option<i32>, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_httpd")).args(args).stdin(Stdio::null()).output()?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn what_cannot_begin_says_why() -> Test {
    let folder = Folder::new()?;
    let site = folder.site().display().to_string();
    let file = folder.site().join("a.txt").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let in_use = format!("httpd: cannot listen on {address}: Address already in use (os error 98)\n");
    for (args, why) in [
        (vec!["--root", "/no/such"], "httpd: cannot serve /no/such: No such file or directory (os error 2)\n".into()),
        (vec!["--root", &file], format!("httpd: cannot serve {file}: not a directory\n")),
        (vec!["--root", &site, "--listen", &address], in_use.clone()),
        (vec!["--root", &site, "--listen", &address, "--threads", "2"], in_use),
        (vec![], "httpd: which folder? --root DIR (httpd --help tells more)\n".into()),
        (
            vec!["--root", &site, "--threads", "0"],
            "httpd: --threads 0: not from 1 to 256 (httpd --help tells more)\n".into(),
        ),
        (vec!["--root", &site, "more"], "httpd: unexpected argument \"more\" (httpd --help tells more)\n".into()),
    ] {
        assert_eq!(fails(&args)?, (Some(2), why), "{args:?}");
    }
    Ok(())
}

#[test]
fn help_is_printed() -> Test {
    let output = Command::new(env!("CARGO_BIN_EXE_httpd")).arg("--help").output()?;
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: httpd --root DIR [OPTIONS]"));
    Ok(())
}

#[test]
fn a_run_is_written_down() -> Test {
    let file = std::env::temp_dir().join(format!("taskgroup-httpd-{}.txt", std::process::id()));
    let mut server = Server::start(&["--trace", file.to_str().ok_or("UTF-8")?])?;
    server.get("/a.txt", "")?;
    server.signal(Signal::INT)?;
    assert_eq!(server.end()?.0.code(), Some(0));
    let text = fs::read_to_string(&file)?;
    fs::remove_file(file)?;
    assert!(text.contains("127.0.0.1:"), "a task for each connection: {text}");
    Ok(())
}
