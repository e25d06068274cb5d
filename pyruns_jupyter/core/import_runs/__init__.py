"""Import the runs of other programs, such as MLflow, as tasks. Nothing of them is changed."""
