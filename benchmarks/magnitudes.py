"""Local magnitudes of real earthquakes beside an agency's: Ridgecrest, 2019-07-04, from records to a catalogue.

    python benchmarks/magnitudes.py                     a minute or two of one core; PyOcto has to be installed

`pick --picks all` and `associate --magnitudes` on the half hour of ../shared/data/ridgecrest with default settings;
then the matched earthquakes' magnitudes beside those of the regional network.

The excerpt's stations.xml has coordinates only. Sensitivities at that time are known: SENSITIVITIES, of the SCEDC and
PB, as the test data of GaMMA (github.com/AI4EPS/GaMMA, test/stations.csv, MIT) list them. The shape of the responses is
what such instruments have by design: broadband ones are flat from 120 s on, the borehole's geophones from 2 Hz, the
accelerometers throughout. Above 0.5 Hz, where magnitudes are measured, that is a guess for the geophones only.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from machine import describe, publish
from obspy import Inventory, read_inventory
from obspy.core.inventory import Response
from obspy.signal.invsim import corn_freq_2_paz

from minieqt.catalogue.report import median_and_spread
from minieqt.processes import module_command, same_path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ridgecrest"
RESULTS = Path(__file__).parent / "results" / "magnitudes.txt"

SENSITIVITIES = {  # counts per m/s or, of HN, per m/s²: E, N, Z or 1, 2, Z
    "CI.CCC..HH": (627_368_000,) * 3,
    "CI.CLC..HH": (627_368_000,) * 3,
    "CI.JRC2..HH": (784_866_000, 784_866_000, 790_478_000),
    "CI.LRL..HH": (628_306_000, 629_984_000, 627_467_000),
    "CI.MPM..HH": (627_368_000,) * 3,
    "CI.SLA..HH": (622_338_000, 618_992_000, 616_482_000),
    "CI.SRT..HH": (629_145_000,) * 3,
    "CI.TOW2..HH": (626_910_000, 626_910_000, 626_838_000),
    "CI.WBM..HH": (314_573_000,) * 3,
    "CI.WRC2..HH": (629_145_000,) * 3,
    "CI.WVP2..HN": (213_764, 213_550, 213_721),
    "PB.B917..EH": (781_398_000,) * 3,
    "PB.B918..EH": (781_398_000,) * 3,
    "PB.B921..EH": (781_398_000,) * 3,
}
CORNERS = {"HH": 1 / 120, "EH": 2.0}  # Hz, at 0.7 of critical damping


def with_responses(inventory: Inventory) -> Inventory:
    """The inventory, each channel with its sensitivity and what instruments of its kind have by design."""
    for network in inventory:
        for station in network:
            for channel in station:
                band = channel.code[:2]
                name = f"{network.code}.{station.code}.{channel.location_code}.{band}"
                sensitivity = float(SENSITIVITIES[name]["E1N2Z".index(channel.code[2]) // 2])
                paz = corn_freq_2_paz(CORNERS[band]) if band in CORNERS else {"zeros": [], "poles": []}
                units = "M/S" if band in CORNERS else "M/S**2"
                channel.response = Response.from_paz(
                    paz["zeros"],
                    paz["poles"],
                    sensitivity,
                    stage_gain_frequency=10.0,
                    normalization_frequency=10.0,
                    input_units=units,
                    output_units="COUNTS",
                )
    return inventory


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def study(folder: Path) -> list[str]:
    """Everything, as lines."""
    stations, picks, out = folder / "stations.xml", folder / "picks", folder / "catalogue"
    with_responses(read_inventory(str(DATA / "stations.xml"))).write(str(stations), format="STATIONXML")
    steps = (
        ("pick", DATA, "--picks", "all", "--out", picks),
        ("associate", picks, "--stations", stations, "--out", out, "--magnitudes", DATA, "--reference",
         DATA / "catalogue.csv"),
    )  # fmt: skip
    output = ""
    for step in steps:
        command = module_command("minieqt", *map(str, step))
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=same_path()).stdout
    found = [row for row in rows(out / "reference.csv") if row["kind"] == "found"]
    events = {row["time"]: row["event"] for row in rows(out / "earthquakes.csv")}
    lines = [line for line in output.splitlines() if "magnitudes" in line or "reference" in line]
    lines += ["", f"{'earthquake':<22}{'reference':>10}{'ours':>7}{'difference':>12}{'stations':>10}{'± of them':>11}"]
    by_event: dict[str, list[float]] = {}
    of_station: dict[str, list[float]] = {}
    for row in rows(out / "magnitudes.csv"):
        by_event.setdefault(row["event"], []).append(float(row["magnitude"]))
    for row in found:
        values = np.array(by_event.get(events[row["time"]], []))
        if len(values):
            ours, theirs = float(row["magnitude"]), float(row["reference_magnitude"])
            numbers = f"{theirs:>10.2f}{ours:>7.2f}{ours - theirs:>+12.2f}{len(values):>10}"
            lines.append(f"{row['time'][:19]:<22}{numbers}{median_and_spread(values)[1]:>11.2f}")
    medians = {event: float(np.median(values)) for event, values in by_event.items()}
    for row in rows(out / "magnitudes.csv"):
        name = f"{row['network']}.{row['station']} {row['band']}"
        of_station.setdefault(name, []).append(float(row["magnitude"]) - medians[row["event"]])
    lines += ["", f"{'station':<14}{'earthquakes':>12}{'median of its magnitude less the earthquake':>46}"]
    lines += [f"{name:<14}{len(held):>12}{np.median(held):>+46.2f}" for name, held in sorted(of_station.items())]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = [describe("minieqt", "numpy", "obspy", "pyocto"), "", *study(Path(folder))]
    publish(lines, options.out)


if __name__ == "__main__":
    main()
