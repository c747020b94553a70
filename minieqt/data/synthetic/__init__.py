"""A synthetic STEAD: earthquakes and noise in regions drawn at random, in STEAD's exact layout.

For tests and lessons, and to train where STEAD itself is not at hand. Everything is drawn from ranges wide enough to
include real earthquakes and stations: `region` draws crusts, networks, faults and events, `station` sites and
instruments, `source` and `seismogram` make an earthquake's record there, `background` and `real_noise` the noise,
`disturbances` what must not be picked, `flaws` what archives do to records; `windows` puts them together and `write`
makes files of them. `synthetic_network` makes hours of a network's records, `sequences` aftershocks and swarms.
"""

from minieqt.data.synthetic.region import make_region
from minieqt.data.synthetic.windows import earthquake_windows, noise_windows
from minieqt.data.synthetic.write import write_stead

__all__ = ["earthquake_windows", "make_region", "noise_windows", "write_stead"]
