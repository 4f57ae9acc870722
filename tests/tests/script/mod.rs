//! Three providers, twelve clients, and a random script of a thousand actions: people meet, make groups, add, talk,
//! remove and leave, renew and rename, also two at once, while clients crash, providers are killed and links are cut.
//! In the end all agree with the owner, and the owner with one who follows MLS alone; everything that was said is there
//! once, and nothing is with anybody who was not in the group then.
//!
//! | file | what it is |
//! | --- | --- |
//! | `action` | what may be done, and the random numbers that make a script of it |
//! | `apps` | the three apps and their people |
//! | `run` | doing it |
//! | `settled` | when nothing is left to do |
//! | `checks` | what has to be so then |
//! | `killed` | the same checks where the system kills a provider's process, amid whatever it is writing |
//!
//! The seed is printed. One is played again with
//!
//! ```text
//! DRAWBRIDGE_SEED=7 DRAWBRIDGE_ACTIONS=1000 cargo nextest run --locked --workspace seed_a
//! ```
//!
//! The same seed gives the same actions; how they meet on their way is up to the machine.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod action;
mod apps;
mod checks;
mod killed;
mod run;
mod settled;

/// Actions of a script.
const ACTIONS: usize = 1000;

async fn script(seed: u64) {
    let actions = set("DRAWBRIDGE_ACTIONS").map_or(ACTIONS, |count| usize::try_from(count).unwrap());
    println!("DRAWBRIDGE_SEED={seed} DRAWBRIDGE_ACTIONS={actions}");
    run::run(seed, actions).await;
}

fn set(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The seeds of every run, each a test of its own, so that they run side by side; the first is any that is asked for.
macro_rules! seeds {
    ($first:ident: $seed:literal, $($name:ident: $other:literal),*) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $first() {
            script(set("DRAWBRIDGE_SEED").unwrap_or($seed)).await;
        }
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if set("DRAWBRIDGE_SEED").is_none() {
                    script($other).await;
                }
            }
        )*
    };
}

seeds! { seed_a: 1, seed_b: 2, seed_c: 3, seed_d: 4 }
