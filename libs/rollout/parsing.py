"""Reading an experiment from JSON, with errors that name the field.

``{"key": "downloads", "on": true, "enforce_share": 0.1, "countries": ["DE"], "platforms": "all"}``;
``key`` and ``on`` are required, shares are 0 and targets "all" where they are left out, and the salt is then the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from libs.rollout.experiment import Experiment

_KEY: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_PLATFORM: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}", re.ASCII)
_FIELDS: Final = frozenset({"key", "on", "enforce_share", "observe_share", "countries", "platforms", "salt"})
_LONGEST_SALT: Final = 128


class ExperimentError(ValueError):
    """An experiment's JSON is not valid; ``field`` says where ("" for the whole), the text never repeats a value."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}" if field else description)
        self.field = field
        self.description = description


def parse_experiment(json_text: str) -> Experiment:
    """The experiment that the JSON describes. Raises ExperimentError."""
    fields = _object(json_text)
    for name in sorted(fields.keys() - _FIELDS):
        raise ExperimentError(name, "is not a field of an experiment")
    key = _text(fields, "key", _KEY, "must be a lower-case name of at most 64 characters")
    enforce, observe = _share(fields, "enforce_share"), _share(fields, "observe_share")
    if enforce + observe > 1 + 1e-9:
        raise ExperimentError("observe_share", "must leave enforce_share and observe_share together at 1 or less")
    return Experiment(
        key=key,
        on=_switch(fields),
        enforce_share=enforce,
        observe_share=observe,
        countries=_targets(fields, "countries", _COUNTRY, "must be a country code of two capitals"),
        platforms=_targets(fields, "platforms", _PLATFORM, "must be the name of a platform in capitals"),
        salt=_salt(fields, key),
    )


def _object(json_text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(json_text, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ExperimentError("", "must be a flat JSON object") from None
    except json.JSONDecodeError as error:
        raise ExperimentError("", f"must be JSON (line {error.lineno}, column {error.colno})") from None
    if not isinstance(value, dict):
        raise ExperimentError("", "must be a JSON object")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ExperimentError(next(name for name in names if names.count(name) > 1), "appears twice")
    return fields


def _text(fields: Mapping[str, Any], name: str, form: re.Pattern[str], description: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ExperimentError(name, description)
    return value


def _switch(fields: Mapping[str, Any]) -> bool:
    value = fields.get("on")
    if not isinstance(value, bool):
        raise ExperimentError("on", "must be true or false")
    return value


def _share(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name, 0)
    # JSON's true is an int to Python, and NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ExperimentError(name, "must be a number between 0 and 1")
    return float(value)


def _targets(fields: Mapping[str, Any], name: str, form: re.Pattern[str], description: str) -> frozenset[str] | None:
    value = fields.get(name, "all")
    if value == "all":
        return None
    if not isinstance(value, list):
        raise ExperimentError(name, 'must be "all" or a list')
    for index, target in enumerate(value):
        if not isinstance(target, str) or not form.fullmatch(target):
            raise ExperimentError(f"{name}[{index}]", description)
    return frozenset(value)


def _salt(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get("salt", key)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_SALT:
        raise ExperimentError("salt", f"must be a text of 1 to {_LONGEST_SALT} characters")
    return value
