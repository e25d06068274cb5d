#!/usr/bin/env bash
# Count the words of the texts that lie around, as a stand-in for preparing data. Open it with Pyruns to make a
# shell task of it: the task keeps its own copy of this text.
set -euo pipefail

mapfile -t files < <(find .. -maxdepth 2 \( -name '*.md' -o -name '*.py' \) | sort)
total=${#files[@]}
number=0

for file in "${files[@]}"; do
  number=$((number + 1))
  printf '[%d/%d] %6d words  %s\n' "$number" "$total" "$(wc -w < "$file")" "$file"
  sleep "${PACE:-0.3}" # only so that there is something to watch
done

echo "prepared $total files"
