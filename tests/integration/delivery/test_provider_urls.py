"""The providers' URLs, well formed and not."""

from __future__ import annotations

import pytest

from services.challenge.delivery.endpoints import (
    SmppEndpoint,
    SmtpEndpoint,
    SmtpSecurity,
    parse_smpp_url,
    parse_smtp_url,
)


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://localhost", "localhost", 25, SmtpSecurity.STARTTLS_AUTO),
        ("smtp://mail.test:2525?starttls=off", "mail.test", 2525, SmtpSecurity.OFF),
        ("smtp://u:p@mail.test", "mail.test", 587, SmtpSecurity.STARTTLS_REQUIRED),
        ("smtp://u:p@127.0.0.1:1025", "127.0.0.1", 1025, SmtpSecurity.STARTTLS_AUTO),
        ("smtp://u:p@mail.test?starttls=auto", "mail.test", 587, SmtpSecurity.STARTTLS_AUTO),
        ("smtps://u:p@mail.test", "mail.test", 465, SmtpSecurity.TLS),
        ("smtp://[::1]:25", "::1", 25, SmtpSecurity.STARTTLS_AUTO),
    ],
)
def test_a_mail_servers_url_is_read(url: str, host: str, port: int, security: SmtpSecurity) -> None:
    endpoint = parse_smtp_url(url)
    assert (endpoint.host, endpoint.port, endpoint.security) == (host, port, security)


def test_user_and_password_are_percent_decoded_and_hidden() -> None:
    endpoint = parse_smtp_url("smtp://u%40x:p%2Fw%3A1@mail.test")
    expected = SmtpEndpoint(
        host="mail.test", port=587, security=SmtpSecurity.STARTTLS_REQUIRED, username="u@x", password="p/w:1"
    )
    assert endpoint == expected
    assert "p/w" not in repr(endpoint)
    assert "u@x" not in repr(endpoint)


def test_an_smscs_url_is_read() -> None:
    assert parse_smpp_url("smpps://sys:pa%24s@smsc.test?source=%2B4915100000000") == SmppEndpoint(
        host="smsc.test", port=3550, tls=True, source="+4915100000000", system_id="sys", password="pa$s"
    )
    assert parse_smpp_url("smpp://sys:pw@smsc.test").source == "Hearthgate"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.test:25",
        "http://u:hunter2@mail.test",
        "smtp://u:hunter2@",
        "smtp://u:hunter2/x@mail.test",
        "smtp://u:hunter2@mail.test:port",
        "smtp://u:hunter2@mail.test:99999",
        "smtp://u:hunter2@[mail.test",
        "smtp://hunter2@mail.test",
        "smtp://u:hunter2@mail.test?starttls=maybe",
        "smtp://u:hunter2@mail.test?starttls",
        "smtp://u:hunter2@mail.test?tls=1",
        "smtps://u:hunter2@mail.test?starttls=required",
        "smtp://u:hunter2@mail.test/path",
    ],
)
def test_a_bad_mail_url_names_the_setting_and_never_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^HEARTHGATE_SMTP_URL: ") as error:
        parse_smtp_url(url)
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "smtp://sys:hunter2@smsc.test",
        "smpp://smsc.test",
        "smpp://sys@smsc.test",
        "smpp://sys:hunter2-long@smsc.test",
        "smpp://sixteen-letters-:hunter2@smsc.test",
        "smpp://sys:hunter2@smsc.test?source=Twelve-letter",
        "smpp://sys:hunter2@smsc.test?source=1234567890123456",
        "smpp://sys:hunter2@smsc.test?source=",
        "smpp://sys:hunter2@smsc.test?source=B%C3%BCro",
        "smpp://sys:hunter2@:2775",
    ],
)
def test_a_bad_smsc_url_names_the_setting_and_never_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^TEXTS: ") as error:
        parse_smpp_url(url, setting="TEXTS")
    assert "hunter2" not in str(error.value)
