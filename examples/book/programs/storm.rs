//! The program of step 4: a thousand letters for one reader, and a wake for each.

#[path = "../counted.rs"]
mod counted;

use super::{block_on, spawn, yield_now};
use counted::counted;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

// ANCHOR: mailbox
#[derive(Default)]
struct Mailbox {
    letters: RefCell<Vec<u32>>,
    reader: RefCell<Option<Waker>>,
}

impl Mailbox {
    fn push(&self, letter: u32) {
        self.letters.borrow_mut().push(letter);
        let reader = self.reader.borrow().clone();
        if let Some(waker) = reader {
            waker.wake();
        }
    }

    /// Waits for letters, and takes all that are there.
    async fn take(&self) -> Vec<u32> {
        poll_fn(|cx| {
            *self.reader.borrow_mut() = Some(cx.waker().clone());
            let letters = self.letters.take();
            if letters.is_empty() { Poll::Pending } else { Poll::Ready(letters) }
        })
        .await
    }
}
// ANCHOR_END: mailbox

// ANCHOR: storm
pub(crate) fn storm() {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    block_on(async move {
        let mailbox = Rc::new(Mailbox::default());
        let own = mailbox.clone();
        let reader = async move {
            let mut read = 0;
            while read <= 1000 {
                read += own.take().await.len();
            }
        };
        spawn(counted(reader, count));
        yield_now().await; // now it waits
        (0..1000).for_each(|letter| mailbox.push(letter));
        yield_now().await;
        mailbox.push(1000); // the last one
    });
    println!("1000 letters, then one more: {} polls of their reader", polls.get());
}
// ANCHOR_END: storm
