/** Icons in the text's colour, 16 by 16. They carry no meaning alone. */
import * as lucide from 'lucide-react';
import * as React from 'react';

const ICONS = {
  add: lucide.Plus,
  alert: lucide.Bell,
  beside: lucide.Columns2,
  bookmark: lucide.Bookmark,
  cancelled: lucide.Ban,
  cards: lucide.LayoutGrid,
  check: lucide.Check,
  close: lucide.X,
  compare: lucide.SquareSplitHorizontal,
  completed: lucide.CircleCheck,
  copy: lucide.Copy,
  curve: lucide.ChartLine,
  dashboard: lucide.LayoutDashboard,
  delete: lucide.Trash2,
  details: lucide.PanelRight,
  down: lucide.ChevronDown,
  download: lucide.Download,
  edit: lucide.Pencil,
  failed: lucide.CircleX,
  file: lucide.File,
  filter: lucide.Funnel,
  follow: lucide.ArrowDownToLine,
  group: lucide.ListTree,
  help: lucide.CircleQuestionMark,
  image: lucide.Image,
  left: lucide.ArrowLeft,
  link: lucide.Link,
  log: lucide.SquareTerminal,
  more: lucide.Ellipsis,
  pause: lucide.Pause,
  pending: lucide.Circle,
  pin: lucide.Pin,
  queued: lucide.Clock,
  refresh: lucide.RefreshCw,
  right: lucide.ArrowRight,
  run: lucide.Play,
  running: lucide.CirclePlay,
  search: lucide.Search,
  stacks: lucide.Layers,
  stop: lucide.Square,
  table: lucide.Table,
  tag: lucide.Tag,
  trash: lucide.Trash,
  undo: lucide.Undo2,
  unreadable: lucide.TriangleAlert,
  up: lucide.ChevronUp,
  warning: lucide.TriangleAlert,
  wrap: lucide.TextWrap
};

export type IconName = keyof typeof ICONS;

export const ICON_NAMES = Object.keys(ICONS) as IconName[];

export function Icon(props: {
  name: IconName;
  className?: string;
}): JSX.Element {
  const Shape = ICONS[props.name];
  return <Shape className={`pyr-icon ${props.className ?? ''}`} size={16} />;
}
