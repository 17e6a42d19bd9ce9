"""What packages do differently, in one switch: `conventions` = ``"r"``, ``"sas"`` or None, benchside's own."""

from dataclasses import dataclass
from typing import Final, Literal, Self

from benchside.core.errors import SettingError
from benchside.stages.clinical.model import AbstractInterval, Convention, Rules, Ties

PastLast = Literal["carried forward", "not estimable"]

NAMES: Final[dict[Convention | None, str]] = {None: "benchside", "r": "R", "sas": "SAS"}
PAST_LAST: Final[dict[Convention | None, PastLast]] = {None: "not estimable", "r": "carried forward", "sas": "not estimable"}


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
    rules: Rules
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
        rules = Rules.of(conventions)  # refuses other names
        return cls(NAMES[conventions], rules, PAST_LAST[conventions])

    def ties(self, chosen: Ties | None) -> Ties:
        """Return how ties are broken: as chosen, else by convention."""
        ties = self.rules.ties if chosen is None else chosen
        if ties not in ("efron", "breslow"):
            message = f"ties is {ties!r}; it must be 'efron' or 'breslow'."
            raise SettingError(message)
        return ties

    def interval(self, chosen: AbstractInterval | None) -> AbstractInterval:
        """Return the interval of a curve: as chosen, else by convention at 0.95."""
        return self.rules.interval() if chosen is None else chosen

    @property
    def words(self) -> dict[str, str]:
        """What is printed beside a curve's numbers."""
        return {
            "median_rule": self.rules.median_words,
            "past_last_follow_up": self.past_last,
            "conventions": self.name,
        }
