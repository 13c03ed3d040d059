// Several videos on one clock: played, paused and moved together.

import { clock } from "./page.js";

const MAX_DRIFT_SECONDS = 0.12;

export class SyncedVideos {
  /**
   * tracks: [{video, offsetSeconds, speed}]: shared time t is the file's offsetSeconds + t * speed;
   * end: of the shared clock, where playing stops.
   */
  constructor(tracks, { end, onTime, onPlaying }) {
    this.tracks = tracks;
    this.end = end;
    this.onTime = onTime;
    this.onPlaying = onPlaying;
    this.rate = 1;
    this.isPlaying = false;
    this.seconds = 0;
    for (const { video } of tracks) {
      video.addEventListener("loadeddata", () => this.seek(this.seconds), { once: true });
      video.addEventListener("ended", () => this.pause());
    }
  }

  get master() {
    return this.tracks.find(({ video }) => !video.ended && video.readyState > 0) ?? this.tracks[0];
  }

  fileTime(track, seconds) {
    const last = Number.isFinite(track.video.duration) ? track.video.duration : Infinity;
    return Math.min(Math.max(track.offsetSeconds + seconds * (track.speed ?? 1), 0), last);
  }

  /** "3.5 s of 10.0 s" */
  get timeText() {
    return `${clock(Math.min(this.seconds, this.end))} of ${clock(this.end)}`;
  }

  toggle() {
    if (this.isPlaying) {
      this.pause();
      return;
    }
    if (this.seconds >= this.end - 0.1) this.seek(0);
    this.play();
  }

  /** Move all to a time of the shared clock. */
  seek(seconds) {
    this.seconds = Math.max(0, seconds);
    for (const track of this.tracks) {
      if (track.video.readyState > 0) track.video.currentTime = this.fileTime(track, this.seconds);
    }
    this.onTime(this.seconds);
  }

  async play() {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.onPlaying(true);
    this.setRate(this.rate);
    await Promise.allSettled(this.tracks.map(({ video }) => video.play()));
    this.tick();
  }

  pause() {
    this.isPlaying = false;
    for (const { video } of this.tracks) video.pause();
    this.onPlaying(false);
  }

  setRate(rate) {
    this.rate = rate;
    for (const { video, speed } of this.tracks) video.playbackRate = rate * (speed ?? 1);
  }

  /** Follow the first video, and pull the others back when they drift. */
  tick() {
    if (!this.isPlaying) return;
    const { video, offsetSeconds, speed } = this.master;
    this.seconds = Math.max(0, (video.currentTime - offsetSeconds) / (speed ?? 1));
    for (const track of this.tracks) {
      const wanted = this.fileTime(track, this.seconds);
      if (!track.video.ended && Math.abs(track.video.currentTime - wanted) > MAX_DRIFT_SECONDS) {
        track.video.currentTime = wanted;
      }
    }
    if (this.seconds >= this.end) this.pause();
    this.onTime(this.seconds);
    requestAnimationFrame(() => this.tick());
  }
}
