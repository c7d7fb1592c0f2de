/** One measurement. */
export interface Point {
  /** Seconds. */
  time: number;
  value: number;
}

/** A straight line through measurements, and how sure it is. */
export interface Slope {
  /** Growth of the value in a second. */
  perSecond: number;
  /** Standard error of that. */
  error: number;
}

/** The line of least squares; undefined with fewer than three points or none but one time. */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const { length } = points;
  if (length < 3) return undefined;
  const meanTime = points.reduce((sum, { time }) => sum + time, 0) / length;
  const meanValue = points.reduce((sum, { value }) => sum + value, 0) / length;
  let xx = 0, xy = 0;
  for (const { time, value } of points) {
    xx += (time - meanTime) ** 2;
    xy += (time - meanTime) * (value - meanValue);
  }
  if (xx === 0) return undefined;
  const perSecond = xy / xx;
  const squares = points.reduce(
    (sum, { time, value }) => sum + (value - meanValue - perSecond * (time - meanTime)) ** 2,
    0,
  );
  return { perSecond, error: Math.sqrt(squares / (length - 2) / xx) };
}
