"""Import the runs of other programs: TensorBoard, MLflow, W&B and Hydra. Nothing of them is changed."""
