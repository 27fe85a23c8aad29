//! The events that are sent: runs of 24 calls and the command that made them, with workflows, jobs
//! and steps as a team of fifty might have. Put together from pieces that were made beforehand,
//! because a generator that formats each event costs as much as the collector it measures.

#![expect(clippy::cast_possible_truncation, reason = "the numbers are made small before")]

use swamp_collector::DAY;
use swamp_ident::Timestamp;

/// Events of a run: its calls, and last the command.
const RUN: u64 = 25;

const HEAD: &str = r#"{"event":"cli_invocation","distinct_id":"6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d0b01","insert_id":""#;
const CALL: &str = r#","invocation":{"command":"model","args":["run","<REDACTED>","execute"],"optionKeys":[],"globalOptions":[],"subcommand":"method"},"result":"#;
const COMMAND: &str = r#","invocation":{"command":"workflow","args":["<REDACTED>"],"optionKeys":[],"globalOptions":["--json"],"subcommand":"run"},"result":"#;
const WELL: &str = r#"{"status":"success","exitCode":0}"#;
const BADLY: &str = r#"{"status":"user_error","exitCode":1,"errorType":"UserError","errorMessage":"Command exited with code 3","errorCategory":"method"}"#;
const SURROUNDINGS: &str = r#","swampVersion":"0.1.0","denoVersion":"0.0.0","platform":"linux","invocationContext":{"agentSessionDetected":false,"isInteractive":false,"configuredAiTools":[],"ciSystem":"github-actions"}"#;
const RUNTIME: &str = r#""runtime":{"name":"rust","version":"1.95"},"repoId":"3c3c3c3c-0000-4000-8000-000000000001","#;
const CALL_END: &str = r#""$repo_id":"3c3c3c3c-0000-4000-8000-000000000001"}}"#;
const COMMAND_END: &str = r#"","runStatus":"succeeded","methodCounts":{"total":24,"success":24,"error":0,"skipped":0},"$repo_id":"3c3c3c3c-0000-4000-8000-000000000001"}}"#;

/// When the events began.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// At any time of the period, in no order: the hardest case, as if a month was sent again.
    Any,
    /// One after the other, as a collector gets them that is there all the time.
    Time,
}

/// Makes request bodies.
pub(crate) struct Events {
    pub(crate) now: i64,
    pub(crate) days: i64,
    pub(crate) order: Order,
    /// How many there are in all.
    pub(crate) total: u64,
    /// How many go into a request.
    pub(crate) per_request: u64,
    /// The part of a call that depends on workflow and step.
    calls: Vec<String>,
}

impl Events {
    pub(crate) fn new(now: i64, days: i64, order: Order, total: u64, per_request: u64) -> Self {
        let call = |workflow: u64, step: u64| {
            let job = step / 8;
            let model = ["command/shell", "@acme/database", "@acme/cluster"][(step % 3) as usize];
            let driver = ["raw", "docker"][(workflow % 2) as usize];
            format!(
                r#"","jobName":"job-{job}","stepName":"step-{step}","modelType":"{model}","driver":"{driver}","phase":"method"}},"#
            )
        };
        let calls = (0..50).flat_map(|workflow| (0..24).map(move |step| call(workflow, step)));
        Self { now, days, order, total, per_request, calls: calls.collect() }
    }

    /// The body of a request.
    pub(crate) fn write(&self, number: u64, body: &mut Vec<u8>) {
        body.clear();
        body.extend_from_slice(b"{\"events\":[");
        let first = number * self.per_request;
        let mut run = self.run(first / RUN);
        for event in first..first + self.per_request {
            if event / RUN != run.number {
                run = self.run(event / RUN);
            }
            if event > first {
                body.push(b',');
            }
            self.event(&run, event, body);
        }
        body.extend_from_slice(b"]}");
    }

    fn run(&self, number: u64) -> Run {
        let period = (self.days * DAY).cast_unsigned();
        let ago = match self.order {
            Order::Any => mix(number ^ 0x77) % period,
            Order::Time => {
                let runs = (self.total / RUN).max(1);
                let rest = u128::from(runs.saturating_sub(number)) * u128::from(period);
                u64::try_from(rest / u128::from(runs)).unwrap_or(0)
            }
        };
        let started = Timestamp::from_millis(self.now - ago.cast_signed());
        let workflow = mix(number) % 50;
        Run {
            number,
            command: id(1, number),
            id: id(2, number),
            workflow,
            name: workflow.to_string(),
            started: started.to_string(),
        }
    }

    fn event(&self, run: &Run, event: u64, body: &mut Vec<u8>) {
        let random = mix(event ^ 0x5eed);
        let is_command = event % RUN == RUN - 1;
        let own = if is_command { run.command } else { id(3, event) };
        let step = event % 24;
        let mut put = |text: &[u8]| body.extend_from_slice(text);
        put(HEAD.as_bytes());
        put(&own);
        put(br#"","properties":{"id":""#);
        put(&own);
        put(b"\"");
        put(if is_command { COMMAND } else { CALL }.as_bytes());
        put(if !is_command && random.is_multiple_of(50) { BADLY } else { WELL }.as_bytes());
        put(br#","startedAt":""#);
        put(run.started.as_bytes());
        put(br#"","completedAt":""#);
        put(run.started.as_bytes());
        put(br#"","durationMs":"#);
        let millis =
            if is_command { random % 60_000 } else { (random % 37) * (random % 101) * (1 + step) };
        let mut digits = [0; 20];
        put(decimal(millis, &mut digits));
        put(SURROUNDINGS.as_bytes());
        put(b",");
        if is_command {
            put(RUNTIME.as_bytes());
            put(br#""runId":""#);
            put(&run.id);
            put(COMMAND_END.as_bytes());
        } else {
            put(br#""parentInvocationId":""#);
            put(&run.command);
            put(br#"","workflowContext":{"workflowName":"workflow-"#);
            put(run.name.as_bytes());
            put(br#"","runId":""#);
            put(&run.id);
            put(self.calls[(run.workflow * 24 + step) as usize].as_bytes());
            put(RUNTIME.as_bytes());
            put(CALL_END.as_bytes());
        }
    }
}

struct Run {
    number: u64,
    command: [u8; 36],
    id: [u8; 36],
    workflow: u64,
    name: String,
    started: String,
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// An id like a random UUID, different for each number.
fn id(kind: u64, number: u64) -> [u8; 36] {
    let random = mix(number);
    let mut text = *b"00000000-0000-4000-8000-000000000000";
    let mut put = |from: usize, digits: usize, value: u64| {
        for (place, byte) in text[from..from + digits].iter_mut().rev().enumerate() {
            *byte = b"0123456789abcdef"[(value >> (4 * place)) as usize & 15];
        }
    };
    put(0, 8, random >> 32);
    put(9, 4, kind);
    put(15, 3, number);
    put(20, 3, random);
    put(24, 12, number);
    text
}

/// A number that looks random and is the same every time.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
