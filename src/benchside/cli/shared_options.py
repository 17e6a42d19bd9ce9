"""Options that many commands take. It imports only typer, so that --help stays light."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the table to FILE.{csv,parquet,json,html}.", show_default=False)]
