import * as React from 'react';

import { useTrans } from './context';
import { Button } from './strip';

/** Put a text into the system's clipboard, also where pages may not by themselves. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure connection there is only the old way.
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

/** Copies a text, and says so for a moment. */
export function CopyButton(props: {
  text: string;
  label: string;
  iconOnly?: boolean;
}): JSX.Element {
  const trans = useTrans();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (copied) {
      const timer = setTimeout(() => setCopied(false), 1500);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [copied]);
  return (
    <Button
      icon={copied ? 'check' : 'copy'}
      iconOnly={props.iconOnly}
      label={copied ? trans.__('Copied') : props.label}
      onClick={() => void copyText(props.text).then(() => setCopied(true))}
    />
  );
}
