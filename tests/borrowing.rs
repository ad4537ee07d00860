//! What tasks may borrow: the caller's locals, each other's environment, the group itself.

mod common;

use common::{Errors, Gate, Group, Word, after, failed, group, ms, run, start};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};

use taskgroup::{BoxError, ExceptionGroup, Task, TaskGroup, boxed, sleep, task_group, yield_now};

#[test]
fn children_share_a_local_of_the_caller() {
    // B1
    run(async {
        let text = String::from("shared");
        let lengths = group(async |g| {
            let tasks = [g.spawn(async { Ok(text.len()) }), g.spawn(async { Ok(text.len() * 2) })];
            let mut lengths = Vec::new();
            for task in tasks {
                lengths.push(task.await.expect("a value"));
            }
            Ok(lengths)
        });
        assert_eq!(lengths.await.expect("no error"), [6, 12]);
        assert_eq!(text, "shared");
    });
}

#[test]
fn a_child_borrows_a_local_mutably() {
    // B1
    run(async {
        let (mut first, mut second) = (vec![1], vec![2]);
        group(async |g| {
            g.spawn(async {
                sleep(ms(1)).await;
                first.push(10);
            });
            g.spawn(async {
                yield_now().await;
                second.push(20);
            });
            Ok(())
        })
        .await
        .expect("no error");
        first.append(&mut second);
        assert_eq!(first, [1, 10, 2, 20]);
    });
}

#[test]
fn children_take_disjoint_pieces_of_a_slice() {
    // B1
    run(async {
        let mut numbers: Vec<u32> = (0..10).collect();
        group(async |g| {
            for piece in numbers.chunks_mut(3) {
                g.spawn(async move {
                    yield_now().await;
                    piece.iter_mut().for_each(|n| *n *= 2);
                });
            }
            Ok(())
        })
        .await
        .expect("no error");
        assert!(numbers.into_iter().eq((0..20).step_by(2)));
    });
}

#[test]
fn the_body_borrows_beside_the_children() {
    // B1
    run(async {
        let total = Cell::new(0);
        group(async |g| {
            for n in 1..=3 {
                let total = &total;
                g.spawn(async move { total.set(total.get() + n) });
            }
            yield_now().await;
            assert_eq!(total.get(), 6);
            total.set(100);
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(total.get(), 100);
    });
}

#[test]
fn values_that_borrow_come_back_through_handles() {
    // B1
    run(async {
        let text = String::from("one two three");
        let longest = group(async |g| {
            let tasks: Vec<Task<&str>> = text.split(' ').map(|word| g.spawn(async move { Ok(word) })).collect();
            let mut words = Vec::new();
            for task in tasks {
                words.push(task.await.expect("a value"));
            }
            words.sort_by_key(|word| word.len());
            Ok(words.pop().expect("three words"))
        });
        assert_eq!(longest.await.expect("no error"), "three");
    });
}

#[test]
fn a_handle_with_a_borrowed_value_outlives_the_group() {
    // B1
    run(async {
        let text = String::from("kept");
        let task = group(async |g| Ok(g.spawn(async { Ok(text.as_str()) }))).await.expect("no error");
        assert_eq!(task.await, Ok("kept"));
    });
}

#[test]
fn a_child_that_does_not_move_uses_the_group() {
    // B4
    run(async {
        let count = Cell::new(0);
        group(async |g| {
            g.spawn(async {
                g.spawn(async {
                    g.spawn(async { count.set(count.get() + g.live()) });
                });
            });
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(count.get(), 1, "the others have ended by then");
    });
}

#[test]
fn children_borrow_what_lives_outside_an_outer_group() {
    // C11
    run(async {
        let mut log = Vec::new();
        let shared = RefCell::new(&mut log);
        group(async |outer| {
            outer.spawn_group(group(async |inner| {
                inner.spawn(async { shared.borrow_mut().push("inner") });
                Ok(())
            }));
            outer.spawn(async { shared.borrow_mut().push("outer") });
            Ok(())
        })
        .await
        .expect("no error");
        log.sort_unstable();
        assert_eq!(log, ["inner", "outer"]);
    });
}

#[test]
fn an_inner_group_borrows_locals_of_the_task_around_it() {
    // C11
    run(async {
        let sum = group(async |g| {
            let task = g.spawn(async {
                let local = vec![1, 2, 3];
                let sum = Cell::new(0);
                let inner = group(async |inner| {
                    for n in &local {
                        let sum = &sum;
                        inner.spawn(async move { sum.set(sum.get() + n) });
                    }
                    Ok(())
                });
                inner.await.map_err(|_| "inner")?;
                Ok(sum.get())
            });
            Ok(task.await.expect("a value"))
        });
        assert_eq!(sum.await.expect("no error"), 6);
    });
}

#[test]
fn a_task_calls_itself_through_a_box() {
    // C11
    fn sum(numbers: &[u64]) -> Pin<Box<dyn Future<Output = Result<u64, Errors>> + '_>> {
        Box::pin(async move {
            let [one] = numbers else {
                let (left, right) = numbers.split_at(numbers.len() / 2);
                return group(async |g| {
                    let (left, right) = (g.spawn_group(sum(left)), g.spawn_group(sum(right)));
                    Ok(left.await.expect("a value") + right.await.expect("a value"))
                })
                .await;
            };
            yield_now().await;
            Ok(*one)
        })
    }
    let numbers: Vec<u64> = (1..=100).collect();
    assert_eq!(run(sum(&numbers)).expect("no error"), 5_050);
}

#[test]
fn a_function_takes_the_group_and_spawns_into_it() {
    // B4
    fn fetch_all<'scope, 'env>(g: &'scope Group<'scope, 'env>, names: &'env [Word]) -> Vec<Task<usize>> {
        names.iter().map(|name| g.spawn(async move { Ok(name.len()) })).collect()
    }
    async fn longest<'scope>(g: &'scope Group<'scope, '_>, names: &'scope [Word]) -> usize {
        let tasks: Vec<_> = names.iter().map(|name| g.spawn(async { Ok(name.len()) })).collect();
        let mut longest = 0;
        for task in tasks {
            longest = longest.max(task.await.expect("a value"));
        }
        longest
    }
    run(async {
        let names = ["a", "bbb", "cc"];
        let value = group(async |g| {
            let mut sum = 0;
            for task in fetch_all(g, &names) {
                sum += task.await.expect("a value");
            }
            Ok((sum, longest(g, &names).await))
        });
        assert_eq!(value.await.expect("no error"), (6, 3));
    });
}

#[test]
fn a_struct_holds_the_group() {
    // B4
    struct Server<'scope, 'env> {
        tasks: &'scope Group<'scope, 'env>,
        served: &'env Cell<u32>,
    }
    impl<'scope> Server<'scope, '_> {
        fn serve(&self) {
            let served: &'scope Cell<u32> = self.served;
            self.tasks.spawn(async { served.set(served.get() + 1) });
        }
    }
    run(async {
        let served = Cell::new(0);
        group(async |tasks| {
            let server = Server { tasks, served: &served };
            (0..3).for_each(|_| server.serve());
            Ok(())
        })
        .await
        .expect("no error");
        assert_eq!(served.get(), 3);
    });
}

#[test]
fn children_that_borrow_fail_with_a_boxed_error() {
    // C11: the bound `E: 'static` stands on the type, or this would not compile
    run(async {
        let words = vec![String::from("7"), String::from("seven")];
        let result = task_group(async |g: &TaskGroup<'_, '_, Box<dyn std::error::Error>>| {
            for word in &words {
                g.spawn(async move {
                    let _: u32 = word.parse()?;
                    Ok(())
                });
            }
            Ok(())
        });
        assert_eq!(failed(result.await), "[invalid digit found in string]");
    });
}

#[test]
fn inline_children_under_a_boxed_error_need_one_annotation() {
    // DESIGN 3: the three remedies
    async fn child(word: &str) -> Result<u32, BoxError> {
        Ok(word.parse()?)
    }
    async fn all(words: &[&str]) -> Result<u32, BoxError> {
        let by_path = task_group::<BoxError, _, _>(async |g| {
            let task = g.spawn(async { Ok(words[0].parse::<u32>()?) });
            Ok(task.await?)
        });
        let by_child = task_group(async |g| Ok(g.spawn(child(words[1])).await?));
        let by_module = boxed::task_group(async |g| {
            let task = g.spawn(async { Ok(words[2].parse::<u32>()?) });
            Ok(task.await?)
        });
        Ok(by_path.await? + by_child.await? + by_module.await?)
    }
    assert_eq!(run(all(&["1", "2", "3"])).expect("numbers"), 6);
}

#[test]
fn a_child_owns_what_it_captured_and_lends_it_to_its_own_children() {
    // B1
    run(async {
        let (words, gate) = (vec![String::from("a"), String::from("b")], Gate::new());
        group(async |g| {
            let gate = &gate;
            g.spawn_group(async move {
                group(async |inner| {
                    for word in &words {
                        inner.spawn(async move {
                            gate.wait().await;
                            assert_eq!(word.len(), 1);
                        });
                    }
                    Ok(())
                })
                .await
            });
            sleep(ms(1)).await;
            gate.open();
            Ok(())
        })
        .await
        .expect("no error");
    });
}

#[test]
fn borrowed_locals_are_free_again_when_a_group_is_dropped() {
    // H3
    run(async {
        let mut numbers = vec![1];
        {
            let mut whole = pin!(group(async |g| {
                g.spawn(async {
                    numbers.push(2);
                    sleep(ms(100)).await;
                    numbers.push(3);
                });
                Ok(())
            }));
            start(whole.as_mut()).await;
        }
        numbers.push(4);
        assert_eq!(numbers, [1, 2, 4]);
    });
}

#[test]
fn futures_of_any_size_are_children() {
    // B1
    run(async {
        let value = group(async |g| {
            let big = g.spawn(async {
                let buffer = [1_u8; 16 * 1024];
                yield_now().await;
                Ok(buffer.iter().map(|byte| u32::from(*byte)).sum::<u32>())
            });
            let boxed: Pin<Box<dyn Future<Output = Result<u32, Word>>>> = Box::pin(after(1, 1));
            let boxed = g.spawn(boxed);
            let ready = g.spawn(std::future::ready(Ok(1)));
            Ok(big.await.expect("a value") + boxed.await.expect("a value") + ready.await.expect("a value"))
        });
        assert_eq!(value.await.expect("no error"), 16 * 1024 + 2);
    });
}

#[test]
fn errors_own_what_they_say() {
    // C11
    async fn check(words: &[String]) -> Result<(), ExceptionGroup<String>> {
        task_group(async |g| {
            for word in words {
                g.spawn(async move { Err::<(), _>(format!("{word} is wrong")) });
            }
            Ok(())
        })
        .await
    }
    let result = {
        let words = [String::from("one"), String::from("two")];
        run(check(&words))
    };
    assert_eq!(failed(result), "[one is wrong two is wrong]");
}
