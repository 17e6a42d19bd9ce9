"""An installation nobody may write to: kernels are kept elsewhere, or compiled anew with one warning."""

import os
import shutil
import tempfile
from pathlib import Path

from benchside import kernels
from benchside.study.demo import write_demo
from verification.outcome import Outcome, skipped
from verification.studies import benchside

NAME = "unwritable installation"
NOBODY = 65534


def check() -> Outcome:
    """Run the bundled study as a user who may not write to the installation, with and without a place to keep kernels."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return skipped(NAME, "another user's rights need root and setpriv(1)")
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="benchside-nobody-") as folder:
        Path(folder).chmod(0o755)
        for case in ("kept in the temporary folder", "kept nowhere"):
            home, root = Path(folder) / case.split()[-1] / "tmp", Path(folder) / case.split()[-1] / "study"
            home.mkdir(parents=True)
            write_demo(root, trial=False)
            for path in (home.parent, home, root, *root.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            env = {"HOME": "/nonexistent", "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
            if case == "kept nowhere":
                env["NUMBA_CACHE_DIR"] = "/nonexistent/kernels"
            code, _, err = benchside("run", root, env=env, prefix=as_nobody, cwd=root)
            kept = any(home.rglob("*.nbi"))
            warned = "NUMBA_CACHE_DIR" in err
            faults += [] if code == 0 else [f"{case}: exit code {code}: {err.strip()[-200:]}"]
            faults += (
                [] if kept == (case != "kept nowhere") else [f"{case}: compiled kernels {'were' if kept else 'were not'} kept"]
            )
            faults += [] if warned != kept else [f"{case}: {'a' if warned else 'no'} warning: {err.strip()[-200:]}"]
    where = Path(kernels.__file__).parent
    if os.access(where, os.W_OK, effective_ids=False) and where.stat().st_mode & 0o002:
        return skipped(NAME, f"{where} is writable for everyone")
    return Outcome(
        NAME,
        f"{len(faults)} faults" + "".join(f"; {one}" for one in faults[:1]),
        "runs finish, warned where nothing is kept",
        not faults,
    )
