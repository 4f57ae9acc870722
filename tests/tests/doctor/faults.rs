//! A fault is looked at, and what the doctor says is held against what it has to say.

use drawbridge_mtp::id::Provider;
use drawbridge_node::Side;
use drawbridge_node::diagnose::StepName::{self, Ping};
use drawbridge_node::diagnose::{Report, Step, Verdict};
use drawbridge_node::store::RepairSubject;

use super::scene::Scene;

/// What the doctor has to say.
pub(super) struct Expected {
    step: StepName,
    verdict: Verdict,
    code: &'static str,
    side: Side,
    /// A part of what is said.
    says: &'static str,
    /// Whether all that comes after it is well.
    is_all: bool,
    /// Where it lasts, so that Repairs says the same once our pulls there have met it often enough: for which side.
    raised: Option<Side>,
}

pub(super) fn fails(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Fail, code, side, says, is_all: false, raised: None })
}

pub(super) fn warns(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Warn, code, side, says, is_all: false, raised: None })
}

/// It does not work until somebody has decided.
pub(super) fn waits(step: StepName, code: &'static str, side: Side, says: &'static str) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Wait, code, side, says, is_all: false, raised: None })
}

/// It is a fault that lasts: Repairs says the same of it, with the same code and the same side.
pub(super) fn lasts(expected: Option<Expected>) -> Option<Expected> {
    expected.map(|expected| Expected { raised: Some(expected.side), ..expected })
}

/// It warns of that alone, and the rest is well.
pub(super) fn warns_only(
    step: StepName,
    code: &'static str,
    side: Side,
    says: &'static str,
) -> Option<Expected> {
    Some(Expected { step, verdict: Verdict::Warn, code, side, says, is_all: true, raised: None })
}

/// There is no fault, whatever it looks like.
pub(super) const IS_WELL: Option<Expected> = None;

/// Looks at what `set_up` leads to, prints what was said, and holds it against what has to be said.
pub(super) async fn look(
    fault: &str,
    expected: Option<Expected>,
    set_up: impl AsyncFnOnce(&mut Scene) -> Option<String>,
) {
    let mut scene = Scene::new().await;
    let Some(name) = set_up(&mut scene).await else {
        return println!("{fault} | not tried, since that is not so on this computer");
    };
    let report = scene.alpha.checks_typed(&name).await;
    println!("{}", line(fault, &report));
    let held = holds(expected.as_ref(), scene.blamed.as_deref(), &report);
    assert!(held.is_ok(), "{}\n{report:#?}", held.unwrap_err());
    if let Some((expected, side)) = expected.and_then(|expected| expected.raised.map(|side| (expected, side)))
    {
        let peer: Provider = name.parse().unwrap();
        // Where its key has changed, that is decided already.
        if scene.alpha.reads(|view| view.peers()).await.is_empty() {
            scene.alpha.allows(&peer).await;
        }
        let row = scene.alpha.raises(&RepairSubject::Peer(peer), expected.code).await;
        println!("{fault} | Repairs | {}, {} | {} | {}", row.severity, row.code, row.side, row.text);
        assert_eq!(row.side, side);
        assert!(row.text.contains(&name), "{}", row.text);
    }
}

pub(super) fn is_well(step: &Step) -> bool {
    matches!(step.verdict, Verdict::Pass | Verdict::Skipped)
}

/// One line of the table.
fn line(fault: &str, report: &Report) -> String {
    let (step, verdict, side) = match report.steps.iter().find(|step| !is_well(step)) {
        None => ("-".into(), Verdict::Pass.to_string(), "-".into()),
        Some(step) => {
            let code = step.code.as_deref().unwrap_or("-");
            let side = step.side.map_or_else(|| "-".into(), |side| side.to_string());
            (step.name.to_string(), format!("{}, {code}", step.verdict), side)
        }
    };
    format!("{fault} | {step} | {verdict} | {side} | {}", report.summary())
}

fn holds(expected: Option<&Expected>, blamed: Option<&str>, report: &Report) -> Result<(), String> {
    let mut wrong = report.steps.iter().filter(|step| !is_well(step));
    let first = wrong.next();
    let Some(Expected { step, verdict, code, side, says, is_all, .. }) = expected else {
        let reached = report.steps.iter().any(|step| step.name == Ping && step.verdict == Verdict::Pass);
        return match first {
            None if reached => Ok(()),
            None => Err("it was not asked at all".into()),
            Some(step) => Err(format!("there is no fault, and it says {}: {}", step.name, step.text)),
        };
    };
    let Some(found) = first else { return Err("nothing was found".into()) };
    let said = (found.name, found.verdict, found.code.as_deref(), found.side);
    let wanted = (*step, *verdict, Some(*code), Some(*side));
    if said != wanted {
        return Err(format!("it says {said:?} and has to say {wanted:?}"));
    }
    if !found.text.contains(says) {
        return Err(format!("it says {:?}, which has no {says:?}", found.text));
    }
    if blamed.is_some() && found.at.as_deref() != blamed {
        return Err(format!("it is about {:?} and has to be about {blamed:?}", found.at));
    }
    match wrong.next() {
        Some(also) if *is_all => Err(format!("it says too: {} {}", also.name, also.text)),
        None if *is_all && !report.steps.iter().any(|step| step.name == Ping) => {
            Err("it was not asked at all".into())
        }
        _ if report.works() && *verdict != Verdict::Warn => Err("it is said to work".into()),
        // A person who reads the summary alone reads of the same step.
        _ if !*is_all
            && matches!(verdict, Verdict::Fail | Verdict::Wait)
            && !report.summary().contains(&found.text) =>
        {
            Err("its summary is about something else".into())
        }
        _ => Ok(()),
    }
}

/// The step of that name in a report.
pub(super) fn step_of(report: &Report, name: StepName) -> &Step {
    report.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

/// One test for each line: its name, the fault in words, what has to be said, and how it comes about.
macro_rules! faults {
    ($($name:ident: $fault:literal, $expected:expr, $set_up:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            $crate::doctor::faults::look($fault, $expected, $set_up).await;
        }
    )+};
}

pub(super) use faults;
