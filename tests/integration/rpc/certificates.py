"""Certificates for tests: an authority of their own, and what it signed."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def make_certificates(folder: Path) -> dict[str, Path]:
    """An authority, a server's certificate for 127.0.0.1 and one for the client ``gateway``."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = sign("authority", authority_key, authority_key, None, [])
    files = {"ca.crt": authority.public_bytes(serialization.Encoding.PEM)}
    names: dict[str, list[Any]] = {
        "server": [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
        "gateway": [x509.UniformResourceIdentifier("spiffe://cluster.local/ns/hearthgate/sa/gateway")],
    }
    for name, alternatives in names.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = sign(name, key, authority_key, authority, alternatives)
        files[f"{name}.crt"] = certificate.public_bytes(serialization.Encoding.PEM)
        files[f"{name}.key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    alternatives: list[Any],
) -> x509.Certificate:
    """A certificate that is good for a day; self-signed without an ``authority``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if authority:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usages, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(authority_key, hashes.SHA256())
