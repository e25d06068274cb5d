import type {
  ActionRequest,
  ActionResult,
  Artifacts,
  Columns,
  Comparison,
  CreateRequest,
  Created,
  Curves,
  ExportQuery,
  GroupQuery,
  Groups,
  IClient,
  IDownload,
  IEventHandlers,
  IEventPosition,
  IEventStream,
  ILogHandlers,
  ILogRange,
  ILogStart,
  ILogStream,
  ISystemHandlers,
  ISystemStream,
  LogHits,
  LogQuery,
  LogSearch,
  LogTimes,
  LogTimesQuery,
  Parameters,
  Preview,
  PreviewRequest,
  Queue,
  RunInput,
  SearchPreview,
  Status,
  Studies,
  Study,
  StudyChange,
  StudyDetail,
  StudyRequest,
  SystemSample,
  TaskDetail,
  TaskListQuery,
  TaskPage,
  TaskPatch,
  Template,
  Tracks,
  TrashedTask,
  Workspace as WorkspaceTold
} from '../types';
import { act, change, moveToTrash } from './actions';
import { artifactOf, artifactsOf, inputOf } from './artifacts';
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

/**
 * A server that is not there: everything is simulated in the browser, and
 * forgotten with the page.
 */
export class DemoClient implements IClient {
  constructor(options: DemoClient.IOptions = {}) {
    const now = options.now ?? (() => Date.now() / 1000);
    this._version = options.version ?? 'demo';
    this._world = new World(PROJECTS, now, now() - PAST);
    liveThrough(this._world, now());
  }

  async getStatus(): Promise<Status> {
    return {
      version: this._version,
      api_version: API_VERSION,
      can_write: true,
      can_execute: true,
      limits: {
        tasks_at_once: MOST_TASKS,
        jobs_at_once: 1000,
        log_window: LOG_WINDOW
      }
    };
  }

  async listWorkspaces(): Promise<WorkspaceTold[]> {
    this._world.advance();
    return [...this._world.workspaces.values()].map(one => one.told());
  }

  async openWorkspace(path: string): Promise<WorkspaceTold> {
    const wanted = path.replace(/^\/+|\/+$/g, '');
    const found = PROJECTS.find(({ id, script, path: folder }) =>
      [id, script, folder].includes(wanted)
    );
    if (!found) {
      const scripts = PROJECTS.map(({ script }) => script).join(', ');
      throw beyondDemo(
        `there are no workspaces but those of ${scripts}. Install the extension to open your own scripts.`,
        'path'
      );
    }
    return this._at(found.id).told();
  }

  async getWorkspace(ws: string): Promise<WorkspaceTold> {
    return this._at(ws).told();
  }

  async getParameters(ws: string): Promise<Parameters> {
    return this._at(ws).project.parameters;
  }

  async getTemplate(ws: string, task?: string): Promise<Template> {
    return templateOf(this._at(ws), task);
  }

  async previewSweep(
    ws: string,
    request: PreviewRequest,
    signal?: AbortSignal
  ): Promise<Preview> {
    checkWanted(signal);
    return preview(this._at(ws), request);
  }

  async listTasks(
    ws: string,
    query: TaskListQuery = {},
    signal?: AbortSignal
  ): Promise<TaskPage> {
    checkWanted(signal);
    return pageOf(this._world, this._at(ws), query);
  }

  async createTasks(ws: string, request: CreateRequest): Promise<Created> {
    return create(this._world, this._at(ws), request);
  }

  async actOnTasks(ws: string, request: ActionRequest): Promise<ActionResult> {
    return act(this._world, this._at(ws), request);
  }

  async listTrash(ws: string): Promise<TrashedTask[]> {
    return this._at(ws).trash.map(({ name, task, at }) => ({
      name,
      original: task.name,
      trashed_at: at,
      status: task.status,
      message: null
    }));
  }

  async exportResults(ws: string, query: ExportQuery = {}): Promise<IDownload> {
    return exportOf(this._world, this._at(ws), query);
  }

  async getTask(ws: string, task: string): Promise<TaskDetail> {
    return detailOf(this._at(ws).task(task), this._world.time);
  }

  async changeTask(
    ws: string,
    task: string,
    patch: TaskPatch
  ): Promise<TaskDetail> {
    const workspace = this._at(ws);
    const name = change(workspace, task, patch);
    return detailOf(workspace.task(name), this._world.time);
  }

  async deleteTask(ws: string, task: string): Promise<void> {
    moveToTrash(this._world, this._at(ws), task);
  }

  async readLog(
    ws: string,
    task: string,
    query: LogQuery = {},
    signal?: AbortSignal
  ): Promise<ILogRange> {
    checkWanted(signal);
    return readRange(this._at(ws).task(task), query, this._world.time);
  }

  async searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void> {
    checkWanted(signal);
    const found = this._at(ws).task(task);
    const run = loggedRun(found, query.run);
    onHits(searchBytes(logBytes(found, run, this._world.time), query));
  }

  async listLogTimes(
    ws: string,
    task: string,
    query: LogTimesQuery = {}
  ): Promise<LogTimes> {
    return readTimes(this._at(ws).task(task), query, this._world.time);
  }

  /** No browser can fetch what only this page knows. */
  logUrl(): string | null {
    return null;
  }

  async getTracks(ws: string, task: string, run?: number): Promise<Tracks> {
    return tracksOf(this._at(ws).task(task), run, this._world.time);
  }

  async getRunInput(ws: string, task: string, run: number): Promise<RunInput> {
    const workspace = this._at(ws);
    return inputOf(workspace, workspace.task(task), run);
  }

  async listArtifacts(
    ws: string,
    task: string,
    run: number
  ): Promise<Artifacts> {
    return artifactsOf(this._at(ws).task(task), run);
  }

  async readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob> {
    return artifactOf(this._at(ws).task(task), run, path, most);
  }

  async getQueue(ws: string): Promise<Queue> {
    const { queue } = this._at(ws);
    return {
      paused: queue.isPaused,
      scheduler_alive: true,
      batches: queue.told()
    };
  }

  /** Nothing comes from elsewhere here. */
  requeueForeign(ws: string): Promise<Queue> {
    return this.getQueue(ws);
  }

  async pauseQueue(ws: string, paused: boolean): Promise<Queue> {
    this._at(ws).queue.isPaused = paused;
    this._world.settle();
    return this.getQueue(ws);
  }

  async listColumns(ws: string): Promise<Columns> {
    return columnsOf(this._world, this._at(ws));
  }

  async groupTasks(
    ws: string,
    query: GroupQuery,
    signal?: AbortSignal
  ): Promise<Groups> {
    checkWanted(signal);
    return groupsOf(this._world, this._at(ws), query);
  }

  async listCurves(
    ws: string,
    names: readonly string[],
    keys: readonly string[],
    points: number,
    run?: number
  ): Promise<Curves> {
    return curvesOf(this._world, this._at(ws), names, keys, points, run);
  }

  async compareTasks(
    ws: string,
    names: readonly string[]
  ): Promise<Comparison> {
    return comparisonOf(this._world, this._at(ws), names);
  }

  async listStudies(ws: string): Promise<Studies> {
    const items = this._at(ws).studies.list();
    return { available: true, items, damaged: [] };
  }

  async getStudy(ws: string, name: string): Promise<StudyDetail> {
    return this._at(ws).studies.detail(name);
  }

  async previewSearch(
    ws: string,
    request: StudyRequest,
    signal?: AbortSignal
  ): Promise<SearchPreview> {
    checkWanted(signal);
    return this._at(ws).studies.preview(request);
  }

  async beginStudy(ws: string, request: StudyRequest): Promise<Study> {
    return this._at(ws).studies.begin(request);
  }

  async changeStudy(
    ws: string,
    name: string,
    wanted: StudyChange
  ): Promise<Study> {
    return this._at(ws).studies.change(name, wanted);
  }

  async removeStudy(ws: string, name: string): Promise<void> {
    this._at(ws).studies.remove(name);
  }

  async getSystem(): Promise<SystemSample> {
    this._world.advance();
    return sampleOf(this._world);
  }

  streamEvents(
    ws: string,
    handlers: IEventHandlers,
    since?: IEventPosition
  ): IEventStream {
    return new DemoEventStream(this._world, ws, handlers, since);
  }

  streamLog(
    ws: string,
    task: string,
    start: ILogStart,
    handlers: ILogHandlers
  ): ILogStream {
    return new DemoLogStream(this._world, ws, task, start, handlers);
  }

  streamSystem(handlers: ISystemHandlers): ISystemStream {
    return new DemoSystemStream(this._world, handlers);
  }

  /** A workspace as it is now; throws when there is none. */
  private _at(ws: string): Workspace {
    this._world.advance();
    return this._world.workspace(ws);
  }

  private readonly _version: string;
  private readonly _world: World;
}

export namespace DemoClient {
  export interface IOptions {
    /** The version that the simulated server tells. */
    version?: string;
    /** The time in epoch seconds; that of the browser by default. */
    now?: () => number;
  }
}
