//! What may be set, and what is usual.

use std::time::Duration;

/// How a client goes about its work.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a pull of the feed is held.
    pub wait: Duration,
    /// Between what one member does about a proposal of others and what the next one does, so that not all commit at
    /// once.
    pub stagger: Duration,
    /// Within this time after joining, a client renews its own leaf.
    pub renew: Duration,
    /// The shortest pause after a failure; it doubles up to sixty-four times that.
    pub pause: Duration,
    /// Below this many KeyPackages at the provider there will be more.
    pub stock_low: u64,
    /// That many.
    pub stock_full: u64,
    /// How often it is looked at what nobody tells of: the stock, of which others may claim what they never use, and
    /// groups whose Welcome was lost.
    pub look_every: Duration,
    /// How long a KeyPackage is good; openmls takes none of more than 84 days.
    pub package_lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(50),
            stagger: Duration::from_millis(1_500),
            renew: Duration::from_secs(20),
            pause: Duration::from_millis(500),
            stock_low: 20,
            stock_full: 50,
            look_every: Duration::from_secs(60),
            package_lifetime: Duration::from_secs(80 * 86_400),
        }
    }
}
