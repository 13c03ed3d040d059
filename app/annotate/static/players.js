// Two clips that play as one: linked play, pause, seek, step, speed and loop, within one frame.

import { JUMP_SECONDS, followingSpeed, frameAt, frameTime, playedRange } from "./sync.js";

/**
 * Events: `time` (a new frame is shown), `change` (playing, speed, range or solo changed),
 * `frame` with `detail: {side, seconds, time}`: of a clip `seconds` up to `time` were played.
 */
export class PlayerPair extends EventTarget {
  #wanted = false; // whether to play once nothing hinders
  #target = null; // where to seek once the running seek has ended
  #speed = 1;
  #range = { start: null, end: null };
  #shown = {}; // side -> seconds: the last frame on the screen

  /**
   * @param {{left: HTMLVideoElement, right: HTMLVideoElement}} videos
   * @param {{frame: number}} options seconds of one frame; clips have a constant rate
   */
  constructor(videos, { frame }) {
    super();
    this.videos = videos;
    this.frame = frame;
    this.solo = null;
    this.loop = true;
    for (const [side, video] of Object.entries(videos)) {
      for (const kind of ["seeked", "canplay", "waiting", "loadeddata"]) {
        video.addEventListener(kind, () => this.#settle());
      }
      video.addEventListener("ended", () => video === this.#leader && this.#reachedEnd());
      video.requestVideoFrameCallback((now, shown) => this.#onFrame(side, shown));
    }
  }

  /** Take other clips: `left` and `right` are their addresses. Both stand at their first frame. */
  load({ left, right }) {
    this.#wanted = false;
    this.#target = null;
    this.#range = { start: null, end: null };
    this.#shown = {};
    this.solo = null;
    for (const [side, url] of [["left", left], ["right", right]]) {
      const video = this.videos[side];
      if (video.getAttribute("src") === url) {
        video.pause();
        video.currentTime = 0;
      } else {
        video.src = url;
        video.load();
      }
    }
    this.#tell("change");
  }

  get isReady() {
    return this.#both.every((video) => video.readyState >= 2);
  }

  get isPlaying() {
    return this.#wanted;
  }

  get duration() {
    return Math.max(...this.#both.map((video) => video.duration || 0));
  }

  get time() {
    return this.#target ?? this.#leader.currentTime;
  }

  get speed() {
    return this.#speed;
  }

  set speed(value) {
    this.#speed = value;
    for (const video of this.#both) video.playbackRate = value;
    this.#tell("change");
  }

  get range() {
    return { ...this.#range };
  }

  /** Loop between two times; null leaves a side open. */
  set range(value) {
    this.#range = value;
    const { start, end } = this.#played;
    if (this.time < start || this.time > end) this.seek(start);
    this.#tell("change");
  }

  play() {
    const { start, end } = this.#played;
    if (this.time >= end - 1.5 * this.frame || this.time < start - this.frame) this.seek(start);
    else if (Math.abs(this.#drift()) > this.frame / 2) this.seek(this.time);
    this.#wanted = true;
    this.#settle();
    this.#tell("change");
  }

  /** Stop, both on the same frame. */
  pause() {
    if (this.#wanted) this.#target ??= frameTime(frameAt(this.time, this.frame), this.frame);
    this.#wanted = false;
    this.#settle();
    this.#tell("change");
  }

  toggle() {
    if (this.#wanted) this.pause();
    else this.play();
  }

  /** Show both clips at a time in seconds; while one seek runs, only the latest wish waits. */
  seek(time) {
    this.#target = Math.min(Math.max(0, time), this.duration);
    this.#settle();
    this.#tell("time");
  }

  /** Pause and move by a number of frames. */
  step(frames) {
    this.pause();
    this.seek(frameTime(frameAt(this.time, this.frame) + frames, this.frame));
  }

  /** Play one clip alone ("left" or "right"), or both again (null). */
  playAlone(side) {
    const time = this.time;
    this.solo = side;
    this.seek(time);
    this.#tell("change");
    if (side !== null) this.play();
  }

  get #both() {
    return [this.videos.left, this.videos.right];
  }

  get #active() {
    return this.solo === null ? this.#both : [this.videos[this.solo]];
  }

  /** The longest of the clips that play: it sets the time, and its end is the end. */
  get #leader() {
    return this.#active.reduce((a, b) => ((b.duration || 0) > (a.duration || 0) ? b : a));
  }

  get #played() {
    return playedRange(this.#range, this.#leader.duration || this.duration, this.frame);
  }

  /** Bring the elements to what is wanted: they seek together, wait together, start together. */
  #settle() {
    const both = this.#both;
    if (this.#target !== null && this.#active.every((video) => !video.seeking)) {
      if (both.some((video) => video.readyState < 1)) return;
      const target = this.#target;
      this.#target = null;
      this.#shown = {};
      for (const video of both) {
        video.pause(); // a clip that moves on while it seeks would miss its frame
        const time = Math.min(target, video.duration - this.frame / 2);
        if (Math.abs(video.currentTime - time) > 1e-4) video.currentTime = time;
      }
    }
    const hindered = this.#active.some(
      (video) => video.seeking || (video.readyState < 3 && !this.#hasEnded(video)),
    );
    for (const video of both) {
      const plays = this.#wanted && !hindered && this.#active.includes(video);
      if (!plays) {
        if (!video.paused) video.pause();
      } else if (video.paused && !this.#hasEnded(video)) {
        video.playbackRate = this.#speed;
        // A pause before the start was reached is no error.
        video.play().catch((error) => error.name === "AbortError" || this.#onRefused(error));
      }
    }
  }

  /** The shorter clip rests on its last frame until the longer one has ended. */
  #hasEnded(video) {
    return video.ended || video.currentTime >= video.duration - this.frame;
  }

  #onRefused() {
    // Browsers may refuse to start without a touch; the play button then starts it.
    this.#wanted = false;
    this.#tell("change");
  }

  #onFrame(side, shown) {
    const video = this.videos[side];
    video.requestVideoFrameCallback((now, next) => this.#onFrame(side, next));
    const before = this.#shown[side];
    this.#shown[side] = shown.mediaTime;
    const seconds = before === undefined ? this.frame : shown.mediaTime - before;
    // A jump is not watching; frames that the browser dropped are.
    if (!video.paused && seconds > 0 && seconds < 0.5) {
      const time = shown.mediaTime + this.frame;
      this.dispatchEvent(new CustomEvent("frame", { detail: { side, seconds, time } }));
    }
    if (video !== this.#leader) this.#follow(video);
    else if (this.#wanted && shown.mediaTime >= this.#played.end - 1.01 * this.frame) {
      this.#reachedEnd();
    }
    this.#tell("time");
  }

  /** Seconds that the follower is ahead of the leader; 0 when only one of them moves. */
  #drift() {
    const leader = this.#leader;
    const follower = this.#active.find((video) => video !== leader);
    if (follower === undefined || this.#hasEnded(follower) || leader.ended) return 0;
    return follower.currentTime - leader.currentTime;
  }

  #follow(follower) {
    if (follower.paused || this.#leader.paused) return;
    const drift = this.#drift();
    if (Math.abs(drift) > JUMP_SECONDS) {
      this.seek(this.#leader.currentTime);
      return;
    }
    const rate = this.#speed * followingSpeed(drift, this.frame);
    if (Math.abs(follower.playbackRate - rate) > 0.004) follower.playbackRate = rate;
  }

  #reachedEnd() {
    if (!this.#wanted || this.#target !== null) return;
    if (this.loop) this.seek(this.#played.start);
    else this.pause();
  }

  #tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
}
