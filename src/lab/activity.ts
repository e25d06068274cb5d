import type { ActivityModel } from '../model/activity';
import type { SessionModel } from '../model/session';

/** Call `listener` now, and when the workspace or its active tasks change. */
export function followActivity(
  session: SessionModel,
  listener: (activity: ActivityModel | null) => void
): void {
  let current: ActivityModel | null | undefined;
  let leave: () => void = () => undefined;
  const follow = () => {
    const { activity } = session.getSnapshot();
    if (activity !== current) {
      leave();
      current = activity;
      const tell = () => listener(activity);
      leave = activity?.subscribe(tell) ?? (() => undefined);
      tell();
    }
  };
  session.subscribe(follow);
  follow();
}
