//! TLS before the local stack: a port for each service, so that each is a connection of its own, as on AWS.
//!
//! What is inside the TLS goes on byte by byte: the `Host` stays what the client signed.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::certificates::Certificates;

/// The services that functions call, as the variable of their endpoint spells them.
pub(crate) const SERVICES: [&str; 4] = ["DYNAMODB", "LAMBDA", "S3", "SQS"];

/// All ports. Dropping it closes them.
pub(crate) struct Front {
    ports: BTreeMap<&'static str, Port>,
    _servers: JoinSet<()>,
}

struct Port {
    number: u16,
    handshakes: Arc<AtomicU64>,
}

impl Front {
    /// Opens the ports; `backend` is the host and port of the local stack.
    pub(crate) async fn open(certificates: &Certificates, backend: &str) -> Result<Self> {
        let mut servers = JoinSet::new();
        let mut ports = BTreeMap::new();
        for service in SERVICES {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .context("cannot listen for TLS")?;
            let number = listener.local_addr().context("cannot tell the port")?.port();
            let handshakes = Arc::new(AtomicU64::new(0));
            let acceptor = TlsAcceptor::from(certificates.server.clone());
            servers.spawn(serve(listener, acceptor, backend.to_owned(), handshakes.clone()));
            ports.insert(service, Port { number, handshakes });
        }
        Ok(Self {
            ports,
            _servers: servers,
        })
    }

    /// `AWS_ENDPOINT_URL_S3` and the like, with their values.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.ports.iter().map(|(service, port)| {
            (
                format!("AWS_ENDPOINT_URL_{service}"),
                format!("https://127.0.0.1:{}", port.number),
            )
        })
    }

    /// The connections to each service so far.
    pub(crate) fn handshakes(&self) -> BTreeMap<&'static str, u64> {
        self.ports
            .iter()
            .map(|(service, port)| (*service, port.handshakes.load(Ordering::Relaxed)))
            .collect()
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, backend: String, handshakes: Arc<AtomicU64>) {
    // Those that are under way end with the listener.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or a peer that is gone already: the next accept may work.
            tokio::task::yield_now().await;
            continue;
        };
        connections.spawn(connect(
            stream,
            acceptor.clone(),
            backend.clone(),
            handshakes.clone(),
        ));
        while connections.try_join_next().is_some() {}
    }
}

/// An error is a client that went away or did not trust us: its loss, and it says so itself.
async fn connect(stream: TcpStream, acceptor: TlsAcceptor, backend: String, handshakes: Arc<AtomicU64>) {
    let _ = stream.set_nodelay(true);
    let (accepted, connected) = tokio::join!(acceptor.accept(stream), TcpStream::connect(&backend));
    let (Ok(mut outside), Ok(mut inside)) = (accepted, connected) else {
        return;
    };
    let _ = inside.set_nodelay(true);
    handshakes.fetch_add(1, Ordering::Relaxed);
    let _ = copy_bidirectional(&mut outside, &mut inside).await;
}
