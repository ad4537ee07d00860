//! The driver: every pass over the rows that were asked for, then tables, targets, plots.
//!
//! Before: `plan.rs`, `rounds.rs`, `counted.rs`, `small.rs`. After: `report.rs`.

use crate::arguments::Options;
use crate::machine::Machine;
use crate::results::Results;
use crate::{counted, plan, report, rounds, small};
use std::error::Error;

pub fn drive(options: &Options) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("a debug build measures nothing: cargo run --release".into());
    }
    let quick = options.quick;
    let only = options.only.as_deref().unwrap_or_default();
    let wanted = |name: &str| only.split(',').any(|pattern| name.contains(pattern));
    let rows: Vec<_> = plan::rows().into_iter().filter(|row| wanted(&row.name())).collect();
    let built: Vec<_> = small::ROWS.into_iter().map(|(row, _)| row).filter(|row| wanted(row)).collect();
    if rows.is_empty() && built.is_empty() {
        return Err(format!("no row's name contains {only:?} (`list` shows them)").into());
    }
    let file = Results::file(quick);
    let mut results = if options.only.is_some() { Results::load(quick)? } else { Results::default() };
    results.machine = Machine::look();
    let repeats = options.repeats.unwrap_or(if quick { 2 } else { 7 });
    rounds::measure(&rows, repeats, quick, &mut results)?;
    results.save(&file)?;
    counted::allocations(&rows, &mut results)?;
    if !quick || options.only.is_some() {
        counted::instructions(&rows, &mut results)?;
        results.save(&file)?;
        counted::system_calls(&rows, &mut results)?;
    } else {
        eprintln!("left out by --quick: instructions, system calls, builds (--only brings them back)");
    }
    if !built.is_empty() && (!quick || options.only.is_some()) {
        results.save(&file)?;
        small::measure(&built, repeats.min(3), &mut results)?;
    }
    results.save(&file)?;
    report::print(&results, &rows)?;
    eprintln!("{}", file.display());
    if options.only.is_none() { report::write(&results, quick) } else { Ok(()) }
}
