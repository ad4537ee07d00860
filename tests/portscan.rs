//! The program `portscan`, on ports of this machine whose state is known.

use std::error::Error;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

type Test = Result<(), Box<dyn Error>>;

fn portscan(args: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_portscan")).args(args).stdin(Stdio::null()).output()
}

/// Exit status, standard output, standard error.
fn parts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Ports where somebody listens, and ports where nobody does: those at the near end of connections. Both stay so for
/// as long as the sockets live.
struct Ports {
    open: Vec<u16>,
    closed: Vec<u16>,
    _sockets: (Vec<TcpListener>, Vec<TcpStream>),
}

impl Ports {
    fn new(open: usize, closed: usize) -> io::Result<Self> {
        let listeners = (0..open.max(1)).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
        let address = listeners[0].local_addr()?;
        let streams = (0..closed).map(|_| TcpStream::connect(address)).collect::<io::Result<Vec<_>>>()?;
        let mut open = listeners[..open].iter().map(|l| Ok(l.local_addr()?.port())).collect::<io::Result<Vec<_>>>()?;
        open.sort_unstable();
        let closed = streams.iter().map(|s| Ok(s.local_addr()?.port())).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { open, closed, _sockets: (listeners, streams) })
    }

    fn list(&self) -> String {
        let ports: Vec<String> = self.closed.iter().chain(&self.open).map(u16::to_string).collect();
        ports.join(",")
    }
}

#[test]
fn open_ports_are_listed_in_order_and_all_are_counted() -> Test {
    let ports = Ports::new(2, 3)?;
    let [first, second] = ports.open[..] else { return Err("two ports".into()) };
    let expected =
        format!("open 127.0.0.1:{first}\nopen 127.0.0.1:{second}\n127.0.0.1: 2 open, 3 closed, 0 timed out\n");
    assert_eq!(parts(&portscan(&["127.0.0.1", &ports.list()])?), (Some(0), expected, String::new()));
    Ok(())
}

#[test]
fn one_at_a_time_finds_the_same() -> Test {
    let ports = Ports::new(1, 40)?;
    let expected = format!("open 127.0.0.1:{}\n127.0.0.1: 1 open, 40 closed, 0 timed out\n", ports.open[0]);
    let output = portscan(&["--at-most", "1", "127.0.0.1", &ports.list()])?;
    assert_eq!(parts(&output), (Some(0), expected, String::new()));
    Ok(())
}

#[test]
fn nothing_open_is_exit_1() -> Test {
    let output = portscan(&["127.0.0.1", &Ports::new(0, 2)?.list()])?;
    assert_eq!(parts(&output), (Some(1), "127.0.0.1: 0 open, 2 closed, 0 timed out\n".into(), String::new()));
    Ok(())
}

/// Linux lets connections to a listener with a full queue wait; other systems may refuse them.
#[cfg(target_os = "linux")]
#[test]
fn a_port_that_does_not_answer_is_timed_out() -> Test {
    use std::time::Duration;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut queue = Vec::new(); // nobody accepts them
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(20)) {
        queue.push(stream);
    }
    let output = portscan(&["--timeout-ms", "20", "127.0.0.1", &address.port().to_string()])?;
    assert_eq!(parts(&output), (Some(1), "127.0.0.1: 0 open, 0 closed, 1 timed out\n".into(), String::new()));
    Ok(())
}

#[test]
fn other_hosts_are_refused_without_yes() -> Test {
    // An address that is reserved for documentation: should this fail, nobody is scanned.
    let why = "portscan: 192.0.2.1 is not this machine: add --yes if its owner agrees to a scan\n";
    assert_eq!(parts(&portscan(&["192.0.2.1", "80"])?), (Some(2), String::new(), why.into()));
    Ok(())
}

/// With room for about a dozen connections.
fn portscan_with_few_descriptors(args: &str) -> io::Result<(Option<i32>, String, String)> {
    let script = format!("ulimit -n 20; exec '{}' {args}", env!("CARGO_BIN_EXE_portscan"));
    Ok(parts(&Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output()?))
}

#[test]
fn no_descriptors_left_is_exit_2_and_said_once() -> Test {
    let (code, stdout, stderr) = portscan_with_few_descriptors("127.0.0.1 1-200")?;
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1), "{stderr}");
    assert!(stderr.contains("Too many open files"), "{stderr}");
    Ok(())
}

#[test]
fn no_more_than_at_most_are_tried_at_a_time() -> Test {
    let ports = Ports::new(0, 100)?;
    let output = portscan_with_few_descriptors(&format!("--at-most 5 127.0.0.1 {}", ports.list()))?;
    assert_eq!(output, (Some(1), "127.0.0.1: 0 open, 100 closed, 0 timed out\n".into(), String::new()));
    Ok(())
}

#[test]
fn help_is_printed() -> Test {
    let (code, stdout, stderr) = parts(&portscan(&["--help"])?);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("Usage: portscan [OPTIONS] HOST PORTS"));
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    let wrong: [(&[&str], &str); 7] = [
        (&[], "no host is given"),
        (&["localhost"], "no ports are given, such as 22,80,8000-8100"),
        (&["localhost", "22,"], "\"\" is neither a port, from 1 to 65535, nor a range such as 8000-8100"),
        (&["localhost", "9-8"], "\"9-8\" is neither a port, from 1 to 65535, nor a range such as 8000-8100"),
        (&["localhost", "1", "2"], "unexpected argument \"2\""),
        (&["--at-most", "0", "localhost", "1"], "--at-most takes a whole number above zero, not \"0\""),
        (&["--timeout-ms", "x", "localhost", "1"], "--timeout-ms takes a whole number above zero, not \"x\""),
    ];
    for (args, why) in wrong {
        let expected = format!("portscan: {why} (portscan --help tells more)\n");
        assert_eq!(parts(&portscan(args)?), (Some(2), String::new(), expected), "{args:?}");
    }
    Ok(())
}
