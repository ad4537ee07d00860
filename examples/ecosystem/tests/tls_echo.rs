//! The program `tls_echo`: its server and clients together, and its server alone with peers of the test.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use support::{Program, Test, run};
use taskgroup::BoxError;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tls_echo");

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("taskgroup-tls-{name}-{}.pem", std::process::id())))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

/// The server, and where it listens.
fn server(args: &[&str], file: &Scratch) -> Result<(Program, String), BoxError> {
    let mut program = Program::start(PROGRAM, &[args, &["serve", "127.0.0.1:0", file.as_str()]].concat())?;
    let line = program.line()?;
    let address = line.strip_prefix("listening on ").ok_or("an address")?.trim_end().to_owned();
    Ok((program, address))
}

#[test]
fn a_half_is_closed_and_what_is_not_trusted_is_refused_in_clear_words() -> Test {
    let (code, output, errors) = run(PROGRAM, &[])?;
    assert_eq!((code, output.as_str()), (Some(0), include_str!("golden/tls_echo.txt")));
    let reasons: Vec<_> = errors.lines().filter_map(|line| line.split(": ").last()).collect();
    assert_eq!(reasons, ["UnknownCA", "BadCertificate"]); // and the server has heard why
    Ok(())
}

#[test]
fn who_speaks_no_tls_is_reported() -> Test {
    let file = Scratch::new("plain");
    let (server, address) = server(&[], &file)?;
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())?;
    let error = server.error()?;
    assert!(error.ends_with(": no TLS: received corrupt message of type InvalidContentType"), "{error}");
    Ok(())
}

#[test]
fn who_says_nothing_is_hung_up_on() -> Test {
    let file = Scratch::new("silent");
    let (server, address) = server(&["--handshake-timeout", "20"], &file)?;
    let mut stream = TcpStream::connect(address)?;
    assert_eq!(stream.read_to_end(&mut Vec::new())?, 0);
    let error = server.error()?;
    assert!(error.ends_with(": no TLS: not done within 20ms"), "{error}");
    Ok(())
}

#[test]
fn ctrl_c_ends_the_server_in_order_and_its_certificate_is_there() -> Test {
    let file = Scratch::new("order");
    let (server, _) = server(&[], &file)?;
    assert!(fs::read_to_string(&file.0)?.starts_with("-----BEGIN CERTIFICATE-----"));
    server.interrupt()?;
    let (status, output, errors) = server.end()?;
    assert_eq!((status.code(), output.as_str(), errors), (Some(0), "ended by SIGINT\n", vec![]));
    Ok(())
}

#[test]
fn a_port_that_is_taken_and_a_file_that_cannot_be_are_exit_1() -> Test {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let file = Scratch::new("taken");
    let (code, _, error) = run(PROGRAM, &["serve", &address, file.as_str()])?;
    let expected = format!("tls_echo: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!((code, error), (Some(1), expected));

    let (code, _, error) = run(PROGRAM, &["serve", "127.0.0.1:0", "/nowhere/cert.pem"])?;
    let expected = "tls_echo: cannot write /nowhere/cert.pem: No such file or directory (os error 2)\n";
    assert_eq!((code, error.as_str()), (Some(1), expected));
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    for (args, error) in [
        (&["serve"][..], "tls_echo: serve needs an address and a file for the certificate"),
        (&["serve", "here", "file"], "tls_echo: \"here\" is not an address like 127.0.0.1:8443 or [::1]:8443"),
        (&["talk"], "tls_echo: no such command: \"talk\""),
        (&["--handshake-timeout", "0"], "tls_echo: --handshake-timeout takes milliseconds from 1 to 600000, not \"0\""),
    ] {
        let (code, _, stderr) = run(PROGRAM, args)?;
        assert_eq!(code, Some(2), "{args:?}");
        assert!(stderr.starts_with(error), "{stderr}");
    }
    Ok(())
}
