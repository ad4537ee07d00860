//! The program `embed_calloop`.

use std::process::Command;

#[test]
fn tasks_and_host_run_side_by_side() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed_calloop")).output().expect("it was built with this test");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let expected = "the tasks say \"tea\", and the host has ticked meanwhile: true\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert!(output.status.success());
}
