"""What every figure shares: colours told apart by colour-blind readers, and dashes that say the same in black and white."""

from typing import Final

BLACK: Final = "#000000"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"

OKABE_ITO: Final = (BLACK, VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
"""The palette of Okabe and Ito 2008; yellow is left out: it is lost on white."""

DASHES: Final = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [5, 2], [12, 4], [3, 1])
"""A dash a series, in the order of the colours."""
