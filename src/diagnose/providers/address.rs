//! Addresses of providers, in the forms that their own libraries take from the environment.

use std::net::IpAddr;

use url::{Host, Url};

/// Where a provider answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// The address in `text`, with `path` where it has none. The error says what an address looks like.
    fn parse(text: &str, path: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("it must be an address such as https://host/v1, and {why}");
        let mut url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("begin with http:// or https://"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let own = url.path().trim_end_matches('/').to_owned();
        url.set_path(if own.is_empty() { path } else { &own });
        Ok(Self(url))
    }

    /// An OpenAI-compatible base URL, as `OPENAI_BASE_URL` holds it: with `/v1`, or without any path.
    pub fn openai(text: &str) -> Result<Self, String> {
        let mut address = Self::parse(text, "/v1")?;
        address.trim("/chat/completions");
        Ok(address)
    }

    /// The form of `GROQ_BASE_URL`: without `/openai/v1`, or with it.
    pub fn groq(text: &str) -> Result<Self, String> {
        Self::versioned(text, "/chat/completions", "/openai/v1")
    }

    /// The form of `ANTHROPIC_BASE_URL`: without `/v1`, or with it.
    pub fn anthropic(text: &str) -> Result<Self, String> {
        Self::versioned(text, "/messages", "/v1")
    }

    /// A base URL with the version's path, which may be written or left out, and without that of a call.
    fn versioned(text: &str, call: &str, version: &str) -> Result<Self, String> {
        let mut address = Self::parse(text, "")?;
        address.trim(call);
        if !address.0.path().ends_with("/v1") {
            let path = format!("{}{version}", address.0.path().trim_end_matches('/'));
            address.0.set_path(&path);
        }
        Ok(address)
    }

    /// The forms of `OLLAMA_HOST`: `host`, `host:port`, `:port`, with a scheme or without; 11434 is the port where
    /// there is no scheme. `0.0.0.0`, where a server listens, is dialled as this machine.
    pub fn ollama(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // An IPv6 address may stand without brackets where no port follows.
        let host =
            if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
        let host = if host.is_empty() || host.starts_with(':') { format!("127.0.0.1{host}") } else { host };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let port = if has_port || !scheme.is_empty() { "" } else { ":11434" };
        let scheme = if scheme.is_empty() { "http" } else { scheme };
        let mut address = Self::parse(&format!("{scheme}://{host}{port}{path}"), "")?;
        let anywhere = match address.0.host() {
            Some(Host::Ipv4(ip)) => ip.is_unspecified(),
            Some(Host::Ipv6(ip)) => ip.is_unspecified(),
            _ => false,
        };
        if anywhere {
            // The URL has a host, so it can have another.
            let _ = address.0.set_ip_host(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        }
        // `/v1` is that of the other interface, which other programs are given with the same variable.
        for path in ["/api/chat", "/api", "/v1"] {
            address.trim(path);
        }
        Ok(address)
    }

    /// Takes `end` off the path.
    fn trim(&mut self, end: &str) {
        if let Some(path) = self.0.path().strip_suffix(end) {
            let path = path.to_owned();
            self.0.set_path(&path);
        }
    }

    /// The address of `path` under this one.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// Takes out a user name and password: where a key is sent they would be a second one.
    pub fn without_credentials(mut self) -> Self {
        // Both can fail only for addresses without a host.
        let _ = self.0.set_username("");
        let _ = self.0.set_password(None);
        self
    }

    /// The host, without brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// For people: scheme, host and port only.
    pub fn shown(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether it is this machine's.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
            Some(Host::Ipv6(ip)) => {
                ip.is_loopback()
                    || ip.is_unspecified()
                    || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
            }
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            None => false,
        }
    }

    /// Whether what is sent there can be read on the way.
    pub fn is_open(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn base_urls_are_taken_in_the_forms_that_the_libraries_take() {
        type Form = fn(&str) -> Result<Address, String>;
        let rows: &[(Form, &str, &str, &str)] = &[
            (
                Address::openai,
                "https://api.openai.com/v1",
                "chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            (Address::openai, "https://api.openai.com/v1/", "models", "https://api.openai.com/v1/models"),
            (Address::openai, "http://127.0.0.1:8000", "models", "http://127.0.0.1:8000/v1/models"),
            (Address::openai, " http://gateway/team/openai ", "models", "http://gateway/team/openai/models"),
            (
                Address::openai,
                "http://h/v1/chat/completions",
                "chat/completions",
                "http://h/v1/chat/completions",
            ),
            (Address::openai, "http://h/v1?key=1#x", "models", "http://h/v1/models"),
            (Address::groq, "https://api.groq.com", "models", "https://api.groq.com/openai/v1/models"),
            (
                Address::groq,
                "https://api.groq.com/openai/v1/",
                "models",
                "https://api.groq.com/openai/v1/models",
            ),
            (Address::groq, "http://h/groq", "models", "http://h/groq/openai/v1/models"),
            (
                Address::anthropic,
                "https://api.anthropic.com",
                "messages",
                "https://api.anthropic.com/v1/messages",
            ),
            (
                Address::anthropic,
                "https://api.anthropic.com/v1",
                "messages",
                "https://api.anthropic.com/v1/messages",
            ),
            (Address::anthropic, "http://h/anthropic/", "messages", "http://h/anthropic/v1/messages"),
            (Address::ollama, "", "api/chat", "http://127.0.0.1:11434/api/chat"),
            (Address::ollama, "1.2.3.4", "api/chat", "http://1.2.3.4:11434/api/chat"),
            (Address::ollama, ":56789", "api/chat", "http://127.0.0.1:56789/api/chat"),
            (Address::ollama, "127.0.0.1:11434", "api/chat", "http://127.0.0.1:11434/api/chat"),
            (Address::ollama, "http://1.2.3.4", "api/chat", "http://1.2.3.4/api/chat"),
            (Address::ollama, "https://h", "api/chat", "https://h/api/chat"),
            (Address::ollama, "example.com/path/", "api/chat", "http://example.com:11434/path/api/chat"),
            (Address::ollama, "0.0.0.0", "api/chat", "http://127.0.0.1:11434/api/chat"),
            (Address::ollama, "http://0.0.0.0:1234", "api/chat", "http://127.0.0.1:1234/api/chat"),
            (Address::ollama, "[::]", "api/chat", "http://127.0.0.1:11434/api/chat"),
            (Address::ollama, "::1", "api/chat", "http://[::1]:11434/api/chat"),
            (Address::ollama, "[::1]:5", "api/chat", "http://[::1]:5/api/chat"),
            (Address::ollama, "http://h:1/v1/", "api/chat", "http://h:1/api/chat"),
            (Address::ollama, "http://h:1/gateway/api", "api/chat", "http://h:1/gateway/api/chat"),
            (Address::ollama, "localhost", "api/tags", "http://localhost:11434/api/tags"),
        ];
        for (form, text, path, expected) in rows {
            let url = form(text).map(|address| address.join(path).to_string());
            assert_eq!(url.as_deref(), Ok(*expected), "{text:?}");
        }
        for text in ["ftp://h", "not an address", "http://", "https://h:99999", "file:///etc/passwd"] {
            assert!(Address::openai(text).is_err(), "{text:?}");
        }
        assert!(Address::ollama("h:port:9").is_err());
    }

    #[test]
    fn this_machine_is_known() {
        let rows = [
            ("localhost:1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("[::ffff:127.0.0.1]", true),
            ("api.localhost", true),
            ("0.0.0.0", true),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
            ("notlocalhost", false),
        ];
        for (text, expected) in rows {
            assert_eq!(Address::ollama(text).map(|a| a.is_loopback()), Ok(expected), "{text}");
        }
        let address = Address::openai("http://user:secret@h:81/v1").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.shown(), "http://h:81");
        assert_eq!(address.without_credentials().join("x").as_str(), "http://h:81/v1/x");
    }
}
