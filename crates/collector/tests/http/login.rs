//! Signing in with a read key, and out again, without a browser.

use std::fmt::Write as _;

use swamp_collector::keys::Scope;
use swamp_collector::serve::{ServeOptions, TlsFiles};

use crate::client::{Answer, Collector, events, now, options, request};
use crate::tls;

/// A collector for which keys are needed.
fn behind_proxy() -> Collector {
    Collector::with(&ServeOptions { behind_proxy: true, ..options() })
}

/// A form as browsers send it.
fn form(path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in fields {
        let escaped = value.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02x}").unwrap();
            text
        });
        write!(body, "{}{name}={escaped}", if body.is_empty() { "" } else { "&" }).unwrap();
    }
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    request("POST", path, &all, body.as_bytes())
}

impl Collector {
    fn send_form(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        self.connect().exchange(&form(path, fields, headers))
    }
}

/// The value of the cookie an answer sets, and its attributes, in lower case.
fn cookie(answer: &Answer) -> Option<(String, Vec<String>)> {
    let set = answer.header("set-cookie")?;
    let mut parts = set.split("; ").map(str::to_owned);
    let value = parts.next()?.strip_prefix("swamp_session=")?.to_owned();
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    Some((value, attributes))
}

#[test]
fn only_a_read_key_signs_in() {
    let collector = behind_proxy();
    let (read, _) = collector.key("default", Scope::Read);
    let (ingest, _) = collector.key("default", Scope::Ingest);
    let (metrics, _) = collector.key("default", Scope::Metrics);
    let (revoked, id) = collector.key("default", Scope::Read);
    collector.store.revoke_key(&id, now()).unwrap();
    let padded = format!("  {read}\n");
    let cut = &read[..read.len() - 1];
    for (name, fields, status, leads_to) in [
        ("right", &[("key", &*read)][..], 303, Some("/")),
        ("with blanks from pasting", &[("key", &padded)], 303, Some("/")),
        (
            "and a place to go to",
            &[("key", &read), ("next", "/runs?period=7d")],
            303,
            Some("/runs?period=7d"),
        ),
        ("a place elsewhere", &[("key", &read), ("next", "https://evil.example/")], 303, Some("/")),
        ("another one", &[("key", &read), ("next", "//evil.example/")], 303, Some("/")),
        ("a header in it", &[("key", &read), ("next", "/\r\nset-cookie: a=b")], 303, Some("/")),
        ("one for sending", &[("key", &ingest)], 401, None),
        ("one for figures", &[("key", &metrics)], 401, None),
        ("a revoked one", &[("key", &revoked)], 401, None),
        ("cut short", &[("key", cut)], 401, None),
        ("nonsense", &[("key", "swk_é_<script>")], 401, None),
        ("none", &[], 401, None),
        ("an empty one", &[("key", "")], 401, None),
        ("too much", &[("key", &"x".repeat(9_000))], 413, None),
    ] {
        let answer = collector.send_form("/login", fields, &[]);
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(answer.header("location"), leads_to, "{name}");
        assert_eq!(cookie(&answer).is_some(), leads_to.is_some(), "{name}: {answer:?}");
        assert_eq!(answer.head.matches("set-cookie").count(), usize::from(leads_to.is_some()));
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        if status == 401 {
            assert!(answer.body.contains("does not open the dashboard"), "{name}: {answer:?}");
            assert!(answer.body.contains("action=\"/login\""), "{name}");
        }
        // What was typed does not come back.
        for (_, value) in
            fields.iter().filter(|(field, value)| *field == "key" && !value.is_empty())
        {
            assert!(
                !answer.body.contains(value.trim()) && !answer.head.contains(value.trim()),
                "{name}"
            );
        }
    }
}

#[test]
fn the_cookie_is_for_this_site_and_not_for_scripts() {
    let files = tempfile::tempdir().unwrap();
    let certificates: TlsFiles = tls::certificate(files.path());
    let trusted = certificates.certificate.clone();
    let with_tls = ServeOptions { tls: Some(certificates), ..options() };
    for (name, options, secure) in [
        ("loopback", options(), false),
        ("behind a proxy", ServeOptions { behind_proxy: true, ..options() }, true),
        ("TLS", with_tls.clone(), true),
    ] {
        let collector = Collector::with(&options);
        let exchange = |bytes: &[u8]| match options.tls {
            None => collector.connect().exchange(bytes),
            Some(_) => tls::exchange(&collector, &trusted, "-tls1_3", bytes),
        };
        let (read, _) = collector.key("default", Scope::Read);
        let mut want = vec!["httponly", "max-age=43200", "path=/", "samesite=strict"];
        want.extend(secure.then_some("secure"));
        let (value, attributes) =
            cookie(&exchange(&form("/login", &[("key", &read)], &[]))).unwrap();
        assert_eq!(attributes, want, "{name}");
        let secret = read.rsplit('_').next().unwrap();
        assert!(!value.contains(secret), "{name}: the cookie holds the key");
        want[1] = "max-age=0";
        let session = format!("swamp_session={value}");
        let out = exchange(&form("/logout", &[], &[("cookie", &session)]));
        assert_eq!((out.status, out.header("location")), (303, Some("/login")), "{name}");
        assert_eq!(
            cookie(&out),
            Some((String::new(), want.iter().map(|&one| one.to_owned()).collect())),
            "{name}"
        );
    }
}

#[test]
fn forms_of_other_sites_sign_nobody_in_or_out() {
    let collector = behind_proxy();
    let (read, _) = collector.key("default", Scope::Read);
    let own = format!("http://localhost:{}", collector.address.port());
    for (headers, accepted) in [
        (&[][..], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", &*own)], true),
        // The page told its browser not to say where it is.
        (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("origin", &own)], true),
        // A proxy speaks TLS on a port of its own and passes on the name alone.
        (&[("origin", "https://localhost:8443")], true),
        (&[("sec-fetch-site", "cross-site"), ("origin", &own)], false),
        (&[("sec-fetch-site", "same-site"), ("origin", "http://other.localhost")], false),
        (&[("sec-fetch-site", "?")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "https://localhost.evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
    ] {
        for (path, leads_to) in [("/login", "/"), ("/logout", "/login")] {
            let answer = collector.send_form(path, &[("key", &read)], headers);
            if accepted {
                assert_eq!(
                    (answer.status, answer.header("location")),
                    (303, Some(leads_to)),
                    "{headers:?}"
                );
                continue;
            }
            assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
            assert!(answer.body.contains("sent by another site"), "{answer:?}");
            assert_eq!(cookie(&answer), None, "{path} {headers:?}");
        }
    }
    // A link cannot do it either.
    for path in ["/logout", "/login"] {
        let answer = collector.get(path, &[("sec-fetch-site", "cross-site")]);
        assert_eq!(cookie(&answer), None, "{path}");
    }
    collector.get("/logout", &[]).refuses(405, "method_not_allowed");
}

#[test]
fn a_session_shows_its_project_until_it_ends_and_sends_nothing() {
    let collector = behind_proxy();
    collector.store.create_project("other", now()).unwrap();
    let (read, id) = collector.key("other", Scope::Read);
    let answer = collector.send_form("/login", &[("key", &read)], &[]);
    let (value, _) = cookie(&answer).unwrap();
    let session = format!("a=b; swamp_session={value}; c=d");
    let as_somebody = [("cookie", session.as_str())];
    let page = collector.get("/", &as_somebody);
    assert!(page.status == 200 && page.body.contains("other"), "{page:?}");
    // The project is that of the key, whatever the address says.
    assert_eq!(collector.get("/?project=default", &as_somebody).status, 200);
    collector.get("/api/v1/summary?project=default", &as_somebody).json(200);
    assert_eq!(
        collector.get("/login?next=%2Fruns", &as_somebody).header("location"),
        Some("/runs")
    );
    let body = events(&[crate::client::event("a", 1)]);
    collector.post(&body, &as_somebody).refuses(401, "unauthorized");

    // Nothing about it can be changed.
    let mut parts: Vec<String> = value.split('.').map(str::to_owned).collect();
    assert_eq!(parts.len(), 3, "{value}");
    let until: i64 = parts[1].parse().unwrap();
    assert!((until - now().as_millis() - 12 * 3_600_000).abs() < 60_000, "{until}");
    parts[1] = (until + 1).to_string();
    let longer = parts.join(".");
    parts[1] = "0".to_owned();
    let over = parts.join(".");
    let (another, _) = collector.key("default", Scope::Read);
    let stolen = value.replacen(&parts[0], another.split('_').nth(1).unwrap(), 1);
    for changed in
        [&*longer, &over, &stolen, "", "..", "a.b.c", &value[..value.len() - 1], &value[1..]]
    {
        let session = format!("swamp_session={changed}");
        let page = collector.get("/runs?period=7d", &[("cookie", &session)]);
        assert_eq!(page.status, 303, "{changed}: {page:?}");
        let expired = if changed.is_empty() { "" } else { "&expired=1" };
        let login = format!("/login?next=%2fruns%3fperiod%3d7d{expired}");
        assert_eq!(page.header("location"), Some(&*login));
        collector.get("/api/v1/summary", &[("cookie", &session)]).refuses(401, "unauthorized");
    }
    // It ends with its key.
    collector.store.revoke_key(&id, now()).unwrap();
    assert_eq!(collector.get("/", &as_somebody).header("location"), Some("/login?expired=1"));
}
