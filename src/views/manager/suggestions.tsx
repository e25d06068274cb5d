/** What may follow in the search, offered below it. */
import * as React from 'react';

import type { ICompletion } from '../../model/completion';
import { useTrans } from '../shared/context';

export function Suggestions(props: {
  id: string;
  completion: ICompletion;
  /** Which one the keyboard stands on, -1 for none. */
  active: number;
  onTake: (item: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { id, completion, active } = props;
  return (
    <ul
      id={id}
      className="pyr-suggestions"
      role="listbox"
      aria-label={trans.__('What may follow')}
    >
      {completion.items.map((item, index) => (
        <li
          key={item}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          // Before the search loses the focus.
          onPointerDown={event => {
            event.preventDefault();
            props.onTake(item);
          }}
        >
          {item}
        </li>
      ))}
      <li className="pyr-suggestions-hint" role="presentation">
        {trans.__('↓ chooses, Tab takes')}
      </li>
    </ul>
  );
}
