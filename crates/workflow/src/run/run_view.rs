//! A finished run as JSON, made piece by piece: the view of ten thousand steps is never in memory as
//! a whole.

use std::path::Path;

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::Value;
use swamp_model::ReportOutcome;

use super::progress::{Identity, JobProgress, Progress, StepProgress, Times};

/// `{id, workflowId, workflowName, status, jobs, error?, duration?, path, reports?}`.
pub(super) struct RunView<'a> {
    pub(super) identity: &'a Identity,
    pub(super) progress: &'a Progress,
    pub(super) path: &'a Path,
    pub(super) reports: &'a [ReportOutcome],
}

impl Serialize for RunView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Progress { status, times, error, jobs } = self.progress;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.identity.id)?;
        map.serialize_entry("workflowId", &self.identity.workflow_id)?;
        map.serialize_entry("workflowName", &self.identity.workflow_name)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("jobs", &Each(jobs, JobView))?;
        put_ends(&mut map, error.as_deref(), times)?;
        map.serialize_entry("path", &self.path.to_string_lossy())?;
        if !self.reports.is_empty() {
            map.serialize_entry("reports", &Each(self.reports, ReportView))?;
        }
        map.end()
    }
}

/// Serialises each of some things through a view of it.
struct Each<'a, T, V>(&'a [T], fn(&'a T) -> V);

impl<T, V: Serialize> Serialize for Each<'_, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

struct JobView<'a>(&'a JobProgress);

impl Serialize for JobView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("status", &self.0.status)?;
        map.serialize_entry("steps", &Each(&self.0.steps, StepView))?;
        put_ends(&mut map, self.0.error.as_deref(), &self.0.times)?;
        map.end()
    }
}

struct StepView<'a>(&'a StepProgress);

impl Serialize for StepView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("status", &self.0.status)?;
        put_ends(&mut map, self.0.error.as_deref(), &self.0.times)?;
        if let Some(artifacts) = &self.0.artifacts {
            let text = artifacts.read().map_err(S::Error::custom)?;
            let artifacts: Value = serde_json::from_str(&text).map_err(S::Error::custom)?;
            map.serialize_entry("dataArtifacts", &artifacts)?;
        }
        if self.0.allowed {
            map.serialize_entry("allowedFailure", &true)?;
        }
        map.end()
    }
}

struct ReportView<'a>(&'a ReportOutcome);

impl Serialize for ReportView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("scope", self.0.scope.as_str())?;
        map.serialize_entry("success", &self.0.result.is_ok())?;
        match &self.0.result {
            Ok((markdown, json)) => {
                map.serialize_entry("markdown", markdown)?;
                map.serialize_entry("json", json)?;
            }
            Err(error) => map.serialize_entry("error", error)?,
        }
        map.end()
    }
}

fn put_ends<M: SerializeMap>(
    map: &mut M,
    error: Option<&str>,
    times: &Times,
) -> Result<(), M::Error> {
    if let Some(error) = error {
        map.serialize_entry("error", error)?;
    }
    if let Some(duration) = times.duration() {
        map.serialize_entry("duration", &duration)?;
    }
    Ok(())
}
