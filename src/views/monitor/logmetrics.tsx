import * as React from 'react';

import type { LogMetrics } from '../../client/types';
import type { LogModel } from '../../model/log';
import { Button } from '../shared/button';
import { useTrans } from '../shared/context';
import { CopyButton } from '../shared/copy';
import { formatNumber } from '../shared/format';
import { useRequest } from '../shared/request';
import { useStore } from '../shared/store';
import { DataTable } from '../shared/table';

/** Lines that are listed. */
const MAX_LINES = 20;

/** Which metrics patterns find in the text of the log, and in which lines. */
export function LogMetricsPreview(props: { log: LogModel }): JSX.Element {
  const trans = useTrans();
  const [isOpen, setOpen] = React.useState(false);
  return (
    <details
      className="pyr-log-metrics"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('Metrics in the text of the log')}</summary>
      {isOpen && <Preview log={props.log} />}
    </details>
  );
}

function Preview({ log }: { log: LogModel }): JSX.Element {
  const trans = useTrans();
  const { task, run } = useStore(log);
  const [text, setText] = React.useState('');
  const [patterns, setPatterns] = React.useState<string[]>([]);
  const question = React.useMemo(
    () =>
      task === null || run === null
        ? null
        : () => log.previewMetrics(task, run, patterns),
    [log, task, run, patterns]
  );
  const { value, error, ask } = useRequest(question);

  const preview = () => {
    const wanted = text.split('\n').filter(line => line.trim() !== '');
    if (wanted.join('\n') === patterns.join('\n')) {
      ask();
    } else {
      setPatterns(wanted);
    }
  };

  return (
    <>
      <label className="pyr-log-patterns">
        {trans.__(
          'Patterns, one per line. If empty: the patterns in the settings, or automatic detection.'
        )}
        <textarea
          className="pyr-input"
          rows={3}
          spellCheck={false}
          placeholder={String.raw`loss (?P<loss>\S+)`}
          value={text}
          onChange={event => setText(event.target.value)}
        />
      </label>
      <Button label={trans.__('Preview')} onClick={preview} />
      {error ? (
        <p className="pyr-hint" role="alert">
          {error.message}
        </p>
      ) : (
        ((value && <Found found={value} log={log} />) ?? (
          <p className="pyr-hint">{trans.__('Searching…')}</p>
        ))
      )}
    </>
  );
}

function Found(props: { found: LogMetrics; log: LogModel }): JSX.Element {
  const { found, log } = props;
  const trans = useTrans();
  const { metrics, lines, messages, patterns } = found;
  const setting = settingOf(patterns);
  return (
    <>
      {messages.map(message => (
        <p key={message} className="pyr-hint">
          {message}
        </p>
      ))}
      {metrics.length === 0 ? (
        <p className="pyr-hint">{trans.__('No metrics found in this log.')}</p>
      ) : (
        <>
          <DataTable
            className="pyr-log-found"
            hasRowHeads
            rows={metrics}
            columns={[
              {
                id: 'key',
                title: trans.__('Metric'),
                cell: ({ key }) => key
              },
              {
                id: 'count',
                title: trans.__('Lines'),
                className: 'pyr-number',
                cell: ({ count }) => String(count)
              },
              {
                id: 'last',
                title: trans.__('Last value'),
                className: 'pyr-number',
                cell: ({ last }) => valueText(last)
              }
            ]}
          />
          <p className="pyr-hint">
            {found.is_active
              ? trans.__('New runs of this workspace log these metrics.')
              : trans.__(
                  'To log these metrics in new runs, use this setting of the project:'
                )}
          </p>
          {(!found.is_active || patterns.length > 0) && (
            <p className="pyr-line pyr-log-setting">
              <code>{setting}</code>
              <CopyButton
                text={setting}
                label={trans.__('Copy setting')}
                iconOnly
              />
            </p>
          )}
          <p className="pyr-hint">
            {found.matched > MAX_LINES
              ? trans.__(
                  'The first %1 of %2 matching lines:',
                  MAX_LINES,
                  found.matched
                )
              : trans._n('%1 line matches:', '%1 lines match:', found.matched)}
          </p>
          <ul className="pyr-log-lines">
            {lines.slice(0, MAX_LINES).map(({ offset, text }) => (
              <li key={offset}>
                <button
                  type="button"
                  title={trans.__('Show in the log')}
                  onClick={() =>
                    log.reveal({
                      offset,
                      length: text.length,
                      line: offset,
                      text
                    })
                  }
                >
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** The setting with which runs log what patterns find. */
function settingOf(patterns: readonly string[]): string {
  const values = patterns.map(each => `'${each.replace(/'/g, "''")}'`);
  return `log_metrics: ${values.length > 0 ? `[${values.join(', ')}]` : 'auto'}`;
}

function valueText(value: unknown): string {
  return typeof value === 'number' ? formatNumber(value) : String(value);
}
