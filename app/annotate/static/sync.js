// How two clips stay together: arithmetic on seconds and frames, no element and no clock.

/** Seconds apart from which a clip jumps to the other; below, a change of speed is smoother. */
export const JUMP_SECONDS = 0.4;

/**
 * The factor on the following clip's speed that closes its distance from the leading one.
 *
 * Within a fifth of a frame nothing is done. Up to one frame the speed changes by up to 10 %, which
 * is not seen; past one frame by half, so that two frames are made up within four.
 *
 * @param {number} drift seconds that the follower is ahead (> 0) or behind (< 0)
 * @param {number} frame seconds of one frame
 */
export function followingSpeed(drift, frame) {
  const frames = drift / frame;
  if (Math.abs(frames) < 0.2) return 1;
  if (Math.abs(frames) <= 1) return 1 - 0.1 * frames;
  return frames > 0 ? 0.5 : 1.5;
}

/** The middle of frame `index`: a time between two frames would leave open which one is shown. */
export function frameTime(index, frame) {
  return (Math.max(0, index) + 0.5) * frame;
}

/** The frame shown at `time` seconds. */
export function frameAt(time, frame) {
  return Math.floor(time / frame + 1e-6);
}

/** The range in which a pair plays, in seconds; a range shorter than three frames is none. */
export function playedRange({ start, end }, duration, frame) {
  const from = start ?? 0;
  const to = Math.min(end ?? duration, duration);
  return to - from < 3 * frame ? { start: 0, end: duration } : { start: from, end: to };
}
