//! Expressions in definitions and in the inputs of steps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Repo, direct, map, step};
use serde_json::{Value, json};
use swamp_ident::ErrorCategory;
use swamp_model::{Call, MethodRequest, StepCall};

fn run(text: &str) -> String {
    format!("methods: {{execute: {{arguments: {{run: {text}}}}}}}\n")
}

fn written_run(repo: &Repo, model: &str) -> String {
    repo.copy(model)["methods"]["execute"]["arguments"]["run"].as_str().unwrap().to_owned()
}

#[test]
fn environment_and_other_roots_mix_and_stay_out_of_the_copy() {
    let mut repo = Repo::with(&[(
        "site",
        "globalArguments:\n  whole: ${{ env.SITE }}\n  mixed: ${{ self.name + env.SITE }}\n  list: ['${{ env.SITE }}']\n  plain: ${{ 1 + 1 }}\n\
         methods:\n  execute:\n    arguments:\n      \
         run: 'echo \"${{ env.SITE }}-${{ env.SITE + \"!\" }} ${{ has(env.NOPE) }} ${{ self.globalArguments.whole }} ${{ self.globalArguments.mixed }} ${{ self.globalArguments.whole + \"?\" }} ${{ self.globalArguments.list[0] }} ${{ self.globalArguments.plain }} ${{ self.name }}\"'\n",
    )]);
    repo.env.insert("SITE".into(), "berlin".into());
    let outcome = repo.call("site", json!({}));
    assert_eq!(outcome.stdout(), "berlin-berlin! false berlin siteberlin berlin? berlin 2 site");
    let uses: Vec<String> = outcome
        .run()
        .env_uses
        .iter()
        .map(|used| format!("{} {}", used.path, used.variable))
        .collect();
    assert_eq!(
        uses,
        [
            "globalArguments.whole SITE",
            "globalArguments.mixed SITE",
            "globalArguments.list[0] SITE",
            "methods.execute.arguments.run SITE",
            "methods.execute.arguments.run SITE",
            "methods.execute.arguments.run NOPE",
        ]
    );
    assert_eq!(outcome.kinds()[2], "env");

    let copy = repo.copy("site");
    assert!(!copy.to_string().contains("berlin"), "{copy}");
    assert_eq!(
        copy["globalArguments"],
        json!({"whole": "${{ env.SITE }}", "mixed": "${{ self.name + env.SITE }}", "list": ["${{ env.SITE }}"], "plain": 2})
    );
    assert_eq!(
        written_run(&repo, "site"),
        "echo \"${{ env.SITE }}-${{ env.SITE + \"!\" }} ${{ has(env.NOPE) }} ${{ env.SITE }} ${{ self.name + env.SITE }} ${{ self.globalArguments.whole + \"?\" }} ${{ self.globalArguments.list[0] }} 2 site\""
    );

    // From the copy, somewhere else.
    repo.env.insert("SITE".into(), "paris".into());
    let request = MethodRequest { last_evaluated: true, ..direct("site", json!({})) };
    assert_eq!(
        repo.request(&request).stdout(),
        "paris-paris! false paris siteparis paris? paris 2 site"
    );
}

#[test]
fn text_from_outside_is_never_a_template() {
    let mut repo = Repo::with(&[(
        "echo",
        "inputs: {properties: {text: {type: string, default: '${{ env.SITE }}'}}}\n\
         methods: {execute: {arguments: {run: 'cat <<\"END\"\n\n        ${{ inputs.text }}\n\n        END'}}}\n",
    )]);
    repo.env.insert("SITE".into(), "berlin".into());
    for text in ["${{ env.SITE }}", "${{ 1 + 1 }}", "${{", "${{ vault.get('a', 'b') }}"] {
        assert_eq!(repo.call("echo", json!({"text": text})).stdout(), text);
        // Nor is it one when it comes back from the copy.
        let request = MethodRequest { last_evaluated: true, ..direct("echo", json!({})) };
        assert_eq!(repo.request(&request).stdout(), text, "from the copy");
    }
    // An argument that a call replaces is a value as well.
    let outcome = repo.call("echo", json!({"run": "echo '${{ env.SITE }}'"}));
    assert_eq!(outcome.stdout(), "${{ env.SITE }}");
}

#[test]
fn inputs_reach_arguments_directly_and_through_globals() {
    let repo = Repo::with(&[
        (
            "notify",
            "globalArguments: {channel: '${{ inputs.channel }}', far: '${{ self.globalArguments.channel }}!'}\n\
             inputs: {properties: {channel: {type: string}, text: {type: string}, unused: {type: string}}, required: [channel, text, unused]}\n\
             methods: {execute: {arguments: {run: 'echo ${{ inputs.text }} via ${{ self.globalArguments.far }}'}}, other: {arguments: {x: '${{ inputs.unused }}'}}}\n",
        ),
        (
            "fallback",
            "globalArguments: {run: 'echo ${{ inputs.word }}', colour: '${{ inputs.nothing }}'}\n\
             inputs: {properties: {word: {}}, required: [word]}\n",
        ),
        (
            "typed",
            "inputs: {properties: {t: {type: integer, default: 60000}, flag: {type: boolean, default: true}}}\n\
             methods: {execute: {arguments: {run: exit 3, timeout: '${{ inputs.t }}', ignoreExitCode: '${{ inputs.flag }}'}}}\n",
        ),
    ]);
    for (model, inputs, want) in [
        (
            "notify",
            json!({}),
            "failed: Input validation failed:\n  channel is required\n  text is required",
        ),
        (
            "notify",
            json!({"text": "hello"}),
            "failed: Input validation failed:\n  channel is required",
        ),
        ("notify", json!({"text": "hello", "channel": "ops"}), "hello via ops!"),
        // Replaced arguments need no inputs.
        ("notify", json!({"run": "echo no"}), "no"),
        ("fallback", json!({}), "failed: Input validation failed:\n  word is required"),
        ("fallback", json!({"word": "hi"}), "hi"),
        ("typed", json!({}), ""),
        ("typed", json!({"flag": "false"}), "failed: Command exited with code 3"),
    ] {
        assert_eq!(repo.call(model, inputs.clone()).stdout(), want, "{model} {inputs}");
    }
}

#[test]
fn what_the_method_does_not_use_may_fail() {
    let repo = Repo::with(&[
        (
            "partly",
            "tags: {broken: '${{ nope }}'}\n\
             globalArguments: {unused: '${{ nope.a }}', loop: '${{ self.globalArguments.pool }}', pool: '${{ self.globalArguments.loop }}'}\n\
             methods: {execute: {arguments: {run: 'echo fine', workingDir: '${{ nope.dir }}'}}, other: {arguments: {x: '${{ nope.b }}'}}}\n",
        ),
        (
            "looped",
            "globalArguments: {a: '${{ self.globalArguments.b }}', b: '${{ self.globalArguments.a }}'}\nmethods: {execute: {arguments: {run: 'echo ${{ self.globalArguments.a }}'}}}\n",
        ),
        (
            "deep",
            "globalArguments: {a: '${{ self.globalArguments.b }}', b: '${{ nope }}'}\nmethods: {execute: {arguments: {run: 'echo ${{ self.globalArguments.a }}'}}}\n",
        ),
        ("syntax", &run("'echo ${{ 1 + }}'")),
    ]);
    assert_eq!(repo.call("partly", json!({"workingDir": "/"})).stdout(), "fine");
    let copy = repo.copy("partly");
    assert_eq!(copy["methods"]["other"]["arguments"]["x"], "${{ nope.b }}");

    let outcome = repo.call("partly", json!({}));
    let message = &outcome.failure().failure.message;
    assert!(message.starts_with("Invalid expression: Unknown variable: nope"), "{message}");
    for part in
        ["nope.dir", "^", "at methods.execute.arguments.workingDir of model \"partly\"", ".yaml:7:"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }

    for (model, parts) in [
        ("looped", ["Global arguments need each other: a -> b -> a", "at globalArguments.a"]),
        ("deep", ["Unknown variable: nope", "at globalArguments.b"]),
        ("syntax", ["Invalid expression: ", "at methods.execute.arguments.run"]),
    ] {
        let outcome = repo.call(model, json!({}));
        let failure = &outcome.failure().failure;
        assert_eq!(failure.category, ErrorCategory::Expression);
        for part in parts {
            assert!(failure.message.contains(part), "{model}: {part}: {}", failure.message);
        }
    }
}

#[test]
fn secrets_reach_the_command_and_nothing_else() {
    let mut repo = Repo::with(&[
        (
            "curl",
            "globalArguments: {token: '${{ vault.get(\"main\", \"token\") }}'}\n\
             methods: {execute: {arguments: {run: 'echo \"a ${{ vault.get(\"main\", \"token\") }}\" ${{ self.globalArguments.token }}; echo \"$OTHER\" | tr a-z A-Z; printf %s \"$OTHER\" | wc -c', env: {OTHER: 'x${{ vault.get(\"main\", \"token\") }}'}}}}\n",
        ),
        ("sure", &run("'echo ${{ vault.get(\"main\", \"token\") + self.name }}'")),
        (
            "fail",
            &run(
                "'echo ${{ vault.get(\"main\", \"token\") }}; exit ${{ vault.get(\"main\", \"token\") }}'",
            ),
        ),
        ("global", "globalArguments: {run: 'echo ${{ vault.get(\"main\", \"token\") }}'}\n"),
    ]);
    let secret = "s3cret'; $(echo pwned) \"";
    repo.secrets.insert("token".into(), secret.into());
    let outcome = repo.call("curl", json!({}));
    assert_eq!(outcome.lines(), ["a *** ***", "XS3CRET'; $(ECHO PWNED) \"", "25"]);
    let attributes = outcome.run().artifacts[0].attributes.clone().unwrap();
    assert!(attributes["command"].as_str().unwrap().starts_with("echo \"a ***\" ***; echo"));
    for model in ["curl", "sure", "fail", "global"] {
        repo.call(model, json!({}));
    }
    assert_eq!(repo.call("sure", json!({})).stdout(), "***sure");
    assert_eq!(repo.call("global", json!({})).stdout(), "***");
    for file in repo.files(".swamp") {
        let bytes = std::fs::read(repo.root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("s3cret") && !text.contains("__SWAMP_VSEC"), "{file}: {text}");
    }
    assert!(written_run(&repo, "curl").contains("${{ vault.get(\"main\", \"token\") }}"));
}

fn step_request(
    model: &str,
    task_inputs: Value,
    change: impl FnOnce(&mut StepCall),
) -> MethodRequest {
    let (request, mut call) = step(model, task_inputs);
    change(&mut call);
    MethodRequest { call: Call::Step(Box::new(call)), ..request }
}

#[test]
fn a_step_gives_arguments_and_inputs() {
    let mut repo = Repo::with(&[
        (
            "show",
            "globalArguments: {base: b, host: '${{ env.SITE }}'}\ninputs: {properties: {who: {default: nobody}}}\nmethods: {execute: {arguments: {run: 'echo ${{ inputs.who }} ${{ inputs.stage }}'}}}\n",
        ),
        (
            "fixed",
            "inputs: {properties: {who: {default: nobody}}}\nmethods: {execute: {arguments: {run: 'echo ${{ inputs.who }}'}}}\n",
        ),
    ]);
    repo.env.insert("SITE".into(), "berlin".into());
    let stage =
        |call: &mut StepCall| call.inputs = map(json!({"stage": "prod", "list": [1]})).into();
    let item = |call: &mut StepCall| {
        call.item = Some(("host".to_owned(), json!({"key": "www"})));
    };
    let cases: Vec<(MethodRequest, &str)> = vec![
        (step_request("show", json!({}), stage), "nobody prod"),
        (step_request("show", json!({"who": "${{ inputs.stage + '!' }}"}), stage), "prod! prod"),
        (
            step_request(
                "show",
                json!({"run": "echo ${{ self.name }} ${{ self.globalArguments.base }} ${{ self.host.key }} ${{ workflowRunId }}"}),
                item,
            ),
            "show b www 22222222-2222-4222-8222-222222222222",
        ),
        (
            step_request(
                "show",
                json!({"run": "echo ${{ self.globalArguments.host }} ${{ env.SITE }}"}),
                |_| {},
            ),
            "berlin berlin",
        ),
        (
            step_request("show", json!({"run": "echo '${{ \"${\" + \"{ 1 }}\" }}'"}), |_| {}),
            "${{ 1 }}",
        ),
        (
            step_request(
                "show",
                json!({"run": "echo ok", "unknown": 1, "timeout": "60000"}),
                |_| {},
            ),
            "ok",
        ),
        (step_request("fixed", json!({}), |_| {}), "nobody"),
    ];
    for (request, want) in cases {
        assert_eq!(repo.request(&request).stdout(), want, "{request:?}");
    }
    // The copy holds what the step said, but not what this machine's environment said.
    repo.request(&step_request(
        "show",
        json!({"run": "echo ${{ self.globalArguments.host }}", "x": "${{ 1 + 1 }}"}),
        |_| {},
    ));
    let copy = repo.copy("show");
    assert_eq!(
        copy["methods"]["execute"]["arguments"],
        json!({"run": "echo ${{ env.SITE }}", "x": 2})
    );
}

#[test]
fn a_failing_expression_in_a_step_is_a_failure_of_the_step() {
    let repo = Repo::with(&[(
        "show",
        "globalArguments: {bad: '${{ nope }}'}\nmethods: {execute: {arguments: {run: 'echo ${{ workflowRunId }}'}}}\n",
    )]);
    for (task_inputs, category, parts) in [
        (
            json!({"run": "echo ${{ data.latest('show', 'none').attributes.x }}"}),
            ErrorCategory::Expression,
            ["No such key: attributes", "at task.inputs.run"],
        ),
        (
            json!({"run": "echo", "other": "${{ env.NOPE }}"}),
            ErrorCategory::Env,
            ["No such key: NOPE", "at task.inputs.other"],
        ),
        (
            json!({"run": "${{ self.globalArguments.bad }}"}),
            ErrorCategory::Expression,
            ["Unknown variable: nope", "at globalArguments.bad of model \"show\""],
        ),
        // The run's id is for steps, not for definitions.
        (
            json!({}),
            ErrorCategory::Expression,
            ["Unknown variable: workflowRunId", "at methods.execute.arguments.run"],
        ),
    ] {
        let outcome = repo.request(&step("show", task_inputs.clone()).0);
        let failure = &outcome.failure().failure;
        assert_eq!(failure.category, category, "{task_inputs}");
        for part in parts {
            assert!(failure.message.contains(part), "{part}: {}", failure.message);
        }
        assert!(repo.records().is_empty());
    }
}

#[test]
fn definitions_read_what_others_stored() {
    let repo = Repo::with(&[
        (
            "cert",
            "globalArguments: {host: www, port: 443}\nmethods: {execute: {arguments: {run: 'echo 12'}}}\n",
        ),
        (
            "alert",
            "methods:\n  execute:\n    arguments:\n      run: >-\n        \
             echo \"host=${{ model.cert.input.globalArguments.host }}\n        \
             port=${{ model.cert.definition.globalArguments.port + 1 }}\n        \
             days=${{ data.latest('cert', 'result').attributes.stdout }}\n        \
             old=${{ model.cert.resource.result.result.attributes.stdout }}\n        \
             v=${{ data.latest('cert', 'result').version }}\n        \
             n=${{ size(data.listVersions('cert', 'result')) }}\n        \
             file=${{ file.contents('cert', 'log') }}\n        \
             missing=${{ data.latest('cert', 'nope') == null }} ${{ data.latest('gone', 'x') == null }}\n        \
             spec=${{ data.findBySpec('cert', 'result').map(r, r.attributes.stdout).join(',') }}\n        \
             tag=${{ size(data.findByTag('specName', 'result')) }}\n        \
             query=${{ data.query(\"modelName == 'cert' && specName == 'log'\", 'name').join('/') }}\n        \
             first=${{ data.version('cert', 'result', 1).attributes.exitCode }}\n        \
             path=${{ model.cert.file.log.log.path.endsWith('/log/2/raw') }} end\"\n",
        ),
        ("early", &run("'echo ${{ data.latest(\"alert\", \"result\").attributes.stdout }}'")),
    ]);
    let early = repo.call("early", json!({}));
    assert!(early.failure().failure.message.contains("No such key: attributes"));
    repo.call("cert", json!({})).run();
    repo.call("cert", json!({"run": "echo 11"})).run();
    assert_eq!(
        repo.call("alert", json!({})).stdout(),
        "host=www port=444 days=11 old=11 v=2 n=2 file=[stdout]\n11 missing=true true spec=11 tag=1 query=log first=0 path=true end"
    );
}
