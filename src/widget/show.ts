import type { IClient, Status } from '../client/types';
import type { ITrans } from '../views/shared/context';
import type { Trait } from './traits';

/** What a view of a widget is made from. */
export interface IShowOptions {
  client: IClient;
  /** The id of the workspace; of the machine alone it may be empty. */
  ws: string;
  trans: ITrans;
  /** What the user may do; null while that is not known. */
  status: Promise<Status | null>;
  trait: <T>(name: string) => Trait<T>;
  /** What ends with the widget. */
  own: <T extends { dispose(): void }>(model: T) => T;
  /** What is called when the widget ends. */
  atEnd: (end: () => void) => void;
}

/** Makes a view of a widget. */
export type Show = (
  options: IShowOptions
) => JSX.Element | Promise<JSX.Element>;
