/** The workspaces that the demo has, the most recently used first. */
import type { IProject } from './course';
import { digits } from './digits';
import { nested } from './nested';
import { shell } from './shell';

export const PROJECTS: readonly IProject[] = [digits, nested, shell];
