"""Wrong passwords: what waits, for how long, and that nobody gets a count forgotten or an owner shut out."""

from __future__ import annotations

import pytest

from tests.unit.auth_kit import Clock
from ui.door.doorman import FORGET_S, FREE_PER_ADDRESS, FREE_PER_NAME, LONGEST_WAIT_S, MOST, WAIT_S, Doorman, network

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Doorman:
    return Doorman(clock)


def guess(door: Doorman, name: str, address: str, times: int, known: bool = True) -> list[int]:
    return [door.knock(name, address, known=known) for _ in range(times)]


@pytest.mark.parametrize("known", [True, False])
def test_a_name_waits_after_five_from_any_address(door: Doorman, known: bool) -> None:
    assert [door.knock("rob", f"192.0.2.{n}", known=known) for n in range(FREE_PER_NAME)] == [0] * FREE_PER_NAME
    assert door.knock("ROB", THERE, known=known) == WAIT_S
    assert door.knock("ana", THERE, known=True) == 0


def test_an_address_waits_after_twenty_names(door: Doorman) -> None:
    assert not any(door.knock(f"name{n}", HERE, known=False) for n in range(FREE_PER_ADDRESS))
    assert door.knock("rob", HERE, known=True) == WAIT_S
    assert door.knock("rob", THERE, known=True) == 0


def test_the_wait_doubles_and_ends(door: Doorman, clock: Clock) -> None:
    guess(door, "rob", HERE, FREE_PER_NAME)
    waits = []
    for _ in range(8):
        waits.append(door.knock("rob", HERE, known=True))
        clock.now += waits[-1]
        assert door.knock("rob", HERE, known=True) == 0
    assert waits == [30, 60, 120, 240, 480, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    clock.now += FORGET_S
    assert guess(door, "rob", HERE, FREE_PER_NAME) == [0] * FREE_PER_NAME


def test_asking_while_waiting_does_not_lengthen_the_wait(door: Doorman, clock: Clock) -> None:
    guess(door, "rob", HERE, FREE_PER_NAME)
    guess(door, "rob", HERE, 100)
    clock.now += WAIT_S
    assert door.knock("rob", HERE, known=True) == 0


def test_a_right_password_forgives_the_name(door: Doorman) -> None:
    guess(door, "rob", HERE, FREE_PER_NAME)
    door.welcome("rob", HERE)
    assert guess(door, "rob", HERE, FREE_PER_NAME) == [0] * FREE_PER_NAME


def test_an_own_account_does_not_clear_the_address(door: Doorman) -> None:
    """Guessing at others and signing in oneself in between must not start the count afresh."""
    for number in range(FREE_PER_ADDRESS):
        door.knock(f"name{number}", HERE, known=False)
        if number % 3 == 0 and not door.knock("eve", HERE, known=True):
            door.welcome("eve", HERE)
    assert door.knock("rob", HERE, known=True) > 0


def test_a_flood_of_names_and_addresses_forgets_no_account(door: Doorman) -> None:
    guess(door, "rob", HERE, FREE_PER_NAME)
    for number in range(MOST + 500):
        door.knock(f"made-up {number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", known=False)
    assert len(door._counts) <= MOST
    assert door.knock("rob", THERE, known=True) > 0


def test_strangers_do_not_shut_out_who_was_here_before(door: Doorman) -> None:
    door.knock("rob", HERE, known=True)
    door.welcome("rob", HERE)
    guess(door, "rob", THERE, 50)
    assert door.knock("rob", THERE, known=True) > 0
    assert guess(door, "rob", HERE, FREE_PER_NAME) == [0] * FREE_PER_NAME
    assert door.knock("rob", HERE, known=True) > 0


def test_guesses_that_run_at_the_same_time_count_before_they_are_answered(door: Doorman) -> None:
    """Counting is in `knock`, before the slow hash: a thousand parallel guesses are five guesses."""
    assert guess(door, "rob", HERE, 1000).count(0) == FREE_PER_NAME


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_whole_ipv6_network_is_one_address(address: str, counted: str) -> None:
    assert network(address) == counted
