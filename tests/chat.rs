//! The programs `chat_server` and `chat_client`: the server against sockets of the test, the client against the server, and
//! against servers of the test.

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

type Test = Result<(), Box<dyn Error>>;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server, until it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start(args: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat_server"));
        let mut process = command.arg("127.0.0.1:0").args(args).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(process.stdout.take().ok_or("piped")?);
        let mut server = Self { process, address: ([0; 4], 0).into(), output };
        server.address = server.says()?.strip_prefix("listening on ").ok_or("an address")?.parse()?;
        Ok(server)
    }

    /// The next line of its output.
    fn says(&mut self) -> io::Result<String> {
        next_line(&mut self.output)
    }

    /// Somebody who is here, and has heard so.
    fn guest(&self, name: &str) -> Result<Guest, Box<dyn Error>> {
        let mut guest = Guest::of(TcpStream::connect(self.address)?)?;
        guest.enter(name)?;
        Ok(guest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn next_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end_matches('\n').to_owned())
}

/// A client of the test.
struct Guest {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Guest {
    fn of(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { input: BufReader::new(stream.try_clone()?), stream })
    }

    fn enter(&mut self, name: &str) -> Result<String, Box<dyn Error>> {
        assert_eq!(self.hears()?, "* say your name, in a line");
        self.say(name)?;
        let line = self.hears()?;
        let others = line.strip_prefix(&format!("* you are {name}; here are: "));
        Ok(others.ok_or_else(|| line.clone())?.to_owned())
    }

    fn say(&mut self, line: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(&[line.as_ref(), b"\n"].concat())
    }

    /// The next line; empty at the end.
    fn hears(&mut self) -> io::Result<String> {
        next_line(&mut self.input)
    }
}

#[test]
fn what_one_says_all_others_hear() -> Test {
    let mut server = Server::start(&[])?;
    let (mut ada, mut bob) = (server.guest("ada")?, Guest::of(TcpStream::connect(server.address)?)?);
    assert_eq!(bob.enter("bob")?, "ada");
    assert_eq!(ada.hears()?, "* bob is here");
    ada.say("hello")?;
    bob.say("")?;
    bob.say("/nick rob")?;
    bob.say("\x1b[2J caf\u{e9}\tand \u{1f980}\r")?;
    assert_eq!([bob.hears()?, bob.hears()?], ["<ada> hello", "* bob is now rob"]);
    assert_eq!([ada.hears()?, ada.hears()?], ["* bob is now rob", "<rob> \u{fffd}[2J caf\u{e9} and \u{1f980}"]);
    bob.say("/quit")?;
    assert_eq!([bob.hears()?, ada.hears()?], ["", "* rob has left"]);
    ada.say("nobody hears this")?;
    ada.stream.shutdown(Shutdown::Write)?;
    assert_eq!(ada.hears()?, "");
    let said: Result<Vec<_>, _> = (0..5).map(|_| server.says()).collect();
    assert_eq!(said?, ["ada is here", "bob is here", "bob is now rob", "rob has left", "ada has left"]);
    Ok(())
}

#[test]
fn what_is_wrong_is_told_and_ends_nothing() -> Test {
    let server = Server::start(&["--max-line", "30"])?;
    let (mut ada, mut bob) = (server.guest("ada")?, Guest::of(TcpStream::connect(server.address)?)?);
    assert_eq!(bob.enter("Ada").map_err(|error| error.to_string()), Err("! the name Ada is taken".into()));
    bob.say("two words")?;
    assert_eq!(bob.hears()?, "! a name has 1 to 20 letters, digits, - and _");
    bob.say("bob")?;
    assert_eq!(bob.hears()?, "* you are bob; here are: ada");
    bob.say("/nick ada")?;
    bob.say("/me waves")?;
    bob.say("/who")?;
    bob.say([b'x'; 100_000])?;
    bob.say(b"invalid \xff\xfe")?;
    let told: Result<Vec<_>, _> = (0..4).map(|_| bob.hears()).collect();
    assert_eq!(
        told?,
        [
            "! the name ada is taken",
            "! there is no /me, but /nick NAME, /who and /quit",
            "* here are: ada, bob",
            "! a line has at most 30 bytes"
        ]
    );
    assert_eq!([ada.hears()?, ada.hears()?], ["* bob is here", "<bob> invalid \u{fffd}\u{fffd}"]);
    Ok(())
}

/// What is said until `eve` is dropped fills what the system takes for her, and then her outbox.
#[test]
fn who_does_not_read_is_dropped_while_others_talk_on() -> Test {
    let mut server = Server::start(&[])?;
    let (mut ada, mut bob) = (server.guest("ada")?, server.guest("bob")?);
    assert_eq!(ada.hears()?, "* bob is here");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&server.address.into())?;
    let mut eve = Guest::of(socket.into())?;
    eve.enter("eve")?;
    assert_eq!([ada.hears()?, bob.hears()?], ["* eve is here", "* eve is here"]);

    let (line, notice) = ("x".repeat(1000), "* eve was dropped: does not read what is said");
    let mut said = 0;
    loop {
        ada.say(&line)?;
        said += 1;
        let heard = bob.hears()?;
        if heard == notice {
            break;
        }
        assert_eq!(heard, format!("<ada> {line}"));
        assert!(said < 10_000, "she is still here");
    }
    assert_eq!(bob.hears()?, format!("<ada> {line}"));
    assert_eq!(ada.hears()?, notice);
    bob.say("she is gone")?;
    assert_eq!(ada.hears()?, "<bob> she is gone");
    // What had been sent to her before is still there, and then there is an end.
    let mut rest = Vec::new();
    _ = eve.input.read_to_end(&mut rest);
    assert!(rest.len() < 1_000_000, "{} bytes", rest.len());
    let said: Result<Vec<_>, _> = (0..4).map(|_| server.says()).collect();
    assert_eq!(said?[3], "eve was dropped: does not read what is said");
    Ok(())
}

#[test]
fn who_is_silent_is_dropped_and_told_so() -> Test {
    let server = Server::start(&["--idle", "0.05"])?;
    let mut silent = Guest::of(TcpStream::connect(server.address)?)?;
    let told: Result<Vec<_>, _> = (0..3).map(|_| silent.hears()).collect();
    assert_eq!(told?, ["* say your name, in a line", "* you are dropped: silent for 50ms", ""]);
    Ok(())
}

#[test]
fn who_comes_beyond_the_limit_waits_for_a_place() -> Test {
    let server = Server::start(&["--connections", "1"])?;
    let first = server.guest("ada")?;
    let mut second = Guest::of(TcpStream::connect(server.address)?)?; // the system's; the server has not accepted it
    second.say("bob")?;
    drop(first);
    assert_eq!([second.hears()?, second.hears()?], ["* say your name, in a line", "* you are bob; here are: nobody"]);
    Ok(())
}

#[test]
fn ctrl_c_ends_the_server_when_all_were_told() -> Test {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let mut server = Server::start(&[])?;
        let (mut ada, mut bob) = (server.guest("ada")?, server.guest("bob")?);
        ada.say("good night")?;
        assert_eq!(bob.hears()?, "<ada> good night");
        kill_process(Pid::from_child(&server.process), signal)?;
        assert_eq!([bob.hears()?, bob.hears()?], ["* the server ends", ""]);
        assert_eq!([ada.hears()?, ada.hears()?, ada.hears()?], ["* bob is here", "* the server ends", ""]);
        drop((ada, bob));
        let mut rest = String::new();
        server.output.read_to_string(&mut rest)?;
        assert_eq!(server.process.wait()?.code(), Some(0));
        assert_eq!(rest, format!("ada is here\nbob is here\nended by {name}\n"));
    }
    Ok(())
}

fn client(address: &str, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat_client"));
    command.args([address, name]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_client_says_its_input_to_the_end_and_prints_what_it_hears() -> Test {
    let server = Server::start(&[])?;
    let mut ada = server.guest("ada")?;
    let mut bob = client(&server.address.to_string(), "bob").spawn()?;
    assert_eq!(ada.hears()?, "* bob is here");
    ada.say("hello, bob")?;
    let mut output = BufReader::new(bob.stdout.take().ok_or("piped")?);
    assert_eq!(next_line(&mut output)?, "* you are bob; here are: ada");
    assert_eq!(next_line(&mut output)?, "<ada> hello, bob");
    let lines: String = (0..1000).map(|n| format!("line {n}\n")).collect();
    bob.stdin.take().ok_or("piped")?.write_all(lines.as_bytes())?;
    for n in 0..1000 {
        assert_eq!(ada.hears()?, format!("<bob> line {n}"));
    }
    assert_eq!(ada.hears()?, "* bob has left");
    assert_eq!(bob.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn the_client_tells_why_it_ends_before_its_input() -> Test {
    let mut server = Server::start(&[])?;
    let _ada = server.guest("ada")?;
    let address = server.address.to_string();
    let refused = client(&address, "ada").output()?;
    assert_eq!(String::from_utf8_lossy(&refused.stderr), "chat_client: the name ada is taken\n");
    assert_eq!(refused.status.code(), Some(1));

    let mut bob = client(&address, "bob").spawn()?;
    let input = bob.stdin.take(); // open, and nothing comes
    assert_eq!([server.says()?, server.says()?], ["ada is here", "bob is here"]);
    kill_process(Pid::from_child(&server.process), Signal::INT)?;
    let ended = bob.wait_with_output()?;
    let expected = "* you are bob; here are: ada\n* the server ends\n";
    assert_eq!(String::from_utf8_lossy(&ended.stdout), expected);
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "chat_client: the server has hung up\n");
    assert_eq!(ended.status.code(), Some(1));
    drop(input);

    let silent = TcpListener::bind("127.0.0.1:0")?;
    let address = silent.local_addr()?.to_string();
    let ended = client(&address, "bob").args(["--timeout", "0.05"]).output()?;
    let expected = "chat_client: the server does not answer: not done within 50ms\n";
    assert_eq!((ended.status.code(), &*String::from_utf8_lossy(&ended.stderr)), (Some(1), expected));
    Ok(())
}

#[test]
fn ctrl_c_ends_the_client_and_a_server_may_say_anything() -> Test {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut bob = client(&listener.local_addr()?.to_string(), "bob").spawn()?;
    let (mut stream, _) = listener.accept()?;
    let writing = thread::spawn(move || {
        stream.write_all(&vec![b'x'; 1 << 20])?;
        stream.write_all(b"\n* you are bob\n\x1b]0;title\x07\xff\n")?;
        io::Result::Ok(stream)
    });
    let mut output = BufReader::new(bob.stdout.take().ok_or("piped")?);
    let heard = [next_line(&mut output)?, next_line(&mut output)?];
    assert_eq!(heard, ["* you are bob", "\u{fffd}]0;title\u{fffd}\u{fffd}"]);
    kill_process(Pid::from_child(&bob), Signal::INT)?;
    let ended = bob.wait_with_output()?;
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(130), &b""[..]));
    drop(writing.join());
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    let server = env!("CARGO_BIN_EXE_chat_server");
    let client = env!("CARGO_BIN_EXE_chat_client");
    let wrong: [(&str, &str, &[&str], &str); 7] = [
        (server, "chat_server", &["here"], "\"here\" is not an address like 127.0.0.1:7000"),
        (server, "chat_server", &["127.0.0.1:0", "x"], "one argument too many: \"x\""),
        (server, "chat_server", &["--idle", "0"], "--idle 0: not from 0.001 to 86400"),
        (server, "chat_server", &["--max-line", "0"], "--max-line 0: not from 1 to 65536"),
        (client, "chat_client", &["127.0.0.1:1"], "give the address of the server and a name"),
        (client, "chat_client", &["here", "ada"], "\"here\" has no port: give it as in example.org:7000"),
        (client, "chat_client", &["h:1", "a", "--timeout", "0"], "--timeout takes seconds, such as 2.5, and not \"0\""),
    ];
    for (program, name, args, why) in wrong {
        let output = Command::new(program).args(args).output()?;
        let expected = format!("{name}: {why} ({name} --help tells more)\n");
        assert_eq!(
            (output.status.code(), &*String::from_utf8_lossy(&output.stderr)),
            (Some(2), &*expected),
            "{args:?}"
        );
    }
    Ok(())
}

#[test]
fn a_port_that_is_in_use_is_an_error_that_names_it() -> Test {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_chat_server")).arg(&address).output()?;
    let expected = format!("chat_server: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(1), &*expected));
    Ok(())
}
