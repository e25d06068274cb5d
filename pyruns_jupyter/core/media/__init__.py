"""Images, HTML pages, audio, video and tables of runs: which files they are, their names and their steps."""
