//! What would happen if a provider, or a person there, asked something of this one: the node's own rules decide on it in a
//! transaction of which nothing is kept.

use drawbridge_mtp::id::{GroupUri, Name, Provider, UserUri};
use drawbridge_mtp::message::{AuthorizationRequest, ConnectionRequest, ConnectionState, PeerState};
use drawbridge_mtp::problem::Problem;
use http::Method;

use super::Operator;
use crate::consent::providers::{access_refused, introduce};
use crate::consent::requests::{Kind, Terms, receive};
use crate::consent::rules::standing_rule;
use crate::diagnose::RefusedPull;
use crate::ground::config::{LimitsConfig, Strangers};
use crate::misuse::Misuse;
use crate::refusal::Refusal;
use crate::store::{
    AddRule, Addition, Connection, PeerRow, RequestRow, Rule, RuleKind, StoreFault, Tx, UserRule, View,
};
use crate::typed::{self, NotUnderstood};
use crate::words::words;

/// Accounts here that a dry run looks at, the first by name.
const USERS: usize = 50;
/// Who is meant at a provider where nobody is named, and the group that an addition would be to.
const SOMEBODY: &str = "somebody";

words! {
    /// What is asked.
    Asked {
        /// A provider introduces itself (section 6).
        Introduction = "introduction",
        /// A connection with a user here (section 7).
        Connection = "connection",
        /// To add a user here to a group (section 8).
        Addition = "addition",
        /// What is in our feed for that provider (section 11).
        Pull = "pull",
    }
}

words! {
    /// What would become of it.
    Foreseen {
        /// It would be done at once, by a rule.
        Allowed = "allowed",
        /// It would wait for a decision.
        Waits = "waits",
        /// It would be kept where nobody here sees it, and look as though it waited.
        Unseen = "unseen",
        /// It would be refused, and who asks would be told so.
        Refused = "refused",
    }
}

/// What would become of one thing that is asked.
#[derive(Clone, Debug)]
pub struct Foresight {
    /// What is asked.
    pub asked: Asked,
    /// Of which user here; none where it is of the provider.
    pub of: Option<UserUri>,
    /// What would become of it.
    pub outcome: Foreseen,
    /// By what: one sentence.
    pub why: String,
    /// What who asks would be told: the answer's status, and what it says.
    pub told: String,
}

/// What would happen.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The provider that would ask.
    pub provider: Provider,
    /// The person that would ask; none where none was named, so that it is somebody of whom no rule speaks.
    pub person: Option<UserUri>,
    /// What would become of each thing that can be asked, in the order in which it is.
    pub foresights: Vec<Foresight>,
    /// What that presumes: a sentence or two.
    pub presumed: String,
}

/// What a dry run goes by besides the store.
#[derive(Clone)]
struct Asker {
    from: UserUri,
    terms: Terms,
    limits: LimitsConfig,
}

/// Whether a group is meant, and nobody who could ask.
fn is_of_group(who: &str) -> bool {
    (who.contains("/g/") || who.trim_start().starts_with('#')) && typed::group(who).is_ok()
}

impl Operator {
    /// What would happen if `who`, a provider or a person as they are typed, asked something here.
    ///
    /// # Errors
    ///
    /// Nobody can be meant by it, it is ourselves, or the store cannot be asked.
    pub async fn dry_run(&self, who: &str) -> Result<DryRun, Misuse> {
        if is_of_group(who) {
            let text = format!("{who:?} is a group's address; name a provider, or a person there");
            return Err(Misuse::Unfit(text));
        }
        let (provider, person) = read(who).map_err(|fault| Misuse::Unfit(fault.to_string()))?;
        if provider == self.ground.ours {
            let text = format!("{provider} is this provider; name another, or a person there");
            return Err(Misuse::Unfit(text));
        }
        let somebody = || SOMEBODY.parse::<Name>().map(|name| UserUri::new(&provider, &name));
        let from = match &person {
            Some(person) => person.clone(),
            None => somebody().map_err(|fault| Misuse::Unfit(fault.to_string()))?,
        };
        let asker = Asker { from, terms: self.consent.terms()?, limits: self.ground.config.limits.clone() };
        let users = self.store.read::<_, StoreFault>(|view| view.users()).await?;
        let mut foresights = vec![self.rehearse(&asker, |asker, tx| asker.introduction(tx)).await?];
        for user in users.into_iter().take(USERS) {
            let to = self.ground.user(&user.name);
            let of = to.clone();
            foresights.push(self.rehearse(&asker, move |asker, tx| asker.connection(tx, &of)).await?);
            foresights.push(self.rehearse(&asker, move |asker, tx| asker.addition(tx, &to)).await?);
        }
        foresights.push(self.rehearse(&asker, |asker, tx| asker.pull(tx)).await?);
        let presumed = self.presumed(&provider).await;
        Ok(DryRun { provider, person, foresights, presumed })
    }

    /// Rules decide only on what is proved to come from who asks.
    async fn presumed(&self, provider: &Provider) -> String {
        let refused = RefusedPull::latest(&self.peers, provider, self.ground.ambient.now()).await;
        let so_far = refused.map_or_else(String::new, |refused| {
            format!(" At present that is not so: {}.", refused.fault.text.trim_end_matches('.'))
        });
        format!(
            "This presumes that the signature of {provider} is taken here. Where its clock is wrong, or its key cannot be read from here, all is refused before any rule is asked.{so_far}"
        )
    }

    async fn rehearse(
        &self,
        asker: &Asker,
        ask: impl FnOnce(&Asker, &Tx<'_>) -> Result<Foresight, StoreFault> + Send + 'static,
    ) -> Result<Foresight, StoreFault> {
        let asker = asker.clone();
        self.store.rehearse(move |tx| ask(&asker, tx)).await
    }
}

/// The provider, and the person where one is named.
fn read(who: &str) -> Result<(Provider, Option<UserUri>), NotUnderstood> {
    // A person's address names the provider too, so it is tried first.
    match typed::user(who) {
        Ok(person) => Ok((person.provider().clone(), Some(person))),
        Err(_) => Ok((typed::provider(who)?, None)),
    }
}

impl Asker {
    fn provider(&self) -> &Provider {
        self.from.provider()
    }

    /// Why the provider may not use a resource at all, in its state here.
    fn shut_out(&self, tx: &Tx<'_>, method: &Method, path: &[&str]) -> Result<Option<Problem>, StoreFault> {
        let accepted = tx.accepted_keys(self.provider())?.last().copied();
        Ok(access_refused(tx.peer_state(self.provider())?, accepted, method, path))
    }

    fn introduction(&self, tx: &Tx<'_>) -> Result<Foresight, StoreFault> {
        let told = |outcome, why: String, told: &str| {
            Ok(Foresight { asked: Asked::Introduction, of: None, outcome, why, told: told.to_owned() })
        };
        if let Some(problem) = self.shut_out(tx, &Method::POST, &["peering"])? {
            return told(Foreseen::Refused, state_of(tx, self.provider())?, &as_told(&problem));
        }
        let (before, strangers) = (tx.peer(self.provider())?, self.terms.strangers);
        let state = introduce(tx, self.provider(), strangers, &[], &self.limits)?;
        match (before, state) {
            (Some(peer), PeerState::Allowed) if peer.state == PeerState::Allowed => {
                told(Foreseen::Allowed, state_of(tx, self.provider())?, "200, allowed")
            }
            (_, PeerState::Allowed) => {
                told(Foreseen::Allowed, "strangers are let in at once".into(), "200, allowed")
            }
            (None, _) if strangers == Strangers::Listed => {
                let why = "only providers on your list are spoken with, and it is not on it: nothing is kept";
                told(Foreseen::Unseen, why.into(), "202, pending")
            }
            (Some(PeerRow { ignored: true, .. }), _) => told(
                Foreseen::Waits,
                "you have set it aside; it asks again, so it comes back".into(),
                "202, pending",
            ),
            (Some(_), _) => {
                told(Foreseen::Waits, "it waits for your decision already".into(), "202, pending")
            }
            (None, _) => told(Foreseen::Waits, "strangers wait for your decision".into(), "202, pending"),
        }
    }

    fn connection(&self, tx: &Tx<'_>, to: &UserUri) -> Result<Foresight, StoreFault> {
        let why = match self.shut_out(tx, &Method::POST, &["connections"])? {
            Some(problem) => {
                let why = state_of(tx, self.provider())?;
                return Ok(foresight(Asked::Connection, to, Foreseen::Refused, why, as_told(&problem)));
            }
            None => self.why_connected(tx, to)?,
        };
        let now = tx.now();
        let ask = ConnectionRequest {
            id: tx.new_id(),
            from: self.from.clone(),
            to: to.clone(),
            created: now,
            expires: now.plus(Connection::LONGEST),
        };
        self.received::<Connection>(tx, Asked::Connection, to, ask, why)
    }

    fn addition(&self, tx: &Tx<'_>, to: &UserUri) -> Result<Foresight, StoreFault> {
        if let Some(problem) = self.shut_out(tx, &Method::POST, &["authorizations"])? {
            let why = state_of(tx, self.provider())?;
            return Ok(foresight(Asked::Addition, to, Foreseen::Refused, why, as_told(&problem)));
        }
        let why = match (standing_rule(tx, &self.from, to)?, tx.add_rule(to.name(), &self.from)?) {
            (Some(rule), _) if rule.kind == RuleKind::Block => told_rule(&rule),
            (_, AddRule::Never) => format!("a rule of {} never lets them add", to.name()),
            (_, AddRule::Allow) => format!("a rule of {} always lets them add", to.name()),
            (_, AddRule::Ask) => format!("no rule of {} speaks of additions by them", to.name()),
        };
        let unfit = |_| StoreFault::Unreadable { what: "a group's name", value: SOMEBODY.into() };
        let ask = AuthorizationRequest {
            id: tx.new_id(),
            group: GroupUri::new(self.provider(), &SOMEBODY.parse().map_err(unfit)?),
            title: None,
            adder: self.from.clone(),
            user: to.clone(),
            expires: tx.now().plus(Addition::LONGEST),
        };
        self.received::<Addition>(tx, Asked::Addition, to, ask, why)
    }

    fn pull(&self, tx: &Tx<'_>) -> Result<Foresight, StoreFault> {
        let why = state_of(tx, self.provider())?;
        let (outcome, told) = match self.shut_out(tx, &Method::GET, &["feed"])? {
            None => (Foreseen::Allowed, "200, with what is in our feed for it".to_owned()),
            Some(problem) => (Foreseen::Refused, as_told(&problem)),
        };
        Ok(Foresight { asked: Asked::Pull, of: None, outcome, why, told })
    }

    /// Has the rules decide on `ask`, whose reason is `why` where they do.
    fn received<K: Kind>(
        &self,
        tx: &Tx<'_>,
        asked: Asked,
        to: &UserUri,
        ask: K::Ask,
        why: String,
    ) -> Result<Foresight, StoreFault> {
        let (id, ..) = K::id_and_users(&ask);
        match receive::<K>(tx, &self.terms, self.provider(), ask, &[], &self.limits) {
            Ok(said) => {
                let kept = tx.requests_by_id::<K>(id)?.into_iter().find(|row: &RequestRow<K>| !row.outgoing);
                let outcome = match kept {
                    None => Foreseen::Unseen,
                    Some(row) if row.unseen => Foreseen::Unseen,
                    Some(_) if said.state == ConnectionState::Approved => Foreseen::Allowed,
                    Some(_) => Foreseen::Waits,
                };
                let status = crate::http::state_status(said.state).as_u16();
                Ok(foresight(asked, to, outcome, why, format!("{status}, {}", said.state)))
            }
            Err(Refusal::Problem { problem, .. }) => {
                let why = problem.detail.clone();
                Ok(foresight(asked, to, Foreseen::Refused, why, as_told(&problem)))
            }
            Err(Refusal::Store(fault)) => Err(fault),
        }
    }

    /// What decides on a request for a connection with `to`, in the order in which it does.
    fn why_connected(&self, view: &View<'_>, to: &UserUri) -> Result<String, StoreFault> {
        if view.are_connected(&self.from, to)? {
            return Ok("they are connected already".into());
        }
        let asked_by_us = view.requests_from_to::<Connection>(to, &self.from)?;
        if asked_by_us.iter().any(RequestRow::is_open) {
            return Ok(format!("both want it, since {} has asked them", to.name()));
        }
        let state = view.peer_state(self.provider())?;
        if state == PeerState::Unknown && self.terms.strangers == Strangers::Listed {
            return Ok("their provider is not on your list, so nothing is kept".into());
        }
        let waits = state != PeerState::Allowed && self.terms.strangers != Strangers::Open;
        let (rule, user) = (standing_rule(view, &self.from, to)?, view.user(to.name())?);
        Ok(match (rule, user.map(|user| user.rule)) {
            (Some(rule), _) if rule.kind == RuleKind::Allow && waits => {
                format!("{}, but their provider has to be let in first", told_rule(&rule))
            }
            (Some(rule), _) => told_rule(&rule),
            (None, Some(UserRule::Allow)) if waits => {
                format!(
                    "the rule of {} takes requests from providers that are let in, and theirs is not",
                    to.name()
                )
            }
            (None, Some(UserRule::Allow)) => {
                format!("the rule of {} takes requests from everybody whose provider is let in", to.name())
            }
            (None, _) => format!("no rule speaks of them, so {} is asked", to.name()),
        })
    }
}

fn foresight(asked: Asked, of: &UserUri, outcome: Foreseen, why: String, told: String) -> Foresight {
    Foresight { asked, of: Some(of.clone()), outcome, why, told }
}

/// How a problem is answered.
fn as_told(problem: &Problem) -> String {
    format!("{} {}: {}", problem.status().as_u16(), problem.code, problem.detail)
}

/// A standing decision in words.
fn told_rule(rule: &Rule) -> String {
    let whose =
        rule.user.as_ref().map_or_else(|| "for everybody here".to_owned(), |user| format!("for {user}"));
    let what = match rule.kind {
        RuleKind::Allow => "allows",
        RuleKind::Block => "blocks",
    };
    format!("a rule {whose} {what} {}", rule.source)
}

/// What was decided on the provider, in words.
fn state_of(view: &View<'_>, provider: &Provider) -> Result<String, StoreFault> {
    Ok(match view.peer_state(provider)? {
        PeerState::Allowed => "it is let in",
        PeerState::Pending => "it waits for your decision",
        PeerState::Blocked => "you have blocked it",
        PeerState::KeyChanged => "its key has changed, and you have not accepted the new one",
        PeerState::Unknown => "nothing was decided on it",
    }
    .to_owned())
}
