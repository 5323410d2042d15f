//! The rows: what a server does, and what has to come of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use failscope::diagnose::providers::Limits;

use crate::models::vendor::KEY;
use crate::models::{Act, Seen, Vendor, answer, http};

type Script = Box<dyn Fn(Vendor, &Seen, SocketAddr) -> Vec<Act> + Send + Sync>;
type Expect = Box<dyn Fn(Vendor) -> &'static str + Send + Sync>;

pub struct Row {
    pub name: String,
    pub script: Script,
    pub expect: Expect,
    /// Completion requests, where their number matters.
    pub posts: Option<usize>,
    pub limits: fn(&mut Limits),
}

mod bodies;
mod connections;
mod odd;
mod statuses;

struct Table(Vec<Row>);

fn unlimited(_: &mut Limits) {}

/// Half a second in all: a model on this machine gets five times the limit.
fn half_a_second(limits: &mut Limits) {
    limits.total = Duration::from_millis(100);
}

/// A fifth of a second between two pieces.
fn impatient(limits: &mut Limits) {
    limits.read = Duration::from_millis(40);
}

const GOOD: &str = "{\"root_cause\": \"off by one\", \"confidence\": 0.9}";

fn good(vendor: Vendor) -> String {
    vendor.reply("some-model", GOOD).to_string()
}

impl Table {
    fn add(
        &mut self,
        name: impl Into<String>,
        expect: &'static str,
        posts: Option<usize>,
        script: impl Fn(Vendor, SocketAddr) -> Vec<Act> + Send + Sync + 'static,
    ) -> &mut Row {
        self.0.push(Row {
            name: name.into(),
            script: Box::new(move |vendor, _, target| script(vendor, target)),
            expect: Box::new(move |_| expect),
            posts,
            limits: unlimited,
        });
        self.0.last_mut().unwrap()
    }

    /// A status with the provider's own error body.
    fn status(
        &mut self,
        status: u16,
        (kind, code, message): (&'static str, Option<&'static str>, &'static str),
        headers: &'static [(&'static str, &'static str)],
        expect: &'static str,
        posts: usize,
    ) {
        self.add(format!("{status} {message} {headers:?}"), expect, Some(posts), move |vendor, _| {
            answer(status, headers, vendor.error(kind, code, message).to_string())
        });
    }

    /// What fails first (`n` times) and then goes well.
    fn then_good(
        &mut self,
        name: &str,
        n: usize,
        script: impl Fn(Vendor) -> Vec<Act> + Send + Sync + 'static,
    ) {
        // One row is run with all vendors, each with a server of its own.
        let counts: [AtomicUsize; 4] = Default::default();
        self.add(format!("{name}, {n} times, then an answer"), "Ok", Some(n + 1), move |vendor, _| {
            let index = Vendor::ALL.iter().position(|v| *v == vendor).unwrap();
            if counts[index].fetch_add(1, Ordering::SeqCst) < n {
                script(vendor)
            } else {
                answer(200, &[], good(vendor))
            }
        });
    }

    /// A body with status 200.
    fn body(
        &mut self,
        name: &str,
        expect: &'static str,
        body: impl Fn(Vendor) -> Vec<u8> + Send + Sync + 'static,
    ) -> &mut Row {
        self.add(format!("200 with {name}"), expect, None, move |vendor, _| answer(200, &[], body(vendor)))
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two megabytes of spaces in an answer that would be good.
fn bomb(vendor: Vendor) -> Vec<u8> {
    let body = good(vendor).replacen('{', &format!("{{{}", " ".repeat(2 << 20)), 1);
    gzip(body.as_bytes())
}

fn sends(bytes: impl Into<Vec<u8>>, then: Act) -> Vec<Act> {
    vec![Act::Send(bytes.into()), then]
}

pub fn all() -> Vec<Row> {
    let mut table = Table(Vec::new());
    statuses::statuses(&mut table);
    statuses::limits(&mut table);
    statuses::adaptations(&mut table);
    connections::connections(&mut table);
    bodies::bodies(&mut table);
    odd::connections(&mut table);
    odd::bodies(&mut table);
    table.0
}
