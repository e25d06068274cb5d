import type { IClient, Status } from '../client/types';
import type { ITrans } from '../views/shared/context';
import type { Trait } from './widgetmodel';

/** The part of a widget's model of anywidget that is used here. */
export interface IWidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  /** Send a message to the kernel; throws or does nothing without one. */
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
  /** Empty where cookies authenticate. */
  token: string;
  /** The workspace's id on that server. */
  workspace: string;
}

export interface IMountOptions {
  model: IWidgetModel;
  el: HTMLElement;
  /** Null if the kernel answers, over the widget's comm. */
  server: IServerPlace | null;
}

/** The module with the views. */
export interface IViews {
  /** Show the widget in `el`; returns a function that ends that. */
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
