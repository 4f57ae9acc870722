//! Of another provider: what is so on this side and keeps every other from it. Whatever is found of the way there, it does not come here.

use super::report::{Step, StepName};
use super::{Checkup, Looker, Progress};
use crate::delivery::WaitKind;
use crate::diagnose::own_fault::OwnFault;
use crate::side::Side;
use crate::store::Reader;

impl Checkup<'_> {
    /// Tells it, where there is something. A look for a peer tells nothing of ourselves.
    pub(super) fn tell_this_side(&self, progress: &Progress) {
        if self.is_own() || self.looker != Looker::Node {
            return;
        }
        for (fault, text) in self.keeps_out() {
            let step = Step::warn(StepName::ThisSide, fault.as_str(), text.trim_end_matches('.'));
            progress.tell(step.for_side(Side::Ours));
        }
    }

    /// What keeps this one from coming.
    pub(super) fn keeps_out(&self) -> impl Iterator<Item = (OwnFault, &str)> {
        // Whose pull waits here has found the way, wherever the name leads others; with the next connection it is shown the certificate.
        let has_come = self.waits.waits(WaitKind::Feed, &Reader::Peer(self.peer.clone()));
        let of_way = [OwnFault::NameUnresolved, OwnFault::NamePrivate, OwnFault::PortClosed];
        let keeps_out = self.known.keeps_out.iter().map(|(fault, text)| (*fault, text.as_str()));
        keeps_out.filter(move |(fault, _)| !(has_come && of_way.contains(fault)))
    }
}
