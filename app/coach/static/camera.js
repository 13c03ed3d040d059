// Recording a view with the camera of this device; the film goes to the server like any other file.

import { h } from "./dom.js";
import { clock } from "./page.js";

const FORMATS = ["video/mp4;codecs=avc1", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
const LONGEST_SECONDS = 600;
const REFUSALS = {
  NotAllowedError: "The camera was not allowed; allow it in the browser.",
  NotReadableError: "The camera cannot be read; end other programs that use it.",
};

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

/** A panel that shows the camera; calls onFile(File) when something was recorded, onEnd() always. */
export class Camera {
  constructor({ onFile, onEnd }) {
    this.onFile = onFile;
    this.onEnd = onEnd;
    this.video = h("video", { muted: true, playsInline: true, autoplay: true });
    this.said = h("span.soft", { role: "status" }, "Waiting for the camera");
    this.recordButton = h("button.primary", { type: "button", disabled: true, onclick: () => this.toggle() }, "Record");
    this.node = h("div.camera", {}, this.video,
      h("div.row", {}, this.recordButton, h("button", { type: "button", onclick: () => this.close() }, "Close camera"), this.said));
    this.sight = new ResizeObserver(() => { if (this.node.offsetParent === null) this.leave(); });
    this.sight.observe(this.node);
    this.open();
  }

  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false });
    } catch (error) {
      this.said.textContent = REFUSALS[error.name] ?? "No camera was found.";
      return;
    }
    if (this.isClosed) {
      this.stop();
      return;
    }
    this.video.srcObject = this.stream;
    this.said.textContent = "";
    this.recordButton.disabled = false;
  }

  toggle() {
    if (this.recorder?.state === "recording") {
      this.recorder.stop();
      return;
    }
    const mimeType = FORMATS.find((each) => MediaRecorder.isTypeSupported(each));
    const parts = [];
    this.recorder = new MediaRecorder(this.stream, { mimeType, videoBitsPerSecond: 8_000_000 });
    this.recorder.ondataavailable = (event) => parts.push(event.data);
    this.recorder.onstop = () => {
      clearInterval(this.ticking);
      const type = this.recorder.mimeType.split(";")[0];
      const when = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
      this.onFile(new File(parts, `filmed_at_${when}.${type.endsWith("mp4") ? "mp4" : "webm"}`, { type }));
      this.close();
    };
    this.recorder.start(1000);
    this.recordButton.textContent = "Stop";
    const begin = performance.now();
    this.ticking = setInterval(() => {
      const seconds = (performance.now() - begin) / 1000;
      this.said.textContent = `recording, ${clock(seconds)}`;
      if (seconds > LONGEST_SECONDS) this.recorder.stop();
    }, 200);
  }

  /** Turn off a camera that is out of sight; keep what it filmed until then. */
  leave() {
    if (this.recorder?.state === "recording") this.recorder.stop();
    else this.close();
  }

  close() {
    this.isClosed = true;
    this.sight.disconnect();
    clearInterval(this.ticking);
    if (this.recorder?.state === "recording") {
      this.recorder.onstop = null;
      this.recorder.stop();
    }
    this.stop();
    this.node.remove();
    this.onEnd();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }
}
