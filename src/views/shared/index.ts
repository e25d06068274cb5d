export * from './ask';
export * from './context';
export * from './format';
export * from './icons';
export * from './lost';
export * from './status';
export * from './store';
export * from './strip';
