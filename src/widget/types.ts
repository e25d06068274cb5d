import type { IClient, Status } from '../client/types';
import type { ITrans } from '../views/shared/context';
import type { Trait } from './widgetmodel';

/** What anywidget gives a widget's module, as far as it is used here. */
export interface IWidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  /** A message to the Python side; throws or does nothing without a kernel. */
  send(content: object): void;
  on(event: string, heard: (...values: never[]) => void): void;
  off(event: string, heard: (...values: never[]) => void): void;
}

/** A workspace as a server extension serves it. */
export interface IServerPlace {
  /** The server's base URL, absolute, with its trailing slash. */
  baseUrl: string;
  /** The same for websockets. */
  wsUrl: string;
  /** Empty where cookies authenticate. */
  token: string;
  /** The workspace's id on that server. */
  workspace: string;
}

export interface IMountOptions {
  model: IWidgetModel;
  el: HTMLElement;
  /** Null: the kernel answers over the widget's comm. */
  server: IServerPlace | null;
}

/** The module with the views, which the loader loads. */
export interface IViews {
  /** Show the widget in `el`; returns how to end that. */
  mount(options: IMountOptions): () => void;
}

/** What a view of a widget is made from. */
export interface IViewOptions {
  client: IClient;
  /** The id of the workspace; it may be empty for the machine alone. */
  ws: string;
  trans: ITrans;
  /** What the user may do; null if it could not be asked for. */
  status: Promise<Status | null>;
  trait: <T>(name: string) => Trait<T>;
  /** Dispose a model with the widget. */
  own: <T extends { dispose(): void }>(model: T) => T;
  /** Call a function when the widget ends. */
  atEnd: (end: () => void) => void;
}

/** Makes a view of a widget. */
export type MakeView = (
  options: IViewOptions
) => JSX.Element | Promise<JSX.Element>;
