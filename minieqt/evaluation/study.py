"""The results of an evaluation: a folder of tables and figures.

report.md        every table and figure, to be read
scores.csv       one row per picker, output and tolerance: measures, intervals, counts, best F1
bins.csv         the network's measures by magnitude, distance, S − P, SNR and station
thresholds.csv   precision, recall and F1 of every picker over its thresholds
windows.csv      one row per window: the analyst's arrivals and the network's answers
scores.json      all of the numbers of report.md
*.png            precision_recall, residuals, thresholds, bins, reliability, spread
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.table import RATE, TraceTable
from minieqt.evaluation import figures, uncertainty
from minieqt.evaluation.bins import by_bin
from minieqt.evaluation.metrics import TOLERANCES
from minieqt.evaluation.report import bin_table, cell, grid, score_tables, write_csv, write_json
from minieqt.evaluation.scores import Contender, measured, scores
from minieqt.evaluation.sweep import sweep
from minieqt.files import write_text
from minieqt.plots import save_figure

Array = Any

SWEPT = 99  # thresholds in thresholds.csv


@dataclass(frozen=True)
class Study:
    """The network first, then whoever answered the same windows; `table` holds these windows.

    what: the windows in words; notes: lines for the reader (what was left out, how it was run).
    """

    what: str
    table: TraceTable
    contenders: Sequence[Contender]
    notes: Sequence[str] = ()
    seed: int = 0

    @property
    def network(self) -> Contender:
        return self.contenders[0]

    def write(self, folder: Path) -> list[dict[str, Any]]:
        """Write every file of the list above; returns the rows of scores.csv."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "spread.png").unlink(missing_ok=True)  # of an earlier evaluation; this one may have none
        rows = [row for contender in self.contenders for row in scores(contender, self.table, self.seed)]
        bins = by_bin(self.network.answers, self.table, self.network.thresholds)
        calibration = uncertainty.calibration(self.network.answers, self.table)
        spread = self.spread()
        write_csv(folder / "scores.csv", rows)
        write_csv(folder / "bins.csv", [flat(row) for row in bins])
        write_csv(folder / "thresholds.csv", self.sweeps())
        columns = self.windows()
        names = list(columns)
        lines = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
        write_csv(folder / "windows.csv", lines, names)
        numbers = {
            "data": self.what,
            "windows": len(self.table),
            "earthquakes": int(self.table.earthquake.sum()),
            "notes": list(self.notes),
            "contenders": [{"name": c.name, "kind": c.kind, "how": c.how} for c in self.contenders],
            "scores": rows,
            "bins": bins,
            "calibration": calibration,
            "spread": spread,
        }
        write_json(folder / "scores.json", numbers)
        drawn = self.draw(folder)
        write_text(folder / "report.md", self.markdown(rows, bins, calibration, spread, drawn))
        return rows

    def spread(self) -> dict[str, dict[str, float]] | None:
        """What Monte-Carlo dropout tells, if there are samples of it."""
        if not self.network.answers.spreads:
            return None
        return uncertainty.spread_and_error(self.network.answers, self.table, self.network.thresholds)

    def sweeps(self) -> list[dict[str, Any]]:
        """Rows of thresholds.csv: evenly over the probabilities of a network, over the heights of any other."""
        found = []
        for contender in self.contenders:
            for output, tolerance in measured(contender.answers):
                every = sweep(contender.answers, self.table, output, tolerance)
                grid = np.linspace(0.01, 0.99, SWEPT)
                if contender.kind == "baseline":
                    finite = every.threshold
                    grid = np.quantile(finite, grid) if len(finite) else grid[:0]
                at = every.at(grid)
                for threshold, precision, recall, f1 in zip(grid, at.precision, at.recall, at.f1, strict=True):
                    found.append(
                        {
                            "name": contender.name,
                            "output": output,
                            "tolerance_s": None if output == "detection" else tolerance,
                            "threshold": float(threshold),
                            "precision": float(precision),
                            "recall": float(recall),
                            "f1": float(f1),
                        }
                    )
        return found

    def windows(self) -> dict[str, Array]:
        """Columns of windows.csv, each (N,); a pick is given where it reaches its threshold, NaN elsewhere."""
        table, answers, thresholds = self.table, self.network.answers, self.network.thresholds
        columns: dict[str, Array] = {
            "trace_name": table.name,
            "station": table.station,
            "earthquake": table.earthquake.astype(int),
            "detection_probability": answers.heights["detection"],
        }
        for phase, arrival in (("P", table.p_sample), ("S", table.s_sample)):
            pick = answers.picks(phase, thresholds[phase])
            picked = pick >= 0
            columns |= {
                f"{phase}_analyst_sample": arrival,
                f"{phase}_sample": np.where(picked, pick, np.nan),
                f"{phase}_probability": answers.heights[phase],
                f"{phase}_residual_s": np.where(picked, (pick - arrival) / RATE, np.nan),
            }
            if answers.spreads:
                columns |= {
                    f"{phase}_probability_spread": answers.spreads[phase],
                    f"{phase}_time_spread_s": answers.spreads[f"{phase} time"],
                }
        return columns

    def draw(self, folder: Path) -> dict[str, str]:
        """Draw everything; {file: what it shows}."""
        network, table = self.network, self.table
        judged = {
            output: uncertainty.reliability(*uncertainty.judged(network.answers, table, output, TOLERANCES[0]))
            for output in network.answers.heights
        }
        drawn = {
            "precision_recall": (
                figures.precision_recall(self.contenders, table),
                "Precision against recall over all thresholds; dots: the thresholds in use.",
            ),
            "residuals": (figures.residuals(self.contenders, table), "Residuals; how many lie beyond 1 s."),
            "thresholds": (figures.thresholds(network, table), "The network's measures against its thresholds."),
            "bins": (figures.recall_by_bin(network, table), "Which earthquakes the network finds."),
            "reliability": (figures.reliability_diagram(judged), "How often a probability is right."),
        }
        if network.answers.spreads:
            drawn["spread"] = (
                figures.spread_against_residual(network, table),
                "The spread of Monte-Carlo dropout against the residual.",
            )
        for name, (figure, _) in drawn.items():
            save_figure(figure, folder / f"{name}.png")
        return {f"{name}.png": shows for name, (_, shows) in drawn.items()}

    def markdown(
        self,
        rows: Sequence[dict[str, Any]],
        bins: Sequence[dict[str, Any]],
        calibration: dict[str, dict[str, float]],
        spread: dict[str, dict[str, float]] | None,
        drawn: dict[str, str],
    ) -> str:
        """The whole of report.md."""
        table = self.table
        events = len(np.unique(table.event))
        parts = [
            f"# Evaluation: {self.what}\n",
            f"{len(table):,} windows, of them {table.earthquake.sum():,} earthquakes; {events:,} events, "
            f"{len(np.unique(table.station[table.station != ''])):,} stations.\n",
            *(f"{note}\n" for note in self.notes),
            "## Scores\n",
            score_tables(rows),
        ]
        tuned = [[c.name, c.how] for c in self.contenders if c.how]
        if tuned:
            parts += ["## How the others were run\n", grid(["", "parameters"], tuned).replace("---:", "---")]
        parts += ["## By magnitude, distance, S − P, SNR and station\n", bin_table(bins)]
        parts.append("## Are the probabilities what they say?\n")
        lines = [
            [output, str(c["judged"]), cell(c["brier_score"]), cell(c["calibration_error"])]
            for output, c in calibration.items()
        ]
        parts.append(grid(["", "windows", "Brier score", "expected calibration error"], lines))
        if spread is not None:
            parts.append("## Does the spread of Monte-Carlo dropout tell the error?\n")
            keys = ("rank_correlation", "median_error_low", "median_error_high")
            lines = [[phase, str(s["picks"]), *(cell(s[key]) for key in keys)] for phase, s in spread.items()]
            header = ["", "picks", "rank correlation", "median error, least spread (s)", "most spread (s)"]
            parts.append(grid(header, lines))
        parts.append("## Figures\n")
        parts += [f"![{shows}]({name})\n\n{shows}\n" for name, shows in drawn.items()]
        return "\n".join(parts)


def flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"P": {"within_0.5_s": {"f1": 1}}} -> {"P within_0.5_s f1": 1}; without thresholds, the same in every row."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= {} if key == "thresholds" else flat(value, f"{prefix}{key} ")
        else:
            found[f"{prefix}{key}"] = value
    return found
