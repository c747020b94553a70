"""Own records and an own catalogue, as a data set to train on."""
