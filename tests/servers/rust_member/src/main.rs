//! A member of a producer group that leaves what it sends undecided, and answers check-backs, also for
//! other members, by the tag of the message. It ends when it has heard of no new transaction for a while.
//!
//!     rust-member NAME_SERVERS TOPIC GROUP COUNT
#![recursion_limit = "256"]

use std::any::Any;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rocketmq_client_rust::{
    ClientRuntime, ClientRuntimeConfig, LocalTransactionState, TransactionListener,
    TransactionMQProducer,
};
use rocketmq_model::common::message::message_ext::MessageExt;
use rocketmq_model::common::message::message_single::Message;
use rocketmq_model::common::message::MessageTrait;
use rocketmq_runtime::{RuntimeConfig, RuntimeOwner};

const QUIET: Duration = Duration::from_secs(15);

static ASKED: Mutex<Option<HashSet<String>>> = Mutex::new(None);
static LAST_NEWS: Mutex<Option<Instant>> = Mutex::new(None);

struct ByTag;

impl TransactionListener for ByTag {
    fn execute_local_transaction(
        &self,
        _message: &dyn MessageTrait,
        _arg: Option<&(dyn Any + Send + Sync)>,
    ) -> LocalTransactionState {
        LocalTransactionState::Unknown
    }

    fn check_local_transaction(&self, message: &MessageExt) -> LocalTransactionState {
        let id = MessageTrait::property(message, &"UNIQ_KEY".into()).map(|it| it.to_string());
        let id = id.unwrap_or_default();
        if ASKED.lock().unwrap().get_or_insert_with(HashSet::new).insert(id.clone()) {
            *LAST_NEWS.lock().unwrap() = Some(Instant::now());
            println!("check|{id}");
        }
        match MessageTrait::tags(message).as_deref() {
            Some("commit") => LocalTransactionState::CommitMessage,
            _ => LocalTransactionState::RollbackMessage,
        }
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name_servers, topic, group, count] = &args[..] else {
        eprintln!("Usage: rust-member NAME_SERVERS TOPIC GROUP COUNT");
        std::process::exit(2);
    };
    let owner = RuntimeOwner::plan(RuntimeConfig::default()).unwrap().build().unwrap();
    let telemetry = rocketmq_observability::install_global(
        &rocketmq_observability::TelemetryBootstrapConfig::default(),
    )
    .unwrap();
    let runtime = ClientRuntime::try_new(
        owner.root_context().component("member"),
        ClientRuntimeConfig::default(),
        telemetry.handle(),
    )
    .unwrap();
    let mut producer = TransactionMQProducer::builder(runtime)
        .producer_group(group.clone())
        .name_server_addr(name_servers.clone())
        .topics(vec![topic.clone()])
        .transaction_listener(ByTag)
        .build();
    producer.start().await.expect("the start");
    println!("started|rust");
    *LAST_NEWS.lock().unwrap() = Some(Instant::now());
    for i in 0..count.parse::<usize>().expect("a count") {
        let tag = if i % 2 == 0 { "commit" } else { "rollback" };
        let message = Message::builder()
            .topic(topic.clone())
            .tags(tag)
            .body_slice(format!("rust {i}").as_bytes())
            .build_unchecked();
        let result = producer
            .send_message_in_transaction::<(), _>(message, None)
            .await
            .expect("a send");
        let id = result.send_result.and_then(|sent| sent.msg_id).expect("an id");
        println!("sent|{id}|{tag}");
    }
    while LAST_NEWS.lock().unwrap().expect("a time").elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("done");
    std::process::exit(0);
}
