// Its two hundred modules are for tests of components; others import it themselves.
if (expect.getState().testPath.endsWith('.tsx')) {
  require('@testing-library/jest-dom');
  // Other programs may keep the cores busy for longer than a second.
  require('@testing-library/react').configure({ asyncUtilTimeout: 20_000 });
}

// React warns about state changes outside act() only when told that tests run.
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

// Queries by role ask whether an element and all around it are visible. jsdom then compares each of them with
// some hundred rules of browsers, which takes most of the time of tests. Without style sheets, only these kinds
// of elements are not rendered, and only the style of an element itself and around it counts.
const NOT_RENDERED = new Set(
  'datalist head link meta noframes param rp script style title'.split(' ')
);
const getComputedStyle = window.getComputedStyle.bind(window);

window.getComputedStyle = (element, pseudo) => {
  if (document.styleSheets.length > 0 || pseudo) {
    return getComputedStyle(element, pseudo);
  }
  const found = document.createElement('div').style;
  found.cssText = element.style.cssText;
  if (NOT_RENDERED.has(element.localName) || element.type === 'hidden') {
    found.display ||= 'none';
  }
  let around = element;
  while (around && !around.style.visibility) {
    around = around.parentElement;
  }
  found.visibility = around ? around.style.visibility : 'visible';
  return found;
};
