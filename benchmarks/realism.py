"""How far synthetic windows are from real ones: quantiles of what a seismologist measures, and whether a small
classifier can tell the two apart.

  python benchmarks/realism.py data/synthetic5-1000-seed0.hdf5 ncedc.hdf5 short_lqt.hdf5
  python benchmarks/realism.py A.hdf5 REAL.hdf5… --figure docs/figures/realism.png

Earthquakes with P and S are measured (the CSV of each file lies beside it). The classifier, a random forest, sees as
many synthetic windows as real ones and is scored on events it has not seen (five folds, repeated); an area under
the curve of 0.5 means that it guesses, 1 that it is always right.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from minieqt.data import open_dataset

BANDS = np.array([0.5, 1, 2, 4, 8, 12, 18, 25, 35, 49.0])  # Hz
SHOWN = (0.1, 0.25, 0.5, 0.75, 0.9)
REPEATS = 2


def spectrum(x):
    """10 log10 of the power in each band minus their mean, (9,), of (components, samples)."""
    taper = np.hanning(x.shape[1])
    power = np.square(np.abs(np.fft.rfft((x - x.mean(axis=1, keepdims=True)) * taper))).sum(axis=0)
    f = np.fft.rfftfreq(x.shape[1], 0.01)
    inside = [(f >= low) & (f < high) for low, high in pairwise(BANDS)]
    bands = np.array([power[band].mean() if band.any() else np.nan for band in inside])
    level = 10 * np.log10(bands + 1e-8 * np.nanmax(bands) + 1e-30)
    return level - np.nanmean(level)


def measure(x, p, s):
    """The measures of one window (3, 6000), by name; None where there is too little around its arrivals."""
    p, s = int(p), int(s)
    gap = s - p
    end = min(s + max(2 * gap, 300), 6000)
    if p < 220 or end - s < 220 or gap < 40 or s + 1.5 * gap + 20 > 6000:
        return None
    x = x.astype(np.float64)
    x = x[x[:, p : s + 100].std(axis=1) > 0]
    x = x - np.median(x, axis=1, keepdims=True)
    before = x[:, max(p - 400, 0) : p - 10]
    if not len(x) or not np.all(before.std(axis=1)):
        return None
    found = {}
    parts = {"noise": before, "P": x[:, p : p + min(gap, 400)], "S": x[:, s : s + min(max(gap, 100), 400)]}
    parts["coda"] = x[:, min(s + gap, 5780) : end + 200]
    for name, part in parts.items():
        for low, value in zip(BANDS, spectrum(part), strict=False):
            found[f"{name} from {low:g} Hz, dB"] = value
    high = np.diff(x, axis=1)  # without the microseism
    energy = np.square(high).sum(axis=0)
    level = {name: np.median(np.square(np.diff(part, axis=1)).sum(axis=0)) for name, part in parts.items()}
    quiet = level["noise"] + 1e-9 * energy.max() + 1e-30
    found["P over noise, dB"] = 10 * np.log10(energy[p : p + min(gap, 200)].max() / quiet)
    found["S over noise, dB"] = 10 * np.log10(energy[s : s + 200].max() / quiet)
    found["S over P, dB"] = 10 * np.log10(energy[s : s + 200].max() / (energy[p : p + min(gap, 200)].max() + 1e-30))
    for name, at, length in (("P", p, min(gap, 200)), ("S", s, 200)):
        grown = np.cumsum(energy[at : at + length])
        found[f"{name}: samples to a fifth of its energy"] = np.searchsorted(grown, 0.2 * grown[-1])
        found[f"{name}: peak over median, dB"] = 10 * np.log10(
            energy[at : at + length].max() / (np.median(energy[at : at + length]) + 1e-30)
        )
    found["first 0.2 s of P over 0.2 s before, dB"] = 10 * np.log10(
        (energy[p : p + 20].mean() + 1e-30) / (energy[p - 25 : p - 5].mean() + 1e-9 * energy.max() + 1e-30)
    )
    late = [energy[s + int(k * gap) : s + int((k + 0.5) * gap) + 20].mean() for k in (0.0, 0.5, 1.0)]
    found["coda's decay over (S − P) / 2, dB"] = 10 * np.log10((late[0] + 1e-30) / (late[1] + 1e-30))
    found["coda's decay over S − P, dB"] = 10 * np.log10((late[0] + 1e-30) / (late[2] + 1e-30))
    found["S − P, s"] = gap / 100
    if len(x) == 3:
        for name, at in (("P", p), ("S", s)):
            values = np.linalg.eigvalsh(np.cov(x[:, at : at + 40]))
            found[f"{name}: linearity"] = 1 - (values[0] + values[1]) / (2 * values[2] + 1e-30)
            part = np.square(x[:, at : at + 40]).sum(axis=1)
            found[f"{name}: share of Z"] = part[2] / (part.sum() + 1e-30)
    return found


def measured(paths, most=None):
    """Names, rows of numbers (NaN where a window has too few components), and each row's event."""
    rows, events = [], []
    with open_dataset(paths) as dataset:
        table = dataset.table
        usable = np.flatnonzero(table.earthquake & np.isfinite(table.p_sample) & np.isfinite(table.s_sample))
        for row in np.random.default_rng(0).permutation(usable)[:most]:
            found = measure(dataset.read(int(row)), table.p_sample[row], table.s_sample[row])
            if found is not None:
                rows.append(found)
                events.append(f"{paths[0]}:{table.event[row] or table.name[row]}")
    names = max(rows, key=len)
    return list(names), np.array([[row.get(name, np.nan) for name in names] for row in rows]), np.array(events)


def told_apart(synthetic, real):
    """Area under the curve, mean and spread over repeated folds, and the most telling measures."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    scores, weights = [], []
    for repeat in range(REPEATS):
        rng = np.random.default_rng(repeat)
        fewer = min(len(synthetic[1]), len(real[1]))
        parts = [rng.permutation(len(values))[:fewer] for _, values, _ in (synthetic, real)]
        x = np.concatenate([part[1][rows] for part, rows in zip((synthetic, real), parts, strict=True)])
        x = np.where(np.isfinite(x), x, -99)
        groups = np.concatenate([part[2][rows] for part, rows in zip((synthetic, real), parts, strict=True)])
        y = np.repeat([0, 1], fewer)
        guess = np.empty(len(y))
        for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=repeat).split(x, y, groups):
            forest = RandomForestClassifier(60, min_samples_leaf=3, random_state=repeat).fit(x[train], y[train])
            guess[test] = forest.predict_proba(x[test])[:, 1]
            weights.append(forest.feature_importances_)
        scores.append(roc_auc_score(y, guess))
    order = np.argsort(-np.mean(weights, axis=0))
    return np.mean(scores), np.ptp(scores), [synthetic[0][i] for i in order]


def draw(path, names, synthetic, real):
    """Quantiles of each measure side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = 6
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(16, 1.7 * lines))
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    at = np.linspace(0.02, 0.98, 49)
    for axis, name, one, other in zip(axes.flat, names, synthetic.T, real.T, strict=False):
        for values, color, label in ((one, "C0", "synthetic"), (other, "C1", "real")):
            axis.plot(np.nanquantile(values, at), at, color, label=label)
        axis.set_title(name, fontsize=7)
        axis.tick_params(labelsize=6)
    axes.flat[0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synthetic", type=Path)
    parser.add_argument("real", type=Path, nargs="+")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    synthetic = measured([options.synthetic], most=2000)
    real = measured(options.real)
    print(f"{len(synthetic[1])} synthetic windows, {len(real[1])} real ones of {len(set(real[2].tolist()))} events\n")
    print(f"{'':<42}{'synthetic at ' + ' '.join(f'{q:g}' for q in SHOWN):>40}{'real':>40}")
    for name, one, other in zip(synthetic[0], synthetic[1].T, real[1].T, strict=True):
        texts = [" ".join(f"{v:7.2f}" for v in np.nanquantile(values, SHOWN)) for values in (one, other)]
        print(f"{name:<42}{texts[0]:>40}{texts[1]:>40}")
    auc, spread, telling = told_apart(synthetic, real)
    print(f"\ntold apart with an area under the curve of {auc:.3f} (over {REPEATS} repeats: spread {spread:.3f})")
    print("most telling: " + "; ".join(telling[:8]))
    if options.figure:
        draw(options.figure, synthetic[0], synthetic[1], real[1])


if __name__ == "__main__":
    main()
