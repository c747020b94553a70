"""Train EQTransformer.

  python -m minieqt train                                        on a synthetic mini-STEAD, in a few minutes
  python -m minieqt train --data merged.hdf5 --csv merged.csv    on STEAD, with the paper's settings
  python -m minieqt train --data own.hdf5 --weights conservative     go on with trained weights: docs/fine-tuning.md
  python -m minieqt train --workers 4                            four processes, each with a quarter of every batch
  python -m minieqt train --gpus 4                               four processes, each with a GPU
  mpiexec -n 16 python -m minieqt train --data … --gpus 4        on a cluster, here of machines with four GPUs each
  python -m minieqt train --out runs/001 --resume                go on with a run that was stopped, to the same bits

A run is a folder: config.json, history.csv (a row per epoch), best.h5, last.h5, curves.png, metrics.json, and the names
of its training, validation and test traces. Ctrl-C finishes the batch, saves, and says how to go on. In a checkout,
`python train.py` is the same command.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, fields
from pathlib import Path
from shlex import quote
from typing import Any

from minieqt.arguments import existing_file, existing_path, guarded, positive, share, whole
from minieqt.data.augmentation import Augmentation
from minieqt.data.loader import COPIES
from minieqt.data.split import BY, COLUMN
from minieqt.device import array_module_for, require_gpus
from minieqt.errors import UserError
from minieqt.parallel.communicator import Communicator
from minieqt.processes import module_command
from minieqt.schedule import SCALINGS, SHAPES
from minieqt.training.config import Config, joined, resumed
from minieqt.training.early_stopping import SELECTIONS
from minieqt.weights.locate import MEANT

# Without --data: how many windows are made, and what two processor cores train on them in about three minutes. Single
# steps of so short a training scatter: their average picks better, on real windows too (docs/synthetic.md).
SYNTHETIC: dict[str, Any] = {"windows": 1000, "epochs": 10, "batch_size": 8, "average": 0.99}
RUNS = Path("runs")
AUGMENTATIONS = [field.name for field in fields(Augmentation)]


def arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=existing_path, nargs="+", metavar="FILE.hdf5", help="of STEAD, or SeisBench folders (synthetic)")
    add("--csv", type=existing_file, nargs="+", metavar="FILE.csv", help="their tables (of their names, beside them)")
    add("--share", type=positive, nargs="+", metavar="X", help="of an epoch's windows, one for each entry of --data")
    add("--epoch-windows", type=whole(1), metavar="N", help="windows in an epoch (as many as there are to train on)")
    add("--validation", type=existing_path, nargs="+", metavar="FILE", help="sets that choose the best epoch (a split)")
    add("--windows", type=whole(40), help=f"size of the synthetic set ({SYNTHETIC['windows']})")
    add("--split", metavar="HOW", help=f"{', '.join(BY)}, column (the CSV's), or lists of another run ({Config.split})")
    add("--cache", choices=("none", "ram", "gpu"), help=f"traces stay in memory, or on the GPU ({Config.cache})")
    add("--block", type=whole(0), metavar="N", help=f"read N neighbours together, for spinning disks ({Config.block})")
    add("--augment", nargs="+", metavar="NAME=RATE", help=f"other than published: {', '.join(AUGMENTATIONS)}")
    add("--copies", choices=tuple(COPIES), help=f"every trace also without augmentation, or not ({Config.copies})")
    add("--label-shape", choices=("gaussian", "triangle", "box"), help=f"of P and S ({Config.label_shape})")
    add("--epochs", type=whole(1), help=f"at most ({Config.epochs}; synthetic {SYNTHETIC['epochs']})")
    add("--patience", type=whole(1), help=f"stop after so many epochs without improvement ({Config.patience})")
    add("--batch-size", type=whole(2), help=f"(200, less on a small set; synthetic {SYNTHETIC['batch_size']})")
    add("--learning-rate", type=positive, help=f"of the first epochs ({Config.learning_rate:g})")
    add("--schedule", choices=SHAPES, help=f"paper: down after 20, 40 … epochs; cosine: to zero ({Config.schedule})")
    averaged = f"validate and keep a running average of weights: 0.999 (off; synthetic {SYNTHETIC['average']})"
    add("--average", type=share, metavar="DECAY", help=averaged)
    add("--select", choices=SELECTIONS, help=f"the best epoch by validation loss, or F1 of P and S ({Config.select})")
    add("--weights", metavar=MEANT, help="begin with trained weights (fine-tuning): 20 epochs, 1e-4, cosine by default")
    add("--freeze", nargs="+", metavar="PREFIX", help="parts that stay as they are: encoder, rescnn, bilstm.blocks.0 …")
    add("--lstm-blocks", type=whole(1, 16), help=f"2 as in the paper, 3 as released ({Config.lstm_blocks})")
    add("--drop-rate", type=share, help=f"dropout ({Config.drop_rate})")
    add("--seed", type=whole(0), help=f"rules weights, dropout, split, order, augmentation ({Config.seed})")
    add("--accumulate", type=whole(1), metavar="K", help=f"add up K batches before a step ({Config.accumulate})")
    add("--rate-scaling", choices=tuple(SCALINGS), help=f"with the windows in a step / 200 ({Config.rate_scaling})")
    add("--warm-up", type=positive, metavar="EPOCHS", help="let the learning rate rise from zero so long (not at all)")
    add("--threads", type=whole(1, 4096), help="threads of the fast kernels, of each worker (an equal share)")
    add("--workers", type=whole(1, 1024), default=1, help="processes that share every batch (1)")
    add("--gpus", type=whole(0, 1024), default=0, help="workers with a GPU each; under mpiexec: of each machine (0)")
    add("--tf32", action="store_const", const=True, help="convolutions of ten bits of fraction, faster (all of them)")
    add("--sync-batchnorm", action="store_const", const=True, help="normalise over all workers' windows, not its own")
    add("--rank-timeout", type=positive, default=300.0, metavar="S", help="seconds a worker waits for another (300)")
    add("--out", type=Path, metavar="DIR", help="the run's folder (a new one, runs/001, runs/002, …)")
    add("--save-minutes", type=positive, default=10.0, help="renew last.h5 within an epoch so often (10)")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--resume", action="store_true", help="go on with the run in --out (default: the newest)")
    mode.add_argument("--overwrite", action="store_true", help="replace the run in --out")


def run(options: Namespace) -> int:
    """This process's part, which may be one rank's of several. Rank 0 alone prints."""
    from minieqt.parallel.join import join

    ranks = join()
    if ranks.size == 1:
        return train(options, ranks)
    if ranks.rank:
        sys.stdout = open(os.devnull, "w")
    return guarded("minieqt", lambda: train(options, ranks), ranks.report)


def device_of(ranks: Communicator, gpus: int) -> str:
    """Where this rank trains: "cpu", or "cuda" with a GPU that no other rank of this machine has.

    UserError, in one line, for what --gpus cannot have.
    """
    if gpus == 0:
        return "cpu"
    if ranks.size > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        numbers = visible.split(",") if visible else [str(number) for number in range(gpus)]
        if ranks.local_size > len(numbers):
            raise UserError(f"--gpus {gpus}: {ranks.local_size} ranks on a machine, and {len(numbers)} GPUs for them")
        os.environ["CUDA_VISIBLE_DEVICES"] = numbers[ranks.local_rank]
    try:
        require_gpus(gpus if ranks.size == 1 else 1)
        if ranks.size > 1 or gpus == 1:
            array_module_for("cuda")
    except UserError as error:
        raise UserError(f"--gpus {gpus}: {error}") from None
    return "cuda"


def run_folder(resume: bool) -> Path:
    """Without --out: the newest of the numbered runs to resume, the next free number for a new one."""
    found = [path for path in RUNS.glob("[0-9]*") if path.name.isdecimal()]
    numbers = [int(path.name) for path in found if not resume or (path / "config.json").is_file()]
    if resume and not numbers:
        raise UserError(f"{RUNS} holds no run to resume: name its folder with --out")
    return RUNS / f"{max(numbers, default=0) + (not resume):03d}"


def train(options: Namespace, ranks: Communicator) -> int:
    """The run as one of the communicator's ranks, or their launcher; returns the exit code.

    UserError for a user's mistake.
    """
    from minieqt.parallel.launch import launch
    from minieqt.parallel.mpi import under_mpi
    from minieqt.parallel.nccl import Nccl
    from minieqt.threads import available_threads
    from minieqt.training.run import run

    given = {name: value for name, value in vars(options).items() if value is not None}
    again = [given.pop("command"), *given.pop("arguments")]
    out, gpus, minutes = given.pop("out", None), given.pop("gpus"), given.pop("save_minutes")
    resume, overwrite = given.pop("resume"), given.pop("overwrite")
    workers, rank_timeout = given.pop("workers"), given.pop("rank_timeout")
    threads = given.pop("threads", None)
    device = device_of(ranks, gpus)
    if workers > 1 and gpus:
        raise UserError("--gpus starts a worker for each GPU: leave --workers out")
    if workers > 1 and under_mpi():
        raise UserError("the number of workers is mpiexec's affair here: leave --workers out")
    if given.get("cache") == "gpu" and not gpus:
        raise UserError("--cache gpu feeds a network on a GPU: add --gpus 1, or take --cache ram")
    if "csv" in given and "data" not in given:
        raise UserError("--csv is the table that belongs to --data: give both, or neither")
    if "data" in given and "windows" in given:
        raise UserError("--windows is the size of the synthetic set: leave it out, or --data")
    if "tf32" in given and not gpus:
        raise UserError("--tf32 is about a GPU's tensor cores: give --gpus 1 too, or leave it out")
    if overwrite and out is None:
        raise UserError("--overwrite needs --out: say which run to replace")
    if "augment" in given:
        given["augment"] = " ".join(given["augment"])
        Augmentation.parse(given["augment"])
    if "data" not in given and given.keys() & {"share", "validation"} and not resume:
        raise UserError("--share and --validation are about data sets: name those to train on with --data")
    if "block" in given and given.keys() & {"share", "epoch_windows"}:
        raise UserError("--block reads neighbours together: leave it out, or --share and --epoch-windows")
    if "freeze" in given:
        given["freeze"] = " ".join(given["freeze"])
    if "share" in given:
        given["share"] = " ".join(f"{number:g}" for number in given["share"])
    paths = ("data", "csv", "validation")
    given |= {name: joined(given[name]) for name in paths if name in given}
    if "split" in given and given["split"] not in (*BY, COLUMN) and Path(given["split"]).exists():
        given["split"] = str(Path(given["split"]).absolute())
    if "weights" in given and Path(given["weights"]).is_file():
        given["weights"] = str(Path(given["weights"]).resolve())
    if ranks.size == 1 and max(workers, gpus) > 1:
        return launch(module_command("minieqt", *again), max(workers, gpus), "minieqt", "; go on with --resume")
    if device == "cuda" and ranks.size > 1:
        ranks = Nccl(ranks)
    folder, config = agree(ranks, out, given, resume)
    code = run(
        config,
        folder,
        resume,
        overwrite,
        save_seconds=60 * minutes,
        device=device,
        threads=threads or max(1, available_threads() // ranks.local_size),
        communicator=ranks,
        rank_timeout=rank_timeout,
    )
    if code:
        print(f"stopped and saved; go on with: python -m minieqt train --out {quote(str(folder))} --resume")
    return code


def agree(ranks: Communicator, out: Path | None, given: dict[str, Any], resume: bool) -> tuple[Path, Config]:
    """The run's folder and configuration, as rank 0 finds them and tells the others. UserError as `resumed`."""
    from minieqt.training import fine_tuning

    text = ""
    if ranks.rank == 0:
        folder = out or run_folder(resume)
        defaults = {} if "data" in given else SYNTHETIC
        if resume:
            config = resumed(folder, given)
        else:
            config = Config(**(defaults | (fine_tuning.settings(given) if "weights" in given else given)))
        text = json.dumps([str(folder), asdict(config)])
    name, settings = json.loads(ranks.broadcast_text(text))
    return Path(name), Config(**settings)
