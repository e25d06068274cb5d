/** The machine that the demo pretends to have. */

export const HOST = 'demo';
export const SYSTEM = 'Linux 6.8.0-60-generic x86_64';
export const GPU_NAME = 'NVIDIA H100 80GB HBM3';
export const GPU_COUNT = 4;
/** GiB of each GPU. */
export const GPU_GIB = 80;
export const CORES = 32;

export function gpuUuid(index: number): string {
  return `GPU-${String(index).repeat(8)}-d3e0-4c1a-9b7f-6a5b4c3d2e1f`;
}

/** Where the code of all runs stood. */
export const SOURCE = 'git 3f2a1bc9d04e | clean';
