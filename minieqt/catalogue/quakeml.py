"""Earthquakes as ObsPy events, for QuakeML, NonLinLoc and hypoDD."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from obspy import UTCDateTime
from obspy.geodetics import kilometers2degrees

from minieqt.catalogue.earthquake import Arrival, Earthquake
from minieqt.files import atomic_write
from minieqt.picking.quakeml import AGENCY, resource, waveform_code

if TYPE_CHECKING:
    from obspy.core.event import Arrival as QuakeArrival
    from obspy.core.event import Catalog, Event, Pick

PICK_ERROR = 0.1  # s


def catalogue(earthquakes: Sequence[Earthquake], earth_model: str = "", method: str = "PyOcto") -> Catalog:
    """An ObsPy Catalog: one event per earthquake, with origin, arrivals and picks; method: the associator's name."""
    from obspy.core.event import Catalog, CreationInfo

    return Catalog(
        [event(each, earth_model, method) for each in earthquakes],
        resource_id=resource("catalogue"),
        creation_info=CreationInfo(agency_id=AGENCY),
    )


def event(each: Earthquake, earth_model: str, method: str) -> Event:
    """One earthquake. Its place is the associator's: a first guess, which a locator should improve."""
    from obspy.core.event import Comment, CreationInfo, Event, Origin, OriginQuality

    name = f"{each.time}/{each.latitude:.4f}/{each.longitude:.4f}"
    origin = Origin(
        resource_id=resource("origin", name),
        time=UTCDateTime(ns=each.time),
        latitude=each.latitude,
        longitude=each.longitude,
        depth=1000 * each.depth,
        method_id=resource("method", method),
        earth_model_id=resource("velocities", earth_model) if earth_model else None,
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        quality=OriginQuality(
            used_phase_count=len(each.arrivals),
            used_station_count=len(each.stations),
            standard_error=each.rms,
            azimuthal_gap=each.gap,
            minimum_distance=kilometers2degrees(each.nearest),
        ),
        arrivals=[quake_arrival(arrival, name) for arrival in each.arrivals],
        creation_info=CreationInfo(agency_id=AGENCY),
    )
    found = Event(
        resource_id=resource("earthquake", name),
        event_type="earthquake",
        event_type_certainty="suspected",
        comments=[
            Comment(text=f"associated by {method} from picks", resource_id=resource("comment", "earthquake", name))
        ],
        picks=[quake_pick(arrival, name) for arrival in each.arrivals],
        origins=[origin],
        creation_info=CreationInfo(agency_id=AGENCY),
    )
    found.preferred_origin_id = origin.resource_id
    if each.magnitude is not None:
        add_magnitude(found, each, name)
    return found


def add_magnitude(found: Event, each: Earthquake, name: str) -> None:
    """The stations' amplitudes and magnitudes, and their median, which is preferred.

    Amplitudes are those of ground motion as the seismograph filters it (m): its trace over what it magnifies.
    """
    from obspy.core.event import Amplitude, CreationInfo, Magnitude, StationMagnitude, WaveformStreamID
    from obspy.core.event import StationMagnitudeContribution as Contribution
    from obspy.signal.invsim import WOODANDERSON

    origin, method = found.preferred_origin_id, resource("method", "Hutton & Boore 1987")
    found.magnitudes = [
        Magnitude(
            resource_id=resource("magnitude", name),
            mag=each.magnitude,
            magnitude_type="ML",
            station_count=len(each.amplitudes),
            origin_id=origin,
            method_id=method,
            evaluation_mode="automatic",
            creation_info=CreationInfo(agency_id=AGENCY),
        )
    ]
    for at in each.amplitudes:
        where = name, f"{at.network}.{at.station}"
        codes = WaveformStreamID(waveform_code(at.network), waveform_code(at.station), at.location)
        measured = Amplitude(
            resource_id=resource("amplitude", *where),
            generic_amplitude=at.millimetres / 1000 / WOODANDERSON["sensitivity"],
            type="AML",
            unit="m",
            waveform_id=codes,
            evaluation_mode="automatic",
        )
        of_station = StationMagnitude(
            resource_id=resource("stationmagnitude", *where),
            origin_id=origin,
            mag=at.magnitude,
            station_magnitude_type="ML",
            amplitude_id=measured.resource_id,
            method_id=method,
            waveform_id=codes,
        )
        found.amplitudes.append(measured)
        found.station_magnitudes.append(of_station)
        found.magnitudes[0].station_magnitude_contributions.append(Contribution(of_station.resource_id))
    found.preferred_magnitude_id = found.magnitudes[0].resource_id


def pick_name(arrival: Arrival, event: str) -> tuple[str, ...]:
    onset = arrival.onset
    return event, f"{onset.network}.{onset.station}", onset.phase, str(onset.time)


def quake_pick(arrival: Arrival, event: str) -> Pick:
    from obspy.core.event import Pick, WaveformStreamID

    onset = arrival.onset
    return Pick(
        resource_id=resource("pick", *pick_name(arrival, event)),
        time=UTCDateTime(ns=onset.time),
        waveform_id=WaveformStreamID(waveform_code(onset.network), waveform_code(onset.station)),
        phase_hint=onset.phase,
        evaluation_mode="manual" if onset.status == "manual" else "automatic",
    )


def quake_arrival(arrival: Arrival, event: str) -> QuakeArrival:
    from obspy.core.event import Arrival as QuakeArrival

    return QuakeArrival(
        resource_id=resource("arrival", *pick_name(arrival, event)),
        pick_id=resource("pick", *pick_name(arrival, event)),
        phase=arrival.onset.phase,
        azimuth=arrival.azimuth,
        distance=kilometers2degrees(arrival.distance),
        time_residual=arrival.residual,
        time_weight=1.0,
    )


def write_quakeml(catalog: Catalog, path: Path) -> None:
    """earthquakes.xml."""
    with atomic_write(path) as partial:
        catalog.write(str(partial), format="QUAKEML")


def write_for_location(catalog: Catalog, nonlinloc: Path, hypodd: Path) -> None:
    """Observations for NonLinLoc, one after another, and hypoDD's phases (ph2dt), as ObsPy writes them.

    NonLinLoc weighs picks by their uncertainty: PICK_ERROR, of all. hypoDD gets magnitude 0 where none is known, and
    the earthquakes' numbers: ObsPy would take the digits that an identifier ends with, which several may share.
    """
    from obspy.core.event import QuantityError, ResourceIdentifier

    with atomic_write(nonlinloc) as partial, partial.open("wb") as file:
        for each in catalog:
            weighed = each.copy()
            for pick in weighed.picks:
                pick.time_errors = QuantityError(uncertainty=PICK_ERROR)
            one = io.BytesIO()
            type(catalog)([weighed]).write(one, format="NLLOC_OBS")
            file.write(one.getvalue().rstrip() + b"\n\n")
    numbered = type(catalog)([copy(each) for each in catalog])
    for number, each in enumerate(numbered, 1):
        each.resource_id = ResourceIdentifier(str(number))
    with warnings.catch_warnings(), atomic_write(hypodd) as partial:
        warnings.simplefilter("ignore", UserWarning)  # that magnitudes are missing
        numbered.write(str(partial), format="HYPODDPHA")
