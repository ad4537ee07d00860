//! Gather, with errors as values.

use super::block_on;
use std::num::ParseIntError;
use std::time::Duration;
use taskgroup::{BoxError, gather_settled, sleep};

async fn number(word: &str) -> Result<u32, ParseIntError> {
    sleep(Duration::from_secs(1)).await;
    word.parse()
}

pub(crate) fn main() -> Result<(), BoxError> {
    block_on(async {
        let words = ["1", "x", "3"];
        for (word, number) in words.iter().zip(gather_settled(words.map(number)).await) {
            match number {
                Ok(number) => println!("{word} is {number}"),
                Err(_) => println!("{word} is no number"),
            }
        }
        Ok(())
    })
}
