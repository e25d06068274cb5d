"""Studies: hyperparameter optimization, in which Optuna chooses each trial from the results of earlier ones.

All state is on disk: a file with the search space and the options of the study (`definition`), and the
trials, which are tasks (`trials`). A detached driver (`driver`) creates the trials; another driver can
continue from these files at any time.
"""
