export type { IMonitorProps } from './MonitorView';
export { MonitorView } from './MonitorView';
