"""Jobs of Hydra's multirun as tasks. `hydra_plugins.pyruns_launcher` is the plugin that Hydra loads.

Each job is a task in the workspace of its script. The launcher stores the composed configuration in the task
folder. The task runs the script with `job_runner`, which calls the function with `hydra.main` for this
configuration in the same way as Hydra's own launcher.
"""
