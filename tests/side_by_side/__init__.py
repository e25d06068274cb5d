"""The reference program and this one on the same folder, at the same moment.

Every test here starts the real ``pyr`` of pyruns 0.3.17.
"""
