"""The secrets of a local stack: made once, kept beside its data, so that a restart finds every account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from libs.runtime.keys import new_secret, secret_digest
from libs.testing.postgres_host import write_secret

FILE_NAME: Final = "secrets.json"
SERVICES: Final = ("identity", "device_trust", "challenge", "download_planning", "gateway")
LEAVES: Final = SERVICES[:-1]
CALLERS: Final = ("gateway", "operator")
_NAMES: Final = (
    *(f"{service}_{role}_password" for service in SERVICES for role in ("owner", "app")),
    *(f"{caller}_secret" for caller in CALLERS),
    *("contact_key", "network_key", "code_pepper", "sealing_key", "master_key"),
)


class Secrets:
    """Secrets by name; ``repr`` hides them."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __repr__(self) -> str:
        return "Secrets(…)"

    @classmethod
    def of(cls, data_dir: Path) -> Secrets:
        """The secrets of a data folder; what is missing is made. The file can be read by its owner alone."""
        path = data_dir / FILE_NAME
        values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in _NAMES if name not in values]
        if missing:
            values.update({name: new_secret() for name in missing})
            # Beside it and renamed: a run that is killed here must not lose the keys of what is stored.
            unfinished = path.with_suffix(".unfinished")
            write_secret(unfinished, json.dumps(values, indent=1))
            unfinished.replace(path)
        return cls(values)

    def callers(self) -> str:
        """What a leaf knows of its callers: JSON of names and SHA-256 digests."""
        return json.dumps({caller: [secret_digest(self[f"{caller}_secret"])] for caller in CALLERS})
