"""A small app of models that real sites have: keys that are no numbers, children, proxies, callables."""
