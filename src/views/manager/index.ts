export type { IManagerProps } from './ManagerView';
export { ManagerView } from './ManagerView';
