//! Every schedule through every scenario.

use ::longlink::keeper::Config;

use crate::client::Client;
use crate::longlink::Longlink;
use crate::models::{self, Follower, Model};
use crate::parallel;
use crate::record::Record;
use crate::report::{LONGLINK, Report, Row, Told};
use crate::scenario::{self, Scenario};
use crate::service::Nanos;
use crate::world::World;

/// What one thread does at a time. Keepers are large: they are all in one job,
/// so that there is one fleet of them at a time.
enum Job<'a> {
    Longlink(&'a [Scenario]),
    Model(&'a Scenario, &'static Model),
}

pub fn all(fleet: usize, queue: Nanos, seed: u64) -> Report {
    let scenarios = scenario::all();
    let models = scenarios
        .iter()
        .flat_map(|scenario| models::ALL.iter().map(move |model| Job::Model(scenario, model)));
    let jobs: Vec<Job<'_>> = std::iter::once(Job::Longlink(&scenarios)).chain(models).collect();
    let mut done = parallel::map(&jobs, |job| match job {
        Job::Longlink(scenarios) => {
            scenarios.iter().map(|scenario| longlink(scenario, fleet, queue, seed)).collect()
        }
        Job::Model(scenario, model) => vec![follow(scenario, model, fleet, queue, seed)],
    })
    .into_iter();
    let own: Vec<Row> = done.next().unwrap_or_default();
    let mut others = done.flatten();
    let told = scenarios
        .into_iter()
        .zip(own)
        .map(|(scenario, own)| {
            let others = others.by_ref().take(models::ALL.len());
            Told {
                clients: fleet / scenario.one_in,
                rows: std::iter::once(own).chain(others).collect(),
                scenario,
            }
        })
        .collect();
    Report { clients: fleet, seed, told }
}

fn longlink(scenario: &Scenario, fleet: usize, queue: Nanos, seed: u64) -> Row {
    // Half of the random seeds would be as good; what matters is that they differ.
    let client = |at| Longlink::new(Config::default(), seed.wrapping_mul(1 << 32) + at as u64);
    run(LONGLINK, scenario, fleet, client, queue, seed)
}

fn follow(scenario: &Scenario, model: &'static Model, fleet: usize, queue: Nanos, seed: u64) -> Row {
    run(model.name, scenario, fleet, |_| Follower::new(model), queue, seed)
}

fn run<C: Client>(
    name: &'static str,
    scenario: &Scenario,
    fleet: usize,
    client: impl Fn(usize) -> C,
    queue: Nanos,
    seed: u64,
) -> Row {
    let clients = (0..fleet / scenario.one_in).map(client).collect();
    let mut record: Record = World::new(scenario, fleet, clients, queue, seed).live();
    Row {
        name,
        figures: record.figures(scenario.back),
        per_second: record.per_second(),
        connected: record.connected(),
    }
}
