"""What a run was made of: its environment, its code, the state of its repository."""
