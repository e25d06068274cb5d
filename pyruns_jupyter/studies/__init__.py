"""Adaptive sweeps: a study asks for one configuration after the other, guided by what the earlier ones gave.

Its truth is on disk, as everything: one file for what is searched and how (`definition`), and the tasks that
were made for it, its trials (`trials`). A detached driver (`driver`) asks for new ones; it keeps nothing that
the next one could not read again.
"""
