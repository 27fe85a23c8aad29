//! Container engines, and containers whose process is gone.

use swamp_driver::{Engine, Found, Standing};

use super::finding::{Cure, Finding};
use super::used::Used;

const ENGINE: &str = "container engine";
const CONTAINER: &str = "container";

pub(super) fn look(used: &Used) -> Vec<Finding> {
    let mut findings = Vec::new();
    for engine in &used.engines {
        match engine.version() {
            Ok(version) => {
                findings.push(Finding::fine(ENGINE, format!("{}: {version}", engine.as_str())));
                findings.extend(containers(engine));
            }
            Err(error) => {
                let advice = "install or start it, or set 'command' in driverConfig to another";
                let cure = Cure::Advice(advice.to_owned());
                findings.push(Finding::problem(ENGINE, error.to_string(), cure));
            }
        }
    }
    for engine in &used.other_engines {
        // Nobody here needs it: it need not answer.
        findings.extend(containers(engine));
    }
    findings
}

fn containers(engine: &Engine) -> Vec<Finding> {
    let Ok(containers) = engine.containers() else { return Vec::new() };
    containers.into_iter().filter_map(|found| judge(engine, found)).collect()
}

fn judge(engine: &Engine, found: Found) -> Option<Finding> {
    let is_running = matches!(found.state.as_str(), "running" | "paused");
    let whose = match found.owned.owner.standing() {
        Standing::Alive => return None,
        Standing::Gone => format!("whose process {} is gone", found.owned.owner.pid),
        Standing::Elsewhere if is_running => {
            let what = describe(engine, &found, "whose process is not one of this machine");
            return Some(Finding::note(CONTAINER, what));
        }
        Standing::Elsewhere => "of an earlier time or another machine".to_owned(),
    };
    let what = describe(engine, &found, &whose);
    let fix = {
        let engine = engine.clone();
        move || engine.try_remove(&found.id).map_err(|error| error.to_string())
    };
    Some(Finding::problem(
        CONTAINER,
        what,
        Cure::Fix("`swamp doctor --fix` removes it".to_owned(), Box::new(fix)),
    ))
}

fn describe(engine: &Engine, found: &Found, whose: &str) -> String {
    let Found { name, image, state, owned, .. } = found;
    let run = owned.run.as_ref().map_or_else(String::new, |run| format!(", run {run}"));
    let engine = engine.as_str();
    format!("{name} ({image}, {state}{run}) of {engine}, {whose}")
}
