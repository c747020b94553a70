"""Continuous records from FDSN services into an archive: `plan` what, ask a `service`, keep it by `store`; `run`."""
