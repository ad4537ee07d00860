//! The program `tcp_proxy`, between clients and servers of the test.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

/// The proxy, until it is dropped.
struct Proxy {
    process: Child,
    address: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Proxy {
    fn start(target: &str, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tcp_proxy"));
        command.args(["127.0.0.1:0", target]).args(options).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it was built with this test");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let first = lines.next().expect("a line").expect("text");
        let address = first.strip_prefix("listening on ").expect("an address").into();
        Self { process, address, lines }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("it listens")
    }

    /// What it says next, without the peer and the time.
    fn says(&mut self) -> String {
        let line = self.lines.next().expect("a line").expect("text");
        let Some((_, what)) = line.split_once(": ") else { return line };
        let parts: Vec<_> = what.splitn(3, ", ").collect();
        let after = parts.get(2).and_then(|time| time.split_once(" s")).map_or("", |(_, after)| after);
        format!("{}, {}{after}", parts[0], parts[1])
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("it lives");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A server for some connections.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}

/// Reads until the end, then answers with what it has read, and more.
fn answers_at_the_end(mut stream: TcpStream) {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    write!(stream, "{text} and back").expect("it reads");
}

#[test]
fn who_has_sent_everything_is_still_answered() {
    let mut proxy = Proxy::start(&server(answers_at_the_end), &[]);
    let mut client = proxy.connect();
    client.write_all(b"there").expect("it reads");
    client.shutdown(Shutdown::Write).expect("connected");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("text");
    assert_eq!(text, "there and back");
    assert_eq!(proxy.says(), "5 bytes there, 14 back");
}

#[test]
fn a_megabyte_goes_both_ways_at_once() {
    let echo = server(|stream| {
        let mut reader = stream.try_clone().expect("a descriptor");
        let mut writer = stream;
        _ = std::io::copy(&mut reader, &mut writer);
    });
    let mut proxy = Proxy::start(&echo, &[]);
    let sent: Vec<u8> = (0..1 << 20).map(|i| (i % 251) as u8).collect();
    let client = proxy.connect();
    let (mut writer, bytes) = (client.try_clone().expect("a descriptor"), sent.clone());
    let writing = thread::spawn(move || {
        writer.write_all(&bytes).expect("it reads");
        writer.shutdown(Shutdown::Write).expect("connected");
    });
    let (mut came, mut reader) = (Vec::new(), client);
    reader.read_to_end(&mut came).expect("it answers");
    writing.join().expect("it ends");
    assert!(came == sent, "{} bytes came back", came.len());
    assert_eq!(proxy.says(), "1048576 bytes there, 1048576 back");
}

#[test]
fn a_connection_without_a_byte_is_ended() {
    let mut proxy = Proxy::start(&server(std::mem::forget), &["--idle", "0.02"]);
    let mut client = proxy.connect();
    assert_eq!(client.read(&mut [0]).ok(), Some(0));
    assert_eq!(proxy.says(), "0 bytes there, 0 back: idle for 20ms");
}

#[test]
fn a_connection_that_lasts_too_long_is_ended() {
    let mut proxy = Proxy::start(&server(std::mem::forget), &["--total", "0.03"]);
    let mut client = proxy.connect();
    client.write_all(b"x").expect("it reads");
    assert_eq!(client.read(&mut [0]).ok(), Some(0));
    assert_eq!(proxy.says(), "1 bytes there, 0 back: its 30ms were over");
}

#[test]
fn a_target_that_is_not_there_is_told_with_the_reason() {
    let mut proxy = Proxy::start("127.0.0.1:1", &[]);
    let mut client = proxy.connect();
    assert_eq!(client.read(&mut [0]).ok(), Some(0));
    let said = proxy.says();
    assert!(said.starts_with("0 bytes there, 0 back: cannot connect to \"127.0.0.1:1\": "), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
}

#[test]
fn a_connection_beyond_the_limit_waits_for_a_place() {
    let mut proxy = Proxy::start(&server(answers_at_the_end), &["--connections", "1"]);
    let first = proxy.connect();
    let mut second = proxy.connect(); // by the kernel; nobody has accepted it
    second.write_all(b"second").expect("there is room");
    second.shutdown(Shutdown::Write).expect("connected");
    drop(first);
    let mut text = String::new();
    second.read_to_string(&mut text).expect("text");
    assert_eq!(text, "second and back");
    assert_eq!(proxy.says(), "0 bytes there, 9 back");
}

#[test]
fn ctrl_c_lets_a_connection_end_and_takes_no_other() {
    let mut proxy = Proxy::start(&server(answers_at_the_end), &[]);
    let mut client = proxy.connect();
    client.write_all(b"there").expect("it reads");
    proxy.signal(Signal::INT);
    while TcpStream::connect(&proxy.address).is_ok() {} // until it listens no more
    client.shutdown(Shutdown::Write).expect("connected");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("text");
    assert_eq!(text, "there and back");
    assert_eq!(proxy.process.wait().expect("it ends").code(), Some(0));
    let said: Vec<_> = proxy.lines.by_ref().map_while(Result::ok).collect();
    assert_eq!(said.last().map(String::as_str), Some("ended by SIGINT"), "{said:?}");
}

#[test]
fn wrong_arguments_are_exit_2() {
    for (arguments, error) in [
        (&["127.0.0.1:0"][..], "give two addresses: where to listen, and where to connect to"),
        (&["here", "there:1"], "\"here\" is not an address like 127.0.0.1:8080"),
        (&["127.0.0.1:0", "there"], "\"there\" has no port: give it as in example.org:80"),
        (&["127.0.0.1:0", "there:1", "--idle", "0"], "--idle takes seconds, such as 2.5, and not \"0\""),
        (&["127.0.0.1:0", "there:1", "--connections", "0"], "--connections is 1 at least"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tcp_proxy")).args(arguments).output().expect("it was built");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("tcp_proxy: {error} (see --help)\n"));
    }
}

#[test]
fn a_port_that_is_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_tcp_proxy")).args([&address, "127.0.0.1:1"]).output();
    let output = output.expect("it was built with this test");
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("tcp_proxy: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}
