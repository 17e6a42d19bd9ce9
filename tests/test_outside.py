"""The outside of the project: names, imports, pins, documents, and what must not be in the repository."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import polars as pl
import pytest

import benchside
from benchside.core.errors import BenchsideError
from benchside.study.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^[A-Za-z0-9_.-]+==[^ ;@]+$")
LOCKS = ("requirements.lock", "docs/requirements.lock")
HEAVY = (
    "altair",
    "alembic",
    "jinja2",
    "numba",
    "numpy",
    "pandas",
    "polars",
    "pydantic",
    "rich",
    "scipy",
    "sqlalchemy",
    "typer",
    "vl_convert",
)


def tracked() -> list[Path]:
    """Return the files of the repository that git holds."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def loaded_by(statement: str) -> list[str]:
    """Return the heavy packages that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a document in one language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    every = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [code for its, code in every if its == language]


def export_order(name: str) -> tuple[int, str]:
    """Return the place of an exported name as ruff sorts them: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_import_benchside_is_light():
    assert loaded_by("import benchside") == []


def test_the_root_command_imports_typer_only():
    """Typer brings rich with it when it is there; nothing of the analysis comes along."""
    assert set(loaded_by("import benchside.cli.main")) <= {"typer", "rich"}


@pytest.mark.parametrize("name", ["benchside", "benchside.evidence", *(f"benchside.stages.{name}" for name in STAGES)])
def test_exported_names_are_sorted_and_there(name):
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert list(module.__all__) == sorted(module.__all__, key=export_order)
    for exported in module.__all__:
        assert getattr(module, exported) is not None, exported


def test_every_stage_is_an_attribute_of_the_package():
    for name in STAGES:
        assert name in benchside.__all__
        assert getattr(benchside, name).__name__ == f"benchside.stages.{name}"


def test_an_unknown_attribute_is_refused_by_name():
    with pytest.raises(AttributeError, match="'asssay'"):
        benchside.asssay  # noqa: B018


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_plain_pins_sorted_and_once(lock):
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.match(line)] == []
    names = [line.partition("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names)


def test_the_two_locks_agree():
    one, two = (dict(line.split("==") for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()) for lock in LOCKS)
    assert {name: (one[name], two[name]) for name in one.keys() & two.keys() if one[name] != two[name]} == {}


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = {
        "requirements.lock": [*project["project"]["dependencies"], *extras["test"]],
        "docs/requirements.lock": extras["docs"],
    }
    for lock, needs in wanted.items():
        pinned = {line.partition("==")[0].lower() for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()}
        assert {re.split(r"[<>=!~ \[]", need)[0].lower() for need in needs} - pinned == set()
    build = dict(need.split("==") for need in project["build-system"]["requires"])
    pins = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines())
    assert {name: pins[name] for name in build} == build


def test_no_address_in_the_locks_or_the_tool_settings():
    for lock in LOCKS:
        assert "http" not in (ROOT / lock).read_text(encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "http" not in json.dumps(settings["tool"])


def test_nothing_of_one_machine_is_in_the_repository():
    """The needles are put together here, so that this file does not hold them."""
    slash = "/"
    needles = [slash + part + slash for part in ("work", "root", "tmp", "opt")] + [slash + "home" + slash]
    needles += [str(ROOT), str(Path.home()) + slash]
    found = []
    for path in tracked():
        if path.suffix in {".png", ".xlsx", ".parquet", ".ico"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {needle}" for needle in needles if needle in text]
    assert found == []


def test_the_readme_has_exactly_two_commands_to_set_up():
    first, *_ = blocks("README.md", "")
    assert first.splitlines() == ["make demo", "make test"]


def test_the_readme_points_at_files_that_are_there():
    for document in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert "://" not in target, target
            assert (ROOT / target).is_file(), f"{document}: {target}"
    assert (ROOT / "docs/images/dossier.png").stat().st_size < 300_000


def test_benchside_help_names_every_command():
    command = Path(sys.executable).with_name("benchside")
    start = [str(command)] if command.is_file() else [sys.executable, "-c", "from benchside.cli.main import run_main; run_main()"]
    done = subprocess.run([*start, "--help"], capture_output=True, text=True, check=True)
    for name in ("init", "run", "trace", "replay", "numbers", "exclude", "evidence", "assay", "clinical", "trial"):
        assert re.search(rf"\b{name}\b", done.stdout), name
    assert "Research use only" in " ".join(done.stdout.split())


def test_the_commands_the_documents_name_exist():
    import typer.main

    from benchside.cli.main import app

    known = typer.main.get_command(app)
    for document in (
        "README.md",
        "docs/tour.md",
        "docs/plates_to_potencies.md",
        "docs/published_folds.md",
        "docs/lineage.md",
        "docs/trial_sketch.md",
    ):
        inline = re.findall(r"`(benchside [^`\n]+)`", (ROOT / document).read_text(encoding="utf-8"))
        lines = [line for block in blocks(document, "") for line in block.splitlines() if line.startswith("benchside ")] + inline
        assert lines
        for line in (one.removeprefix("benchside ") for one in lines if not one.startswith("benchside --")):
            words = line.split()
            node = known.commands[words[0]]
            node = node.commands[words[1]] if hasattr(node, "commands") else node
            options = {option for parameter in node.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


def test_the_readme_study_and_plate_run(tmp_path):
    from benchside.study.workflow import run

    (study,) = blocks("README.md", "toml")
    head, *rows = blocks("README.md", "")[-1].splitlines()
    assert rows[0].startswith("A1,vehicle")
    (tmp_path / "plates").mkdir()
    samples = [f"B{k + 2},sample,cpd-7,{10000 / 4**k},{50 + 950 / (1 + 10000 / 4**k / 120):.2f}" for k in range(7)]
    (tmp_path / "plates" / "P1.csv").write_text("\n".join([head, *rows, *samples]) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    assert {result.task for result in run(tmp_path).results} >= {"assay.fit", "assay.potency"}


@pytest.mark.parametrize("document", ["README.md", "docs/tour.md"])
def test_the_library_lines_of_a_document_run(document, tmp_path, monkeypatch, capsys):
    from benchside.study.demo import write_demo

    write_demo(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(document, "python")
    exec(compile(code, document, "exec"), {})  # noqa: S102  the document's own lines
    assert "import benchside as bs" in code
    del capsys


def test_the_designs_and_studies_of_the_documents_are_accepted(tmp_path):
    from benchside.stages.trial import load as load_design
    from benchside.study.file import load

    for text in [*blocks("docs/tour.md", "toml"), *blocks("docs/plates_to_potencies.md", "toml")]:
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        assert load(tmp_path, STAGES).sections
    (design,) = blocks("docs/trial_sketch.md", "toml")
    (tmp_path / "design.toml").write_text(design, encoding="utf-8")
    assert load_design(tmp_path / "design.toml").n == 300


def test_the_stage_of_the_contributing_guide_is_a_stage(tmp_path, monkeypatch):
    """The one folder and one line that the guide promises: with both, a study of it runs and its law holds."""
    from benchside.study import stages, trail, workflow
    from benchside.study.results import Results

    (code,) = blocks("CONTRIBUTING.md", "python")
    held: dict = {"__name__": "bodyweight"}
    exec(compile(code, "CONTRIBUTING.md", "exec"), held)  # noqa: S102  the guide's own lines
    stage = held["STAGE"]
    for truth in stage.truths:
        assert truth.check(stage.analyse(stage.simulate(**truth.settings)), truth.settings)
    both = {**STAGES, stage.name: stage}
    verbs = {**stages.VERBS, **stage.verbs}
    monkeypatch.setattr(workflow, "STAGES", both)
    monkeypatch.setattr(workflow, "VERBS", verbs)
    monkeypatch.setattr(trail, "VERBS", verbs)
    monkeypatch.setattr("benchside.study.results.VERBS", verbs, raising=False)
    (tmp_path / "study.toml").write_text('[study]\nname = "s"\n[bodyweight]\nfile = "w.csv"\n', encoding="utf-8")
    pl.DataFrame({"arm": ["a", "a", "b"], "weight_g": [20.0, 22.0, 19.0]}).write_csv(tmp_path / "w.csv")
    assert stage.recognise(tmp_path / "w.csv")
    workflow.run(tmp_path)
    results = Results.of(tmp_path)
    try:
        (number,) = [one for one in results.records() if one.value == 21.0]
        cells = list(trail.trace(results, number.id).step.every_cell())
        assert cells == ["w.csv!row 1", "w.csv!row 2"]
        assert trail.replay(results, number.id).same
    finally:
        results.close()


def test_the_study_file_reference_is_what_the_code_says():
    held: dict = {"__name__": "build_reference", "__file__": str(ROOT / "docs" / "build_reference.py")}
    exec(compile((ROOT / "docs" / "build_reference.py").read_text(encoding="utf-8"), "build_reference.py", "exec"), held)  # noqa: S102
    page = held["page"]()
    assert (ROOT / "docs/reference/study_file.md").read_text(encoding="utf-8") == page, "run: python docs/build_reference.py"
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip("| ").count("|") < 4] == []  # every key has a meaning
    assert "typing" not in page
    known = {key for name, stage in STAGES.items() for key, _ in held["keys"](name, stage.settings)}
    known |= {key for key, _ in held["keys"]("study", held["StudySection"])}
    assert set(held["MEANINGS"]) <= known


def library_pages() -> dict[str, str]:
    """Return the pages that are written from the code when the site is built."""
    held: dict = {"__name__": "build_library"}
    exec(compile((ROOT / "docs" / "build_library.py").read_text(encoding="utf-8"), "build_library.py", "exec"), held)  # noqa: S102
    return held["pages"]()


def test_the_library_page_holds_every_public_name_of_the_assay_stage():
    from benchside.stages import assay

    page = library_pages()["reference/assay.md"]
    assert [name for name in assay.__all__ if f"\n## {name}\n" not in page] == []
    assert page.count("```") % 2 == 0
    (fit,) = re.findall(r"^fit\(.*?\n\)$", page, flags=re.DOTALL | re.MULTILINE)
    assert "interval: " in fit
    assert re.search(r"^    \*,$", fit, flags=re.MULTILINE)
    assert max(len(part) for part in page.split("\n## ")) < 6000


def test_the_status_page_holds_every_sentence_of_a_fit():
    from benchside.stages.assay import FitStatus

    page = library_pages()["reference/statuses.md"]
    assert [one.name for one in FitStatus if f"| `{one.name}` | {one.value} |" not in page] == []


def test_the_figures_of_the_fold_page_are_those_of_the_model():
    """The example of the page; the held-out figures are those that verification/fold_shift.py prints."""
    from benchside import evidence

    row = evidence.fold_shift("lorlatinib", "G1202R").table.row(0, named=True)
    said = f"{row['fold']:.0f}-fold, the mean between {row['mean_lower']:.1f} and {row['mean_upper']:.0f}, a new measurement between {row['lower']:.1f} and {row['upper']:.0f}"
    for document in ("docs/published_folds.md", "README.md"):
        text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
        assert said in text or f"{row['fold']:.0f}-fold, and {row['lower']:.1f} to {row['upper']:.0f}" in text, document


def test_every_error_of_the_tree_is_in_the_documents():
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")

    def tree(kind: type) -> list[type]:
        return [
            one for child in kind.__subclasses__() if child.__module__ == "benchside.core.errors" for one in [child, *tree(child)]
        ]

    assert [kind.__name__ for kind in tree(BenchsideError) if kind.__name__ not in text and kind.__name__ != "InputError"] == []


def cell_changed(book: Path, sheet: str, cell: str, value: str) -> str:
    """Write another number into one cell of a workbook, and return what stood there."""
    with zipfile.ZipFile(book) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    text = parts[sheet].decode()
    found = re.search(rf'<c r="{cell}"[^>]*><v>([^<]*)</v>', text)
    assert found is not None
    parts[sheet] = text.replace(found[0], found[0].replace(f"<v>{found[1]}", f"<v>{value}")).encode()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return found[1]


@pytest.mark.parametrize("document", ["README.md", "docs/tour.md"])
def test_the_changed_dose_of_the_tour_does_what_the_document_says(document, tmp_path):
    from benchside.study.demo import write_demo
    from benchside.study.results import Results
    from benchside.study.workflow import run

    def found() -> tuple[str, str]:
        run(root)
        results = Results.of(root)
        try:
            records = list(results.records())
        finally:
            results.close()
        (ratio,) = [one.value for one in records if (one.method, one.quantity) == ("trial.predict", "hazard_ratio")]
        (ic50,) = [one.value for one in records if (one.quantity, one.compound, one.variant) == ("IC50", "crizotinib", "WT")]
        return f"{ratio:.3f}", f"{ic50:.1f}"

    root = write_demo(tmp_path / "demo")
    text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
    ratio, ic50 = found()
    assert cell_changed(root / "plates" / "BaF3-01.xlsx", "xl/worksheets/sheet2.xml", "G17", "2.4") == "26.67"
    new_ratio, new_ic50 = found()
    assert "cell G17" in text
    assert f"from {ratio} to {new_ratio}" in text
    assert f"IC50 of crizotinib moves from {ic50} to {new_ic50} nM" in text or document != "README.md"
