"""Common Access Tokens (CTA-5007): grants in CBOR and COSE that a CDN verifies by itself."""
