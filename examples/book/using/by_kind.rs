//! Handle errors by their kind.

use super::block_on;
use std::io;
use std::num::ParseIntError;
use taskgroup::{BoxError, ExceptionGroup, boxed::task_group};

async fn load(item: &str) -> Result<u32, BoxError> {
    match item {
        "" => Err(io::Error::other("no such file").into()),
        "!" => Err("out of paper".into()),
        number => Ok(number.parse()?),
    }
}

pub(crate) fn main() -> Result<(), BoxError> {
    let loaded = block_on(task_group(async |g| {
        for item in ["7", "seven", "", "!"] {
            g.spawn(load(item));
        }
        Ok(())
    }));
    let rest = loaded.or_else(|errors| {
        errors
            .catch(|part: ExceptionGroup<ParseIntError>| println!("no number: {}", part.count()))
            .catch(|part: ExceptionGroup<io::Error>| println!("no file: {}", part.count()))
            .rest()
    });
    for leaf in rest.as_ref().err().iter().flat_map(|rest| rest.leaves()) {
        println!("goes on: {}", leaf.error());
    }
    Ok(())
}
