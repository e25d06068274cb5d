/** The grammar of searches as examples, each of which can be taken over. */
import * as React from 'react';

import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { OpenButton, Popup, PopupItem } from '../shared/popup';

function examples(trans: ITrans): [string, string][] {
  return [
    ['adam "exact words"', trans.__('somewhere in names, values, notes, tags')],
    ['/run_\\d+$/', trans.__('a regular expression')],
    ['name:run*7', trans.__('* stands for anything')],
    ['-adam', trans.__('not this one')],
    ['(adam OR sgd)', trans.__('one of them; words and lines all count')],
    ['lr<0.01', trans.__('a swept value, figure or configuration key')],
    ['acc>=0.9', trans.__('also <=, >, = and !=')],
    ['lr:1e-4..1e-2', trans.__('from, to; one of them may be left out')],
    ['opt:adam,sgd', trans.__('one of several values')],
    ['status:failed,running', trans.__('one of several states')],
    ['is:pinned', trans.__('also is:active, is:damaged, kind:shell')],
    ['has:acc', trans.__('with a value; no:acc is without')],
    ['started<2h', trans.__('within two hours; >2d is longer ago')],
    ['started>2026-11-01', trans.__('after that day; also today')],
    ['duration>10m', trans.__('also runs>1, exit_code=1, progress<0.5')],
    ['name:run', trans.__('only here; also note: tag: gpu: run: message:')],
    ['log:"out of memory"', trans.__('in the log of the latest run')]
  ];
}

export function SearchHelp(props: {
  onExample: (text: string) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <OpenButton
      icon="help"
      iconOnly
      label={trans.__('How to search')}
      opens={(anchor, close) => (
        <Popup
          anchor={anchor}
          onClose={close}
          label={trans.__('How to search')}
          className="pyr-search-help"
        >
          {examples(trans).map(([example, meaning], index) => (
            <PopupItem
              key={example}
              autoFocus={index === 0}
              title={trans.__('Add to the search')}
              onChoose={() => props.onExample(example)}
            >
              <code>{example}</code>
              <span>{meaning}</span>
            </PopupItem>
          ))}
          <p className="pyr-popup-hint">
            {trans.__('Shift+Enter begins another line; all lines count.')}
          </p>
        </Popup>
      )}
    />
  );
}
