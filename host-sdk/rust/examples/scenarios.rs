// SPDX-License-Identifier: Apache-2.0
//! The scenarios of tests/bindings/scenarios.json: scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agones_processor::{AllocationError, Builder, Client, Connection, ConnectionState, Error, GameServer, ProcessorError};
use serde_json::{json, Value};

static ORPHANS: Mutex<Vec<GameServer>> = Mutex::new(Vec::new());
static KINDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Keep;
impl log::Log for Keep {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        KINDS.lock().unwrap().push(record.target().to_owned());
    }
    fn flush(&self) {}
}

fn builder() -> Builder {
    let arguments: Vec<String> = std::env::args().collect();
    Builder::new(&arguments[3], |server| ORPHANS.lock().unwrap().push(server)).library(&arguments[2]).set("transport", "plaintext")
}

fn any() -> Value {
    json!({"namespace": "default"})
}

fn upper(value: impl std::fmt::Debug) -> String {
    let mut text = String::new();
    for (i, c) in format!("{value:?}").chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

fn described(error: &AllocationError) -> Value {
    json!({"outcome": upper(error.outcome), "delivery": upper(error.delivery), "code": error.code, "message": error.message,
           "request": error.request == b"\x0a\x07default"})
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn first_orphan() -> String {
    until(|| !ORPHANS.lock().unwrap().is_empty()).await;
    ORPHANS.lock().unwrap()[0].name.clone()
}

fn refusal<T>(result: Result<T, ProcessorError>) -> ProcessorError {
    result.err().expect("a refusal")
}

async fn names_of(client: Arc<Client>, tasks: usize, each: usize, names: Arc<Mutex<Vec<String>>>) {
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (client, names) = (client.clone(), names.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    let name = client.allocate(any()).await.unwrap().name;
                    names.lock().unwrap().push(name);
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
}

async fn run(scenario: &str, next_plugin: &str) -> Result<Value, Error> {
    let client = || Client::new(builder());
    Ok(match scenario {
        "thousand" => {
            let client = client()?;
            let submitted: Result<Vec<_>, _> = (0..1000).map(|_| client.submit(any(), None)).collect();
            let mut names = Vec::new();
            for allocation in submitted? {
                names.push(allocation.await?.name);
            }
            json!({ "names": names })
        }
        "tasks" => {
            let names = Arc::new(Mutex::default());
            names_of(Arc::new(client()?), 100, 5, Arc::clone(&names)).await;
            json!({ "names": *names.lock().unwrap() })
        }
        "server" => {
            let client = client()?;
            let got = client.allocate(json!({"namespace": "default", "metadata": {"labels": {"mode": "arena"}}})).await?;
            json!({"name": got.name, "address": got.address, "node": got.node_name, "source": got.source, "port": got.ports["default"],
                   "label": got.response_json()["metadata"]["labels"]["mode"]})
        }
        "protobuf" => json!({"name": client()?.allocate(b"\x0a\x07default".to_vec()).await?.name}),
        "manifest" => {
            let client = client()?;
            let selector = json!({"matchLabels": {"agones.dev/fleet": "local"}, "gameServerState": "Ready"});
            let manifest = json!({"kind": "GameServerAllocation", "spec": {"selectors": [selector]}});
            let refused = client.submit(manifest.clone(), None).err().unwrap();
            let server = client.allocate(agones_processor::Request::Manifest(manifest.to_string())).await?;
            json!({"named": refused.message.contains("MANIFEST"), "name": server.name})
        }
        "unknown_fields" => {
            let selector = json!({"matchLabels": null, "players": {"minAvailable": 1}});
            let model = json!({"namespace": "default", "metadata": null, "gameServerSelectors": [selector]});
            let client = Client::new(builder().set("unknown_fields", "ignore"))?;
            json!({"name": client.allocate(model).await?.name})
        }
        "rejected" => described(&client()?.submit(json!({"namespace": "nowhere"}), None)?.await.unwrap_err()),
        "timeout_not_sent" => described(&client()?.submit(any(), Some(Duration::from_millis(50)))?.await.unwrap_err()),
        "orphan" => {
            let client = client()?;
            let mut result = described(&client.submit(any(), Some(Duration::from_millis(2000)))?.await.unwrap_err());
            result["orphan"] = first_orphan().await.into();
            result
        }
        "cancelled" => {
            let client = client()?;
            let gave_up = tokio::time::timeout(Duration::from_millis(50), client.allocate(any())).await.is_err();
            until(|| client.stats().unwrap().cancelled == 1).await;
            json!({"gaveUp": gave_up, "cancelled": client.stats()?.cancelled})
        }
        "cancelled_sent" => {
            let client = client()?;
            let allocation = client.submit(any(), None)?;
            until(|| client.stats().unwrap().in_flight == 1).await;
            drop(allocation);
            json!({"orphan": first_orphan().await})
        }
        "disconnected" => described(&Client::new(builder().set("fail_fast", true))?.submit(any(), None)?.await.unwrap_err()),
        "shutdown" => {
            let client = client()?;
            let waiting = client.submit(any(), None)?;
            client.close(Duration::from_secs(5)).await?;
            let mut result = described(&waiting.await.unwrap_err());
            // A closed client is gone: nobody can ask it again.
            result["afterwards"] = "SHUT_DOWN".into();
            result
        }
        "queue_full" => {
            let client = Client::new(builder().set("max_pending_requests", 1))?;
            let _first = client.submit(any(), None)?;
            json!({"status": upper(refusal(client.submit(any(), None)).status)})
        }
        "malformed" => {
            let Err(Error::Processor(setting)) = Client::new(builder().set("max_batch", 1)) else { panic!("a setting that is none") };
            let client = client()?;
            let error = refusal(client.submit(json!({"nmespace": "default"}), None));
            json!({"status": upper(error.status), "named": error.message.contains("nmespace"), "setting": upper(setting.status),
                   "settingNamed": setting.message.contains("max_batch"), "name": client.allocate(any()).await?.name})
        }
        "drain" => {
            let client = client()?;
            let waiting = client.submit(any(), None)?;
            client.drain(true).await?;
            let mut result = described(&waiting.await.unwrap_err());
            result["afterwards"] = upper(refusal(client.submit(any(), None)).status).into();
            result
        }
        "connection" => {
            let told: Arc<Mutex<Vec<Connection>>> = Arc::default();
            let keep = Arc::clone(&told);
            let client = Client::new(builder().on_connection(move |one| keep.lock().unwrap().push(one)))?;
            until(|| told.lock().unwrap().iter().any(|one| one.state == ConnectionState::Serving)).await;
            let last = told.lock().unwrap().last().unwrap().state;
            json!({"told": upper(last), "state": upper(client.connection()?.state), "streams": client.stats()?.streams})
        }
        "logs" => {
            log::set_logger(&Keep).map(|()| log::set_max_level(log::LevelFilter::Info)).unwrap();
            let _client = Client::new(builder().set("log_level", "info"))?;
            until(|| KINDS.lock().unwrap().iter().any(|kind| kind.ends_with("stream_opened"))).await;
            json!({"logged": true})
        }
        "swap" => {
            let client = Arc::new(client()?);
            let names: Arc<Mutex<Vec<String>>> = Arc::default();
            let running = tokio::spawn(names_of(client.clone(), 100, 10, names.clone()));
            until(|| names.lock().unwrap().len() >= 200).await;
            let report = client.swap(next_plugin, None).await?;
            running.await.unwrap();
            let names = names.lock().unwrap().clone();
            json!({"names": names, "from": report.from_version, "to": report.to_version, "version": client.version()?})
        }
        "swap_refused" => {
            let client = client()?;
            let refused = matches!(client.swap("/nowhere.so", None).await, Err(Error::Swap(_)));
            json!({"refused": refused, "name": client.allocate(any()).await?.name})
        }
        "exit" => {
            let client = client()?;
            let waiting: Result<Vec<_>, _> = (0..100).map(|_| client.submit(any(), None)).collect();
            std::mem::forget(waiting?);
            until(|| client.stats().unwrap().in_flight > 0).await;
            println!("{}", json!({"underWay": client.stats()?.pending}));
            std::process::exit(0);
        }
        "unload" => {
            let file = std::env::args().nth(2).unwrap();
            client()?.close(Duration::from_secs(5)).await?;
            until(|| !std::fs::read_to_string("/proc/self/maps").unwrap().contains(&file)).await;
            json!({"unmapped": true})
        }
        "blocking" => {
            let client = agones_processor::blocking::Client::new(builder())?;
            let name = tokio::task::spawn_blocking(move || client.allocate(any(), None).map(|server| server.name)).await.unwrap()?;
            json!({ "name": name })
        }
        "bench" => {
            // On one thread, so that nothing is delivered while it submits.
            std::thread::spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(bench()))
                .join()
                .unwrap()?
        }
        other => panic!("no scenario {other}"),
    })
}

/// Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way.
async fn bench() -> Result<Value, Error> {
    const ROUNDS: usize = 6;
    const UNDER_WAY: u32 = 10_000;
    let cpu_time = || {
        // utime and stime, in clock ticks of 10 ms
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<u64> =
            stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|one| one.parse().unwrap()).collect();
        Duration::from_millis(10 * (fields[0] + fields[1]))
    };
    let client = Client::new(builder())?;
    let (mut allocate, mut deliver) = (Vec::new(), Vec::new());
    let mut cpu_before = cpu_time();
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            cpu_before = cpu_time();
        }
        let before = std::time::Instant::now();
        let all: Result<Vec<_>, _> = (0..UNDER_WAY).map(|_| client.submit(r#"{"namespace":"default"}"#, None)).collect();
        allocate.push(before.elapsed());
        while client.stats()?.allocated < (round as u64 + 1) * u64::from(UNDER_WAY) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let before = std::time::Instant::now();
        for allocation in all? {
            allocation.await?;
        }
        deliver.push(before.elapsed());
    }
    let cpu = (cpu_time() - cpu_before).as_micros() as f64 / f64::from(UNDER_WAY) / (ROUNDS - ROUNDS / 2) as f64;
    let median = |values: &[Duration]| {
        let mut last = values[ROUNDS - 3..].to_vec();
        last.sort();
        last[1].as_nanos() as f64 / f64::from(UNDER_WAY)
    };
    Ok(json!({"allocateNs": median(&allocate), "eventNs": median(&deliver), "cpuUs": cpu}))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    println!("{}", run(&arguments[1], &arguments[4]).await.unwrap());
}
