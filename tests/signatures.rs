//! Programs that must compile, and run: what the signatures of `task_group` and `spawn` are for.
//!
//! One test for each row of the tables in which the signatures were chosen; the row stands in its first line. A small
//! change there (a third `Outcome`, an `Into`, a bound that moves) breaks inference or borrowing for programs far
//! away: here it breaks a test with their name. Programs that must be rejected: `taskgroup/src/rejections.rs`.

use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Display;
use std::future::{Future, pending};
use std::io;
use std::num::ParseIntError;
use std::pin::Pin;
use std::time::Duration;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{
    BoxError, Clock, Elapsed, ExceptionGroup, JoinError, JoinErrorKind, Leaf, Member, Reason, Runtime, SpawnError,
    Task, TaskGroup, TaskInfo, What, block_on, boxed, sleep, task_group, yield_now,
};

// ---- What the programs use.

/// A plain enum, as thiserror makes it.
#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("io: {0}")]
    Io(#[from] io::Error),
    #[error("parse: {0}")]
    Parse(#[from] ParseIntError),
    #[error("join: {0}")]
    Join(#[from] JoinError),
    #[error("{0}")]
    Group(#[from] ExceptionGroup<Self>),
}

/// One that knows nothing of groups or joins.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("p{0}")]
struct Plain(u32);

async fn length(word: &str) -> io::Result<usize> {
    yield_now().await;
    Ok(word.len())
}

async fn boxed_length(word: &str) -> Result<usize, BoxError> {
    Ok(length(word).await?)
}

fn words() -> Vec<String> {
    ["a", "bc", "def"].map(str::to_string).to_vec()
}

fn io_op() -> io::Result<u32> {
    Ok(7)
}

/// `[a, [b, c]]`: the tree with its errors as they are displayed.
fn shape<E: Display>(group: &ExceptionGroup<E>) -> String {
    let members: Vec<_> = group
        .members()
        .iter()
        .map(|member| match member.what() {
            What::Error(error) => error.to_string(),
            What::Group(group) => shape(group),
        })
        .collect();
    format!("[{}]", members.join(", "))
}

// ---- 1.1: `E: 'static` stands on the struct.

#[test]
fn a_child_borrows_a_local_list_and_fails_with_a_box() {
    // 1.1: `E = BoxError`, children borrow a local `Vec` by reference. E0597 without the bound on the struct.
    async fn program() -> Result<(), ExceptionGroup<BoxError>> {
        let urls = words();
        task_group(async |g| {
            for url in &urls {
                g.spawn(boxed_length(url));
            }
            Ok(())
        })
        .await
    }
    block_on(program()).unwrap();
}

#[test]
fn a_child_borrows_a_local_list_and_fails_with_a_box_that_is_not_send() {
    // 1.1: the same with `Box<dyn Error>`.
    async fn child(word: &str) -> Result<usize, Box<dyn Error>> {
        Ok(length(word).await?)
    }
    async fn program() -> Result<usize, ExceptionGroup<Box<dyn Error>>> {
        let urls = words();
        task_group(async |g| {
            let tasks: Vec<_> = urls.iter().map(|url| g.spawn(child(url))).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await?;
            }
            Ok(sum)
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 6);
}

#[test]
fn inline_children_borrow_a_local_list_and_fail_with_a_box() {
    // 1.1: the same with inline blocks that are not `move`, and `?` in them.
    async fn program() -> Result<usize, ExceptionGroup<BoxError>> {
        let (urls, sum) = (words(), Cell::new(0));
        task_group(async |g| {
            for url in &urls {
                g.spawn(async {
                    let length = length(url).await?;
                    sum.set(sum.get() + length);
                    Ok(())
                });
            }
            Ok(())
        })
        .await?;
        Ok(sum.get())
    }
    assert_eq!(block_on(program()).unwrap(), 6);
}

#[test]
fn an_error_may_be_a_static_str() {
    // 1.3: `&'static str` as error, with children that borrow.
    async fn child(word: &str) -> Result<(), &'static str> {
        if word.len() > 2 { Err("too long") } else { Ok(()) }
    }
    async fn program() -> Result<(), ExceptionGroup<&'static str>> {
        let words = words();
        task_group(async |g| {
            for word in &words {
                g.spawn(child(word));
            }
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(program()).unwrap_err()), "[too long]");
}

#[test]
fn an_error_may_be_anyhow() {
    // 1.1: "with an enum, `io::Error` or `anyhow::Error` the same program compiles".
    async fn program() -> anyhow::Result<usize> {
        let words = words();
        let sum = task_group(async |g| {
            let tasks: Vec<_> = words.iter().map(|word| g.spawn(async { Ok(length(word).await?) })).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await?;
            }
            Ok(sum)
        });
        let sum: Result<usize, ExceptionGroup<anyhow::Error>> = sum.await;
        Ok(sum?)
    }
    assert_eq!(block_on(program()).unwrap(), 6);
}

// ---- 1.2: the matrix, column B.

#[test]
fn a_body_may_end_in_ok_as_the_tail_or_before_a_question_mark() {
    // 1.2: body ends `Ok(())`, tail or `.await?` | ok.
    async fn tail() -> Result<(), ExceptionGroup<io::Error>> {
        task_group(async |g| {
            g.spawn(length("a"));
            Ok(())
        })
        .await
    }
    async fn question_mark() -> Result<(), ExceptionGroup<io::Error>> {
        task_group(async |g| {
            g.spawn(length("a"));
            Ok(())
        })
        .await?;
        Ok(())
    }
    async fn question_mark_into_a_box() -> Result<(), BoxError> {
        task_group(async |g| {
            g.spawn(length("a"));
            Ok(())
        })
        .await?;
        Ok(())
    }
    block_on(tail()).unwrap();
    block_on(question_mark()).unwrap();
    block_on(question_mark_into_a_box()).unwrap();
}

#[test]
fn a_body_may_await_a_task_with_a_question_mark() {
    // 1.2: body `t.await?` (E: From<JoinError>) | ok.
    async fn enumerated() -> Result<usize, ExceptionGroup<AppError>> {
        task_group(async |g| {
            let task = g.spawn(async { Ok(length("abc").await?) });
            Ok(task.await?)
        })
        .await
    }
    async fn boxed() -> Result<usize, ExceptionGroup<BoxError>> {
        task_group(async |g| {
            let task = g.spawn(boxed_length("abc"));
            Ok(task.await?)
        })
        .await
    }
    assert_eq!(block_on(enumerated()).unwrap(), 3);
    assert_eq!(block_on(boxed()).unwrap(), 3);
}

#[test]
fn an_inline_child_may_use_a_question_mark() {
    // 1.2: inline `async { io_op()?; Ok(()) }` | ok.
    async fn exact() -> Result<(), ExceptionGroup<io::Error>> {
        task_group(async |g| {
            g.spawn(async {
                io_op()?;
                Ok(())
            });
            Ok(())
        })
        .await
    }
    async fn converted() -> Result<(), ExceptionGroup<AppError>> {
        task_group(async |g| {
            g.spawn(async {
                io_op()?;
                let _: u32 = "7".parse()?;
                Ok(())
            });
            Ok(())
        })
        .await
    }
    async fn boxed() -> Result<(), ExceptionGroup<BoxError>> {
        task_group(async |g| {
            g.spawn(async {
                io_op()?;
                let _: u32 = "7".parse()?;
                Ok(())
            });
            Ok(())
        })
        .await
    }
    block_on(exact()).unwrap();
    block_on(converted()).unwrap();
    block_on(boxed()).unwrap();
}

#[test]
fn a_main_with_a_boxed_error_may_await_a_group_of_inline_children() {
    // 1.2: the same, `main` with BoxError, `.await?` outside | ok: outside the function that names the group's error.
    // Where the `?` is on the group itself nothing names it: see `rejections::an_error_that_nothing_names`.
    async fn program() -> Result<(), ExceptionGroup<BoxError>> {
        task_group(async |g| {
            g.spawn(async {
                io_op()?;
                Ok(())
            });
            Ok(())
        })
        .await
    }
    fn main() -> Result<(), BoxError> {
        block_on(async {
            program().await?;
            // On the group itself: named in the call, or fixed by `boxed`.
            task_group::<BoxError, _, _>(async |g| {
                g.spawn(async {
                    io_op()?;
                    Ok(())
                });
                Ok(())
            })
            .await?;
            boxed::task_group(async |g| {
                g.spawn(async {
                    io_op()?;
                    Ok(())
                });
                Ok(())
            })
            .await?;
            // Or the child is a function, and names it.
            task_group(async |g| {
                g.spawn(boxed_length("a"));
                g.spawn(async {
                    io_op()?;
                    Ok(())
                });
                Ok(())
            })
            .await?;
            Ok(())
        })
    }
    main().unwrap();
}

#[test]
fn a_child_may_end_in_nothing() {
    // 1.2: child `async {}` or `async fn f()` | **ok**.
    async fn named() {}
    async fn program() -> Result<u32, ExceptionGroup<io::Error>> {
        task_group(async |g| {
            let task: Task<()> = g.spawn(async {});
            g.spawn(named());
            Ok(task.await.map_or(0, |()| 1))
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 1);
}

#[test]
fn a_child_may_convert_its_error_around_a_leaf() {
    // 1.2: child `async { Ok(leaf_io().await?) }` | ok.
    async fn program() -> Result<(), ExceptionGroup<AppError>> {
        task_group(async |g| {
            g.spawn(async { Ok(length("a").await?) });
            g.spawn(async { Err::<(), _>(AppError::from("x".parse::<u32>().unwrap_err())) });
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(program()).unwrap_err()), "[parse: invalid digit found in string]");
}

#[test]
fn a_function_may_end_in_its_own_error_made_from_a_group() {
    // 1.2: fn returns `Result<_, MyErr>`, `From<ExceptionGroup<MyErr>>` | ok.
    async fn program() -> Result<usize, AppError> {
        let sum = task_group(async |g| {
            let task = g.spawn(async { Ok(length("abc").await?) });
            Ok(task.await?)
        })
        .await?;
        Ok(sum)
    }
    assert_eq!(block_on(program()).unwrap(), 3);
}

#[test]
fn a_nested_group_is_started_with_spawn_group() {
    // 1.2: `spawn(inner())` where inner returns `ExceptionGroup<E>` | E0308 (use `spawn_group`).
    async fn inner() -> Result<u32, ExceptionGroup<Plain>> {
        task_group(async |g| {
            g.spawn(async { Ok(()) });
            Ok(5)
        })
        .await
    }
    async fn program() -> Result<u32, ExceptionGroup<Plain>> {
        task_group(async |g| {
            let task = g.spawn_group(inner());
            Ok(task.await.unwrap_or(0))
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 5);
}

#[test]
fn handles_may_leave_their_group() {
    // 1.2: handles leave | ok.
    async fn program() -> Result<Vec<Task<usize>>, ExceptionGroup<io::Error>> {
        let words = words();
        let mut outside = None;
        let mut tasks: Vec<_> = task_group(async |g| {
            outside = Some(g.spawn(length(&words[0])));
            Ok(words[1..].iter().map(|word| g.spawn(length(word))).collect())
        })
        .await?;
        tasks.extend(outside);
        Ok(tasks)
    }
    let tasks = block_on(program()).unwrap();
    let values: Vec<_> = tasks.iter().map(|task| task.result().unwrap().unwrap()).collect();
    assert_eq!(values, [2, 3, 1]);
}

#[test]
fn a_body_may_capture_a_local_by_mutable_reference() {
    // 1.2: `&mut Vec` captured | ok.
    async fn program() -> Result<Vec<usize>, ExceptionGroup<BoxError>> {
        let (words, mut lengths) = (words(), Vec::new());
        task_group(async |g| {
            for word in &words {
                lengths.push(g.spawn(boxed_length(word)).await?);
            }
            Ok(())
        })
        .await?;
        Ok(lengths)
    }
    assert_eq!(block_on(program()).unwrap(), [1, 2, 3]);
}

#[test]
fn a_child_may_borrow_a_local_mutably() {
    // 1.2: `&mut` child borrows | ok.
    async fn program() -> Result<Vec<usize>, ExceptionGroup<BoxError>> {
        let (words, mut lengths, mut calls) = (words(), vec![0; 3], 0);
        task_group(async |g| {
            for (word, length) in words.iter().zip(&mut lengths) {
                g.spawn(async move {
                    *length = boxed_length(word).await?;
                    Ok(())
                });
            }
            g.spawn(async {
                calls += 1;
            });
            Ok(())
        })
        .await?;
        lengths.push(calls);
        Ok(lengths)
    }
    assert_eq!(block_on(program()).unwrap(), [1, 2, 3, 1]);
}

#[test]
fn groups_may_recurse_through_a_boxed_future() {
    // 1.2: recursion (boxed fn) | ok.
    fn tree(depth: u32) -> Pin<Box<dyn Future<Output = Result<u32, ExceptionGroup<AppError>>>>> {
        Box::pin(async move {
            if depth == 0 {
                return Ok(1);
            }
            task_group(async |g| {
                let (left, right) = (g.spawn_group(tree(depth - 1)), g.spawn_group(tree(depth - 1)));
                Ok(left.await? + right.await?)
            })
            .await
        })
    }
    assert_eq!(block_on(tree(3)).unwrap(), 8);
}

#[test]
fn groups_may_recurse_through_an_async_fn_that_is_pinned_by_its_caller() {
    // 1.2: recursion (async fn + Box::pin) | ok.
    async fn tree(depth: u32, leaves: &Cell<u32>) -> Result<(), ExceptionGroup<io::Error>> {
        if depth == 0 {
            leaves.set(leaves.get() + 1);
            return Ok(());
        }
        task_group(async |g| {
            g.spawn_group(Box::pin(tree(depth - 1, leaves)));
            g.spawn_group(Box::pin(tree(depth - 1, leaves)));
            Ok(())
        })
        .await
    }
    let leaves = Cell::new(0);
    block_on(tree(3, &leaves)).unwrap();
    assert_eq!(leaves.get(), 8);
}

#[test]
fn a_group_may_be_passed_to_a_helper() {
    // 1.2: g to a helper fn | ok.
    fn helper<'scope>(g: &'scope TaskGroup<'scope, '_, io::Error>, word: &'scope str) -> Task<usize> {
        g.spawn(length(word))
    }
    async fn async_helper<'scope, 'env>(
        g: &'scope TaskGroup<'scope, 'env, io::Error>,
        words: &'env [String],
    ) -> io::Result<usize> {
        let tasks: Vec<_> = words.iter().map(|word| helper(g, word)).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_err(io::Error::other)?;
        }
        Ok(sum)
    }
    async fn program() -> Result<usize, ExceptionGroup<io::Error>> {
        let words = words();
        task_group(async |g| {
            let first = helper(g, &words[0]);
            let all = async_helper(g, &words).await?;
            Ok(all + first.await.unwrap_or(0))
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 7);
}

#[test]
fn a_helper_may_be_the_body() {
    // 1.2: g to a helper fn (the whole body) | ok.
    async fn body<'scope>(g: &'scope TaskGroup<'scope, '_, io::Error>) -> io::Result<u32> {
        g.spawn(length("a"));
        Ok(3)
    }
    assert_eq!(block_on(task_group(body)).unwrap(), 3);
}

#[test]
fn a_child_may_spawn_a_sibling() {
    // 1.2: child spawns sibling (1.3: non-`move` children that use `g`) | ok.
    async fn program() -> Result<Vec<usize>, ExceptionGroup<BoxError>> {
        let (words, lengths) = (words(), RefCell::new(Vec::new()));
        task_group(async |g| {
            g.spawn(async {
                for word in &words {
                    g.spawn(async {
                        let length = boxed_length(word).await?;
                        lengths.borrow_mut().push(length);
                        Ok(())
                    });
                }
            });
            Ok(())
        })
        .await?;
        Ok(lengths.into_inner())
    }
    assert_eq!(block_on(program()).unwrap(), [1, 2, 3]);
}

#[test]
fn a_function_may_be_generic_over_the_future_of_a_child() {
    // 1.2: generic over `F: Future` | ok.
    async fn pair<A, B, E: 'static>(
        a: impl Future<Output = Result<A, E>>,
        b: impl Future<Output = Result<B, E>>,
    ) -> Result<(Option<A>, Option<B>), ExceptionGroup<E>> {
        task_group(async |g| {
            let (a, b) = (g.spawn(a), g.spawn(b));
            Ok((a.await.ok(), b.await.ok()))
        })
        .await
    }
    async fn all<F, T, E>(futures: Vec<F>) -> Result<Vec<T>, ExceptionGroup<E>>
    where
        F: Future<Output = Result<T, E>>,
        E: From<JoinError> + 'static,
    {
        task_group(async |g| {
            let tasks: Vec<_> = futures.into_iter().map(|future| g.spawn(future)).collect();
            let mut values = Vec::new();
            for task in tasks {
                values.push(task.await?);
            }
            Ok(values)
        })
        .await
    }
    let words = words();
    assert_eq!(block_on(pair(length(&words[0]), length(&words[1]))).unwrap(), (Some(1), Some(2)));
    let lengths = block_on(all(words.iter().map(|word| boxed_length(word)).collect()));
    assert_eq!(lengths.unwrap(), [1, 2, 3]);
}

async fn greet(stream: TcpStream, greeted: &Cell<u32>) -> io::Result<()> {
    greeted.set(greeted.get() + 1);
    stream.write_all(b"hello").await
}

/// Runs a server until it has greeted once.
async fn greeted_by<'a, T>(
    server: impl AsyncFnOnce(&'a TcpListener) -> Result<T, ExceptionGroup<io::Error>>,
    listener: &'a TcpListener,
) {
    let address = listener.local_addr().unwrap();
    let ended = task_group(async |g| {
        let server = g.spawn_group(server(listener));
        let mut buffer = [0; 5];
        TcpStream::connect(address).await?.read(&mut buffer).await?;
        server.cancel("enough");
        Ok(buffer)
    });
    assert_eq!(&ended.await.unwrap(), b"hello");
}

#[test]
fn an_accept_loop_may_be_a_body_and_borrow() {
    // 1.2: accept loop, body `loop { l.accept().await?; g.spawn(handle(s, &state)); }` | body of type `!`: E0277.
    // Not so: a loop in an async closure takes the type that is expected of it.
    block_on(async {
        let (listener, state) = (TcpListener::bind("127.0.0.1:0").unwrap(), Cell::new(0));
        let never = async |listener: &TcpListener| -> Result<Infallible, ExceptionGroup<io::Error>> {
            task_group(async |g| {
                loop {
                    let (stream, _) = listener.accept().await?;
                    g.spawn(greet(stream, &state));
                }
            })
            .await
        };
        greeted_by(never, &listener).await;
        let unknown = async |listener: &TcpListener| -> Result<(), ExceptionGroup<io::Error>> {
            task_group(async |g| {
                loop {
                    let (stream, _) = listener.accept().await?;
                    g.spawn(greet(stream, &state));
                }
            })
            .await?;
            Ok(())
        };
        greeted_by(unknown, &listener).await;
        assert_eq!(state.get(), 2);
    });
}

#[test]
fn an_accept_loop_may_say_what_it_would_end_in() {
    // 1.2: the same row, and what helps where the type is not expected (see `rejections`).
    block_on(async {
        let (listener, state) = (TcpListener::bind("127.0.0.1:0").unwrap(), Cell::new(0));
        let named = async |listener: &TcpListener| {
            task_group(async |g| -> io::Result<()> {
                loop {
                    let (stream, _) = listener.accept().await?;
                    g.spawn(greet(stream, &state));
                }
            })
            .await
        };
        greeted_by(named, &listener).await;
        assert_eq!(state.get(), 1);
    });
}

#[test]
fn an_endless_child_says_what_it_would_end_in() {
    // 1.2: child `async { loop { f().await?; } }` / `panic!()` / `pending()` | E0277 "a task must end in .., not `!`".
    async fn pump() -> io::Result<Infallible> {
        loop {
            length("a").await?;
        }
    }
    async fn program() -> Result<(), ExceptionGroup<io::Error>> {
        task_group(async |g| {
            g.spawn(pump());
            let inline = async || -> io::Result<()> {
                loop {
                    length("a").await?;
                }
            };
            g.spawn(inline());
            #[expect(while_true, reason = "it compiles, with a warning")]
            g.spawn(async {
                while true {
                    length("a").await?;
                }
                Ok(())
            });
            g.spawn(pending::<()>());
            yield_now().await;
            g.cancel("enough");
            Ok(())
        })
        .await
    }
    block_on(program()).unwrap();
}

#[test]
fn a_child_wraps_its_value_in_ok() {
    // 1.2: child ends in `5u64` | E0277 with our own text.
    async fn program() -> Result<u64, ExceptionGroup<io::Error>> {
        task_group(async |g| {
            let task = g.spawn(async { Ok(5u64) });
            Ok(task.await.unwrap_or(0))
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 5);
}

#[test]
fn a_group_whose_error_is_unknown_names_it() {
    // 1.2: only `()` children and `Ok(())`, then `?`; or result discarded | E0282. The remedies compile.
    async fn program() -> Result<(), BoxError> {
        let done = Cell::new(0);
        let count = async || done.set(done.get() + 1);
        task_group::<BoxError, _, _>(async |g| {
            g.spawn(count());
            Ok(())
        })
        .await?;
        task_group(async |g: &TaskGroup<'_, '_, BoxError>| {
            g.spawn(count());
            Ok(())
        })
        .await?;
        task_group(async |g: &TaskGroup| {
            g.spawn(count());
            Ok(())
        })
        .await?;
        boxed::task_group(async |g| {
            g.spawn(count());
            Ok(())
        })
        .await?;
        let ended: Result<_, ExceptionGroup> = task_group(async |g| {
            g.spawn(count());
            Ok(())
        })
        .await;
        ended?;
        let _ = task_group::<Infallible, _, _>(async |g| {
            g.spawn(count());
            Ok(())
        })
        .await;
        assert_eq!(done.get(), 6);
        Ok(())
    }
    block_on(program()).unwrap();
}

// ---- 1.3: by reference, with the bound on the struct.

#[test]
fn the_closure_may_name_the_type_of_the_group() {
    // 1.3: rows that name `|g: TaskGroup<..>|` read `|g: &TaskGroup<..>|` by reference.
    async fn program() -> Result<usize, ExceptionGroup<BoxError>> {
        let words = words();
        task_group(async |g: &TaskGroup<'_, '_, BoxError>| {
            g.spawn(boxed_length(&words[0]));
            let inline = g.spawn(async { Ok(length(&words[1]).await?) });
            Ok(inline.await?)
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 2);
}

#[test]
fn a_nested_group_inside_a_child_ends_in_a_question_mark() {
    // 1.3: nested groups by `?`.
    async fn program() -> Result<(), ExceptionGroup<BoxError>> {
        let words = words();
        task_group(async |g| {
            g.spawn(async {
                task_group(async |inner| {
                    for word in &words {
                        inner.spawn(boxed_length(word));
                        g.spawn(boxed_length(word)); // the outer group, from inside the inner
                    }
                    Ok(())
                })
                .await?;
                Ok(())
            });
            Ok(())
        })
        .await
    }
    block_on(program()).unwrap();
}

#[test]
fn a_group_may_be_kept_in_a_struct() {
    // 1.3: `g` in a struct.
    struct Pool<'scope, 'env> {
        group: &'scope TaskGroup<'scope, 'env, BoxError>,
        words: &'env [String],
        tasks: RefCell<Vec<Task<usize>>>,
    }
    impl<'scope> Pool<'scope, '_> {
        fn add(&self, index: usize) {
            let task = self.group.spawn(boxed_length(&self.words[index]));
            self.tasks.borrow_mut().push(task);
        }
        async fn sum(self) -> Result<usize, BoxError> {
            let mut sum = 0;
            for task in self.tasks.into_inner() {
                sum += task.await?;
            }
            Ok(sum)
        }
    }
    async fn program() -> Result<usize, ExceptionGroup<BoxError>> {
        let words = words();
        task_group(async |g| {
            let pool = Pool { group: g, words: &words, tasks: RefCell::default() };
            pool.add(0);
            pool.add(2);
            pool.sum().await
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 4);
}

#[test]
fn a_value_of_a_task_may_borrow() {
    // 1.3: borrowed lists; the value of a task borrows from outside, and its handle outlives the group.
    async fn longest(words: &[String]) -> Result<&str, ExceptionGroup<BoxError>> {
        let task = task_group(async |g| Ok(g.spawn(async { Ok(words.iter().max_by_key(|word| word.len())) }))).await?;
        let word = task.result().unwrap().unwrap();
        Ok(word.map_or("", String::as_str))
    }
    assert_eq!(block_on(longest(&words())).unwrap(), "def");
}

#[test]
fn a_child_may_own_a_handle_of_a_sibling() {
    // 1.3: non-`move` children; `t.await?` in a child.
    async fn program() -> Result<usize, ExceptionGroup<AppError>> {
        task_group(async |g| {
            let first = g.spawn(async { Ok(length("ab").await?) });
            let second = g.spawn(async move { Ok(first.await? * 2) });
            Ok(second.await?)
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 4);
}

#[test]
fn a_refused_future_comes_back_with_what_it_borrows() {
    // DESIGN 3: `try_spawn(&'scope self, f) -> Result<Task<_>, SpawnError<F>>`, by the rules of `spawn`.
    async fn program() -> Result<usize, ExceptionGroup<BoxError>> {
        let words = words();
        task_group(async |g| {
            g.cancel("enough");
            match g.try_spawn(boxed_length(&words[2])) {
                Ok(_) => Ok(0),
                Err(refused) => refused.into_future().await,
            }
        })
        .await
    }
    assert_eq!(block_on(program()).unwrap(), 3);
}

// ---- 1.4: nesting, run and printed.

fn plain(number: u32) -> Result<(), Plain> {
    Err(Plain(number))
}

async fn inner_box() -> Result<(), ExceptionGroup<BoxError>> {
    task_group(async |g| {
        g.spawn(async { Ok(plain(1)?) });
        g.spawn(async { Ok(plain(2)?) });
        Ok(())
    })
    .await
}

#[test]
fn groups_of_boxes_nest_by_a_question_mark() {
    // 1.4: Box, `?` in body | [o, [i1, i2]].
    async fn program() -> Result<(), ExceptionGroup<BoxError>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>("o".into()) });
            inner_box().await?;
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(program()).unwrap_err()), "[o, [p1, p2]]");
}

#[test]
fn groups_of_boxes_nest_by_spawn_group() {
    // 1.4: Box, spawn_group | [o, [i1, i2]].
    async fn program() -> Result<(), ExceptionGroup<BoxError>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>("o".into()) });
            g.spawn_group(inner_box());
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(program()).unwrap_err()), "[o, [p1, p2]]");
}

#[test]
fn groups_of_anyhow_errors_nest_by_spawn_group_and_are_a_leaf_by_a_question_mark() {
    // 1.4: anyhow, `?` | [ah, [ah, ah]]. Only by `spawn_group`: without anyhow as a dependency nobody can look inside.
    async fn inner() -> Result<(), ExceptionGroup<anyhow::Error>> {
        task_group(async |g| {
            g.spawn(async { Ok(plain(1)?) });
            g.spawn(async { Ok(plain(2)?) });
            Ok(())
        })
        .await
    }
    async fn by_spawn_group() -> Result<(), ExceptionGroup<anyhow::Error>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>(anyhow::anyhow!("ah")) });
            g.spawn_group(inner());
            Ok(())
        })
        .await
    }
    async fn by_question_mark() -> Result<(), ExceptionGroup<anyhow::Error>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>(anyhow::anyhow!("ah")) });
            inner().await?;
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(by_spawn_group()).unwrap_err()), "[ah, [p1, p2]]");
    let leaf = "2 errors in task group: p1 (and 1 more)";
    assert_eq!(shape(&block_on(by_question_mark()).unwrap_err()), format!("[ah, {leaf}]"));
}

#[test]
fn groups_of_an_enum_nest_by_spawn_group() {
    // 1.4: enum, spawn_group | [p9, [p7, p8]].
    async fn inner() -> Result<(), ExceptionGroup<Plain>> {
        task_group(async |g| {
            g.spawn(async { plain(7) });
            g.spawn(async { plain(8) });
            Ok(())
        })
        .await
    }
    async fn program() -> Result<(), ExceptionGroup<Plain>> {
        task_group(async |g| {
            g.spawn(async { plain(9) });
            g.spawn_group(inner());
            Ok(())
        })
        .await
    }
    assert_eq!(shape(&block_on(program()).unwrap_err()), "[p9, [p7, p8]]");
}

#[test]
fn groups_of_an_enum_are_a_leaf_by_a_question_mark() {
    // 1.4: `?` needs `#[from] Group(ExceptionGroup<Self>)` (a leaf then; E0277 without it).
    async fn inner() -> Result<(), ExceptionGroup<AppError>> {
        task_group(async |g| {
            g.spawn(async { Ok("x".parse::<u32>()?) });
            Ok(())
        })
        .await
    }
    async fn program() -> Result<(), ExceptionGroup<AppError>> {
        task_group(async |_| {
            inner().await?;
            Ok(())
        })
        .await
    }
    let errors = block_on(program()).unwrap_err();
    assert!(matches!(errors.members()[0].what(), What::Error(AppError::Group(_))));
}

#[test]
fn an_exception_group_has_no_one_source() {
    // 1.4: return `None`; let Display name the first error: `2 errors in task group: connection refused (and 1 more)`.
    let errors = ExceptionGroup::new([Plain(1), Plain(2)]).unwrap();
    assert!(errors.source().is_none());
    assert_eq!(errors.to_string(), "2 errors in task group: p1 (and 1 more)");
}

#[test]
fn errors_are_send_sync_and_static() {
    // 1.4: no `Rc` in `ExceptionGroup`, `Reason`, `JoinError`, names, locations: a `Send + Sync + 'static` assertion.
    fn check<T: Send + Sync + 'static>() {}
    check::<ExceptionGroup<BoxError>>();
    check::<ExceptionGroup<AppError>>();
    check::<Member<BoxError>>();
    check::<What<BoxError>>();
    check::<Leaf<'static, BoxError>>();
    check::<JoinError>();
    check::<JoinErrorKind>();
    check::<Reason>();
    check::<TaskInfo>();
    check::<Elapsed>();
    check::<SpawnError<std::future::Ready<()>>>();
    check::<BoxError>();

    // What that is for: `?` into a box and into anyhow.
    fn boxed(error: ExceptionGroup<AppError>) -> Result<(), BoxError> {
        Err(error)?
    }
    fn anyhow(error: ExceptionGroup<BoxError>) -> anyhow::Result<()> {
        Err(error)?
    }
    let group = || ExceptionGroup::new([AppError::from(io::Error::other("disk"))]).unwrap();
    assert_eq!(boxed(group()).unwrap_err().to_string(), "1 error in task group: io: disk");
    let group = ExceptionGroup::new(["disk".into()]).unwrap();
    assert_eq!(anyhow(group).unwrap_err().to_string(), "1 error in task group: disk");
}

#[test]
fn what_belongs_to_a_loop_is_neither_send_nor_sync() {
    // 1.2: `g` to a thread E0277. The call is ambiguous, and does not compile, for a type that is `Send` or `Sync`.
    trait StaysHere<Proof> {
        fn check() {}
    }
    struct IsSend;
    struct IsSync;
    impl<T: ?Sized> StaysHere<()> for T {}
    impl<T: ?Sized + Send> StaysHere<IsSend> for T {}
    impl<T: ?Sized + Sync> StaysHere<IsSync> for T {}

    <TaskGroup<'static, 'static, BoxError> as StaysHere<_>>::check();
    <Task<()> as StaysHere<_>>::check();
    <Runtime<'static> as StaysHere<_>>::check();
    <taskgroup_runtime::JoinHandle<()> as StaysHere<_>>::check();
    <taskgroup::Sleep as StaysHere<_>>::check();
    <taskgroup::Interval as StaysHere<_>>::check();
    <taskgroup::CancelScope as StaysHere<_>>::check();
    <taskgroup::Spawner<BoxError> as StaysHere<_>>::check();
    <taskgroup::TaskStream<'static, 'static, (), BoxError> as StaysHere<_>>::check();
    <taskgroup::Async<io::PipeReader> as StaysHere<_>>::check();
    <taskgroup::net::TcpListener as StaysHere<_>>::check();
    <taskgroup::net::TcpStream as StaysHere<_>>::check();
    <taskgroup::net::UdpSocket as StaysHere<_>>::check();
    <taskgroup::net::UnixListener as StaysHere<_>>::check();
    <taskgroup::net::UnixStream as StaysHere<_>>::check();
}

// ---- 1.5: other forms.

#[test]
fn handles_are_a_stream_in_the_order_of_completion() {
    // 1.5: stream over handles `321` in order of completion.
    async fn program() -> Result<Vec<u64>, ExceptionGroup<JoinError>> {
        task_group(async |g| {
            let tasks = [3, 2, 1].map(|n| {
                g.spawn(async move {
                    sleep(Duration::from_secs(n)).await;
                    Ok(n)
                })
            });
            let mut stream: FuturesUnordered<_> = tasks.into_iter().collect();
            let mut order = Vec::new();
            while let Some(n) = stream.next().await {
                order.push(n?);
            }
            Ok(order)
        })
        .await
    }
    assert_eq!(Runtime::with_clock(Clock::Autojump).block_on(program()).unwrap(), [1, 2, 3]);
}
