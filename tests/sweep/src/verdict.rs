//! What a run has to leave behind: nothing.
//!
//! Before: `run.rs`. After: `sweep.rs`.

use crate::injection::{Kind, Plan};
use crate::observed::{Observed, Outcome};
use crate::program::Traits;
use crate::stage::Held;

/// What is wrong with a run, in words; empty if nothing is.
///
/// `allowed` is what a forgotten future held: that may be left. `usual` is what the program ends in by itself.
pub(crate) fn judge(
    plan: &Plan,
    traits: Traits,
    usual: Option<&Outcome>,
    allowed: Option<Held>,
    run: &Observed,
) -> Vec<String> {
    let mut wrong = run.violations.clone();
    let fired = run.fired == plan.0.len();
    judge_outcome(plan, traits, usual.filter(|_| fired), run, &mut wrong);
    if matches!(run.outcome, Outcome::Hung(_)) {
        return wrong; // what is left then says nothing new
    }
    let forgets = |kind: Kind| matches!(kind, Kind::Forget | Kind::ForgetPart);
    let puts_away = plan.has(|kind| kind == Kind::Outlive);
    let mut may_be_left = allowed.unwrap_or_default();
    may_be_left.guards += run.values_later;
    if run.tasks_left > 0 {
        wrong.push(format!("{} root tasks are left", run.tasks_left));
    }
    if traits.leaks_when_a_drop_panics && plan.has(Kind::panics) {
        return wrong;
    }
    if traits.leaves_more && (plan.has(forgets) || puts_away) {
        if !plan.has(forgets) {
            compare("when the runtime is gone", &run.left_at_last, &Held::default(), &mut wrong);
        }
        return wrong;
    }
    compare("when the program has ended", &run.left, &may_be_left, &mut wrong);
    let at_last = if plan.has(forgets) { may_be_left } else { Held::default() };
    compare("when the runtime is gone", &run.left_at_last, &at_last, &mut wrong);
    if run.wakers_left > 0 && !plan.has(forgets) && !puts_away {
        wrong.push(format!("{} foreign wakers are left", run.wakers_left));
    }
    wrong
}

fn compare(when: &str, left: &Held, allowed: &Held, wrong: &mut Vec<String>) {
    let pairs = [
        ("nodes", left.nodes, allowed.nodes),
        ("timers", left.timers, allowed.timers),
        ("sources", left.sources, allowed.sources),
        ("guards", left.guards, allowed.guards),
    ];
    for (what, left, allowed) in pairs {
        if left > allowed {
            wrong.push(format!("{left} {what} are left {when}, and {allowed} may be"));
        }
    }
}

fn judge_outcome(plan: &Plan, traits: Traits, usual: Option<&Outcome>, run: &Observed, wrong: &mut Vec<String>) {
    let panics = plan.has(Kind::panics);
    let cancels = plan.has(|kind| matches!(kind, Kind::Cancel | Kind::CancelOutside)) || run.rescued;
    let explained = match &run.outcome {
        Outcome::Hung(_) => false,
        Outcome::Value(_) => true,
        Outcome::Cancelled { by_the_sweep } => cancels && *by_the_sweep,
        Outcome::Elapsed => plan.has(|kind| kind == Kind::Deadline),
        Outcome::Panicked => panics || traits.panics,
        Outcome::Dropped => plan.has(|kind| kind == Kind::Drop),
        Outcome::Forgotten => plan.has(|kind| matches!(kind, Kind::Forget | Kind::Outlive)),
        Outcome::Gone => plan.has(|kind| kind == Kind::DropRuntime),
    };
    if !explained {
        wrong.push(format!("it ended as {:?}", run.outcome));
    }
    let [injection] = &plan.0[..] else { return };
    let Some(usual) = usual else { return };
    if matches!(injection.kind, Kind::Panic | Kind::PanicInDrop)
        && !traits.panics
        && run.reports == 0
        && run.outcome != Outcome::Panicked
    {
        wrong.push(format!("the panic was lost in silence: it ended as {:?}", run.outcome));
    }
    if injection.kind.is_harmless() && !traits.ordered && run.outcome != *usual {
        wrong.push(format!("it ended as {:?} and not as {usual:?}", run.outcome));
    }
}
