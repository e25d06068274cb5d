/** What untrusted content must not do in a page. */

/**
 * Take away whatever makes Lab execute a command when an element is clicked,
 * as long as the returned function is not called.
 *
 * Lab's sanitizer keeps these attributes, and formulas are set after it.
 */
export function withoutCommands(element: HTMLElement): () => void {
  const clean = () => {
    for (const found of element.querySelectorAll(SELECTOR)) {
      ATTRIBUTES.forEach(name => found.removeAttribute(name));
    }
  };
  // Called before the browser handles the next click.
  const observer = new MutationObserver(clean);
  observer.observe(element, {
    attributeFilter: [...ATTRIBUTES],
    childList: true,
    subtree: true
  });
  clean();
  return () => observer.disconnect();
}

const ATTRIBUTES = ['data-commandlinker-command', 'data-commandlinker-args'];
const SELECTOR = ATTRIBUTES.map(name => `[${name}]`).join();
