"""What a receipt says, in options or in text, and whose it is."""

from __future__ import annotations

import pytest

from services.challenge.delivery.port import Receipt, ReceiptState
from services.challenge.delivery.smpp_receipts import (
    Delivery,
    IdForm,
    MessageIdForms,
    canonical_id,
    read_receipt,
)

ID, PAYLOAD, STATE = 0x001E, 0x0424, 0x0427
AS_IT_IS = MessageIdForms()


def text_receipt(state: str, *, message_id: str = "A1", esm_class: int = 0x04) -> Delivery:
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{state} err:000 text:x"
    return Delivery(esm_class=esm_class, octets=text.encode(), options={})


def read(delivery: Delivery, forms: MessageIdForms = AS_IT_IS) -> Receipt | None:
    return read_receipt(delivery, provider="p", forms=forms)


def test_a_text_that_says_delivered() -> None:
    assert read(text_receipt("DELIVRD")) == Receipt(provider="p", provider_reference="A1", state=ReceiptState.DELIVERED)


@pytest.mark.parametrize("state", ["UNDELIV", "EXPIRED", "DELETED", "REJECTD"])
def test_a_text_that_says_bounced_gives_its_state_as_the_reason(state: str) -> None:
    receipt = read(text_receipt(state))
    assert receipt is not None
    assert (receipt.state, receipt.reason) == (ReceiptState.BOUNCED, state)


@pytest.mark.parametrize("state", ["ENROUTE", "ACCEPTD", "UNKNOWN", "Their-Own-Words", ""])
def test_states_that_are_not_the_last_or_not_known_are_no_receipt(state: str) -> None:
    assert read(text_receipt(state)) is None


@pytest.mark.parametrize(("state", "reason"), [(2, ""), (3, "EXPIRED"), (4, "DELETED"), (5, "UNDELIV"), (8, "REJECTD")])
def test_options_alone_are_enough(state: int, reason: str) -> None:
    receipt = read(Delivery(esm_class=0x04, octets=b"", options={ID: b"A1\0", STATE: bytes([state])}))
    assert receipt is not None
    assert (receipt.provider_reference, receipt.reason) == ("A1", reason)


@pytest.mark.parametrize("state", [0, 1, 6, 7, 9, 255])
def test_options_with_another_state_are_no_receipt(state: int) -> None:
    assert read(Delivery(esm_class=0x04, octets=b"", options={ID: b"A1\0", STATE: bytes([state])})) is None


def test_options_come_before_the_text_and_the_text_fills_in_what_they_lack() -> None:
    text = text_receipt("DELIVRD", message_id="fromtext").octets
    both = read(Delivery(esm_class=0x04, octets=text, options={ID: b"A1\0", STATE: b"\x05"}))
    assert both is not None
    assert (both.provider_reference, both.reason) == ("A1", "UNDELIV")
    no_state = read(Delivery(esm_class=0x04, octets=text, options={ID: b"A1"}))
    assert no_state is not None
    assert (no_state.provider_reference, no_state.state) == ("A1", ReceiptState.DELIVERED)
    no_id = read(Delivery(esm_class=0x04, octets=text, options={STATE: b"\x05"}))
    assert no_id is not None
    assert (no_id.provider_reference, no_id.reason) == ("fromtext", "UNDELIV")


def test_a_text_in_the_payload_option_is_read() -> None:
    payload = text_receipt("UNDELIV").octets
    receipt = read(Delivery(esm_class=0x04, octets=b"", options={PAYLOAD: payload}))
    assert receipt is not None
    assert receipt.reason == "UNDELIV"


def test_a_person_who_texts_back_like_a_receipt_is_not_believed() -> None:
    assert read(text_receipt("DELIVRD", esm_class=0)) is None


@pytest.mark.parametrize("octets", [b"", b"\xff\xfe\0", b"id: stat:", b"stat:DELIVRD", b"id:A1", b"hello"])
def test_what_cannot_be_read_is_no_receipt(octets: bytes) -> None:
    assert read(Delivery(esm_class=0x04, octets=octets, options={})) is None
    assert read(Delivery(esm_class=0x04, octets=octets, options={ID: b"\0", STATE: b""})) is None


def test_hexadecimal_in_the_answer_and_decimal_in_the_text_meet() -> None:
    forms = MessageIdForms(answer=IdForm.HEXADECIMAL, text=IdForm.DECIMAL)
    receipt = read(text_receipt("DELIVRD", message_id="0000000420"), forms)
    assert receipt is not None
    assert receipt.provider_reference == canonical_id("000001a4", IdForm.HEXADECIMAL) == "420"


def test_decimal_in_the_answer_and_hexadecimal_in_the_text_meet() -> None:
    forms = MessageIdForms(answer=IdForm.DECIMAL, text=IdForm.HEXADECIMAL)
    receipt = read(text_receipt("DELIVRD", message_id="1A4"), forms)
    assert receipt is not None
    assert receipt.provider_reference == canonical_id("420", IdForm.DECIMAL)


def test_the_option_is_written_as_the_answer_unless_told_otherwise() -> None:
    delivery = Delivery(esm_class=0x04, octets=b"", options={ID: b"1A4\0", STATE: b"\x02"})
    like_the_answer = read(delivery, MessageIdForms(answer=IdForm.HEXADECIMAL, text=IdForm.DECIMAL))
    assert like_the_answer is not None
    assert like_the_answer.provider_reference == "420"
    decimal = Delivery(esm_class=0x04, octets=b"", options={ID: b"420\0", STATE: b"\x02"})
    told = read(decimal, MessageIdForms(answer=IdForm.HEXADECIMAL, option=IdForm.DECIMAL))
    assert told is not None
    assert told.provider_reference == "420"


def test_nothing_is_guessed_so_that_no_two_messages_become_one() -> None:
    written = [f"{number:08X}" for number in range(2000)]
    for form in IdForm:
        known = written if form is not IdForm.DECIMAL else [str(number) for number in range(2000)]
        assert len({canonical_id(message_id, form) for message_id in known}) == 2000


def test_an_id_that_is_no_number_stays_as_it_is() -> None:
    for form in IdForm:
        assert canonical_id(" b7e3-Q ", form) == "b7e3-Q"
