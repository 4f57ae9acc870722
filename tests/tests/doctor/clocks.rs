//! The clocks.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_node::Side::{Either, Ours, Theirs};
use drawbridge_node::diagnose::StepName::Clock as ClockStep;
use drawbridge_node::diagnose::{Report, Verdict};
use drawbridge_testkit::{Clock, Federation};

use super::faults::{fails, faults, step_of, warns_only};
use super::scene::TEN_MINUTES;

faults! {
    clock_ahead: "one of two clocks is 10 minutes ahead, and there is nobody else to ask",
        fails(ClockStep, "clock-skew", Either, "10 min ahead of this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(TEN_MINUTES), 0).await);
    clock_behind: "one of two clocks is 10 minutes behind, and there is nobody else to ask",
        fails(ClockStep, "clock-skew", Either, "10 min behind this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn_back(TEN_MINUTES), 0).await);
    their_clock_ahead: "its clock is 10 minutes ahead, and another provider agrees with us",
        fails(ClockStep, "clock-skew", Theirs, "so its clock is wrong"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(TEN_MINUTES), 1).await);
    their_clock_behind: "its clock is 10 minutes behind, and another provider agrees with us",
        fails(ClockStep, "clock-skew", Theirs, "so its clock is wrong"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn_back(TEN_MINUTES), 1).await);
    our_clock_ahead: "our clock is 10 minutes ahead, and two others agree with the provider",
        fails(ClockStep, "own-clock", Ours, "so this computer's clock is wrong"),
        async |scene| {
            scene.turns_our_clock(|clock| clock.turn(TEN_MINUTES)).await;
            Some(scene.with_clocks(|_| {}, 2).await)
        };
    our_clock_behind: "our clock is 10 minutes behind, and two others agree with the provider",
        fails(ClockStep, "own-clock", Ours, "so this computer's clock is wrong"),
        async |scene| {
            scene.turns_our_clock(|clock| clock.turn_back(TEN_MINUTES)).await;
            Some(scene.with_clocks(|_| {}, 2).await)
        };
    clock_a_little_off: "its clock is 45 s ahead, which is no trouble yet",
        warns_only(ClockStep, "clock-off", Either, "ahead of this computer's"),
        async |scene| Some(scene.with_clocks(|clock| clock.turn(Duration::from_secs(45)), 0).await);
}

#[tokio::test]
async fn our_own_clock_is_no_witness_of_itself_and_one_other_is_not_enough() {
    let federation = Federation::new();
    let ahead = Arc::new(Clock::default());
    ahead.turn(TEN_MINUTES);
    let alpha = federation.node_with_clock(ahead, |_| {}).await;
    let (beta, gamma) = (federation.node(|_| {}).await, federation.node(|_| {}).await);
    let clock_of = |report: &Report| {
        let step = step_of(report, ClockStep);
        (step.verdict, step.code.as_deref().map(str::to_owned), step.side)
    };
    let said = |verdict, code: &str, side| (verdict, Some(code.to_owned()), Some(side));
    assert_eq!(clock_of(&alpha.checks(alpha.provider()).await), (Verdict::Skipped, None, None));
    let report = alpha.checks(gamma.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "clock-skew", Either), "{report:#?}");
    // One witness against our own.
    let report = alpha.checks(alpha.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Warn, "clock-off", Either), "{report:#?}");
    let report = alpha.checks(gamma.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "clock-skew", Either), "{report:#?}");
    // Two of them.
    let report = alpha.checks(beta.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Fail, "own-clock", Ours), "{report:#?}");
    let report = alpha.checks(alpha.provider()).await;
    assert_eq!(clock_of(&report), said(Verdict::Warn, "own-clock", Ours), "{report:#?}");
}
