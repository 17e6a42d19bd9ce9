"""Does this installation compute what it should? Reference values recomputed on the user's own machine, as a matrix to file."""

from benchside.verify.run import Verification, verify

__all__ = ["Verification", "verify"]
