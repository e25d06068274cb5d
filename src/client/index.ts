export * from './errors';
export * from './server';
export * from './transport';
export * from './types';
