"""Waveforms and archives: what there is, without gaps and dead channels, on one time base; what is left out, and why.

One file, one decision. From where records lie to what the network reads:

    find, selection, archive    which files there are, and what of them is wanted
    contents, header_index      what a file holds, by its headers; a cache of that
    mseed, decode               the records of a miniSEED file; damaged ones are left out
    channel                     what a channel is: its instrument and its component
    gap                         what counts as a gap: a repeated value, a dead channel
    serve                       which instrument, and which channel of it, serves which stretch of time
    join, clock                 pieces of a channel become one; all channels stand on one time base
    prepare, segment            demeaned, filtered, at 100 Hz; three components side by side
    stations                    where a station stood at the time
    left_out                    the ledger: what was not used, and why
"""
