import * as React from 'react';

import { useTrans } from './context';
import { Button } from './button';

/**
 * Copy a text to the clipboard, also over plain HTTP. Return whether the
 * browser allowed it.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure connection the page has no clipboard, only a command
    // that copies the selected text.
    const focused = document.activeElement;
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    area.style.opacity = '0';
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) {
      focused.focus();
    }
    return isCopied;
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
      onClick={() => void copyText(props.text).then(setCopied)}
    />
  );
}
