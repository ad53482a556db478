//! The checker: from a witness alone, whether its release keeps every small group open. Whole numbers, no solver, and
//! nothing of the code that made the release.

use std::collections::BTreeSet;

use super::{CellEntry, Flaw, Link, Print, Witness};

/// What was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Cells, hidden ones and rests included.
    pub cells: usize,
    /// Relations between them.
    pub relations: usize,
    /// Cells of printed tables that show a number.
    pub numbers: usize,
    /// Cells that are too small, each with two possible worlds.
    pub sensitive: usize,
    /// Possible worlds, the exact one not counted.
    pub worlds: usize,
}

/// Checks a witness.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn check(w: &Witness) -> Result<Checked, Flaw> {
    let r = &w.rules;
    hold(r.threshold >= 10 && r.rounding >= 5 && r.min_families >= 3, "de regels zijn minder streng dan mag")?;
    hold(r.dominance_percent <= 80 && r.rounding <= r.threshold, "de regels zijn minder streng dan mag")?;
    hold(r.share_noemer >= 30, "de regels zijn minder streng dan mag")?;
    once(w)?;
    let mut bounds = Vec::with_capacity(w.cells.len());
    for (i, cell) in w.cells.iter().enumerate() {
        bounds.push(printed(w, cell).map_err(|why| Flaw(format!("cel {i}: {why}")))?);
    }
    for (i, rel) in w.relations.iter().enumerate() {
        let mut cells: Vec<usize> = rel.parts.iter().copied().chain([rel.total]).collect();
        cells.sort_unstable();
        let apart = cells.windows(2).all(|pair| pair[0] != pair[1]);
        hold(
            apart && cells.len() > 1 && cells.iter().all(|c| *c < w.cells.len()),
            format!("relatie {i} is geen relatie"),
        )?;
    }
    let exact: Vec<i64> = w.cells.iter().map(|cell| i64::from(cell.n)).collect();
    let mut worlds = vec![exact.clone()];
    for (i, moves) in w.worlds.iter().enumerate() {
        let mut world = exact.clone();
        for (cell, by) in moves {
            let value =
                world.get_mut(*cell).ok_or_else(|| Flaw(format!("wereld {} noemt een onbekende cel", i + 1)))?;
            *value = value.saturating_add(*by);
        }
        worlds.push(world);
    }
    for (i, world) in worlds.iter().enumerate() {
        possible(w, &bounds, world).map_err(|why| Flaw(format!("wereld {i}: {why}")))?;
    }
    let small: Vec<usize> = (0..w.cells.len()).filter(|&i| sensitive(w, &w.cells[i])).collect();
    hold(w.proofs.iter().map(|p| p.cell).eq(small.iter().copied()), "niet elke kleine cel heeft precies één bewijs")?;
    for p in &w.proofs {
        let value = |world: usize| worlds.get(world).map(|values| values[p.cell]);
        let (Some(low), Some(high)) = (value(p.low), value(p.high)) else {
            return Err(Flaw(format!("het bewijs van cel {} noemt een onbekende wereld", p.cell)));
        };
        let least = i64::from(r.threshold);
        let open = low <= (exact[p.cell] - 1).max(0) && high >= least && high.saturating_sub(low) >= least;
        hold(open, format!("cel {} is te nauw bepaald", p.cell))?;
    }
    let number = |cell: &&CellEntry| matches!(cell.print, Print::Value(_));
    let numbers = w.cells.iter().filter(number).count();
    let (sensitive, worlds) = (small.len(), w.worlds.len());
    Ok(Checked { cells: w.cells.len(), relations: w.relations.len(), numbers, sensitive, worlds })
}

fn hold(condition: bool, otherwise: impl Into<String>) -> Result<(), Flaw> {
    if condition { Ok(()) } else { Err(Flaw(otherwise.into())) }
}

/// Whether every table and every cell has a name of its own.
fn once(w: &Witness) -> Result<(), Flaw> {
    let mut tables = BTreeSet::new();
    let mut current = w.tables.iter().filter(|table| !table.state.is_past());
    hold(current.all(|table| tables.insert(&table.query)), "een tabel staat er dubbel in")?;
    let mut names = BTreeSet::new();
    for (i, cell) in w.cells.iter().enumerate() {
        let name = cell.name.as_ref().map(|n| (n.table, &n.series, &n.measure, &n.key));
        hold(name.is_none_or(|name| names.insert(name)), format!("cel {i} staat er dubbel in"))?;
    }
    Ok(())
}

/// Whether a count must be hidden for its own sake; where only 0 is possible, or the count known or guarded elsewhere, nothing is hidden.
fn sensitive(w: &Witness, c: &CellEntry) -> bool {
    small(w, c) && !matches!(c.print, Print::Impossible | Print::Known | Print::Elsewhere)
}

/// Whether a count is too small for any table.
fn small(w: &Witness, c: &CellEntry) -> bool {
    let dominated = u64::from(c.largest) * 100 > u64::from(w.rules.dominance_percent) * u64::from(c.n);
    c.n < w.rules.threshold || c.families < w.rules.min_families || dominated
}

/// Whether a cell may be printed as it is, and between what values its print leaves it.
fn printed(w: &Witness, c: &CellEntry) -> Result<(i64, Option<i64>), &'static str> {
    let base = w.rules.rounding;
    match c.print {
        Print::Impossible if c.n == 0 => Ok((0, Some(0))),
        Print::Impossible => Err("gedrukt als onmogelijk en niet 0"),
        Print::Suppressed => Ok((0, None)),
        Print::Known | Print::Elsewhere if c.name.as_ref().is_some_and(|name| name.shown) => {
            Err("een cel van een tabel en toch elders geteld")
        }
        Print::Known if c.name.is_some() && small(w, c) => Err("te klein en toch bekend"),
        Print::Elsewhere if c.name.is_none() || !small(w, c) => Err("groot genoeg en toch niet bekend"),
        Print::Elsewhere => Ok((0, None)),
        Print::Known => Ok((i64::from(c.n), Some(i64::from(c.n)))),
        Print::Value(_) if !c.name.as_ref().is_some_and(|name| name.shown) => Err("verborgen en toch gedrukt"),
        Print::Value(_) if sensitive(w, c) => Err("te klein en toch gedrukt"),
        Print::Value(v)
            if u64::from(v) != (u64::from(c.n) + u64::from(base / 2)) / u64::from(base) * u64::from(base) =>
        {
            Err("verkeerd afgerond")
        }
        Print::Value(v) => {
            let low = i64::from(v) - i64::from(base / 2);
            Ok((low.max(i64::from(w.rules.threshold)), Some(low + i64::from(base) - 1)))
        }
    }
}

/// Whether a reader of everything printed cannot rule a world out.
fn possible(w: &Witness, bounds: &[(i64, Option<i64>)], world: &[i64]) -> Result<(), String> {
    for (i, ((low, high), v)) in bounds.iter().zip(world).enumerate() {
        if v < low || high.is_some_and(|high| *v > high) {
            return Err(format!("cel {i} past niet bij wat gedrukt is"));
        }
    }
    for (i, rel) in w.relations.iter().enumerate() {
        let total = world[rel.total];
        let sum: i128 = rel.parts.iter().map(|&p| i128::from(world[p])).sum();
        let fits = match rel.link {
            Link::Sum => i128::from(total) == sum,
            Link::Cover => i128::from(total) <= sum && rel.parts.iter().all(|&p| world[p] <= total),
            Link::AtMost => i128::from(total) <= sum,
        };
        if !fits {
            return Err(format!("relatie {i} geldt niet"));
        }
    }
    Ok(())
}
