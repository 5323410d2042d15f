//! Encrypted connections to real servers: whom is trusted, and that nothing is said to anybody else.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/models/mod.rs"]
mod models;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failscope::diagnose::providers::{
    ErrorKind, Limits, ProviderError, Reply, Request, Settings, choose::choose_with,
};
use failscope::model::Redacted;
use failscope::system::System;
use models::vendor::KEY;
use models::{Server, Vendor, answer};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, pki_types};
use tokio_util::sync::CancellationToken;

/// An authority of one's own, with its certificate in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// What a server of this name shows, valid until the first of a year.
    fn shows(&self, name: &str, until: i32) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn file(&self) -> String {
        self.file.path().display().to_string()
    }
}

/// A server that gives one answer to whoever trusts it.
struct Encrypted {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// What was said to it, decrypted.
    heard: Arc<Mutex<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl Encrypted {
    async fn start(acceptor: TlsAcceptor, reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, heard) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<String>>::default());
        let task = tokio::spawn({
            let (connections, heard) = (Arc::clone(&connections), Arc::clone(&heard));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (acceptor, reply, heard) = (acceptor.clone(), reply.clone(), Arc::clone(&heard));
                    tokio::spawn(async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let mut said = Vec::new();
                        // Our requests end with the brace of their body.
                        while !said.ends_with(b"}") {
                            if stream.read_buf(&mut said).await.unwrap_or(0) == 0 {
                                break;
                            }
                        }
                        heard.lock().unwrap().push_str(&String::from_utf8_lossy(&said));
                        let _ = stream.write_all(&reply).await;
                        let _ = stream.shutdown().await;
                    });
                }
            }
        });
        Self { address, connections, heard, task }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn reply(vendor: Vendor) -> Vec<u8> {
    models::http(200, &[], vendor.reply("m", "said").to_string())
}

/// One call of `vendor` at `base`.
async fn ask(vendor: Vendor, base: &str, more: &[(&str, &str)]) -> Result<Reply, ProviderError> {
    let variable = match vendor {
        Vendor::OpenAi => "OPENAI_BASE_URL",
        Vendor::Groq => "GROQ_BASE_URL",
        Vendor::Anthropic => "ANTHROPIC_BASE_URL",
        Vendor::Ollama => "OLLAMA_HOST",
    };
    let key = format!("{}_API_KEY", vendor.name().to_uppercase());
    let own = [(variable, base), (key.as_str(), KEY)];
    let environment = own.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let system = System::fixed(std::time::UNIX_EPOCH, environment, std::env::temp_dir());
    let limits = Limits { first_wait: Duration::from_millis(1), ..Limits::default() };
    let settings =
        Settings { provider: Some(vendor.name().to_owned()), model: Some("any".to_owned()), limits };
    let choice = choose_with(&settings, &system, &|_| None).unwrap();
    let request = Request {
        system: Redacted::fixed("You find root causes."),
        user: Redacted::fixed("a log"),
        schema: None,
        temperature: Some(0.4),
        max_tokens: 100,
    };
    choice.provider.complete(&request, &CancellationToken::new()).await
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let authority = Authority::new("of ours");
    for vendor in Vendor::ALL {
        let server = Encrypted::start(authority.shows("localhost", 2100), reply(vendor)).await;
        let base = format!("https://localhost:{}", server.address.port());
        let said = ask(vendor, &base, &[("SSL_CERT_FILE", &authority.file())]).await.unwrap();
        assert_eq!(said.text, "said", "{vendor:?}");
        assert!(server.heard().contains(vendor.path()), "{vendor:?}: {}", server.heard());
    }
}

#[tokio::test]
async fn who_is_not_trusted_is_told_nothing() {
    let (authority, other) = (Authority::new("of ours"), Authority::new("of others"));
    let (known, unknown) = (authority.file(), other.file());
    let trusted: &[(&str, &str)] = &[("SSL_CERT_FILE", &known)];
    let another: &[(&str, &str)] = &[("SSL_CERT_FILE", &unknown)];
    // What the server shows, who is trusted, and what is said of it.
    let rows = [
        (
            authority.shows("localhost", 2100),
            another,
            "UnknownIssuer; SSL_CERT_FILE names a file with the authorities",
        ),
        (
            authority.shows("localhost", 2100),
            &[][..],
            "UnknownIssuer; SSL_CERT_FILE names a file with the authorities",
        ),
        (authority.shows("localhost", 2002), trusted, "certificate expired"),
        (authority.shows("elsewhere.example", 2100), trusted, "certificate not valid for name"),
    ];
    for (acceptor, environment, expected) in rows {
        let server = Encrypted::start(acceptor, reply(Vendor::Anthropic)).await;
        let base = format!("https://localhost:{}", server.address.port());
        let error = ask(Vendor::Anthropic, &base, environment).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable { address: base }, "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert_eq!((server.heard().as_str(), server.connections.load(Ordering::SeqCst)), ("", 1), "{error}");
    }
    // A server that does not know encryption, and says so in its own way.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        String::from_utf8_lossy(&heard[..length]).into_owned()
    });
    let error = ask(Vendor::Anthropic, &base, trusted).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable { address: base }, "{error}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    assert!(!heard.await.unwrap().contains(KEY));
}

#[tokio::test]
async fn a_redirect_is_not_followed_to_another_trusted_server() {
    let authority = Authority::new("of ours");
    let elsewhere = Encrypted::start(authority.shows("localhost", 2100), reply(Vendor::Groq)).await;
    let there = format!("https://localhost:{}/openai/v1/chat/completions", elsewhere.address.port());
    for status in [301, 302, 307, 308] {
        let sends_on = models::http(status, &[("location", &there)], "");
        let server = Encrypted::start(authority.shows("localhost", 2100), sends_on).await;
        let base = format!("https://localhost:{}", server.address.port());
        let error = ask(Vendor::Groq, &base, &[("SSL_CERT_FILE", &authority.file())]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Redirected, "{status}: {error}");
        assert!(server.heard().contains(KEY), "the key goes where it belongs");
    }
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

/// A proxy that connects everybody with `target`, and remembers what it could read.
async fn tunnel(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = Arc::<Mutex<Vec<u8>>>::default();
    tokio::spawn({
        let read = Arc::clone(&read);
        async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = client.read_u8().await else { return };
                    head.push(byte);
                }
                read.lock().unwrap().extend_from_slice(&head);
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                let read = Arc::clone(&read);
                tokio::spawn(async move {
                    let (mut from_client, mut to_client) = client.split();
                    let (mut from_server, mut to_server) = server.split();
                    let there = async {
                        let mut buffer = [0; 4096];
                        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
                            read.lock().unwrap().extend_from_slice(&buffer[..n]);
                            if to_server.write_all(&buffer[..n]).await.is_err() {
                                return;
                            }
                        }
                    };
                    let back = tokio::io::copy(&mut from_server, &mut to_client);
                    tokio::select! { () = there => {}, _ = back => {} }
                });
            }
        }
    });
    (address, read)
}

#[tokio::test]
async fn through_a_proxy_it_is_encrypted_from_end_to_end() {
    let authority = Authority::new("of ours");
    let server = Encrypted::start(authority.shows("models.invalid", 2100), reply(Vendor::OpenAi)).await;
    let (proxy, read) = tunnel(server.address).await;
    let proxy = format!("http://{proxy}");
    let environment = [("SSL_CERT_FILE", authority.file()), ("HTTPS_PROXY", proxy)];
    let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let said = ask(Vendor::OpenAi, "https://models.invalid/v1", &environment).await.unwrap();
    assert_eq!(said.text, "said");
    assert!(server.heard().contains(KEY) && server.heard().contains("a log"));
    let read = read.lock().unwrap();
    assert!(read.starts_with(b"CONNECT models.invalid:443 HTTP/1.1\r\n"));
    for secret in [KEY, "a log", "chat/completions"] {
        assert!(memchr::memmem::find(&read, secret.as_bytes()).is_none(), "the proxy has read {secret}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_is_named_as_the_reason() {
    let proxy = Server::start(|_, _| answer(407, &[("proxy-authenticate", "Basic realm=\"x\"")], "")).await;
    let address = format!("http://{}", proxy.address);
    for (base, variable) in
        [("https://models.invalid/v1", "HTTPS_PROXY"), ("http://models.invalid/v1", "HTTP_PROXY")]
    {
        let error = ask(Vendor::OpenAi, base, &[(variable, &address)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Setup, "{error}");
        assert!(error.to_string().contains("the proxy asks for a user name and a password"), "{error}");
    }
    assert_eq!(proxy.seen().len(), 2, "asked again it would say the same");
}
