import type { Answer, Body, OperationId, Parameters } from '../operations';
import { methodsOver } from '../operations';
import type { IClient, Queue } from '../types';
import { act, change, moveToTrash } from './actions';
import { artifactOf, artifactsOf, inputOf, mediaOf } from './artifacts';
import { MOST_TASKS } from './batch';
import { columnsOf, comparisonOf } from './compare';
import { create, preview, templateOf } from './create';
import { curvesOf, tracksOf } from './curves';
import { exportOf } from './exports';
import { groupsOf } from './groups';
import { liveThrough, PAST } from './history';
import { logBytes, loggedRun, readRange, readTimes } from './logs';
import { searchBytes } from './logsearch';
import { PROJECTS } from './projects';
import { beyondDemo, checkWanted } from './refusals';
import { pageOf } from './select';
import {
  DemoEventStream,
  DemoLogStream,
  DemoSystemStream,
  LOG_WINDOW
} from './streams';
import { sampleOf } from './system';
import { detailOf } from './task';
import type { Workspace } from './workspace';
import { World } from './world';

/** The version of the interface that is simulated. */
const API_VERSION = 2;

type Answers = {
  [Id in OperationId]: (
    parameters: Parameters<Id>,
    body: Body<Id>
  ) => Answer<Id>;
};

export interface IDemoOptions {
  /** The version that the simulated server reports. */
  version?: string;
  /** The time in epoch seconds; that of the browser by default. */
  now?: () => number;
}

/**
 * Make a client without a server: everything is simulated in the browser, and
 * forgotten with the page.
 */
export function createDemoClient(options: IDemoOptions = {}): IClient {
  const now = options.now ?? (() => Date.now() / 1000);
  const world = new World(PROJECTS, now, now() - PAST);
  liveThrough(world, now());
  /** A workspace as it is now; throws when there is none. */
  const at = (ws: string): Workspace => {
    world.advance();
    return world.workspace(ws);
  };
  const answers = answersOf(world, at, options.version ?? 'demo');
  const methods = methodsOver(async (id, { parameters, body, signal }) => {
    checkWanted(signal);
    const answer = answers[id] as (
      parameters: object,
      body?: object
    ) => unknown;
    return answer(parameters, body);
  });
  return {
    ...methods,

    exportResults: async (ws, query = {}) => exportOf(world, at(ws), query),
    readLog: async (ws, task, query = {}, signal) => {
      checkWanted(signal);
      return readRange(at(ws).task(task), query, world.time);
    },
    searchLog: async (ws, task, query, onHits, signal) => {
      checkWanted(signal);
      const found = at(ws).task(task);
      const run = loggedRun(found, query.run);
      onHits(searchBytes(logBytes(found, run, world.time), query));
    },
    // The browser cannot fetch what only this page knows.
    logUrl: () => null,
    readArtifact: async (ws, task, run, path, most) =>
      artifactOf(at(ws).task(task), run, path, most),
    readMedium: async (ws, { task, run, path }, most) =>
      artifactOf(at(ws).task(task), run, path, most),

    streamEvents: (ws, handlers) => new DemoEventStream(world, ws, handlers),
    streamLog: (ws, task, start, handlers) =>
      new DemoLogStream(world, ws, task, start, handlers),
    streamSystem: handlers => new DemoSystemStream(world, handlers)
  };
}

function answersOf(
  world: World,
  at: (ws: string) => Workspace,
  version: string
): Answers {
  return {
    getStatus: () => ({
      version,
      api_version: API_VERSION,
      can_write: true,
      can_execute: true,
      limits: {
        tasks_at_once: MOST_TASKS,
        jobs_at_once: 1000,
        log_window: LOG_WINDOW
      }
    }),
    getSystem: () => {
      world.advance();
      return sampleOf(world);
    },
    listWorkspaces: () => {
      world.advance();
      return { items: [...world.workspaces.values()].map(one => one.told()) };
    },
    openWorkspace: (_, { path }) => {
      const wanted = path.replace(/^\/+|\/+$/g, '');
      const found = PROJECTS.find(({ id, script, path: folder }) =>
        [id, script, folder].includes(wanted)
      );
      if (!found) {
        const scripts = PROJECTS.map(({ script }) => script).join(', ');
        throw beyondDemo(
          `it has only the workspaces of ${scripts}. Install the extension to open your own scripts.`,
          'path'
        );
      }
      return at(found.id).told();
    },
    getWorkspace: ({ ws }) => at(ws).told(),
    getParameters: ({ ws }) => at(ws).project.parameters,
    askScript: ({ ws }) => ({
      problem: 'The demo runs no scripts.',
      missing: null,
      output: '',
      parameters: at(ws).project.parameters
    }),
    getTemplate: ({ ws, task }) => templateOf(at(ws), task),
    joinConfigurations: () => {
      throw beyondDemo('configurations of several tasks cannot be joined.');
    },
    previewSweep: ({ ws }, body) => preview(at(ws), body),
    listTasks: ({ ws, ...query }) => pageOf(world, at(ws), query),
    defineMetric: () => {
      throw beyondDemo('the goals of metrics cannot be defined.', 'name');
    },
    createTasks: ({ ws }, body) => create(world, at(ws), body),
    actOnTasks: ({ ws }, body) => act(world, at(ws), body),
    listTrash: ({ ws }) => ({
      items: at(ws).trash.map(({ name, task, at: trashed }) => ({
        name,
        original: task.name,
        trashed_at: trashed,
        status: task.status,
        message: null
      }))
    }),
    listColumns: ({ ws }) => columnsOf(world, at(ws)),
    groupTasks: ({ ws, ...query }) => groupsOf(world, at(ws), query),
    listCurves: ({ ws, name = [], key = [], points = 40, run }) =>
      curvesOf(world, at(ws), name, key, points, run),
    compareManyTasks: ({ ws }, { names }) => comparisonOf(world, at(ws), names),
    listFailures: ({ ws }, { names = [] }) => {
      const { tasks, failures } = comparisonOf(world, at(ws), names);
      return { tasks: tasks.length, groups: failures };
    },
    listMedia: ({ ws }, { names }) => mediaOf(at(ws), names),
    getQueue: ({ ws }) => queueOf(at(ws)),
    changeQueue: ({ ws }, { paused }) => {
      const workspace = at(ws);
      // Nothing was queued elsewhere, so there is nothing to requeue.
      workspace.queue.isPaused = paused ?? workspace.queue.isPaused;
      world.settle();
      return queueOf(at(ws));
    },
    listStudies: ({ ws }) => ({
      available: true,
      items: at(ws).studies.list(),
      damaged: []
    }),
    getStudy: ({ ws, study }) => at(ws).studies.detail(study),
    previewSearch: ({ ws }, body) => at(ws).studies.preview(body),
    beginStudy: ({ ws }, body) => at(ws).studies.begin(body),
    changeStudy: ({ ws, study }, body) => at(ws).studies.change(study, body),
    removeStudy: ({ ws, study }) => at(ws).studies.remove(study),
    getTask: ({ ws, task }) => detailOf(at(ws).task(task), world.time),
    changeTask: ({ ws, task }, body) => {
      const workspace = at(ws);
      const name = change(workspace, task, body);
      return detailOf(workspace.task(name), world.time);
    },
    deleteTask: ({ ws, task }) => void moveToTrash(world, at(ws), task),
    getTracks: ({ ws, task, run }) =>
      tracksOf(at(ws).task(task), run, world.time),
    previewLogMetrics: () => {
      throw beyondDemo('it finds no metrics in logs.');
    },
    listLogTimes: ({ ws, task, ...query }) =>
      readTimes(at(ws).task(task), query, world.time),
    getStacks: () => {
      throw beyondDemo('its tasks have no processes.');
    },
    requestStacks: () => {
      throw beyondDemo('its tasks have no processes.');
    },
    getRunInput: ({ ws, task, run }) => inputOf(at(ws), at(ws).task(task), run),
    listArtifacts: ({ ws, task, run }) => artifactsOf(at(ws).task(task), run)
  };
}

function queueOf({ queue }: Workspace): Queue {
  return {
    paused: queue.isPaused,
    scheduler_alive: true,
    batches: queue.told()
  };
}
