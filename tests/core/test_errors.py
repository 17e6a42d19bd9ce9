"""The error tree is closed, and its helpers keep sentences short."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchside.core import errors
from benchside.core.errors import BenchsideError, InputError, listed, nearest

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_hangs_on_the_tree_and_says_when_it_is_raised(error):
    assert issubclass(error, BenchsideError)
    assert error.__doc__
    assert f"* {error.__name__}" in errors.__doc__ or f"- {error.__name__}" in errors.__doc__


def test_what_the_user_gave_is_one_branch():
    names = {"FileError", "TableError", "UnitError", "LayoutError", "SettingError", "MatrixMismatch"}
    assert {error.__name__ for error in InputError.__subclasses__()} == names


def test_the_nearest_word_by_hand():
    assert nearest("concentraton", ["concentration", "dose"]) == " (did you mean 'concentration'?)"
    assert nearest("ROLE", ["role"]) == " (did you mean 'role'?)"
    assert nearest("xyz", ["role"]) == ""
    assert nearest("x", []) == ""


def test_a_list_is_cut_and_the_rest_counted():
    assert listed([1, 2, 3]) == "1, 2, 3"
    assert listed(range(7), 3) == "0, 1, 2 and 4 more"
    assert listed([]) == ""


@given(st.lists(st.integers(), max_size=30), st.integers(1, 10))
def test_no_item_goes_uncounted(items, most):
    text = listed(items, most)
    rest = int(text.rsplit(" and ", 1)[1].split()[0]) if " more" in text else 0
    shown = [part for part in text.split(" and ")[0].split(", ") if part]
    assert len(shown) + rest == len(items)
