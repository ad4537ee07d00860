//! `ExceptionGroup` and its kin as values: order, texts, types.

mod common;

use common::{Word, fail, failed, group, ms, only, run, shape};
use std::error::Error;
use std::future::pending;
use std::io;
use std::num::ParseIntError;
use std::sync::Arc;
use std::thread;

use taskgroup::{
    BoxError, Elapsed, ExceptionGroup, JoinError, JoinErrorKind, Member, Reason, SpawnError, Task, TaskGroup, TaskInfo,
    What, boxed, sleep, task_group, timeout, yield_now,
};

/// Line numbers in texts are counted from here.
const HERE: u32 = line!();

async fn late(text: &str) -> Result<(), String> {
    sleep(ms(1)).await;
    Err(text.to_string())
}

async fn pages() -> Result<(), ExceptionGroup<String>> {
    task_group(async |g| {
        g.spawn(late("no such name")); // + 9
        g.spawn(late("not found")); // + 10
        Ok(())
    })
    .await
}

/// Three errors of one instant, two of them nested in the first member.
async fn site() -> Result<(), ExceptionGroup<String>> {
    task_group(async |g| {
        drop(g.spawn_group(pages()).named("pages")); // + 19
        drop(g.spawn(late("refused")).named("db")); // + 20
        sleep(ms(9)).await;
        Ok(())
    })
    .await
}

/// `tests/errors.rs:` and a line, so many below [`HERE`].
fn at(line: u32) -> String {
    format!("{}:{}", file!(), HERE + line)
}

fn site_errors() -> ExceptionGroup<String> {
    run(site()).expect_err("they fail")
}

#[test]
fn display_names_the_first_error_and_counts_the_rest() {
    // J4 (here: DESIGN 6)
    assert_eq!(run(pages()).expect_err("they fail").to_string(), "2 errors in task group: no such name (and 1 more)");
    assert_eq!(ExceptionGroup::new(["lone"]).expect("one").to_string(), "1 error in task group: lone");
    assert_eq!(site_errors().to_string(), "3 errors in task group: refused (and 2 more)");
}

#[test]
fn the_alternate_form_is_a_tree_of_tasks_and_places() {
    // J17, L5 (here: DESIGN 6)
    let tree = format!(
        "3 errors in task group\n\
         |- task db ({}), after 1ms: refused\n\
         `- task pages ({}), after 1ms: 2 errors in task group\n\
         \x20  |- task pages/#1 ({}), after 1ms: no such name\n\
         \x20  `- task pages/#2 ({}), after 1ms: not found",
        at(20),
        at(19),
        at(9),
        at(10)
    );
    assert_eq!(format!("{:#}", site_errors()), tree);
}

#[test]
fn debug_is_the_tree_with_errors_as_debug_prints_them() {
    // J4: `main` prints it
    let tree = format!(
        "2 errors in task group\n\
         |- task #1 ({}), after 1ms: \"no such name\"\n\
         `- task #2 ({}), after 1ms: \"not found\"",
        at(9),
        at(10)
    );
    let errors = run(pages()).expect_err("they fail");
    assert_eq!(format!("{errors:?}"), tree);
    assert_eq!(format!("{errors:#?}"), tree);
}

#[test]
fn a_nested_group_before_others_is_drawn_with_a_bar() {
    // J17
    let (mut nested, mut after) = (0, 0);
    let errors = run(task_group(async |g| {
        nested = line!() + 1;
        g.spawn_group(pages());
        after = line!() + 1;
        g.spawn(async {
            yield_now().await;
            yield_now().await; // the tasks inside have armed their timers
            late("refused").await
        });
        Ok(())
    }))
    .expect_err("they fail");
    let tree = format!(
        "3 errors in task group\n\
         |- task #1 ({}:{nested}), after 1ms: 2 errors in task group\n\
         |  |- task #1/#1 ({}), after 1ms: no such name\n\
         |  `- task #1/#2 ({}), after 1ms: not found\n\
         `- task #2 ({}:{after}), after 1ms: refused",
        file!(),
        at(9),
        at(10),
        file!()
    );
    assert_eq!(format!("{errors:#}"), tree);
}

#[test]
fn messages_of_several_lines_are_indented_under_their_first() {
    // J17
    let (mut above, mut below) = (0, 0);
    let errors = run(group(async |g| {
        let inner = g.spawn_group(group(async |g| {
            drop(g.spawn(fail("a\nb\n\nc")).named("x"));
            above = line!() - 1;
            drop(g.spawn(fail("d\ne")).named("y"));
            Ok(())
        }));
        below = line!() - 6;
        drop(inner.named("n"));
        pending::<()>().await;
        Ok(())
    }))
    .expect_err("they fail");
    let (file, next) = (file!(), above + 2);
    let tree = format!(
        "2 errors in task group\n\
         `- task n ({file}:{below}): 2 errors in task group\n\
         \x20  |- task n/x ({file}:{above}): a\n\
         \x20  |  b\n\
         \x20  |  \n\
         \x20  |  c\n\
         \x20  `- task n/y ({file}:{next}): d\n\
         \x20     e"
    );
    assert_eq!(format!("{errors:#}"), tree);
}

#[test]
fn errors_of_no_task_stand_alone() {
    // J1, J2
    let errors = ExceptionGroup::new(["A", "B"]).expect("two");
    assert_eq!(format!("{errors:#}"), "2 errors in task group\n|- A\n`- B");
    assert!(errors.members().iter().all(|member| member.task().is_none()));
}

#[test]
fn a_group_is_never_empty() {
    // J1; test_exception_group BadConstructorArgs
    assert!(ExceptionGroup::<Word>::new([]).is_none());
}

#[test]
fn leaves_come_depth_first_with_their_tasks() {
    // J10; test_exception_group leaf_generator
    let errors = site_errors();
    let leaves: Vec<_> = errors
        .leaves()
        .map(|leaf| (leaf.error().as_str(), leaf.task().map(TaskInfo::path).unwrap_or_default()))
        .collect();
    assert_eq!(
        leaves,
        [("refused", "db".into()), ("no such name", "pages/#1".into()), ("not found", "pages/#2".to_string())]
    );
}

#[test]
fn a_leaf_of_an_inner_body_belongs_to_the_task_around() {
    // J10
    let errors = run(group(async |g| {
        drop(g.spawn_group(group(async |_| Err::<(), _>("inner body"))).named("task"));
        Ok(())
    }))
    .expect_err("it fails");
    let leaf = errors.leaves().next().expect("one");
    assert_eq!((*leaf.error(), leaf.task().map(TaskInfo::path)), ("inner body", Some("task".into())));
}

#[test]
fn members_come_by_value_too() {
    // J2
    let mut members = site_errors().into_members();
    let Some(What::Group(nested)) = members.pop().map(Member::into_what) else { panic!("the second is a group") };
    assert_eq!(shape(&nested), "[no such name not found]");
    let Some(What::Error(error)) = members.pop().map(Member::into_what) else { panic!("the first is an error") };
    assert_eq!((error.as_str(), members.len()), ("refused", 0));
}

#[test]
fn a_single_error_is_unwrapped_when_asked() {
    // C2
    let nested = run(group(async |g| {
        g.spawn_group(group(async |g| only(g.spawn(fail("deep")))));
        Ok(())
    }));
    assert_eq!(nested.expect_err("it fails").single().expect("one"), "deep");
    let both = ExceptionGroup::new(["A", "B"]).expect("two").single().expect_err("two");
    assert_eq!(shape(&both), "[A B]");
}

#[test]
fn there_is_no_one_source() {
    // DESIGN 3
    let errors = ExceptionGroup::new([io::Error::other("why")]).expect("one");
    assert!(errors.source().is_none());
}

#[derive(Debug, thiserror::Error)]
enum Fetch {
    #[error("the name is no number: {0}")]
    Number(#[from] ParseIntError),
    #[error("{0}")]
    Late(#[from] Elapsed),
    #[error("the server said {0}")]
    Status(u16),
}

#[test]
fn an_enum_is_an_error() {
    // C1
    async fn fetch(name: &str) -> Result<u16, Fetch> {
        match name.parse()? {
            200 => Ok(200),
            0 => Ok(timeout(ms(1), pending()).await?),
            status => Err(Fetch::Status(status)),
        }
    }
    let result = run(task_group(async |g| {
        for name in ["200", "two", "404"] {
            g.spawn(fetch(name));
        }
        Ok(())
    }));
    assert_eq!(failed(result), "[the name is no number: invalid digit found in string the server said 404]");
    let result = run(task_group(async |g| only(g.spawn(fetch("0")))));
    assert_eq!(failed(result), "[not done within 1ms]");
}

#[test]
fn boxed_errors_can_be_told_apart() {
    // C11
    let errors = run(boxed::task_group(async |g| {
        g.spawn(async {
            let _: u8 = "seven".parse()?;
            Ok(())
        });
        g.spawn(async { Err::<(), _>("a text".into()) });
        Ok(())
    }))
    .expect_err("they fail");
    let kinds: Vec<_> = errors.leaves().map(|leaf| leaf.error().is::<ParseIntError>()).collect();
    assert_eq!(kinds, [true, false]);
}

#[test]
fn boxes_without_send_nest_too() {
    // C11
    type Local = Box<dyn Error>;
    async fn inner() -> Result<(), ExceptionGroup<Local>> {
        task_group(async |g| only(g.spawn(async { Err::<(), Local>("A".into()) }))).await
    }
    let result = run(task_group(async |_| -> Result<(), Local> { Ok(inner().await?) }));
    // `ExceptionGroup<Box<dyn Error>>` is neither `Send` nor `Sync`, and `Box<dyn Error>` takes it all the same.
    assert_eq!(failed(result), "[[A]]");
}

#[test]
fn anyhow_is_an_error() {
    // C11: a question mark puts a group into anyhow's own box; it is found there with the feature `anyhow` only, while
    // `spawn_group` nests it in any case
    async fn inner() -> Result<(), ExceptionGroup<anyhow::Error>> {
        task_group(async |g| {
            g.spawn(async { Err::<(), _>(anyhow::anyhow!("A")) });
            g.spawn(async { Err::<(), _>(anyhow::anyhow!("root").context("B")) });
            Ok(())
        })
        .await
    }
    let nested = run(task_group(async |g| only(g.spawn_group(inner()))));
    assert_eq!(failed::<(), anyhow::Error>(nested), "[[A B]]");
    let boxed = run(task_group(async |_| -> Result<(), anyhow::Error> { Ok(inner().await?) }));
    let nests = if cfg!(feature = "anyhow") { "[[A B]]" } else { "[2 errors in task group: A (and 1 more)]" };
    assert_eq!(failed(boxed), nests);
}

#[test]
fn a_group_goes_through_anyhow_and_back() {
    // DESIGN 3
    fn main_like() -> anyhow::Result<()> {
        run(site())?;
        Ok(())
    }
    let error = main_like().expect_err("it fails");
    let errors = error.downcast_ref::<ExceptionGroup<String>>().expect("that is what it is");
    assert_eq!(shape(errors), "[refused [no such name not found]]");
}

#[test]
fn main_prints_the_tree() {
    // DESIGN 6: `main` prints `Error: {:?}`
    fn main_like() -> Result<(), ExceptionGroup<Word>> {
        run(group(async |_| Err("body")))
    }
    let printed = main_like().map_err(|error| format!("Error: {error:?}"));
    assert_eq!(printed, Err("Error: 1 error in task group\n`- body: \"body\"".to_string()));
    fn boxed_main() -> Result<(), BoxError> {
        Ok(main_like()?)
    }
    let printed = boxed_main().map_err(|error| format!("Error: {error:?}"));
    assert_eq!(printed, Err("Error: 1 error in task group\n`- body: \"body\"".to_string()));
}

#[test]
fn deadlines_and_join_errors_are_errors_of_boxed_groups() {
    // D14, F1
    let late = run(boxed::task_group(async |_| Ok(timeout(ms(1), pending::<()>()).await?)));
    assert_eq!(failed(late), "[not done within 1ms]");
    let cancelled = run(boxed::task_group(async |g| {
        let task = g.spawn(async { Ok(()) }).named("gone");
        task.cancel("not needed");
        Ok(task.await?)
    }));
    assert_eq!(
        failed(cancelled),
        format!("[task gone ({}:{}) was cancelled before it started: not needed]", file!(), line!() - 6)
    );
    let refused = run(boxed::task_group(async |g| {
        g.cancel("enough");
        g.try_spawn(async {}).map_err(|error| error.to_string())?;
        Ok(())
    }));
    assert_eq!(failed(refused), "[the group is closing and starts no more tasks]");
}

#[test]
fn parts_of_a_tree_print_for_debugging() {
    // J4
    let errors = ExceptionGroup::new(["A"]).expect("one");
    let member = &errors.members()[0];
    assert_eq!(format!("{member:?}"), "Member { task: None, cancelled: None, what: \"A\" }");
    assert_eq!(format!("{:?}", member.what()), "\"A\"");
    assert_eq!(
        format!("{:?}", errors.leaves().next().expect("one")),
        "Leaf { error: \"A\", task: None, cancelled: None, elapsed: None }"
    );
}

#[test]
fn errors_travel_to_another_thread() {
    // DESIGN 3: no `Rc` inside
    let errors = site_errors();
    let text = thread::spawn(move || errors.to_string()).join().expect("it prints");
    assert_eq!(text, "3 errors in task group: refused (and 2 more)");
}

/// Compiles for types that go anywhere.
fn goes_anywhere<T: Send + Sync + 'static>() {}

/// Fails to compile for types that are `Send`: then both implementations fit.
macro_rules! stays_here {
    ($type:ty) => {{
        trait Ambiguous<Which> {
            fn one_answer() {}
        }
        struct ItIsSend;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + Send> Ambiguous<ItIsSend> for T {}
        <$type as Ambiguous<_>>::one_answer();
    }};
}

#[test]
fn errors_go_anywhere_and_groups_stay_on_their_thread() {
    // DESIGN 3; it compiles, or it does not
    goes_anywhere::<ExceptionGroup<io::Error>>();
    goes_anywhere::<ExceptionGroup<BoxError>>();
    goes_anywhere::<ExceptionGroup<anyhow::Error>>();
    goes_anywhere::<Member<io::Error>>();
    goes_anywhere::<Reason>();
    goes_anywhere::<JoinError>();
    goes_anywhere::<JoinErrorKind>();
    goes_anywhere::<TaskInfo>();
    goes_anywhere::<Arc<TaskInfo>>();
    goes_anywhere::<Elapsed>();
    goes_anywhere::<SpawnError<()>>();
    stays_here!(TaskGroup<'static, 'static, io::Error>);
    stays_here!(Task<()>);
}
