"""Judge the answers that `reconcile doctor` gets, with values and pure functions."""
