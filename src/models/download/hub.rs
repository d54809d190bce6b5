//! Whom downloads ask and how. Everything here comes from the user: settings, or variables that `main` reads.

use std::fmt;
use std::time::Duration;

/// The hub that the catalogue's repositories are on.
const ENDPOINT: &str = "https://huggingface.co";

/// Something that must not be shown: a token, or an address that may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Whom downloads ask and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The hub's address, or that of a mirror.
    pub endpoint: String,
    /// Tells the hub who asks. No other server sees it.
    pub token: Option<Secret>,
    /// Whether nothing is downloaded at all.
    pub offline: bool,
    /// Servers between here and there.
    pub proxies: Proxies,
    /// For how long it is tried.
    pub patience: Patience,
}

/// Servers between here and there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For addresses that begin with `http:`.
    pub http: Option<Secret>,
    /// For addresses that begin with `https:`.
    pub https: Option<Secret>,
    /// Hosts that are asked directly, with all below them.
    pub bypass: Vec<String>,
}

/// For how long it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest silence on the line.
    pub silence: Duration,
    /// Tries one after another that bring nothing.
    pub tries: u32,
    /// Pause after the first of them; each later one is twice as long.
    pub first_pause: Duration,
    /// The longest pause, whatever the server asks for.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_mins(1),
            tries: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
        }
    }
}

/// The hub itself, asked directly.
impl Default for Hub {
    fn default() -> Self {
        Self::from_variables(|_| None)
    }
}

impl Hub {
    /// The hub as the usual variables describe it; `variable` reads the environment.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.trim().is_empty())
        };
        let is_on = |value: String| {
            let value = value.trim().to_ascii_lowercase();
            ["1", "true", "yes", "on"].contains(&value.as_str())
        };
        let proxy = |names: &[&str]| named(names).map(Secret);
        let bypass = named(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let hosts = bypass.split(',').map(str::trim);
        Self {
            endpoint: named(&["HF_ENDPOINT"]).unwrap_or_else(|| ENDPOINT.to_owned()),
            token: named(&["HF_TOKEN"]).map(|token| Secret(token.trim().to_owned())),
            offline: named(&["HF_HUB_OFFLINE"]).is_some_and(is_on),
            proxies: Proxies {
                http: proxy(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
                https: proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
                bypass: hosts
                    .filter(|host| !host.is_empty())
                    .map(ToOwned::to_owned)
                    .collect(),
            },
            patience: Patience::default(),
        }
    }
}

impl Proxies {
    /// The proxy for an address, by its scheme and host.
    pub(super) fn of(&self, scheme: &str, host: &str) -> Option<&Secret> {
        let host = host.to_ascii_lowercase();
        let is_direct = self.bypass.iter().any(|entry| {
            let entry = entry.to_ascii_lowercase();
            let name = entry.trim_start_matches('*').trim_start_matches('.');
            entry == "*" || host == name || host.ends_with(&format!(".{name}"))
        });
        let proxy = if scheme == "http" {
            &self.http
        } else {
            &self.https
        };
        proxy.as_ref().filter(|_| !is_direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_honoured_and_secrets_kept() {
        let variable = |name: &str| {
            let value = match name {
                "HF_ENDPOINT" => "https://mirror.example",
                "HF_TOKEN" => "hf_abc\n",
                "HF_HUB_OFFLINE" => "1",
                "HTTPS_PROXY" => "http://me:word@proxy:8080",
                "NO_PROXY" => "localhost, .example",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let hub = Hub::from_variables(variable);
        assert_eq!(hub.endpoint, "https://mirror.example");
        assert_eq!(hub.token, Some(Secret("hf_abc".to_owned())));
        assert!(hub.offline);
        let shown = format!("{hub:?}");
        assert!(
            !shown.contains("hf_abc") && !shown.contains("word"),
            "{shown}"
        );
        assert!(hub.proxies.of("https", "elsewhere.org").is_some());
        for host in ["localhost", "mirror.example", "a.mirror.EXAMPLE"] {
            assert_eq!(hub.proxies.of("https", host), None, "{host}");
        }
        assert_eq!(hub.proxies.of("http", "elsewhere.org"), None);
        let plain = Hub::from_variables(|_| None);
        assert!(!plain.offline && plain.endpoint == ENDPOINT && plain.token.is_none());
    }
}
