//! The program `websocket_chat`: the talk in one process, and its server with peers of the test.

mod support;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use support::{Program, Test, run};
use taskgroup::BoxError;

const PROGRAM: &str = env!("CARGO_BIN_EXE_websocket_chat");

/// The server, and where it listens.
fn server(args: &[&str]) -> Result<(Program, String), BoxError> {
    let mut program = Program::start(PROGRAM, &[args, &["serve", "127.0.0.1:0"]].concat())?;
    let line = program.line()?;
    let address = line.strip_prefix("listening on ").ok_or("an address")?.trim_end().to_owned();
    Ok((program, address))
}

/// A client by hand: it has shaken hands, and reads and writes frames.
struct Client(TcpStream);

impl Client {
    fn connect(address: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Ok(Self(stream))
    }

    /// Masked with zeros, as it is allowed to be.
    fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.0.write_all(&[&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat())
    }

    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let mut length = [0, head[1]];
        if head[1] == LONG {
            self.0.read_exact(&mut length)?;
        }
        let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut payload)?;
        Ok((head[0] & 0xf, payload))
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(TEXT, text.as_bytes())
    }
}

/// In the place of a length: that follows, in two bytes.
const LONG: u8 = 126;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

#[test]
fn all_hear_what_is_said_and_are_told_when_the_server_ends() -> Test {
    let (code, output, errors) = run(PROGRAM, &[])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(output, include_str!("golden/websocket_chat.txt"));
    Ok(())
}

#[test]
fn ctrl_c_waits_for_the_goodbyes_of_all() -> Test {
    let (mut server, address) = server(&[])?;
    let mut client = Client::connect(&address)?;
    client.say("ada")?;
    assert_eq!(client.frame()?, (TEXT, b"* ada is here".to_vec()));
    server.interrupt()?;
    let goodbye = [&1001_u16.to_be_bytes()[..], b"the server ends: interrupted"].concat();
    assert_eq!(client.frame()?, (CLOSE, goodbye.clone()));
    client.send(CLOSE, &goodbye)?;
    assert_eq!(client.0.read(&mut [0])?, 0);
    assert_eq!(server.line()?, "ended by SIGINT\n");
    let (status, _, errors) = server.end()?;
    assert_eq!((status.code(), errors), (Some(0), vec![]));
    Ok(())
}

#[test]
fn who_answers_pings_stays_and_who_does_not_has_to_go() -> Test {
    let (server, address) = server(&["--ping", "100"])?;
    let mut client = Client::connect(&address)?;
    client.say("ada")?;
    assert_eq!(client.frame()?.0, TEXT);
    for _ in 0..2 {
        assert_eq!(client.frame()?, (PING, vec![]));
        client.send(PONG, &[])?;
    }
    let closed = loop {
        match client.frame()? {
            (PING, _) => {}
            other => break other,
        }
    };
    assert_eq!(closed.0, CLOSE);
    assert_eq!(closed.1[..2], 1008_u16.to_be_bytes());
    let error = server.error()?;
    assert!(error.ends_with(": no sign of life: not done within 300ms"), "{error}");
    Ok(())
}

#[test]
fn who_does_not_read_loses_the_connection_and_nobody_else_waits() -> Test {
    let (server, address) = server(&[])?;
    let mut slow = Client::connect(&address)?;
    slow.say("eve")?;
    slow.frame()?;
    let name = slow.0.local_addr()?.to_string();
    let mut ada = Client::connect(&address)?;
    ada.say("ada")?;
    // In the end more than the system keeps for one who does not read, and more than the server does.
    let said = std::thread::spawn({
        let mut stream = ada.0.try_clone()?;
        let frame = [&[0x80 | TEXT, 0x80 | LONG, 0x40, 0, 0, 0, 0, 0], &[b'x'; 0x4000][..]].concat();
        move || (0..).take_while(|_| stream.write_all(&frame).is_ok()).count()
    });
    while ada.frame()?.1 != b"* eve has left" {}
    let error = server.error()?;
    assert_eq!(error, format!("websocket_chat: {name}: it does not take what is said"));
    drop(ada.0.shutdown(std::net::Shutdown::Both));
    said.join().map_err(|_| "no panic")?;
    Ok(())
}

#[test]
fn what_is_no_websocket_and_who_has_no_name_is_reported() -> Test {
    let (server, address) = server(&[])?;
    let mut stream = TcpStream::connect(&address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())?;
    let error = server.error()?;
    assert!(error.contains(": no websocket: "), "{error}");

    for name in ["a name with spaces", "", "abcdefghijklmnopqrstuvwxyzABCDEFG"] {
        let mut client = Client::connect(&address)?;
        client.say(name)?;
        assert_eq!(client.frame()?.0, CLOSE);
        let error = server.error()?;
        assert!(error.ends_with(": the first message is to be a name of 1 to 32 letters"), "{error}");
    }
    Ok(())
}

#[test]
fn who_announces_more_than_a_message_may_have_is_not_waited_for() -> Test {
    let (server, address) = server(&[])?;
    let mut client = Client::connect(&address)?;
    let length = 0x1_0001_u64.to_be_bytes();
    client.0.write_all(&[&[0x80 | TEXT, 0x80 | 127], &length[..], &[0; 4]].concat())?;
    let error = server.error()?;
    assert!(error.ends_with(": Message too long: 65537 > 65536"), "{error}");
    Ok(())
}

#[test]
fn somebody_behind_a_pipe_says_each_line() -> Test {
    let (_server, address) = server(&[])?;
    let mut other = Client::connect(&address)?;
    other.say("ada")?;
    other.frame()?;
    let mut command = Command::new(PROGRAM);
    let mut joins = command.args(["join", &address, "bob"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = joins.stdin.take().ok_or("piped")?;
    assert_eq!(other.frame()?, (TEXT, b"* bob is here".to_vec()));
    input.write_all(b"hello\n")?;
    assert_eq!(other.frame()?, (TEXT, b"bob: hello".to_vec()));
    drop(input);
    assert_eq!(other.frame()?, (TEXT, b"* bob has left".to_vec()));
    let output = joins.wait_with_output()?;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "* bob is here\nbob: hello\n");
    Ok(())
}

#[test]
fn a_port_that_is_taken_and_a_server_that_is_not_there_are_exit_1() -> Test {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let (code, _, error) = run(PROGRAM, &["serve", &address])?;
    let expected = format!("websocket_chat: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!((code, error), (Some(1), expected));

    drop(taken);
    let mut command = Command::new(PROGRAM);
    let output = command.args(["join", &address, "bob"]).stdin(Stdio::piped()).output()?;
    let expected = "websocket_chat: no connection: Connection refused (os error 111)\n";
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), expected));
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    for (args, error) in [
        (&["join", "127.0.0.1:1"][..], "websocket_chat: join needs the address of a server and a name"),
        (&["serve", "here"], "websocket_chat: \"here\" is not an address like 127.0.0.1:8090 or [::1]:8090"),
        (&["talk"], "websocket_chat: no such command: \"talk\""),
        (&["--ping", "0"], "websocket_chat: --ping takes milliseconds from 1 to 600000, not \"0\""),
    ] {
        let (code, _, stderr) = run(PROGRAM, args)?;
        assert_eq!(code, Some(2), "{args:?}");
        assert!(stderr.starts_with(error), "{stderr}");
    }
    Ok(())
}
