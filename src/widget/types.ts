import type { IClient, Status } from '../client/types';
import type { ITrans } from '../views/shared/context';
import type { Trait } from './widgetmodel';

/** The part of anywidget's model that is used here. */
export interface IWidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  /** Send a message to the kernel; without one it throws or does nothing. */
  send(content: object): void;
  on(event: string, listener: (...values: never[]) => void): void;
  off(event: string, listener: (...values: never[]) => void): void;
}

/** A workspace on a server with the extension. */
export interface IServerPlace {
  /** The server's base URL, absolute, with its trailing slash. */
  baseUrl: string;
  /** The same for websockets. */
  wsUrl: string;
  /** Empty if cookies authenticate. */
  token: string;
  /** The workspace's id on that server. */
  workspace: string;
}

export interface IMountOptions {
  model: IWidgetModel;
  el: HTMLElement;
  /** Null to use the kernel, over the widget's comm. */
  server: IServerPlace | null;
}

/** The module with the views. */
export interface IViews {
  /** Show the widget in `el`; returns a function that ends that. */
  mount(options: IMountOptions): () => void;
}

/** What a view of a widget needs. */
export interface IViewOptions {
  client: IClient;
  /** Id of the workspace; may be empty if only the machine is shown. */
  ws: string;
  trans: ITrans;
  /** The user's permissions; null if they could not be loaded. */
  status: Promise<Status | null>;
  trait: <T>(name: string) => Trait<T>;
  /** Dispose a model together with the widget. */
  own: <T extends { dispose(): void }>(model: T) => T;
  /** Call a function when the widget ends. */
  atEnd: (end: () => void) => void;
}

/** Makes a view of a widget. */
export type MakeView = (
  options: IViewOptions
) => JSX.Element | Promise<JSX.Element>;
