"""Experiments: which cell an account is in, decided by a pure function of the experiment and the account."""
