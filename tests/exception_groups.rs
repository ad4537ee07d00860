//! `ExceptionGroup` against PEP 654: the rows of part J of the catalogue, by behaviour. Then what is ours alone:
//! echoes, boxes, deep trees. (`errors.rs` has texts and types, `failure.rs` the order in which groups collect.)

mod common;

use common::{Errors, Word, fail, fail_after, group, keep_reports, ms, only, reports, run, shape};
use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Write};
use std::future::pending;
use std::io;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use taskgroup::{
    BoxError, ExceptionGroup, JoinError, JoinErrorKind, Member, Task, TaskInfo, What, boxed, sleep, task_group,
    with_cleanup,
};

/// A tree of words from its shape: `[A [B C] D]`.
fn tree(shape: &'static str) -> Errors {
    let mut levels: Vec<Vec<Member<Word>>> = vec![Vec::new()];
    let mut rest = shape;
    while let Some(token) = rest.split_inclusive([' ', '[', ']']).next() {
        let word = token.trim_end_matches([' ', '[', ']']);
        let level = levels.last_mut().expect("balanced");
        if !word.is_empty() {
            level.push(Member::from(word));
        }
        if token.ends_with('[') {
            levels.push(Vec::new());
        } else if token.ends_with(']') {
            let members = levels.pop().expect("balanced");
            let group = ExceptionGroup::from_members(members).expect("not empty");
            levels.last_mut().expect("balanced").push(Member::from(group));
        }
        rest = &rest[token.len()..];
    }
    match levels.pop().and_then(|mut top| top.pop()).map(Member::into_what) {
        Some(What::Group(group)) => group,
        _ => panic!("`{shape}` is no tree"),
    }
}

/// The shapes of the parts of a split; `-` for none.
fn parts<E: fmt::Display>(parts: (Option<ExceptionGroup<E>>, Option<ExceptionGroup<E>>)) -> [String; 2] {
    [parts.0, parts.1].map(|part| part.map_or("-".to_owned(), |part| shape(&part)))
}

/// A handler that is not called.
fn never<E>(_: ExceptionGroup<E>) {
    unreachable!("nothing is left that matches");
}

fn words<E: fmt::Display>(errors: &ExceptionGroup<E>) -> Vec<String> {
    errors.leaves().map(|leaf| leaf.error().to_string()).collect()
}

#[test]
fn a_group_has_a_message_and_at_least_one_error() {
    // J1; CPython: EG BadConstructorArgs.test_bad_EG_construction__bad_excs_sequence
    let errors = ExceptionGroup::new(["A", "B"]).expect("two").with_message("no server left");
    assert_eq!(errors.message(), "no server left");
    assert!(ExceptionGroup::<Word>::new([]).is_none());
    assert!(ExceptionGroup::<Word>::from_members([]).is_none());
    assert!(errors.derive([]).is_none());
}

#[test]
fn members_are_the_errors_in_order() {
    // J2; CPython: EG ExceptionGroupFields.test_basics_ExceptionGroup_fields
    let errors = tree("[A [B C] D]");
    let members: Vec<_> = errors.members().iter().map(|member| format!("{:?}", member.what())).collect();
    assert_eq!(members, ["\"A\"", "2 errors in task group\n|- \"B\"\n`- \"C\"", "\"D\""]);
    assert!(errors.members().iter().all(|member| member.task().is_none() && member.cancelled().is_none()));
}

#[test]
fn a_group_in_a_box_is_a_member_and_no_leaf() {
    // J2; CPython: EG NestedExceptionGroupBasicsTest.test_nested_group_matches_template
    let inner = ExceptionGroup::<BoxError>::new(["A".into(), "B".into()]).expect("two");
    let errors = ExceptionGroup::<BoxError>::new([inner.into(), "C".into()]).expect("two");
    assert_eq!(shape(&errors), "[[A B] C]");
    let derived =
        errors.derive([Member::from(BoxError::from(errors.derive([Member::from(BoxError::from("D"))]).expect("one")))]);
    assert_eq!(shape(&derived.expect("one")), "[[D]]");
}

#[test]
fn one_line_has_the_message_the_number_and_the_first_error() {
    // J4; CPython: EG StrAndReprTests.test_ExceptionGroup
    let one = ExceptionGroup::new(["A"]).expect("one");
    assert_eq!(one.to_string(), "1 error in task group: A");
    assert_eq!(one.with_message("backup").to_string(), "backup (1 error): A");
    // Leaves are counted, where Python counts direct members.
    assert_eq!(tree("[[A B] C]").with_message("backup").to_string(), "backup (3 errors): A (and 2 more)");
}

#[test]
fn a_split_gives_the_match_and_the_rest_in_the_same_shape() {
    // J5; CPython: EG NestedExceptionGroupSplitTest.test_split_by_type, test_basics_split_by_type__match
    let split = |match_: &[Word]| parts(tree("[A [B [A C]] D [A]]").split(|word| match_.contains(word)));
    assert_eq!(split(&["A"]), ["[A [[A]] [A]]", "[[B [C]] D]"]);
    assert_eq!(split(&["C"]), ["[[[C]]]", "[A [B [A]] D [A]]"]);
    assert_eq!(split(&["B", "D"]), ["[[B] D]", "[A [[A C]] [A]]"]);
}

#[test]
fn branches_that_become_empty_vanish() {
    // J5; CPython: EG NestedExceptionGroupSplitTest.test_split_by_type; O:catch_splits_nested_groups
    assert_eq!(parts(tree("[[[A]] [[B]]]").split(|word| *word == "A")), ["[[[A]]]", "[[[B]]]"]);
}

#[test]
fn a_predicate_is_asked_once_about_each_leaf_in_order() {
    // J5; CPython: EG ExceptionGroupSplitTests.test_basics_split_by_predicate__match
    let mut asked = Vec::new();
    let (match_, rest) = tree("[A [B C] D]").split(|word| {
        asked.push(*word);
        asked.len() % 2 == 1
    });
    assert_eq!(asked, ["A", "B", "C", "D"]);
    assert_eq!(parts((match_, rest)), ["[A [C]]", "[[B] D]"]);
}

#[test]
fn a_split_may_ask_for_the_task() {
    // J5
    let errors = run(group(async |g| {
        drop(g.spawn(fail("A")).named("db"));
        drop(g.spawn_group(group(async |_| Err::<(), _>("A"))).named("web"));
        Ok(())
    }))
    .expect_err("they fail");
    let (db, rest) = errors.split_leaves(|leaf| leaf.task().is_some_and(|task| task.name() == "db"));
    assert_eq!(parts((db, rest)), ["[A]", "[[A]]"]);
}

#[test]
fn a_match_of_everything_is_the_whole_group() {
    // J6; CPython: EG ExceptionGroupSplitTests.test_basics_split_by_predicate__passthrough,
    // test_basics_subgroup_by_type__passthrough, test_basics_subgroup_by_predicate__passthrough,
    // test_basics_split_by_type__passthrough
    assert_eq!(parts(tree("[A [B]]").split(|_| true)), ["[A [B]]", "-"]);
}

#[test]
fn a_match_of_nothing_leaves_the_whole_group() {
    // J5, J7; CPython: EG ExceptionGroupSplitTests.test_basics_split_by_predicate__no_match,
    // test_basics_subgroup_by_type__no_match, test_basics_subgroup_by_predicate__no_match,
    // test_basics_split_by_type__no_match
    assert_eq!(parts(tree("[A [B]]").split(|_| false)), ["-", "[A [B]]"]);
}

#[test]
fn a_subgroup_is_the_match() {
    // J7; CPython: EG ExceptionGroupSubgroupTests.test_basics_subgroup_by_predicate__match,
    // test_basics_subgroup_by_type__match
    let subgroup = |word: Word| tree("[A [B A]]").subgroup(|error| *error == word).map(|part| shape(&part));
    assert_eq!(subgroup("A").as_deref(), Some("[A [A]]"));
    assert_eq!(subgroup("B").as_deref(), Some("[[B]]"));
    assert_eq!(subgroup("C"), None);
    let all = tree("[A [B A]]").subgroup(|_| true);
    assert_eq!(all.map(|all| shape(&all)).as_deref(), Some("[A [B A]]"));
}

#[test]
fn both_parts_keep_message_tasks_places_and_reasons() {
    // J8; CPython: EG NestedExceptionGroupSplitTest.test_split_copies_notes
    let errors = run(group(async |g| {
        let inner = g.spawn_group(async {
            let inner = group(async |g| {
                drop(g.spawn(fail("A")).named("a"));
                drop(g.spawn(fail("B")).named("b"));
                Ok(())
            });
            inner.await.map_err(|errors| errors.with_message("inner"))
        });
        drop(inner.named("n"));
        let task = g.spawn(async {
            g.cancel("enough");
            Err::<(), _>("A")
        });
        drop(task.named("c"));
        pending::<()>().await;
        Ok(())
    }))
    .expect_err("they fail")
    .with_message("outer");
    // Each line of the whole is in the part to which its error went, but for the numbers.
    let lines = |errors: &Errors| -> Vec<String> {
        let drawn = format!("{errors:#}");
        let lines =
            drawn.lines().map(|line| line.trim_start_matches(['|', '`', '-', ' ']).replace("3 errors", "2 errors"));
        lines.map(|line| line.replace("2 errors", "1 error")).collect()
    };
    let [outer, c, n, a, b] = &lines(&errors)[..] else { panic!("{errors:#}") };
    assert!(outer == "outer (1 error)" && c.contains("while cancelled (enough)") && n.ends_with("inner (1 error)"));
    assert!(c.starts_with("task c (") && n.starts_with("task n (") && a.starts_with("task n/a ("));
    let (outer, c, n, a, b) = (outer.clone(), c.clone(), n.clone(), a.clone(), b.clone());
    let (part, rest) = errors.split(|word| *word == "A");
    assert_eq!(lines(&part.expect("two")), [outer.clone(), c, n.clone(), a]);
    assert_eq!(lines(&rest.expect("one")), [outer, n, b]);
}

#[test]
fn a_derived_group_keeps_the_message() {
    // J9; CPython: EG NestedExceptionGroupSubclassSplitTest.test_split_ExceptionGroup_subclass_derive_and_new_overrides
    let errors = tree("[A]").with_message("backup");
    let derived = errors.derive([Member::from("B"), Member::from(tree("[C D]"))]).expect("three");
    assert_eq!((derived.message(), shape(&derived).as_str()), ("backup", "[B [C D]]"));
    assert_eq!(tree("[A]").derive([Member::from("B")]).expect("one").message(), "task group");
}

#[test]
fn leaves_come_depth_first_in_order_by_reference_and_by_value() {
    // J10; CPython: EG LeafGeneratorTest.test_leaf_generator
    let errors = tree("[A [B [C] D] [E] F]");
    assert_eq!(words(&errors).concat(), "ABCDEF");
    assert_eq!(errors.into_errors().collect::<String>(), "ABCDEF");
}

#[test]
fn each_clause_takes_its_part_of_what_is_left() {
    // J12; PEP 654, O:catch_takes_its_part_of_a_group
    let mut parts = Vec::new();
    let result = tree("[A [B C] A [D]]")
        .with_message("backup")
        .handle(|word| *word == "A", |part| parts.push(shape(&part)))
        .handle(|word| ["A", "B"].contains(word), |part| parts.push(shape(&part)))
        .handle(|word| *word == "X", never)
        .rest();
    let rest = result.expect_err("C and D are left");
    assert_eq!((shape(&rest).as_str(), rest.message()), ("[[C] [D]]", "backup"));
    assert_eq!(parts.len(), 2);
    assert_eq!(parts, ["[A A]", "[[B]]"]);
}

#[test]
fn when_every_error_is_handled_nothing_goes_on() {
    // J12; PEP 654
    let mut parts = Vec::new();
    let result = tree("[A [B]]")
        .handle(|word| *word == "B", |part| parts.push(shape(&part)))
        .handle(|_| true, |part| parts.push(shape(&part)))
        .handle(|_| unreachable!("nothing is left to ask about"), never)
        .rest();
    assert!(result.is_ok());
    assert_eq!(parts, ["[[B]]", "[A]"]);
}

#[test]
fn a_lone_error_is_handled_and_goes_on_as_a_group_of_one() {
    // J13, D17; PEP 654 (there a naked error is wrapped for the handler)
    let lone = || run(group(async |_| Err::<(), _>("A"))).expect_err("it fails");
    let rest = lone().handle(|word| *word == "B", never).rest();
    assert_eq!(rest.map_err(|rest| shape(&rest)), Err("[A]".to_owned()));
    let mut part = None;
    assert!(lone().handle(|word| *word == "A", |found| part = Some(shape(&found))).rest().is_ok());
    assert_eq!(part.as_deref(), Some("[A]"));
}

#[test]
fn errors_of_handlers_are_grouped_with_the_rest() {
    // J14; PEP 654
    let result =
        tree("[A [B C]]").handle(|word| *word == "A", |_| Err("X")).handle(|word| *word == "B", |_| Err("Y")).rest();
    assert_eq!(shape(&result.expect_err("X, Y and C")), "[X Y [[C]]]");
    let result = tree("[A]").with_message("backup").handle(|_| true, |_| Err("X")).rest();
    assert_eq!(result.expect_err("X").to_string(), "backup (1 error): X");
    let result = tree("[A]").handle(|_| true, |_| Ok(())).rest();
    assert!(result.is_ok());
}

#[test]
fn a_later_clause_does_not_see_an_error_of_a_handler() {
    // J14; PEP 654
    let result = tree("[A B]")
        .handle(|word| *word == "A", |_| Err("B"))
        .handle(|word| *word == "B", |part| assert_eq!(shape(&part), "[B]"))
        .rest();
    assert_eq!(shape(&result.expect_err("the new B")), "[B]");
}

#[test]
fn a_handler_may_raise_its_part_again() {
    // J14; PEP 654
    let errors = ExceptionGroup::<BoxError>::new(["A".into(), "B".into()]).expect("two");
    let result = errors.handle(|error| error.to_string() == "A", |part| Err(part.into())).rest();
    assert_eq!(shape(&result.expect_err("both")), "[[A] [B]]");
}

#[test]
fn a_cancelled_task_is_not_in_the_tree() {
    // J16, D8, tg6, M9
    let errors = run(group(async |g| {
        g.spawn(fail_after(1, "A"));
        g.spawn(async {
            pending::<()>().await;
            Ok(())
        });
        g.spawn(async { Ok(()) }).cancel("not needed");
        Ok(())
    }));
    assert_eq!(shape(&errors.expect_err("it fails")), "[A]");
}

// agronholm/anyio (its version history): the text of a tree was quadratic.
#[test]
fn a_level_prints_at_most_fifteen_members() {
    // J17; CPython: traceback, max_group_width
    let errors = ExceptionGroup::new(0..15).expect("many");
    assert!(!format!("{errors:#}").contains("more"));
    let errors = ExceptionGroup::new(0..1_000).expect("many");
    let drawn = format!("{errors:#}");
    let lines: Vec<_> = drawn.lines().collect();
    assert_eq!((lines.len(), lines[0]), (17, "1000 errors in task group"));
    assert_eq!(lines[14..], ["|- 13", "|- 14", "`- ... and 985 more"]);
    assert_eq!(format!("{errors:?}"), drawn);
}

#[test]
fn what_a_level_leaves_out_is_counted_in_errors() {
    // J17
    let errors = tree("[[A B] [C D] [E]]");
    let drawn = "5 errors in task group\n\
                 |- 2 errors in task group\n\
                 |  |- A\n\
                 |  `- ... and 1 more\n\
                 `- ... and 3 more";
    assert_eq!(errors.report().max_members(1).to_string(), drawn);
    assert_eq!(errors.report().max_members(0).to_string(), "5 errors in task group\n`- ... and 5 more");
}

#[test]
fn at_most_ten_levels_are_printed() {
    // J17; CPython: traceback, max_group_depth
    let nested =
        |levels| (1..levels).fold(tree("[A]"), |inner, _| ExceptionGroup::from_members([inner.into()]).expect("one"));
    let ten = format!("{:#}", nested(10));
    assert_eq!(ten.lines().last().map(str::trim_start), Some("`- A"));
    assert_eq!(ten.lines().count(), 11);
    let eleven = format!("{:#}", nested(11));
    let lines: Vec<_> = eleven.lines().map(str::trim_start).collect();
    assert_eq!(lines[10..], ["`- 1 error in task group", "`- ... (more than 10 levels deep)"]);
    assert_eq!(nested(11).report().max_depth(11).to_string().lines().last().map(str::trim_start), Some("`- A"));
}

#[test]
fn a_group_below_the_last_level_is_one_line_and_a_marker() {
    // J17
    let errors = tree("[[A B] C]");
    let drawn = "3 errors in task group\n\
                 |- 2 errors in task group\n\
                 |  `- ... (more than 1 levels deep)\n\
                 `- C";
    assert_eq!(errors.report().max_depth(1).to_string(), drawn.replace("1 levels", "1 level"));
}

#[test]
fn a_message_stands_in_the_tree_before_the_number() {
    // J17
    let inner = tree("[B]").with_message("looking up\nnames");
    let errors = ExceptionGroup::from_members([Member::from(inner), Member::from("A")]).expect("two");
    let drawn = "backup (2 errors)\n\
                 |- looking up\n\
                 |  names (1 error)\n\
                 |  `- B\n\
                 `- A";
    assert_eq!(format!("{:#}", errors.with_message("backup")), drawn);
}

#[test]
fn an_error_of_a_cancelled_task_says_so() {
    // J17
    let mut at = 0;
    let errors = run(group(async |g| {
        at = line!() + 1;
        let task = g.spawn(async {
            g.cancel("enough");
            Err::<(), _>("A\nB")
        });
        drop(task.named("a"));
        Ok(())
    }))
    .expect_err("it fails");
    let drawn = format!("1 error in task group\n`- task a ({}:{at}), while cancelled (enough): A\n   B", file!());
    assert_eq!(format!("{errors:#}"), drawn);
    assert_eq!(errors.members()[0].cancelled().map(ToString::to_string).as_deref(), Some("enough"));
    assert_eq!(
        errors.leaves().next().and_then(|leaf| leaf.cancelled()).map(ToString::to_string).as_deref(),
        Some("enough")
    );
}

#[test]
fn an_error_of_a_cleanup_says_why_it_ran() {
    // J17
    let mut at = 0;
    let errors = run(group(async |g| {
        drop(g.spawn(fail_after(1, "A")).named("a"));
        at = line!() + 1;
        let b = g.spawn(with_cleanup(pending::<Result<(), Word>>(), async |_| {
            sleep(ms(1)).await;
            Err("B")
        }));
        drop(b.named("b"));
        Ok(())
    }))
    .expect_err("both fail");
    let line = format!("task b ({}:{at}), after 2ms, while cancelled (a failed): B", file!());
    assert_eq!(format!("{errors:#}").lines().last(), Some(format!("`- {line}").as_str()));
}

#[test]
fn what_was_left_out_is_counted_and_told_of() {
    // J17
    keep_reports();
    let errors = run(group(async |g| {
        g.collect_at_most(2);
        for _ in 0..1_000 {
            g.spawn(fail("A"));
        }
        Ok(())
    }))
    .expect_err("all fail");
    assert_eq!((errors.members().len(), errors.omitted(), errors.count()), (2, 998, 1_000));
    assert_eq!(errors.to_string(), "1000 errors in task group: A (and 999 more)");
    assert_eq!(format!("{errors:#}").lines().last(), Some("`- ... and 998 more, told to the reporter"));
    assert_eq!(reports().len(), 998);
}

#[test]
fn nobody_cancelled_a_task_that_failed_first() {
    // J17
    let errors = run(group(async |g| only(g.spawn(fail("A"))))).expect_err("it fails");
    assert!(errors.members()[0].cancelled().is_none());
    assert!(!format!("{errors:#}").contains("while cancelled"));
}

#[test]
fn the_error_of_an_inner_body_was_cancelled_with_its_task() {
    // J17
    let errors = run(group(async |g| {
        g.spawn_group(async {
            g.cancel("enough");
            group(async |_| Err::<(), _>("A")).await
        });
        Ok(())
    }))
    .expect_err("it fails");
    let leaf = errors.leaves().next().expect("one");
    assert_eq!(leaf.cancelled().map(ToString::to_string).as_deref(), Some("enough"));
    let (part, _) = errors.split(|_| true);
    assert!(part.expect("all").members()[0].cancelled().is_some());
}

#[test]
fn a_task_group_has_a_message_of_its_own() {
    // J18
    let errors = run(group(async |_| Err::<(), _>("A"))).expect_err("it fails");
    assert_eq!(errors.message(), "task group");
}

#[test]
fn map_keeps_shape_order_message_and_tasks() {
    // J8
    let errors = run(group(async |g| {
        drop(g.spawn_group(group(async |g| only(g.spawn(fail("a")).named("x")))).named("n"));
        drop(g.spawn(fail("b")).named("y"));
        Ok(())
    }))
    .expect_err("they fail")
    .with_message("backup");
    let before = format!("{errors:#}");
    let mut n = 0;
    let numbered = errors.map(|word| {
        n += 1;
        format!("{word}{n}")
    });
    let after = format!("{numbered:#}");
    assert_eq!(words(&numbered).len(), 2);
    assert_eq!(before.replace(": a", ": a2").replace(": b", ": b1"), after);
}

#[test]
fn a_typed_clause_gets_its_errors_unboxed() {
    // J12; patterns P10
    let errors = run(boxed::task_group(async |g| {
        g.spawn(async { Err::<(), _>(io::Error::other("disk full").into()) });
        g.spawn(async { Ok("seven".parse::<u8>().map(drop)?) });
        g.spawn(async { Err::<(), _>("a text".into()) });
        g.spawn_group(boxed::task_group(async |_| Err::<(), _>(io::Error::other("no disk").into())));
        Ok(())
    }))
    .expect_err("they fail");
    let mut parts = Vec::new();
    let result = errors
        .catch(|part: ExceptionGroup<io::Error>| parts.push(shape(&part)))
        .catch::<fmt::Error, ()>(never)
        .catch(|part: ExceptionGroup<ParseIntError>| -> Result<(), BoxError> {
            parts.push(shape(&part));
            Err("not even a number".into())
        })
        .rest();
    assert_eq!(shape(&result.expect_err("a text")), "[not even a number [a text]]");
    assert_eq!(parts, ["[disk full [no disk]]", "[invalid digit found in string]"]);
}

#[test]
fn boxes_without_send_are_caught_too() {
    // J12
    let boxes: [Box<dyn Error>; 2] = [io::Error::other("A").into(), "B".into()];
    let mut part = None;
    let result = ExceptionGroup::new(boxes)
        .expect("two")
        .catch(|found: ExceptionGroup<io::Error>| part = Some(shape(&found)))
        .rest();
    assert_eq!((shape(&result.expect_err("B")).as_str(), part.as_deref()), ("[B]", Some("[A]")));
}

#[test]
fn one_error_collapses_to_itself_and_more_to_the_tree() {
    // C2
    let one = ExceptionGroup::<BoxError>::new([io::Error::other("disk full").into()]).expect("one");
    assert!(one.collapse().is::<io::Error>());
    let text = tree("[A [B]]").collapse();
    assert!(text.is::<Errors>());
    assert_eq!(tree("[[A]]").collapse().to_string(), "A");
}

#[test]
fn boxed_groups_nest_through_a_question_mark() {
    // C11
    let result = run(boxed::task_group(async |g| {
        g.spawn(async { Ok(group(async |_| Err::<(), _>("A")).await.map_err(ExceptionGroup::boxed)?) });
        g.spawn(async { Ok(group(async |_| Err::<(), _>("B")).await?) });
        Ok(())
    }));
    assert_eq!(shape(&result.expect_err("they fail")), "[[A] 1 error in task group: B]");
}

/// Two tasks, of which `b` fails since `a` did, and what their group gets.
fn echoing() -> ExceptionGroup<BoxError> {
    run(boxed::task_group(async |g| {
        g.collect_all(); // or the failure of `a` cancels `b`, before that hears of it
        let a = g.spawn(async { Err::<(), _>(io::Error::other("A").into()) }).named("a");
        drop(g.spawn(async { Ok(a.await?) }).named("b"));
        Ok(())
    }))
    .expect_err("both fail")
}

#[test]
fn an_echo_is_a_member_and_not_one_more_error() {
    // DESIGN 6
    let errors = echoing();
    assert_eq!(errors.members().len(), 2);
    assert_eq!((errors.count(), words(&errors)), (1, vec!["A".to_owned()]));
    assert_eq!(errors.to_string(), "1 error in task group: A");
    let drawn = format!("{errors:#}");
    assert!(drawn.starts_with("1 error in task group\n|- task a ("), "{drawn}");
    assert!(drawn.ends_with("): joined a, which failed"), "{drawn}");
    assert_eq!(errors.single().expect("one").to_string(), "A");
    assert!(echoing().into_errors().map(|error| error.to_string()).eq(["A"]));
}

#[test]
fn a_failed_join_whose_error_is_elsewhere_is_an_error() {
    // DESIGN 6: nothing else in the tree says it
    let result = run(boxed::task_group(async |_| {
        let mut task = None;
        let first = boxed::task_group(async |g| {
            task = Some(g.spawn(async { Err::<(), _>("A".into()) }).named("a"));
            Ok(())
        });
        drop(first.await);
        Ok(task.expect("it was spawned").await?)
    }));
    let errors = result.expect_err("the join fails");
    assert_eq!(errors.count(), 1);
    assert!(words(&errors)[0].starts_with("task a ("), "{errors}");
    assert!(errors.leaves().next().is_some_and(|leaf| leaf.error().is::<JoinError>()));
}

#[test]
fn a_cancelled_join_is_an_error_of_its_own() {
    // E18; DESIGN 6: only failures are repeated
    let errors = run(task_group(async |g| {
        let gone = g.spawn(async { Ok(()) });
        gone.cancel("not needed");
        g.spawn(gone);
        Ok(())
    }))
    .expect_err("the join fails");
    assert_eq!(errors.count(), 1);
    assert!(errors.leaves().all(|leaf| matches!(leaf.error().kind(), JoinErrorKind::Cancelled(_))));
}

#[test]
fn an_echo_in_an_inner_group_repeats_an_error_of_the_outer() {
    // DESIGN 6
    let errors = run(boxed::task_group(async |g| {
        g.collect_all();
        let a = g.spawn(async { Err::<(), _>("A".into()) }).named("a");
        drop(g.spawn_group(boxed::task_group(async |_| Ok(a.await?))).named("n"));
        Ok(())
    }))
    .expect_err("both fail");
    assert_eq!(words(&errors), ["A"]);
    let drawn = format!("{errors:#}");
    assert!(drawn.contains(": no errors of its own in task group\n   `- body: joined a, which failed"), "{drawn}");
    // Alone, it is all there is.
    let Some(What::Group(inner)) = errors.into_members().pop().map(Member::into_what) else { panic!("a group") };
    assert_eq!(inner.count(), 1);
    assert!(words(&inner)[0].starts_with("task a ("), "{inner}");
}

#[test]
fn an_echo_goes_where_the_error_goes_that_it_repeats() {
    // DESIGN 6, J5
    let (part, rest) = echoing().split(|error| error.is::<io::Error>());
    assert_eq!((part.map(|part| part.members().len()), rest.is_none()), (Some(2), true));
    let (part, rest) = echoing().split(|error| error.is::<JoinError>());
    assert!(part.is_none());
    assert_eq!(rest.map(|rest| rest.members().len()), Some(2));
    // Caught by type it is gone: it has no place among errors of another type.
    let mut members = None;
    let result = echoing().catch(|part: ExceptionGroup<io::Error>| members = Some(part.members().len())).rest();
    assert!(result.is_ok());
    assert_eq!(members, Some(1));
}

#[test]
fn an_echo_of_an_echo_follows_too_in_any_order() {
    // DESIGN 6, J5
    let errors = || {
        run(task_group(async |g| {
            g.collect_all();
            let a = g.spawn(async { Err::<(), BoxError>("A".into()) });
            let b = g.spawn(async { Ok(a.await?) });
            g.spawn(async { Ok(b.await?) });
            g.spawn(async { Err::<(), BoxError>("B".into()) });
            Ok(())
        }))
        .expect_err("all fail")
    };
    assert_eq!(words(&errors()), ["A", "B"]);
    let mut members = errors().into_members();
    members.reverse();
    let errors = ExceptionGroup::from_members(members).expect("four");
    assert_eq!(words(&errors), ["B", "A"]);
    let (part, rest) = errors.split(|error| error.to_string() == "A");
    assert_eq!((part.map_or(0, |part| part.members().len()), rest.map_or(0, |rest| rest.members().len())), (3, 1));
}

#[test]
fn join_errors_themselves_can_be_echoes() {
    // DESIGN 6: `E` is `JoinError`
    let errors = run(task_group(async |g| {
        g.collect_all();
        let gone: Task<()> = g.spawn(async { Ok(()) });
        gone.cancel("not needed");
        let a = g.spawn(gone); // fails: a cancelled join
        g.spawn(a); // fails: a failed join
        Ok(())
    }))
    .expect_err("both fail");
    assert_eq!((errors.members().len(), errors.count()), (2, 1));
}

#[test]
fn echoes_left_out_of_a_level_need_no_marker() {
    // J17, DESIGN 6
    let drawn = echoing().report().max_members(1).to_string();
    assert!(drawn.ends_with(": A") && drawn.contains("\n`- task a ("), "{drawn}");
}

/// A tree without the type: a leaf, or a message and members.
enum Model {
    Leaf(u32),
    Group(String, Vec<Model>),
}

impl Model {
    fn random(random: &mut fastrand::Rng, depth: u32, leaves: &mut u32) -> Self {
        let members = (0..random.u32(1..5)).map(|_| {
            if depth > 0 && random.u32(0..3) == 0 {
                return Self::random(random, depth - 1, leaves);
            }
            *leaves += 1;
            Self::Leaf(*leaves)
        });
        let members = members.collect();
        Self::Group(format!("m{leaves}"), members)
    }

    fn member(&self) -> Member<u32> {
        match self {
            Self::Leaf(error) => Member::from(*error),
            Self::Group(..) => Member::from(self.group()),
        }
    }

    fn group(&self) -> ExceptionGroup<u32> {
        let Self::Group(message, members) = self else { panic!("a leaf") };
        let group = ExceptionGroup::from_members(members.iter().map(Self::member)).expect("not empty");
        group.with_message(message.clone())
    }

    /// What is left of the tree if only some leaves are kept.
    fn kept(&self, keep: &impl Fn(u32) -> bool) -> Option<String> {
        match self {
            Self::Leaf(error) => keep(*error).then(|| error.to_string()),
            Self::Group(message, members) => {
                let members: Vec<_> = members.iter().filter_map(|member| member.kept(keep)).collect();
                (!members.is_empty()).then(|| format!("{message}[{}]", members.join(" ")))
            }
        }
    }
}

fn outline(errors: &ExceptionGroup<u32>) -> String {
    let members = errors.members().iter().map(|member| match member.what() {
        What::Error(error) => error.to_string(),
        What::Group(group) => outline(group),
    });
    format!("{}[{}]", errors.message(), members.collect::<Vec<_>>().join(" "))
}

#[test]
fn random_trees_split_like_their_model() {
    // J5, J7, J8
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut leaves = 0;
        let model = Model::random(&mut random, 4, &mut leaves);
        let matching: Vec<bool> = (0..=leaves).map(|_| random.bool()).collect();
        let matches = |error: u32| matching[error as usize];
        let (part, rest) = model.group().split(|error| matches(*error));
        let numbers = |errors: &Option<ExceptionGroup<u32>>| -> Vec<u32> {
            errors.iter().flat_map(|errors| errors.leaves().map(|leaf| *leaf.error())).collect()
        };
        let (in_part, in_rest): (Vec<u32>, Vec<u32>) = (1..=leaves).partition(|error| matches(*error));
        assert_eq!((numbers(&part), numbers(&rest)), (in_part, in_rest), "seed {seed}");
        let count = |errors: &Option<ExceptionGroup<u32>>| errors.as_ref().map_or(0, ExceptionGroup::count);
        assert_eq!(count(&part) + count(&rest), leaves as usize, "seed {seed}");
        assert_eq!(part.as_ref().map(outline), model.kept(&matches), "seed {seed}");
        assert_eq!(rest.as_ref().map(outline), model.kept(&|error| !matches(error)), "seed {seed}");
        let doubled = outline(&model.group().map(|error| error * 2).map(|error| error / 2));
        assert_eq!(Some(doubled), model.kept(&|_| true), "seed {seed}");
        assert!(model.group().into_errors().eq(1..=leaves), "seed {seed}");
    }
}

/// Levels of a deep tree.
const DEEP: usize = 100_000;

/// `[A [A [A ..]]]`: at each level an error and the next level, unless the chain is bare.
fn deep<E: Clone + 'static>(error: E, bare: bool) -> ExceptionGroup<E> {
    let mut group = ExceptionGroup::new([error.clone()]).expect("one");
    for _ in 1..DEEP {
        let beside = (!bare).then(|| Member::from(error.clone()));
        group = ExceptionGroup::from_members(beside.into_iter().chain([Member::from(group)])).expect("not empty");
    }
    group
}

/// Runs a test on a stack of 2 MiB, whatever the harness gives.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_deep_tree_is_split() {
    // J11; CPython: EG DeepRecursionInSplitAndSubgroup.test_deep_split, test_deep_subgroup
    on_a_small_stack(|| {
        let mut n = 0;
        let (part, rest) = deep("A", false).split(|_| {
            n += 1;
            n % 2 == 0
        });
        assert_eq!((part.map_or(0, |part| part.count()), rest.map_or(0, |rest| rest.count())), (DEEP / 2, DEEP / 2));
        assert_eq!(deep("A", false).subgroup(|_| true).map_or(0, |part| part.count()), DEEP);
        assert!(deep("A", true).subgroup(|_| false).is_none());
    });
}

#[test]
fn a_deep_tree_is_mapped_and_boxed() {
    // J11
    on_a_small_stack(|| {
        let boxed = deep("A", false).map(str::to_owned).boxed();
        assert_eq!(boxed.into_errors().filter(|error| error.to_string() == "A").count(), DEEP);
    });
}

#[test]
fn a_deep_tree_is_handled() {
    // J11, J12
    on_a_small_stack(|| {
        let mut n = 0;
        let result = deep("A", false)
            .handle(
                |_| {
                    n += 1;
                    n <= 7
                },
                |part| assert_eq!(part.count(), 7),
            )
            .rest();
        assert_eq!(result.map_err(|rest| rest.count()), Err(DEEP - 7));
        let boxed = deep((), false).map(|()| BoxError::from(fmt::Error));
        let result = boxed.catch(|part: ExceptionGroup<fmt::Error>| assert_eq!(part.count(), DEEP)).rest();
        assert!(result.is_ok());
    });
}

#[test]
fn a_deep_tree_is_printed() {
    // J11, J17
    on_a_small_stack(|| {
        let errors = deep("A", false);
        assert_eq!(errors.to_string(), "100000 errors in task group: A (and 99999 more)");
        assert_eq!(format!("{errors:#}").lines().count(), 1 + 10 * 2 + 1);
        assert_eq!(format!("{errors:?}").lines().count(), 1 + 10 * 2 + 1);
        assert_eq!(format!("{:?}", errors.members()[1]).lines().count(), 1 + 10 * 2 + 1);
        let mut sink = common::Sink::default();
        write!(sink, "{}", errors.report().max_depth(1_000)).expect("it takes all");
        assert!(sink.0 > 1_000 * 1_000);
    });
}

#[test]
fn a_deep_tree_is_walked_unwrapped_and_dropped() {
    // J11
    on_a_small_stack(|| {
        assert_eq!(deep("A", true).single().expect("one"), "A");
        assert_eq!(deep("A", true).collapse().to_string(), "A");
        let errors = deep("A", false);
        assert_eq!(errors.leaves().count(), DEEP);
        let mut half = errors.into_errors();
        assert_eq!(half.by_ref().take(DEEP / 2).count(), DEEP / 2);
        drop(half);
    });
}

#[test]
fn a_deep_tree_is_dropped_when_a_closure_panics() {
    // J11
    on_a_small_stack(|| {
        let counted = Rc::new(());
        let errors = deep("A", false).map(|_| counted.clone());
        let mut n = 0;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            errors.map(|error| {
                n += 1;
                assert!(n < DEEP / 2, "half-way");
                error
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&counted), 1);
    });
}

#[test]
fn deep_trees_with_echoes_are_looked_through_once() {
    // J11, DESIGN 6
    on_a_small_stack(|| {
        let mut errors = echoing();
        for _ in 0..DEEP {
            errors = ExceptionGroup::from_members([Member::from(errors)]).expect("one");
        }
        assert_eq!((errors.count(), errors.leaves().count()), (1, 1));
        assert_eq!(format!("{errors:#}").lines().count(), 1 + 10 + 1);
        let (part, rest) = errors.split(|error| error.is::<io::Error>());
        assert!(part.is_some() && rest.is_none());
    });
}

#[test]
fn handlers_by_kind_read_like_except_star() {
    // patterns P10
    #[derive(Debug, thiserror::Error)]
    enum Fetch {
        #[error("{0} is late")]
        Late(Word),
        #[error("{0} is gone")]
        Gone(Word),
        #[error("disk full")]
        Disk,
    }
    let said = RefCell::new(Vec::new());
    let say = |what: &str, part: &ExceptionGroup<Fetch>| {
        let tasks: Vec<_> = part.leaves().filter_map(|leaf| leaf.task().map(TaskInfo::path)).collect();
        said.borrow_mut().push(format!("{what}: {}", tasks.join(", ")));
    };
    let result = run(async {
        let fetched = task_group(async |g| {
            for (name, error) in
                [("a", Fetch::Late("a")), ("b", Fetch::Gone("b")), ("c", Fetch::Disk), ("d", Fetch::Late("d"))]
            {
                let task = g.spawn(async {
                    sleep(ms(1)).await;
                    Err::<(), _>(error)
                });
                drop(task.named(name));
            }
            Ok(())
        });
        fetched.await.or_else(|errors| {
            errors
                .handle(|error| matches!(error, Fetch::Late(_)), |part| say("try later", &part))
                .handle(|error| matches!(error, Fetch::Gone(_)), |part| say("forget", &part))
                .rest()
        })
    });
    assert_eq!(said.take(), ["try later: a, d", "forget: b"]);
    assert_eq!(result.map_err(ExceptionGroup::collapse).expect_err("disk full").to_string(), "disk full");
}

#[cfg(feature = "anyhow")]
mod with_anyhow {
    use super::*;
    use anyhow::{Context, anyhow};

    async fn two() -> Result<(), ExceptionGroup<anyhow::Error>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>(anyhow!("A")) });
            g.spawn(async { Err::<(), _>(anyhow!("root").context("B")) });
            Ok(())
        })
        .await
    }

    fn of(result: anyhow::Result<()>) -> ExceptionGroup<anyhow::Error> {
        run(task_group(async |_| result)).expect_err("it fails")
    }

    #[test]
    fn a_group_nests_through_a_question_mark() {
        // C11
        assert_eq!(shape(&of(run(two()).map_err(Into::into))), "[[A B]]");
    }

    #[test]
    fn context_around_a_group_becomes_its_message() {
        // C11
        let errors = of(run(two()).context("reading").context("starting"));
        assert_eq!(shape(&errors), "[[A B]]");
        let What::Group(inner) = errors.members()[0].what() else { panic!("a group") };
        assert_eq!(inner.message(), "starting: reading");
        let errors = of(run(two()).map_err(|errors| errors.with_message("pages")).context("reading"));
        let What::Group(inner) = errors.members()[0].what() else { panic!("a group") };
        assert_eq!(inner.message(), "reading: pages");
    }

    #[test]
    fn a_group_that_is_context_stays_with_its_error() {
        // C11: to take it out would lose "root"
        let errors = of(Err(anyhow!("root").context(run(two()).expect_err("they fail"))));
        assert_eq!(errors.count(), 1);
        assert!(matches!(errors.members()[0].what(), What::Error(error) if error.chain().len() == 2));
    }

    #[test]
    fn a_clause_catches_by_type_through_context() {
        // J12
        let errors = ExceptionGroup::new([anyhow!(io::Error::other("A")).context("reading"), anyhow!("B")]);
        let mut part = None;
        let result = errors.expect("two").catch(|found: ExceptionGroup<io::Error>| part = Some(shape(&found))).rest();
        assert_eq!((shape(&result.expect_err("B")).as_str(), part.as_deref()), ("[B]", Some("[A]")));
    }

    #[test]
    fn a_join_error_is_an_echo_unless_it_has_context() {
        // DESIGN 6
        let join = |context: bool| {
            run(task_group(async |g| {
                g.collect_all();
                let a = g.spawn(async { Err::<(), _>(anyhow!("A")) });
                g.spawn(async move {
                    let joined = a.await;
                    if context { joined.context("while joining") } else { Ok(joined?) }
                });
                Ok(())
            }))
            .expect_err("both fail")
        };
        assert_eq!(words(&join(false)), ["A"]);
        assert_eq!(words(&join(true)), ["A", "while joining"]);
    }
}
