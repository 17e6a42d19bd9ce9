"""The order of numbers: numpy's stable one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchside.kernels.order import rising


@given(st.lists(st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, -np.inf])), max_size=200))
def test_the_order_is_numpys_stable_one(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    assert rising(array).tolist() == np.argsort(array, kind="stable").tolist()
