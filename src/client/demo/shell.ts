/** The workspace of shell tasks: each is a script of its own. */
import type { ICourse, IGiven, IOutput, IProject } from './course';
import { clamp } from './course';
import { Random } from './random';

const TEMPLATE = `#!/usr/bin/env bash
# Count the words of the texts that lie around, as a stand-in for preparing data.
# The task keeps its own copy of this text.
set -euo pipefail

mapfile -t files < <(find .. -maxdepth 2 \\( -name '*.md' -o -name '*.py' \\) | sort)
total=\${#files[@]}
number=0

for file in "\${files[@]}"; do
  number=$((number + 1))
  printf '[%d/%d] %6d words  %s\\n' "$number" "$total" "$(wc -w < "$file")" "$file"
  sleep "\${PACE:-0.3}" # only so that there is something to watch
done

echo "prepared $total files"
`;

const FILES = [
  '../README.md',
  '../digits/train.py',
  '../docs/architecture.md',
  '../docs/frameworks.md',
  '../docs/hub.md',
  '../docs/index.md',
  '../docs/jupyterlab.md',
  '../docs/notebook.md',
  '../docs/query.md',
  '../docs/queue.md',
  '../docs/optimize.md',
  '../docs/slurm.md',
  '../docs/start.md',
  '../docs/sweeps.md',
  '../nested/train.py'
];

export const shell: IProject = {
  id: 'shell/_pyruns_/prepare',
  name: 'prepare',
  kind: 'shell',
  path: 'shell',
  script: 'shell/prepare.sh',
  template: TEMPLATE,
  parameters: { kind: 'shell', parameters: [], problems: [], error: null },
  taskKind: 'shell',
  usesGpu: false,
  command: () => ['/usr/bin/bash', 'config.sh'],
  course
};

function course({ config, seed, env }: IGiven): ICourse {
  const random = new Random(`shell ${seed}`);
  const wanted = Number(env.PACE ?? '');
  const pace = clamp(env.PACE && wanted >= 0 ? wanted : 5, 0.05, 10);
  const exit = /^\s*exit\s+([1-9]\d*)/m.exec(config);
  const exitCode = exit ? Number(exit[1]) : 0;
  const output: IOutput[] = [];
  let at = 0.5;
  if (/^\s*for\s/m.test(config)) {
    FILES.forEach((file, index) => {
      const words = String(300 + random.index(2400)).padStart(6);
      const place = `${index + 1}/${FILES.length}`;
      output.push({ at, text: `[${place}] ${words} words  ${file}\n` });
      at += pace * random.between(0.8, 1.2);
    });
  }
  // Of what a script does only its echoes are known.
  for (const [, said] of config.matchAll(/^\s*echo\s+(.*)$/gm)) {
    const text = said
      .replace(/^(["'])(.*)\1\s*$/, '$2')
      .replace(/\$\{?total\}?/g, String(FILES.length));
    output.push({ at, text: `${text}\n` });
    at += 0.5;
  }
  return {
    seconds: Math.max(at + 0.5, 3),
    points: [],
    planned: 0,
    records: {},
    failure: exitCode ? { exitCode, message: `Exit code ${exitCode}` } : null,
    gpuMemory: 0,
    gpuLoad: 0,
    output: () => output,
    files: []
  };
}
