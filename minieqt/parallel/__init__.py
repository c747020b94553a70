"""Several processes that train one network: how they are started, and how they add up their gradients."""
