require('@testing-library/jest-dom');

// React warns about state changes outside act() only when told that tests run.
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
