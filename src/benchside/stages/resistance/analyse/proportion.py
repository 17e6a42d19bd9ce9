"""A share of patients with its Wilson interval."""

from statistics import NormalDist

from benchside.core.errors import SettingError


def wilson(found: int, n: int, *, level: float = 0.95) -> tuple[float | None, float | None]:
    """Return the limits of found / n by the score test (Wilson 1927, doi:10.1080/01621459.1927.10502953); None without patients.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(5, 17)]
    [0.1328, 0.5313]
    """
    if not 0 < level < 1:
        message = f"level is {level:g} and must lie between 0 and 1, for example 0.95."
        raise SettingError(message)
    if n == 0:
        return None, None
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    centre = (found + z2 / 2) / (n + z2)
    half = (z2 * found * (n - found) / n + z2 * z2 / 4) ** 0.5 / (n + z2)
    return (0.0 if found == 0 else centre - half), (1.0 if found == n else centre + half)
