"""What packages do differently, in one switch: `conventions` = ``"r"``, ``"sas"`` or None, benchside's own."""

from dataclasses import dataclass
from typing import Final, Literal, Self

from benchside.core.errors import SettingError
from benchside.stages.clinical.model import AbstractInterval, Convention, Log, LogLog, Ties

PastLast = Literal["carried forward", "not estimable"]


@dataclass(frozen=True)
class Conventions:
    """The rules one name stands for; they are set together and printed with every result.

    | | ties | limits of the curve | median of a curve that ends flat at one half | past the last follow-up |
    |---|---|---|---|---|
    | ``"r"`` | Efron | log | the time one half is reached | carried forward (survfit's ``extend = TRUE``) |
    | ``"sas"`` | Breslow | log-log | not estimable | not estimable |
    | None | Efron | log-log | the time one half is reached | not estimable |
    """

    name: str
    own_ties: Ties
    own_interval: type[AbstractInterval]
    terminal_half_is_reached: bool
    """A curve that ends flat at exactly one half: the time it was reached (R), or not estimable (SAS)."""

    past_last: PastLast

    @classmethod
    def of(cls, conventions: Convention | None) -> Self:
        """Return the conventions of R, SAS or (None) benchside.

        Raises
        ------
        SettingError
            When the name is neither ``"r"`` nor ``"sas"``.

        Examples
        --------
        >>> Conventions.of("sas").ties(None), Conventions.of("r").past_last
        ('breslow', 'carried forward')
        """
        if conventions not in RULES:
            message = f"conventions is {conventions!r}; it must be 'r', 'sas' or None (log-log limits, Efron ties, R's median)."
            raise SettingError(message)
        return cls(*RULES[conventions])

    def ties(self, chosen: Ties | None) -> Ties:
        """Return how ties are broken: as chosen, else by convention."""
        ties = self.own_ties if chosen is None else chosen
        if ties not in ("efron", "breslow"):
            message = f"ties is {ties!r}; it must be 'efron' or 'breslow'."
            raise SettingError(message)
        return ties

    def interval(self, chosen: AbstractInterval | None) -> AbstractInterval:
        """Return the interval of a curve: as chosen, else by convention at 0.95."""
        return self.own_interval() if chosen is None else chosen

    @property
    def median_words(self) -> str:
        """The median rule in words."""
        end = "the time it is reached" if self.terminal_half_is_reached else "not estimable"
        return f"flat at one half: midpoint, at the end of the curve {end}"

    @property
    def words(self) -> dict[str, str]:
        """What is printed beside a curve's numbers."""
        return {
            "median_rule": self.median_words,
            "past_last_follow_up": self.past_last,
            "conventions": self.name,
        }


RULES: Final[dict[str | None, tuple[str, Ties, type[AbstractInterval], bool, PastLast]]] = {
    None: ("benchside", "efron", LogLog, True, "not estimable"),
    "r": ("R", "efron", Log, True, "carried forward"),
    "sas": ("SAS", "breslow", LogLog, False, "not estimable"),
}
