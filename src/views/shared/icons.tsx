/** Icons in the text's colour, 16 by 16. They carry no meaning alone. */
import * as React from 'react';

import type { TaskStatus } from '../../client/types';

const PATHS = {
  add: 'M7.25 2.5h1.5v4.75h4.75v1.5H8.75v4.75h-1.5V8.75H2.5v-1.5h4.75z',
  cancelled:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.5c1.1 0 2.1.35 2.95.95L3.95 10.95A5 5 0 0 1 8 3zm0 10c-1.1 0-2.1-.35-2.95-.95l7-7A5 5 0 0 1 8 13z',
  check: 'M6.4 12.6 2.3 8.5l1.1-1.1 3 3 6.2-6.3 1.1 1.1z',
  close:
    'm4.3 3.2 3.7 3.7 3.7-3.7 1.1 1.1L9.1 8l3.7 3.7-1.1 1.1L8 9.1l-3.7 3.7-1.1-1.1L6.9 8 3.2 4.3z',
  completed:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm-.9 9.6L4.2 8.2l1-1 1.9 1.9 3.7-3.8 1 1z',
  copy: 'M5 1.5h7.5A1.5 1.5 0 0 1 14 3v8.5h-1.5V3H5zM3 4.5h6.5A1.5 1.5 0 0 1 11 6v7a1.5 1.5 0 0 1-1.5 1.5H3A1.5 1.5 0 0 1 1.5 13V6A1.5 1.5 0 0 1 3 4.5zM3 6v7h6.5V6z',
  dashboard:
    'M2 2h5v6H2zm1.5 1.5v3h2v-3zM9 2h5v4H9zm1.5 1.5v1h2v-1zM9 8h5v6H9zm1.5 1.5v3h2v-3zM2 10h5v4H2zm1.5 1.5v1h2v-1z',
  delete:
    'M6.5 1.5h3l.75.75H13v1.5H3v-1.5h2.75zM4 5h8l-.6 8.1a1.5 1.5 0 0 1-1.5 1.4H6.1a1.5 1.5 0 0 1-1.5-1.4zm1.6 1.5.5 6.5h3.8l.5-6.5z',
  down: 'm8 11.2-5-5 1.1-1.1L8 9l3.9-3.9L13 6.2z',
  download:
    'M7.25 1.5h1.5v6.6l2.2-2.2L12 7l-4 4-4-4 1.05-1.1 2.2 2.2zM2.5 12.5h11V14h-11z',
  edit: 'M11.2 1.8a1.2 1.2 0 0 1 1.7 0l1.3 1.3a1.2 1.2 0 0 1 0 1.7L6 13l-3.8.8L3 10zM4.3 10.8l-.3 1.2 1.2-.3 6-6-.9-.9zm7-7 .9.9.9-.8-.9-.9z',
  failed:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5.8 4.7 8 6.9l2.2-2.2 1.1 1.1L9.1 8l2.2 2.2-1.1 1.1L8 9.1l-2.2 2.2-1.1-1.1L6.9 8 4.7 5.8z',
  file: 'M4 1.5h5.2L13 5.3V13.5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1zM4.5 3v10h7V6.5H8.2V3zm5.1.6v1.5h1.5z',
  filter: 'M2 3h12v1.5L9.5 9v4.5l-3-1.5V9L2 4.5z',
  follow: 'm8 8.2 4-4 1.05 1.05L8 10.3 2.95 5.25 4 4.2zM3 12h10v1.5H3z',
  group:
    'M2 2.5h12V4H2zm3 3.5h9v1.5H5zm0 3h9v1.5H5zm-3 3.5h12V14H2zM2 6h1.5v4.5H2z',
  help: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3zm-.75 8.9h1.5v-1.5h-1.5zM8 4.2c-1.4 0-2.4.9-2.5 2.2h1.4c.1-.6.5-1 1.1-1 .7 0 1.1.4 1.1.9 0 1-1.8 1.2-1.8 3.1h1.4c0-1.3 1.8-1.4 1.8-3.2C10.5 5 9.5 4.2 8 4.2z',
  link: 'M6.5 4.5H4.5a3.5 3.5 0 0 0 0 7h2V10h-2a2 2 0 0 1 0-4h2zm3 0V6h2a2 2 0 0 1 0 4h-2v1.5h2a3.5 3.5 0 0 0 0-7zM5.25 7.25h5.5v1.5h-5.5z',
  log: 'M2.5 2.5h11A1 1 0 0 1 14.5 3.5v9a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM3 4v8h10V4zm1.6 1.4L7.2 8l-2.6 2.6-.9-.9L5.4 8 3.7 6.3zM7.5 9.5H11v1.2H7.5z',
  left: 'M14 7.25v1.5H5.4l3 3-1.05 1.05L2.5 8l4.85-4.8L8.4 4.25l-3 3z',
  more: 'M3 6.75a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5zm5 0a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5zm5 0a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5z',
  cards:
    'M2 2.5h5.25v5H2zm1.5 1.5v2h2.25V4zm5.25-1.5H14v5H8.75zM10.25 4v2h2.25V4zM2 8.5h5.25v5H2zm1.5 1.5v2h2.25v-2zm5.25-1.5H14v5H8.75zm1.5 1.5v2h2.25v-2z',
  details:
    'M2.5 2.5h11a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM3 4v8h5.5V4zm7 0v8h3V4z',
  bookmark:
    'M4 1.5h8a.75.75 0 0 1 .75.75V14.5L8 11.4l-4.75 3.1V2.25A.75.75 0 0 1 4 1.5zM4.75 3v8.75L8 9.6l3.25 2.15V3z',
  pause: 'M4 2.5h3v11H4zm5 0h3v11H9z',
  pending:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z',
  pin: 'M5 1.5h6V3l-1 .5v3.8l2 2.2V11H8.7l-.7 4-.7-4H4V9.5l2-2.2V3.5L5 3z',
  queued:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3zm-.75 1.5v3.8l3 1.8.75-1.2-2.25-1.35V4.5z',
  refresh:
    'M8 2.5c1.5 0 2.9.6 3.9 1.6L13.5 2.5V7H9l1.8-1.8A4 4 0 1 0 11.8 9h1.55A5.5 5.5 0 1 1 8 2.5z',
  right: 'M2 7.25v1.5h8.6l-3 3 1.05 1.05L13.5 8 8.65 3.2 7.6 4.25l3 3z',
  run: 'M4 2.3v11.4L13.5 8z',
  running:
    'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM6.3 4.8 11.6 8l-5.3 3.2z',
  search:
    'M6.75 2a4.75 4.75 0 0 1 3.8 7.6l3.6 3.6-1 1-3.6-3.6A4.75 4.75 0 1 1 6.75 2zm0 1.5a3.25 3.25 0 1 0 0 6.5 3.25 3.25 0 0 0 0-6.5z',
  stop: 'M3.5 3.5h9v9h-9z',
  table:
    'M2.5 2.5h11a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM3 6.5v2h2.5v-2zm4 0v2h6v-2zm-4 3.5v2h2.5v-2zm4 0v2h6v-2z',
  trash:
    'M6.5 1.5h3l.75.75H13v1.5H3v-1.5h2.75zM4 5h8l-.6 8.1a1.5 1.5 0 0 1-1.5 1.4H6.1a1.5 1.5 0 0 1-1.5-1.4z',
  tag: 'M2 2.5h5.6l6.4 6.4-5.1 5.1L2.5 7.6zm3 1.6a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2z',
  undo: 'M6.5 3 2.5 7l4 4V8.5H9a2.5 2.5 0 0 1 0 5H5V15h4a4 4 0 0 0 0-8H6.5z',
  up: 'M8 4.8l5 5-1.1 1.1L8 7l-3.9 3.9L3 9.8z',
  warning:
    'M8 1.8 15 14H1zm0 3L3.6 12.5h8.8zM7.3 7h1.4v3H7.3zm0 3.6h1.4V12H7.3z'
};

export type IconName = keyof typeof PATHS;

export interface IIconProps {
  name: IconName;
  className?: string;
}

export function Icon({ name, className }: IIconProps): JSX.Element {
  return (
    <svg
      className={`pyr-icon ${className ?? ''}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="currentColor"
      aria-hidden="true"
      focusable="false"
    >
      <path fillRule="evenodd" d={PATHS[name]} />
    </svg>
  );
}

export function statusIcon(status: TaskStatus): IconName {
  return status;
}
