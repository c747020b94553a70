"""Write a synthetic data set: earthquakes and noise that look like STEAD, in STEAD's two files.

A network trained on it alone picks many real earthquakes, and learns the rest from few real windows (train
--weights). Regions, stations and faults of the records are drawn anew for every few events. With --noise, the noise
windows of data sets that you have are the background of three windows in four.

With --network HOURS, NAME becomes a folder of continuous records at a dozen stations instead: a miniSEED file each,
stations.xml, analysts.xml (their picks and events), truth.csv (arrivals that stand out of the noise) and every.csv (all
of them), for `pick` and `compare`.

  python -m minieqt synth --out data/small --count 200
  python -m minieqt synth --out data/training --count 100000 --noise data/stead.hdf5
  python -m minieqt synth --out data/large --count 100000 --distinct 2000     7 GB for benchmarks, within a minute
  python -m minieqt synth --out data/network --network 2
  python -m minieqt train --data data/small.hdf5 --csv data/small.csv --epochs 5 --batch-size 32
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.arguments import positive, share, whole
from minieqt.errors import UserError, counted

WORTH_PROCESSES = 4000  # windows: fewer are made before others have started


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="NAME", help="NAME.hdf5 and NAME.csv are written")
    parser.add_argument("--count", type=whole(1), help="how many windows (1000)")
    parser.add_argument("--noise-fraction", type=share, help="how many of them are noise (0.3)")
    parser.add_argument(
        "--noise", type=Path, nargs="+", default=[], metavar="FILE", help="data sets whose noise is the background"
    )
    parser.add_argument("--processes", type=whole(1, 1024), help="that make them (many windows: all there are)")
    parser.add_argument("--distinct", type=whole(1), metavar="N", help="make only N, and write them over and over")
    parser.add_argument("--seed", type=whole(0), default=0, help="the same seed gives the same windows (0)")
    parser.add_argument("--network", type=positive, metavar="HOURS", help="continuous records of a network, so long")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are already there")


def run(options: Namespace) -> int:
    from minieqt.data.stead_writer import pair_of_files
    from minieqt.data.synthetic import write_stead
    from minieqt.data.synthetic.real_noise import read_noise
    from minieqt.threads import available_threads

    if options.network:
        return run_network(options)
    hdf5, csv = pair_of_files(options.out, options.overwrite)
    show = sys.stderr.isatty()
    count = options.count or 1000
    made = min(count, options.distinct or count)
    processes = options.processes or (available_threads() if made > WORTH_PROCESSES else 1)
    if options.noise:
        real = read_noise(tuple(options.noise))
        print(f"{len(real.minutes):,} windows of real noise; left out: {counted(real.left_out) or 'none'}")
    write_stead(
        hdf5,
        csv,
        count,
        options.seed,
        0.3 if options.noise_fraction is None else options.noise_fraction,
        show,
        processes,
        options.distinct,
        options.noise,
    )
    print(f"{count:,} windows: {hdf5}, {csv}")
    return 0


def run_network(options: Namespace) -> int:
    """The folder of a network."""
    from minieqt.data.synthetic.synthetic_network import make_network, write_network

    of_windows = ("count", "noise_fraction", "noise", "processes", "distinct")
    given = [f"--{name.replace('_', '-')}" for name in of_windows if getattr(options, name) not in (None, [])]
    if given:
        raise UserError(f"--network makes records, not windows: leave {', '.join(given)} out")
    if options.out.exists() and not options.overwrite:
        raise UserError(f"{options.out} is already there: replace it with --overwrite, or give another --out")
    network = make_network(options.seed, options.network)
    write_network(options.out, network, progress=sys.stderr.isatty())
    analysts = sum(arrival.analyst is not None for arrival in network.arrivals)
    print(
        f"{options.network:g} h at {len(network.stations)} stations, {len(network.events)} events, "
        f"{len(network.arrivals)} arrivals, {analysts} of them picked by analysts: {options.out}"
    )
    return 0
