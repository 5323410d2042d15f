//! One request out, one bounded answer in. Knows nothing of models.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, NoProxy, Proxy, Response};
use tokio::sync::OnceCell;
use url::Url;

use super::Limits;
use super::address::Address;
use crate::system::System;

/// A request.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers; secret ones are marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A JSON body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body after decompression; of an error what could be read of it.
    pub body: Vec<u8>,
}

/// Why there is no answer. The texts come from the network libraries and name no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// No connection; `true` if it was refused, rather than not answered or not found.
    Connect(String, bool),
    /// The connection broke off, or the body could not be decompressed.
    Broken(String),
    /// Nothing came for [`Limits::read`].
    Stalled,
    /// More than [`Limits::max_body`].
    TooLarge,
    /// The client cannot be made.
    Setup(String),
}

/// Sends requests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request and reads its answer. Follows no redirect. Never ends by itself if the other side keeps
    /// sending: the caller has the deadline.
    async fn send(&self, request: Outgoing) -> Result<Incoming, SendError>;
}

/// Over the network.
pub struct Http {
    client: OnceCell<Result<reqwest::Client, String>>,
    network: Network,
    limits: Limits,
}

/// What the environment says about the network.
#[derive(Debug, Clone, Default)]
struct Network {
    is_loopback: bool,
    certificates: Option<String>,
    http: Option<String>,
    https: Option<String>,
    exempt: Option<String>,
}

impl std::fmt::Debug for Http {
    /// Leaves the proxies out: they may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Http {
    /// A way to `address`. Proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in capitals or not) and
    /// a file with the certificates to trust (`SSL_CERT_FILE`) come from the environment; this machine is never
    /// reached through a proxy.
    pub fn new(address: &Address, limits: &Limits, system: &System) -> Self {
        let env = |names: &[&str]| names.iter().find_map(|name| system.env(name)).map(str::to_owned);
        // In a CGI program the variable is made from a header of the request (https://httpoxy.org).
        let upper_http = if system.env("REQUEST_METHOD").is_some() { "http_proxy" } else { "HTTP_PROXY" };
        let network = Network {
            is_loopback: address.is_loopback(),
            certificates: system.env("SSL_CERT_FILE").map(str::to_owned),
            http: env(&["http_proxy", upper_http, "all_proxy", "ALL_PROXY"]),
            https: env(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            exempt: env(&["no_proxy", "NO_PROXY"]),
        };
        Self { client: OnceCell::new(), network, limits: limits.clone() }
    }

    async fn read(&self, mut response: Response) -> Result<Incoming, SendError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let failed = loop {
            match tokio::time::timeout(self.limits.read, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.limits.max_body => {
                    break Some(SendError::TooLarge);
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => break None,
                Ok(Err(error)) => break Some(SendError::Broken(reason(&error))),
                Err(_) => break Some(SendError::Stalled),
            }
        };
        match failed {
            // The status of an error says enough, whatever became of its text.
            Some(error) if (200..300).contains(&status) => Err(error),
            _ => Ok(Incoming { status, headers, body }),
        }
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Outgoing) -> Result<Incoming, SendError> {
        let client = self
            .client
            .get_or_init(|| async {
                let (network, limits) = (self.network.clone(), self.limits.clone());
                // Reading the system's certificates takes its time.
                tokio::task::spawn_blocking(move || network.client(&limits))
                    .await
                    .unwrap_or_else(|error| Err(error.to_string()))
            })
            .await
            .as_ref()
            .map_err(|error| SendError::Setup(error.clone()))?;
        let mut headers = HeaderMap::new();
        headers.extend(request.headers);
        let response = client
            .request(request.method, request.url)
            .headers(headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| {
                if error.is_connect() || (error.is_timeout() && error.is_request()) {
                    SendError::Connect(reason(&error), was_refused(&error))
                } else if error.is_builder() {
                    SendError::Setup(reason(&error))
                } else {
                    SendError::Broken(reason(&error))
                }
            })?;
        self.read(response).await
    }
}

type MakeProxy = fn(&str) -> reqwest::Result<Proxy>;

impl Network {
    fn client(&self, limits: &Limits) -> Result<reqwest::Client, String> {
        if let Some(file) = &self.certificates {
            let unusable = |error: String| format!("SSL_CERT_FILE: {file} cannot be used: {error}");
            let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(reason(&error)))?;
            if certificates.is_empty() {
                return Err(unusable("it holds no certificate".to_owned()));
            }
            return self
                .builder(limits)?
                .tls_certs_only(certificates)
                .build()
                .map_err(|error| unusable(reason(&error)));
        }
        // Fails where the system has no certificates, as in a bare container.
        if let Ok(client) = self.builder(limits)?.build() {
            return Ok(client);
        }
        self.builder(limits)?.tls_backend_preconfigured(bundled()?).build().map_err(|error| reason(&error))
    }

    fn builder(&self, limits: &Limits) -> Result<reqwest::ClientBuilder, String> {
        // Another part of the program may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("failscope/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(Duration::from_secs(20));
        let is_ours = self.http.is_some() || self.https.is_some();
        if self.is_loopback || is_ours || !cfg!(any(windows, target_os = "macos")) {
            // What the system's settings say, beyond the environment, is asked only where there is such a thing.
            builder = builder.no_proxy();
        }
        if self.is_loopback {
            return Ok(builder);
        }
        let proxies: [(_, _, MakeProxy); 2] = [
            ("HTTP_PROXY", &self.http, |address| Proxy::http(address)),
            ("HTTPS_PROXY", &self.https, |address| Proxy::https(address)),
        ];
        for (name, address, proxy) in proxies {
            let Some(address) = address else { continue };
            let proxy =
                proxy(address).map_err(|error| format!("{name} is no address: {}", reason(&error)))?;
            builder = builder.proxy(proxy.no_proxy(self.exempt.as_deref().and_then(NoProxy::from_string)));
        }
        Ok(builder)
    }
}

/// TLS with the certificates that are built in.
fn bundled() -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = rustls::crypto::ring::default_provider().into();
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The innermost reason, without the URL, which may hold credentials.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if innermost.is::<reqwest::Error>() {
        return "the network library gives no reason".to_owned();
    }
    innermost.to_string()
}

fn was_refused(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        next = error.source();
    }
    false
}
