//! The table that is printed.

/// One figure.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it should be.
    pub(crate) target: Option<Target>,
    /// What it is.
    pub(crate) figure: f64,
    /// In what.
    pub(crate) unit: &'static str,
    /// What the machine does without a node: the figure, and of what.
    pub(crate) limit: (f64, &'static str),
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// Prints the table, as Markdown.
pub(crate) fn print(rows: &[Row]) {
    println!("| what | target | measured | | the machine alone | ratio | what that is |");
    println!("|---|--:|--:|---|--:|--:|---|");
    for Row { what, target, figure, unit, limit: (limit, of) } in rows {
        let (target, verdict) = match *target {
            None => (String::new(), ""),
            Some(Target::AtLeast(least)) => {
                (format!("≥ {} {unit}", number(least)), verdict(*figure >= least))
            }
            Some(Target::AtMost(most)) => (format!("≤ {} {unit}", number(most)), verdict(*figure <= most)),
        };
        let (figure_text, limit_text) = (number(*figure), number(*limit));
        let ratio = figure / limit;
        println!(
            "| {what} | {target} | {figure_text} {unit} | {verdict} | {limit_text} {unit} | {ratio:.2} | {of} |"
        );
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// Three digits that count, thousands apart.
fn number(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The value below which `share` of `values` are; they are sorted on the way.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few thousand values at most"
    )]
    let place = (last as f64 * share).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}
