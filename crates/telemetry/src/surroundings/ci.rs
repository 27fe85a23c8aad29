//! Whether this command runs in continuous integration, and in which system.

use super::Env;

/// A system and the variable it sets, the first that is set wins.
const SYSTEMS: &[(&str, &str)] = &[
    ("github-actions", "GITHUB_ACTIONS"),
    ("gitlab", "GITLAB_CI"),
    ("buildkite", "BUILDKITE"),
    ("circleci", "CIRCLECI"),
    ("jenkins", "JENKINS_URL"),
    ("azure-pipelines", "TF_BUILD"),
    ("travis", "TRAVIS"),
    ("teamcity", "TEAMCITY_VERSION"),
    ("bitbucket", "BITBUCKET_BUILD_NUMBER"),
    ("drone", "DRONE"),
    ("codebuild", "CODEBUILD_BUILD_ID"),
    ("appveyor", "APPVEYOR"),
    ("unknown", "CI"),
];

/// Every variable a rule reads.
pub(super) const VARIABLES: &[&str] = &[
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "JENKINS_URL",
    "TF_BUILD",
    "TRAVIS",
    "TEAMCITY_VERSION",
    "BITBUCKET_BUILD_NUMBER",
    "DRONE",
    "CODEBUILD_BUILD_ID",
    "APPVEYOR",
    "CI",
];

/// The system, `unknown` when only the general variable is set.
pub(super) fn detect(env: Env<'_>) -> Option<&'static str> {
    SYSTEMS
        .iter()
        .find(|(_, variable)| {
            env(variable).is_some_and(|value| {
                !value.is_empty() && value != "0" && !value.eq_ignore_ascii_case("false")
            })
        })
        .map(|(system, _)| *system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_named_when_it_says_so() {
        for (set, want) in [
            (&[][..], None),
            (&[("CI", "true"), ("GITHUB_ACTIONS", "true")][..], Some("github-actions")),
            (&[("CI", "1"), ("GITLAB_CI", "true")], Some("gitlab")),
            (&[("JENKINS_URL", "https://ci.acme.internal")], Some("jenkins")),
            (&[("CI", "1")], Some("unknown")),
            (&[("CI", "false")], None),
            (&[("CI", "")], None),
        ] {
            let env = |name: &str| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(detect(&env), want, "{set:?}");
        }
        assert!(SYSTEMS.iter().all(|(_, variable)| VARIABLES.contains(variable)));
    }
}
