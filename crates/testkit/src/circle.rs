//! People of several providers who know each other, and how they come into a group.

use drawbridge_mtp::id::{GroupUri, UserUri};
use drawbridge_mtp::message::{Asked, ClaimReply, ConnectionState, Placed};
use drawbridge_mtp::policy::Policy;
use drawbridge_node::Decision;
use drawbridge_node::store::{Addition, UserRule};

use crate::{Change, Device, Realm, Station, policy};

/// Providers that have let each other in.
pub struct Circle {
    /// Where they live.
    pub realm: Realm,
    /// The providers.
    pub stations: Vec<Station>,
}

impl Circle {
    /// `count` providers.
    pub async fn of(count: usize) -> Self {
        let realm = Realm::new();
        let mut stations = Vec::new();
        for _ in 0..count {
            stations.push(realm.station(|_| {}).await);
        }
        let circle = Self { realm, stations };
        for station in &circle.stations {
            for other in circle.stations.iter().filter(|other| other.provider() != station.provider()) {
                station.lets_in(other.provider()).await;
            }
        }
        circle
    }

    /// The provider of a user.
    pub fn home(&self, user: &UserUri) -> &Station {
        let home = self.stations.iter().find(|station| station.provider() == user.provider());
        home.expect("a user of the circle")
    }

    /// A new user at the station with this number, with a client that has published KeyPackages.
    pub async fn person(&self, station: usize, name: &str) -> Device {
        let station = &self.stations[station];
        let user = station.node().create_user(name.parse().unwrap(), UserRule::Ask).await.unwrap();
        let device = station.device(&user, "phone").await;
        device.publishes(5).await;
        device
    }

    /// One asks the other for a connection, who agrees.
    pub async fn connects(&self, one: &UserUri, other: &UserUri) {
        let (home, away) = (self.home(one), self.home(other));
        let asked = home.node().connect(one.name(), other.clone(), None).await.unwrap().id;
        away.hears_of(asked).await;
        away.decides(asked, Decision::Approve).await;
        home.sees(asked, ConnectionState::Approved).await;
    }

    /// A user asks to add another to a group, whose operator agrees; returns when the grant has come.
    pub async fn authorizes(&self, adder: &Device, group: &GroupUri, user: &UserUri) -> Asked {
        let asked = adder.asks_to_add(group, user).await;
        let away = self.home(user);
        let id = asked.id;
        away.until("the request to add comes", move |view| Ok(view.requests_by_id::<Addition>(id)?.pop()))
            .await;
        away.node().decide_authorization(id, None, Decision::Approve).await.unwrap();
        self.is_authorized(adder, asked).await;
        asked
    }

    /// Returns when the grant has come.
    pub async fn is_authorized(&self, adder: &Device, asked: Asked) {
        let id = asked.id;
        let granted = move |view: &drawbridge_node::store::View<'_>| {
            Ok(view.requests_by_id::<Addition>(id)?.into_iter().find(|row| row.about.grant.is_some()))
        };
        self.home(adder.user()).until("the grant comes", granted).await;
    }

    /// KeyPackages and grants of users who know the adder and agree to be added.
    pub async fn claimed(&self, adder: &Device, group: &GroupUri, users: &[&UserUri]) -> ClaimReply {
        for user in users {
            self.authorizes(adder, group, user).await;
        }
        adder.claims(group, users).await
    }

    /// Asks, claims and commits: the users' clients are added. The adder has heard of it.
    pub async fn adds(&self, adder: &Device, group: &GroupUri, others: &[&Device]) -> Placed {
        let users: Vec<&UserUri> = others.iter().map(|other| other.user()).collect();
        let claimed = self.claimed(adder, group, &users).await;
        let placed = adder.does(group, &adder.commit(group, Change::adding(&claimed))).await;
        adder.hears_of(group, placed.seq).await;
        for other in others {
            other.comes_into(group).await;
        }
        placed
    }

    /// A group of `admin` that the others are in.
    pub async fn group(&self, name: &str, admin: &Device, others: &[&Device]) -> GroupUri {
        self.group_with(name, admin, others, &policy(&[admin.user()])).await
    }

    /// A group of `admin` with a policy that the others are in.
    pub async fn group_with(
        &self,
        name: &str,
        admin: &Device,
        others: &[&Device],
        policy: &Policy,
    ) -> GroupUri {
        let group = admin.creates(name, policy).await;
        for other in others {
            self.connects(admin.user(), other.user()).await;
        }
        self.adds(admin, &group, others).await;
        group
    }
}
