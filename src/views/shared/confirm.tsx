import * as React from 'react';

import { Banner } from './banner';
import { Button } from './button';
import { useTrans } from './context';

export interface IQuestion {
  title: string;
  body: string;
  /** The label of the button that confirms it. */
  accept: string;
}

/** Asks before something that cannot be taken back. */
export type Confirm = (question: IQuestion) => Promise<boolean>;

interface IOpen {
  readonly question: IQuestion;
  answer(accepted: boolean): void;
}

/**
 * A way to ask: the one given, else a strip in the page.
 *
 * @returns the function that asks and the strip to render, if one is open
 */
export function useConfirm(
  given: Confirm | undefined
): [Confirm, JSX.Element | null] {
  const trans = useTrans();
  const [open, setOpen] = React.useState<IOpen | null>(null);
  const current = React.useRef<IOpen | null>(null);
  const inPage = React.useCallback<Confirm>(question => {
    const show = (next: IOpen | null) => {
      current.current = next;
      setOpen(next);
    };
    return new Promise(resolve => {
      // A new question cancels the one that is open.
      current.current?.answer(false);
      show({
        question,
        answer: accepted => {
          show(null);
          resolve(accepted);
        }
      });
    });
  }, []);
  const strip = open && (
    <Banner
      kind="warning"
      actions={
        <>
          <Button
            label={open.question.accept}
            accent
            autoFocus
            onClick={() => open.answer(true)}
          />
          <Button
            label={trans.__('Cancel')}
            onClick={() => open.answer(false)}
          />
        </>
      }
    >
      <b>{open.question.title}</b> {open.question.body}
    </Banner>
  );
  return [given ?? inPage, strip];
}
