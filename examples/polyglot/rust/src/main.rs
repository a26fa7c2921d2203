//! Reads lines of "value from to" and answers each with one line.

use std::collections::HashMap;
use std::io::{self, BufWriter, Read, Write};

#[path = "../../gen/rust/units.rs"]
mod units;

/// Six digits after the point, rounded by arithmetic that every language shares.
fn answer(x: f64) -> String {
    if x.abs() > 9e9 {
        return "too large".into();
    }
    let micro = (x.abs() * 1e6 + 0.5) as u64;
    let sign = if x < 0.0 && micro > 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

fn main() -> io::Result<()> {
    let by_name: HashMap<_, _> = units::UNITS.iter().map(|u| (u.0, u)).collect();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[value, from, to] = words.as_slice() else { continue };
        let told = match (by_name.get(from), by_name.get(to)) {
            (Some(a), Some(b)) if a.1 == b.1 => {
                let value: f64 = value.parse().expect("a number");
                answer((value + a.3) * a.2 / b.2 - b.3)
            }
            (Some(a), Some(b)) => format!("no way from {} to {}", a.1, b.1),
            _ => "unknown unit".into(),
        };
        writeln!(out, "{told}")?;
    }
    out.flush()
}
