//! The login life cycle.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use monzo_sandbox::bank::faults::{Fault, Rule};
use serde_json::json;

use crate::rig::{self, Rig};

#[test]
fn before_a_login_everything_says_what_to_do_next() {
    let rig = Rig::new(rig::small());
    assert_eq!(rig.attention(), ["login_needed"]);
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("try: ") && said.err.contains("monzoctl login"), "{said:?}");
}

#[test]
fn a_login_by_another_person_is_refused_and_nothing_of_it_is_kept() {
    let rig = Rig::new(rig::small());
    rig.login();
    let before = crate::ledger::count(&rig);
    let said = rig.sign_in(&[], "sam");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("another person"), "{said:?}");
    assert_eq!(crate::ledger::count(&rig), before);
}

/// What a browser is shown at an address.
fn visit(address: &str) -> String {
    let rest = address.strip_prefix("http://").expect("an address");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{address}: {error}"));
    stream.set_read_timeout(Some(rig::PATIENCE)).expect("set");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    page
}

#[test]
fn a_browser_that_asks_twice_is_shown_how_the_login_stands() {
    let rig = Rig::new(rig::small());
    let begin = || {
        let begun = rig.call("auth.begin", &json!({"again": true})).expect("begun");
        rig.bank
            .bank()
            .sign_in(begun["url"].as_str().expect("an address"), Some("ada"), None)
            .expect("signed in")
    };
    let back = begin();
    let pages = std::thread::scope(|scope| {
        let visits: Vec<_> = (0..3).map(|_| scope.spawn(|| visit(&back))).collect();
        visits.into_iter().map(|visit| visit.join().expect("a page")).collect::<Vec<_>>()
    });
    for page in pages.into_iter().chain([visit(&back)]) {
        assert!(page.contains("200 OK") && page.contains("you can close this page"), "{page}");
    }
    let stranger = visit(&back.replace("state=", "state=x"));
    assert!(stranger.contains("400 Bad Request"), "{stranger}");
    assert_eq!(rig.bank.bank().log.iter().filter(|request| request.endpoint == "token").count(), 1);

    let back = begin();
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::Code400, 1_000_000).at("token")], 1);
    for page in [visit(&back), visit(&back)] {
        assert!(page.contains("400 Bad Request") && page.contains("Begin again with"), "{page}");
    }
}

#[test]
fn another_program_at_the_address_of_the_login_is_named_before_the_browser_meets_it() {
    let rig = Rig::new(rig::small());
    let config = std::fs::read_to_string(rig.home.config()).expect("a configuration");
    let (_, rest) = config.split_once("http://localhost:").expect("an address to come back to");
    let (port, _) = rest.split_once('/').expect("a port");
    let other = format!("127.0.0.1:{port}");
    let _other = TcpListener::bind(&other).expect("it is free");
    let said = rig.sign_in(&["--no-wait"], "ada");
    assert_eq!(said.code, 0, "{said:?}");
    // Where there is no IPv6 no address is left to listen on.
    let words = [format!("Another program listens on {other}"), format!("cannot listen on port {port}")];
    assert!(words.iter().any(|words| said.err.contains(words)), "{said:?}");
}
