//! The program `echo`: its server against clients in the test, its client against servers in the test, and both.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

type Test = Result<(), Box<dyn Error>>;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echo"));
    command.stdin(Stdio::null());
    command
}

/// Exit status, standard output, standard error.
fn echo(args: &[&str]) -> io::Result<(Option<i32>, String, String)> {
    let Output { status, stdout, stderr } = command().args(args).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

/// `echo serve`, until it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    /// The lines of its standard error.
    reported: Receiver<String>,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_with(&[])
    }

    fn start_with(args: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut command = command();
        Self::of(command.args(["serve", "127.0.0.1:0"]).args(args))
    }

    fn of(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = (process.stdout.take().ok_or("piped")?, process.stderr.take().ok_or("piped")?);
        let (report, reported) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| report.send(line))
        });
        let mut server = Self { process, address: ([0; 4], 0).into(), reported, output: BufReader::new(stdout) };
        let mut line = String::new();
        server.output.read_line(&mut line)?;
        server.address = line.strip_prefix("listening on ").ok_or("an address")?.trim_end().parse()?;
        Ok(server)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.process), signal)?)
    }

    /// Waits for its end: the exit status, and the rest of its output.
    fn end(&mut self) -> io::Result<(ExitStatus, String)> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        Ok((self.process.wait()?, rest))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server for one connection: it reads some bytes and answers with others.
fn impostor(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        if let Ok((mut stream, _)) = listener.accept() {
            answer(&mut stream);
        }
    });
    Ok(address)
}

fn is_a_report(stdout: &str, connections: usize, size: usize) -> bool {
    let lines: Vec<&str> = stdout.lines().collect();
    let [first, second, third, fourth] = lines[..] else { return false };
    let trips = third.strip_prefix("round trips  ").and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    first == format!("connections  {connections}")
        && second == format!("message      {size} bytes, there and back")
        && trips >= Some(connections as u64)
        && fourth.starts_with("latency      p50 ")
        && fourth.contains(", p99 ")
}

#[test]
fn the_bench_reports_what_went_there_and_back() -> Test {
    for args in
        [&["--seconds", "0.02", "--connections", "3"][..], &["bench", "--seconds", "0.02", "--connections", "3"]]
    {
        let (code, stdout, stderr) = echo(args)?;
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(is_a_report(&stdout, 3, 64), "{stdout}");
    }
    Ok(())
}

#[test]
fn messages_that_fit_into_no_buffer_go_round() -> Test {
    let (code, stdout, stderr) = echo(&["--seconds", "0.01", "--connections", "1", "--size", "16777216"])?;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(is_a_report(&stdout, 1, 16_777_216), "{stdout}");
    Ok(())
}

#[test]
fn a_connection_that_fails_is_reported_and_ends_no_other() -> Test {
    let server = Server::start()?;
    let (mut good, mut bad) = (TcpStream::connect(server.address)?, TcpStream::connect(server.address)?);
    let name = bad.local_addr()?;
    bad.write_all(b"?")?;
    bad.peek(&mut [0])?;
    drop(bad); // with a byte that nobody read: a reset

    let reported = server.reported.recv_timeout(Duration::from_secs(10))?;
    assert!(reported.starts_with(&format!("echo: {name}: ")), "{reported}");

    let mut back = [0; 5];
    good.write_all(b"hello")?;
    good.read_exact(&mut back)?;
    assert_eq!(&back, b"hello");
    Ok(())
}

#[test]
fn a_server_without_descriptors_says_so_once_and_serves_all_in_the_end() -> Test {
    let mut command = Command::new("sh");
    let limited = "ulimit -n 16; exec \"$0\" serve 127.0.0.1:0";
    let server = Server::of(command.args(["-c", limited, env!("CARGO_BIN_EXE_echo")]).stdin(Stdio::null()))?;
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(TcpStream::connect(server.address)?); // into the queue of the listener
    }
    let reported = server.reported.recv_timeout(Duration::from_secs(10))?;
    assert!(reported.starts_with("taskgroup: cannot accept connections for now: "), "{reported}");
    for mut client in clients {
        let mut back = [0; 5];
        client.write_all(b"hello")?;
        client.read_exact(&mut back)?;
        assert_eq!(&back, b"hello");
    }
    assert!(server.reported.try_recv().is_err(), "nothing more is said");
    Ok(())
}

#[test]
fn ctrl_c_and_sigterm_end_the_server_in_order() -> Test {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let mut server = Server::start()?;
        let mut client = TcpStream::connect(server.address)?;
        let mut back = [0; 5];
        client.write_all(b"hello")?;
        client.read_exact(&mut back)?;
        server.signal(signal)?;
        let (status, rest) = server.end()?;
        assert_eq!((status.code(), rest), (Some(0), format!("ended by {name}\n")));
        assert_eq!(client.read(&mut back)?, 0, "the server has hung up");
    }
    Ok(())
}

/// A client that sends and does not read, until nothing goes through for a while: the server is stuck in an answer, which
/// it wants to finish.
fn choke(address: SocketAddr) -> io::Result<TcpStream> {
    let mut client = TcpStream::connect(address)?;
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    while client.write(&[7; 65_536]).is_ok() {}
    Ok(client)
}

#[test]
fn the_second_ctrl_c_ends_the_server_at_once() -> Test {
    let mut server = Server::start()?;
    let _client = choke(server.address)?;
    server.signal(Signal::INT)?;
    while TcpStream::connect(server.address).is_ok() {} // the listener is gone: it has noticed
    server.signal(Signal::INT)?;
    assert_eq!(server.end()?.0.signal(), Some(Signal::INT.as_raw()));
    Ok(())
}

#[test]
fn sigusr1_asks_what_each_task_waits_for() -> Test {
    let server = Server::start()?;
    let mut client = TcpStream::connect(server.address)?;
    client.write_all(b"?")?;
    client.read_exact(&mut [0])?; // the connection has its task
    server.signal(Signal::USR1)?;
    let task = format!("task {} ", client.local_addr()?);
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains(&task)) {
        lines.push(server.reported.recv_timeout(Duration::from_secs(10))?);
    }
    assert_eq!(lines[0], "taskgroup: the tasks, as a signal asked:");
    assert!(lines.last().ok_or("lines")?.contains("to be readable"), "{lines:?}");
    Ok(())
}

// tokio-rs/mio#132, smol-rs/polling#265, oven-sh/bun#34780: a signal during the wait ends the loop, or swallows a wake. Here
// most come during the wait, since that is where the server is.
#[test]
fn a_storm_of_signals_costs_no_byte_and_no_wake() -> Test {
    let mut server = Server::start()?;
    let mut client = TcpStream::connect(server.address)?;
    for n in 0..100_u8 {
        for _ in 0..5 {
            server.signal(Signal::USR1)?;
        }
        let mut back = [0];
        client.write_all(&[n])?;
        server.signal(Signal::USR1)?;
        client.read_exact(&mut back)?;
        assert_eq!(back, [n]);
    }
    server.signal(Signal::TERM)?;
    let (status, rest) = server.end()?;
    assert_eq!((status.code(), rest.as_str()), (Some(0), "ended by SIGTERM\n"));
    Ok(())
}

#[test]
fn a_server_that_was_ended_in_order_writes_its_trace() -> Test {
    let file = std::env::temp_dir().join(format!("taskgroup-echo-{}.txt", std::process::id()));
    let mut server = Server::start_with(&["--trace", file.to_str().ok_or("UTF-8")?])?;
    server.signal(Signal::INT)?;
    assert_eq!(server.end()?.0.code(), Some(0));
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(file)?;
    assert!(text.contains("! cancel asked"), "{text}");
    Ok(())
}

#[test]
fn the_client_puts_load_on_a_server_elsewhere() -> Test {
    let server = Server::start()?;
    let address = server.address.to_string();
    let (code, stdout, stderr) =
        echo(&["load", &address, "--seconds", "0.02", "--connections", "5", "--size", "1000"])?;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(is_a_report(&stdout, 5, 1000), "{stdout}");
    Ok(())
}

#[test]
fn what_comes_back_is_checked() -> Test {
    let address = impostor(|stream| {
        let mut message = [0; 8];
        if stream.read_exact(&mut message).is_ok() {
            message[5] ^= 0xff;
            let _ = stream.write_all(&message);
        }
    })?;
    let output = echo(&["load", &address, "--connections", "1", "--size", "8"])?;
    // Byte i of the first message of client 0 is 31 * i, but for the first.
    let why = "echo: byte 5 of a message came back as 0x64 and was sent as 0x9b\n";
    assert_eq!(output, (Some(1), String::new(), why.into()));
    Ok(())
}

#[test]
fn a_server_that_hangs_up_is_a_failure() -> Test {
    let address = impostor(|stream| drop(stream.read_exact(&mut [0; 8])))?;
    let (code, stdout, stderr) = echo(&["load", &address, "--connections", "1", "--size", "8"])?;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("echo: the server broke a connection: "), "{stderr}");
    Ok(())
}

#[test]
fn a_server_that_is_not_there_is_a_failure() -> Test {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?; // nobody listens at its near end
    let address = stream.local_addr()?.to_string();
    let (code, stdout, stderr) = echo(&["load", &address])?;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with(&format!("echo: connection 1 of 16 to {address}: ")), "{stderr}");
    Ok(())
}

#[test]
fn an_address_that_is_taken_is_a_failure() -> Test {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (code, stdout, stderr) = echo(&["serve", &address])?;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with(&format!("echo: cannot listen on {address}: ")), "{stderr}");
    Ok(())
}

#[test]
fn help_is_printed() -> Test {
    let (code, stdout, stderr) = echo(&["--help"])?;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("Usage: echo [bench] [OPTIONS]"));
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    let wrong: [(&[&str], &str); 9] = [
        (&["serv"], "no such command: \"serv\""),
        (&["load"], "load needs the address of a server"),
        (&["load", "here"], "\"here\" is not an address like 127.0.0.1:7007 or [::1]:7007"),
        (&["serve", "127.0.0.1:0", "more"], "one argument too many: \"more\""),
        (&["serve", "--size", "1"], "serve takes no option but --trace, --tree and --inspect"),
        (&["--seconds", "nan"], "--seconds nan: not from 0.001 to 86400"),
        (&["--connections", "0"], "--connections 0: not from 1 to 60000"),
        (&["--size", "-1"], "--size \"-1\": invalid digit found in string"),
        (&["--fast"], "invalid option '--fast'"),
    ];
    for (args, why) in wrong {
        let expected = format!("echo: {why} (echo --help tells more)\n");
        assert_eq!(echo(args)?, (Some(2), String::new(), expected), "{args:?}");
    }
    Ok(())
}
