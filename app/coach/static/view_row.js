// One view in <coach-views>: its picture, name, kind, what is known of its file, where it begins.

import { h } from "./dom.js";
import { clock, stepText } from "./page.js";

export class ViewRow {
  constructor(id, file, { onEdit, onRemove }) {
    this.id = id;
    this.state = "working";
    this.isKnown = false; // by the server
    this.url = "";
    this.origin = 0;
    this.onEdit = onEdit;
    this.video = h("video", { muted: true, playsInline: true, preload: "auto", tabIndex: -1 });
    this.name = h("input.name", { "aria-label": `Name of the view in ${file}`, value: "", maxLength: 40, disabled: true, onchange: () => onEdit() });
    this.kind = h("select", { "aria-label": `Who holds the camera of ${file}`, disabled: true, onchange: () => onEdit() },
      h("option", { value: "ego" }, "worn camera"),
      h("option", { value: "exo" }, "watching camera"));
    this.facts = h("p.soft.small.facts");
    this.notes = h("ul.plain.small.notes");
    this.bar = h("progress", { max: 1 });
    this.begin = this.beginning();
    this.node = h("li.view", {},
      h("div.picture", {}, this.video),
      h("div.about", {},
        h("div.row", {}, this.name, this.kind),
        h("p.file", { title: file }, file),
        this.bar, this.facts, this.notes, this.begin),
      h("button.remove", { type: "button", title: "Remove", ariaLabel: `Remove ${file}`, onclick: () => onRemove(this) }, "×"));
    this.showUpload(0);
  }

  /** Setting on the picture where the performance begins, for views that started at other times. */
  beginning() {
    this.slider = h("input", { "aria-label": "Where the shared moment is in this view", type: "range", min: 0, max: 1, step: 0.01, value: 0, oninput: () => this.look() });
    this.at = h("span.small");
    const set = h("button.small", { type: "button", onclick: () => this.setOrigin(Number(this.slider.value)) }, "The shared start is here");
    const clear = h("button.small", { type: "button", onclick: () => { this.slider.value = 0; this.look(); this.setOrigin(0); } }, "Start of the file");
    this.originText = h("summary");
    const details = h("details.begin", { ontoggle: () => this.node.classList.toggle("large", details.open) },
      this.originText,
      h("p.soft.small", {}, "Find the same moment in every view, such as a clap or the first step, and mark it in each."),
      h("div.row", {}, this.slider, this.at), h("div.row", {}, set, clear));
    details.hidden = true;
    return details;
  }

  look() {
    this.video.currentTime = Number(this.slider.value);
    this.at.textContent = clock(Number(this.slider.value));
  }

  setOrigin(seconds) {
    this.origin = seconds;
    this.sayOrigin();
    this.onEdit();
  }

  sayOrigin() {
    this.originText.textContent = this.origin > 0 ? `Begins ${clock(this.origin)} into the file` : "Started at another time than the others?";
  }

  showUpload(share) {
    this.bar.value = share;
    this.facts.textContent = share < 1 ? `uploading, ${Math.round(100 * share)} %` : "uploaded";
  }

  fail(reason) {
    this.state = "failed";
    this.bar.hidden = true;
    this.facts.textContent = "";
    this.node.classList.add("failed");
    this.notes.replaceChildren(h("li", {}, reason));
  }

  /** What the server knows of it. */
  show(view) {
    // A guess gives way to a file that names its camera; what is typed meanwhile stays.
    if (!this.isKnown || this.name.value === this.guess) this.name.value = view.name;
    this.guess = view.name;
    if (!this.isKnown) {
      this.kind.value = view.kind;
      this.name.disabled = this.kind.disabled = false;
      this.isKnown = true;
    }
    this.state = view.state;
    if (view.state === "failed") {
      this.fail(view.error);
      return;
    }
    this.hasSound = view.has_sound;
    this.bar.hidden = view.state === "ready";
    if (view.state === "ready") this.facts.textContent = view.facts.join(" · ");
    else this.showStep(view.step);
    this.notes.replaceChildren(...view.warnings.map((text) => h("li", {}, text)));
    if (view.origin_seconds !== this.origin && this.url) {
      this.origin = this.slider.value = view.origin_seconds;
      this.look();
      this.sayOrigin();
    }
    if (view.url && view.url !== this.url) {
      this.url = view.url;
      this.video.src = view.url;
      this.video.onloadedmetadata = () => {
        this.slider.max = Math.max(0, this.video.duration - 0.05);
        this.slider.value = this.origin = view.origin_seconds;
        this.look();
        this.begin.hidden = false;
      };
      this.sayOrigin();
    }
  }

  showStep(step) {
    if (!step || step.place > 0) this.bar.removeAttribute("value");
    else this.bar.value = step.share;
    this.facts.textContent = step ? stepText(step, "it") : "waiting";
  }

  edited() {
    return { id: this.id, name: this.name.value, kind: this.kind.value, origin_seconds: this.origin };
  }
}
