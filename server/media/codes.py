"""Why a destination is not live: the closed set that events carry, and the one exception."""

from enum import StrEnum


class Code(StrEnum):
    """One reason. The names are part of the protocol."""

    DNS = "dns"
    SSRF_BLOCKED = "ssrf_blocked"
    TCP_REFUSED = "tcp_refused"
    TCP_TIMEOUT = "tcp_timeout"
    TLS_VERIFY = "tls_verify"
    HANDSHAKE = "handshake"
    AUTH_REJECTED = "auth_rejected"
    NAME_IN_USE = "name_in_use"
    PUBLISH_DENIED = "publish_denied"
    RESET = "reset"
    STALL = "stall"
    OVERFLOW = "overflow"
    PROVIDER_CLOSE = "provider_close"
    SECRET_MISSING = "secret_missing"  # noqa: S105 - a code, not a secret
    INTEGRATION_REVOKED = "integration_revoked"
    CODEC_UNSUPPORTED = "codec_unsupported"
    PARAMS_CHANGED_STRICT = "params_changed_strict"
    INTERNAL = "internal"


class DestinationError(Exception):
    """A destination failed; ``code`` says why, and nothing else is said: no URL, no key."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.value)
        self.code = code
