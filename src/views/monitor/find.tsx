import * as React from 'react';

import type { LogSearchModel } from '../../model/logsearch';
import { useTrans } from '../shared/context';
import { useStore } from '../shared/store';
import { Button, IconButton } from '../shared/button';

/** Signs that editors have, in every language. */
const CASE_SIGN = 'Aa';
const REGEX_SIGN = '.*';

export interface IFindBarProps {
  search: LogSearchModel;
  onClose: () => void;
}

/** Searches the whole log, and leads from hit to hit. */
export function FindBar({ search, onClose }: IFindBarProps): JSX.Element {
  const trans = useTrans();
  const input = React.useRef<HTMLInputElement>(null);
  const { pattern, hits, current, isBusy, isCut, message } = useStore(search);

  React.useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Escape') {
      onClose();
    } else if (event.key === 'Enter' && event.target === input.current) {
      search.step(event.shiftKey ? -1 : 1);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const many = isCut ? `${hits.length}+` : String(hits.length);
  const count = (() => {
    if (pattern.text === '') {
      return '';
    }
    if (hits.length === 0) {
      return isBusy ? trans.__('Searching…') : trans.__('No matches');
    }
    return current < 0
      ? trans.__('%1 matches', many)
      : trans.__('%1 of %2', current + 1, many);
  })();

  return (
    <div
      className="pyr-find"
      role="search"
      aria-label={trans.__('Find in the log')}
      onKeyDown={onKeyDown}
    >
      <div className="pyr-line pyr-find-row">
        <input
          ref={input}
          className="pyr-input"
          type="text"
          spellCheck={false}
          placeholder={trans.__('Find in the log')}
          aria-label={trans.__('Find in the log')}
          aria-invalid={message !== null}
          value={pattern.text}
          onChange={event => search.setPattern({ text: event.target.value })}
        />
        <Button
          className="pyr-find-option"
          label={trans.__('Match case')}
          iconOnly
          aria-pressed={pattern.isCase}
          onClick={() => search.setPattern({ isCase: !pattern.isCase })}
        >
          <span aria-hidden="true">{CASE_SIGN}</span>
        </Button>
        <Button
          className="pyr-find-option"
          label={trans.__('Regular expression')}
          iconOnly
          aria-pressed={pattern.isRegex}
          onClick={() => search.setPattern({ isRegex: !pattern.isRegex })}
        >
          <span aria-hidden="true">{REGEX_SIGN}</span>
        </Button>
        <span className="pyr-find-count" role="status" aria-live="polite">
          {count}
        </span>
        <IconButton
          icon="up"
          label={trans.__('Previous match (Shift+Enter)')}
          disabled={hits.length === 0}
          onClick={() => search.step(-1)}
        />
        <IconButton
          icon="down"
          label={trans.__('Next match (Enter)')}
          disabled={hits.length === 0}
          onClick={() => search.step(1)}
        />
        <IconButton
          icon="close"
          label={trans.__('Close the find bar')}
          onClick={onClose}
        />
      </div>
      {message !== null && (
        <div className="pyr-find-message" role="alert">
          {message}
        </div>
      )}
    </div>
  );
}
