"""The registry of published weights: what they are called here, who publishes them where, and what is known of them.

Where the address names a commit and a checksum is known, only that very file is accepted. SeisBench's own sets have
neither: their server lists no checksums. Such a file is accepted if it is an EQTransformer of the version named here;
what was fetched is recorded and may not change afterwards (minieqt/weights/fetch.py).
"""

from __future__ import annotations

from dataclasses import dataclass

GITHUB = "https://raw.githubusercontent.com"
# The main server and SeisBench's own mirror of it, in this order (seisbench/__init__.py, 0.12.6).
SEISBENCH = (
    "https://hifis-storage.desy.de/Helmholtz/HelmholtzAI/SeisBench/models/v3/eqtransformer",
    "https://seisbench.gfz.de/mirror/models/v3/eqtransformer",
)
NOT_STATED = "not stated"  # no licence for the weights was found; SeisBench's code is GPL-3


@dataclass(frozen=True)
class Remote:
    """One file: its name in the cache, where it is published (tried in this order), and its checksum if known.

    A checksum is "sha256:…", or "git:…", the name that git gives to a file's contents.
    """

    name: str
    addresses: tuple[str, ...]
    checksum: str | None = None


@dataclass(frozen=True)
class Published:
    """One set of weights; the first of its files holds the arrays."""

    name: str
    files: tuple[Remote, ...]
    trained_on: str
    licence: str
    size: str
    source: str
    version: str | None = None  # that a SeisBench file's .json has to name


def on_github(repository: str, commit: str, path: str, checksum: str) -> Remote:
    """A file of one commit of a repository."""
    return Remote(path.rpartition("/")[2], (f"{GITHUB}/{repository}/{commit}/{path}",), checksum)


def authors(name: str, file: str, git: str, trained_on: str) -> Published:
    """Weights of EQTransformer's authors."""
    commit = "3d9cd6c288aa9f9284bd64775ad6ae074f9dd4c0"
    remote = on_github("smousavi05/EQTransformer", commit, f"ModelsAndSampleData/{file}", f"git:{git}")
    return Published(name, (remote,), trained_on, "MIT", "> 4 MB", "github.com/smousavi05/EQTransformer")


def pair(name: str, repository: str, commit: str, folder: str, checksums: tuple[str, str]) -> tuple[Remote, Remote]:
    """SeisBench's two files, NAME.pt.v1 and NAME.json.v1, of one commit of a repository."""
    arrays, description = (
        on_github(repository, commit, f"{folder}/{name}.{suffix}.v1", f"sha256:{checksum}")
        for suffix, checksum in zip(("pt", "json"), checksums, strict=True)
    )
    return arrays, description


def benchmark(name: str, trained_on: str) -> Published:
    """Weights that SeisBench serves from its benchmark (Münchmeyer et al. 2022, doi 10.1029/2021JB023499), version 2.

    Version 1 states the wrong normalisation. SeisBench keeps versions under NAME.pt.vN and may keep one of them under
    NAME.pt: that one is taken if its .json says that it is the version.
    """
    version = "2"
    arrays, description = (
        Remote(
            f"{name}.{suffix}.v{version}",
            tuple(f"{root}/{name}.{suffix}{end}" for root in SEISBENCH for end in (f".v{version}", "")),
        )
        for suffix in ("pt", "json")
    )
    return Published(name, (arrays, description), trained_on, NOT_STATED, "1.6 MB", "SeisBench", version)


PUBLISHED = {
    published.name: published
    for published in (
        authors(
            "original",
            "EqT_original_model.h5",
            "2dda88d29e7c6efd46af27bd8cff39b97c1099ed",
            "STEAD, global (the paper's network)",
        ),
        authors(
            "conservative",
            "EqT_model_conservative.h5",
            "436ac673f0be1c693f0ed8c75aac77c41f040218",
            "STEAD, global (fewer false picks; SeisBench's 'original')",
        ),
        benchmark("ethz", "ETHZ, Switzerland"),
        benchmark("geofon", "GEOFON, global, distant ones too"),
        benchmark("instance", "INSTANCE, Italy"),
        benchmark("iquique", "Iquique, northern Chile"),
        benchmark("lendb", "LenDB, global, local earthquakes"),
        benchmark("neic", "NEIC, global"),
        Published(
            "obst2024",
            (
                on_github(
                    "alirezaniki/OBSTransformer",
                    "f11ff4404505e96d80da03aef64461d86b7faeaf",
                    "models/OBSTransformer/OBSTransformer.h5",
                    "git:6aa79b85e5a986265c9ed8fb3ec15666cc63def1",
                ),
            ),
            "ocean-bottom records, from 'original'",
            "MIT",
            "> 4 MB",
            "github.com/alirezaniki/OBSTransformer",
        ),
        Published(
            "pnw",
            pair(
                "pnw",
                "congcy/ELEP",
                "2f3f22a9d9aaccd7b84e4473b752737148fb1056",
                "docs/tutorials/data",
                (
                    "27ff13bdf7897126c420b8a2779c8bbaa6fccc9f53ee6b5fc89d1d958e6ef34f",
                    "8996c0d333876ff3db70a6c7f1ff1f1374f2be466d5e1c96d72673a4de8bd3c1",
                ),
            ),
            "PNW, Pacific Northwest",
            "BSD-3 (the repository's)",
            "1.6 MB",
            "github.com/congcy/ELEP",
        ),
        benchmark("scedc", "SCEDC, southern California"),
        benchmark("stead", "STEAD, global"),
        Published(
            "volpick",
            pair(
                "volpick",
                "zhong-yy/volpick",
                "d2b38c561608e555209150763c3f2ff8ea8ce7de",
                "Final_models/volpick/eqtransformer",
                (
                    "edf08221cfc30cd9319c806de1740ad22b2a46a42cf33d3631a64e437b8e4ebd",
                    "e26a52e344780ae8e729365ffd9bb33bface29b7b497345be24a8d8437ab83d6",
                ),
            ),
            "volcanoes: Alaska, Hawaii, Japan",
            "GPL-3 (the repository's)",
            "1.6 MB",
            "github.com/zhong-yy/volpick",
        ),
    )
}

# Published for EQTransformer, but not usable here.
REFUSED = {
    "obs": "SeisBench's 'obs' (PickBlue) takes a hydrophone as its fourth component, and minieqt's network three",
}
