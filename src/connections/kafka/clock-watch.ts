/**
 * kafkajs times heartbeats by the time of day: set back an hour, it sends none for an hour, and the group goes on without
 * a member that does not notice. Calls back once the time of day has gone back by more than `tolerance` milliseconds.
 * @returns ends it
 */
export const watchClock = (
  setBack: () => void,
  tolerance: number,
  { now = () => Date.now(), monotonic = () => performance.now() } = {},
): (() => void) => {
  let ahead = now() - monotonic();
  const timer = setInterval(() => {
    const before = ahead;
    ahead = now() - monotonic();
    if (ahead < before - tolerance) setBack();
  }, tolerance).unref();
  return () => clearInterval(timer);
};
