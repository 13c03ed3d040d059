// <coach-views>: drop videos, name them, see what they are, and ask for the level.
//
// Sends "added" {path, row} for each video that arrived, "edited" and "score" {rows}, "cancel".

import { h, timeLeft } from "./coach_dom.js";
import { upload } from "./coach_upload.js";
import { ViewRow } from "./coach_view_row.js";

class CoachViews extends HTMLElement {
  connectedCallback() {
    if (this.rows) return;
    this.rows = new Map(); // id -> ViewRow
    this.value = { views: [], busy: null, message: "", answer: "", max_views: 8 };
    this.send = () => {};
    this.files = h("input", { type: "file", multiple: true, accept: "video/*,.mkv,.mts,.m2ts", hidden: true,
      onchange: () => { this.add([...this.files.files]); this.files.value = ""; } });
    this.files.setAttribute("aria-label", "Video files");
    this.drop = h("div.drop", {},
      h("strong", {}, "Drop the videos of one performance here"),
      h("span.soft", {}, "One view, or up to eight of the same moment: worn by the performer, or watching them."),
      h("div.row.actions", {},
        h("button.primary", { type: "button", onclick: () => this.files.click() }, "Choose videos"),
        this.files));
    this.list = h("ul.views");
    this.message = h("p.message", { hidden: true });
    this.message.setAttribute("role", "status");
    this.scoreButton = h("button.primary.large", { type: "button", onclick: () => this.score() }, "Score");
    this.progress = h("progress", { max: 1 });
    this.doing = h("span.soft");
    this.doing.setAttribute("aria-live", "polite");
    this.cancelButton = h("button", { type: "button", onclick: () => this.cancel() }, "Cancel");
    this.foot = h("div.row.foot", {}, this.scoreButton, this.progress, this.doing, this.cancelButton);
    this.append(h("section.card.upload", {}, this.drop, this.list, this.message, this.foot));
    for (const type of ["dragover", "dragleave", "drop"]) this.addEventListener(type, (event) => this.onDrag(event));
    this.refresh();
  }

  onDrag(event) {
    event.preventDefault();
    this.drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") this.add([...event.dataTransfer.files]);
  }

  add(files) {
    for (const file of files) {
      if (this.rows.size >= this.value.max_views) {
        this.say(`At most ${this.value.max_views} views are scored together.`);
        break;
      }
      const row = new ViewRow(crypto.randomUUID(), file.name, {
        onEdit: () => this.send("edited", { rows: this.edited() }),
        onRemove: (each) => this.remove(each),
      });
      this.rows.set(row.id, row);
      this.list.append(row.node);
      this.sendFile(row, file);
    }
    this.refresh();
  }

  async sendFile(row, file) {
    const { sent, abort } = upload(file, (share) => row.showUpload(share));
    row.abort = abort;
    try {
      const path = await sent;
      row.abort = null;
      if (this.rows.has(row.id)) this.send("added", { path, row: row.id });
    } catch (error) {
      row.fail(error.message);
    }
    this.refresh();
  }

  remove(row) {
    row.abort?.();
    row.node.remove();
    this.rows.delete(row.id);
    this.send("edited", { rows: this.edited() });
    this.refresh();
  }

  score() {
    this.say("");
    this.send("score", { rows: this.edited() });
    this.show({ ...this.value, busy: { place: 0, what: "starting", share: 0, seconds_left: null } });
  }

  cancel() {
    this.doing.textContent = "cancelling";
    this.send("cancel", {});
  }

  edited() {
    return [...this.rows.values()].filter((row) => row.isKnown).map((row) => row.edited());
  }

  show(value) {
    if (!value) return;
    this.value = { ...this.value, ...value };
    for (const view of value.views) {
      const row = this.rows.get(view.id);
      if (row) row.show(view);
    }
    if (value.message !== undefined) this.say(value.message);
    this.refresh();
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  refresh() {
    const rows = [...this.rows.values()];
    const busy = this.value.busy;
    const isReady = rows.some((row) => row.state === "ready") && rows.every((row) => row.state !== "working");
    this.classList.toggle("has-views", rows.length > 0);
    this.classList.toggle("has-answer", Boolean(this.value.answer));
    this.scoreButton.hidden = Boolean(busy);
    this.scoreButton.disabled = !isReady;
    this.scoreButton.textContent = this.value.answer ? "Score again" : "Score";
    this.progress.hidden = this.cancelButton.hidden = this.doing.hidden = !busy;
    this.foot.hidden = rows.length === 0;
    if (!busy) return;
    if (busy.place > 0) {
      this.progress.removeAttribute("value");
      this.doing.textContent = [`${busy.place} before you`, timeLeft(busy.seconds_left)].filter(Boolean).join(", ");
    } else {
      this.progress.value = busy.share;
      this.doing.textContent = [busy.what, timeLeft(busy.seconds_left)].filter(Boolean).join(", ");
    }
  }
}

customElements.define("coach-views", CoachViews);
