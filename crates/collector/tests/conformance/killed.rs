//! A ClickHouse that is killed while it is being written to, again and again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{Event, Store};

use crate::clickhouse::{calls, check, real_now};
use crate::engines::{debian, sql};
use crate::{Case, Place, now};

pub(crate) const ALL: &[Case] = &[("a_server_is_killed_while_it_writes", killed)];

const KILLS: u32 = 6;

/// The server is one of its own; the others go on.
fn killed(_: &Place) {
    let mut server = debian();
    let address = server.address("killed");
    let open = || ClickHouse::open(&address, now()).unwrap();
    let store = open();
    // Views are filled in the order of their names. With a pause before `rollup_view` nearly every
    // kill comes between the events and their statistics.
    sql(&address, "CREATE TABLE nowhere (n UInt8) ENGINE = Null");
    sql(
        &address,
        "CREATE MATERIALIZED VIEW pause_view TO nowhere AS SELECT toUInt8(sleep(0.2)) AS n FROM events",
    );
    let (sent, stop) = (Mutex::new(Vec::<Event>::new()), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for client in 0..3 {
            let store = open();
            let (sent, stop) = (&sent, &stop);
            threads.spawn(move || {
                for round in 0.. {
                    let events = calls(&store, &format!("{client}-{round}"), 60);
                    // Like a client that does not give up.
                    while store.append(&events).is_err() {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    sent.lock().unwrap().extend(events);
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        for kill in 0..KILLS {
            std::thread::sleep(Duration::from_millis(400 + 70 * u64::from(kill)));
            server.kill();
            server.start_again();
        }
        stop.store(true, Ordering::SeqCst);
    });
    let sent = sent.into_inner().unwrap();
    assert!(
        store.repair(9, Duration::ZERO, real_now().plus_millis(1)).unwrap() > 0,
        "nothing was torn"
    );
    check(&store, &sent);
    assert_eq!(store.repair(9, Duration::ZERO, real_now().plus_millis(1)).unwrap(), 0);
}
