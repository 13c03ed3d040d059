// <coach-views>: drop videos, name them, see what they are, and ask for the level.
//
// Sends "added" {path, row} for each video that arrived, "removed" {row}, "example" {id}, "clear",
// "cancel", and "edited", "align" and "score" with {rows}.

import { Camera, hasCamera } from "./camera.js";
import { h } from "./dom.js";
import { stepText, upload } from "./page.js";
import { ViewRow } from "./view_row.js";

const ASK_SECONDS = 3;

class CoachViews extends HTMLElement {
  connectedCallback() {
    if (this.rows) return;
    this.rows = new Map(); // id -> ViewRow
    this.removed = new Set(); // ids that the server may not know to be gone
    this.value = { views: [], busy: null, message: "", answer: "", is_former: false, max_views: 8, examples: [] };
    this.send ??= () => {};
    this.isFolded = false;
    this.append(h("section.card.upload", {}, this.folded(), this.chooser(), this.panel()));
    for (const type of ["dragover", "dragleave", "drop"]) window.addEventListener(type, (event) => this.onDrag(event));
    this.refresh();
  }

  /** The one line in place of the views once there is an answer. */
  folded() {
    this.summary = h("span");
    this.fold = h("div.row.folded", {}, this.summary,
      h("button.small", { type: "button", onclick: () => this.setFolded(false) }, "Change the views"),
      h("button.small", { type: "button", onclick: () => this.clear() }, "New performance"));
    return this.fold;
  }

  chooser() {
    this.files = h("input", { "aria-label": "Video files", type: "file", multiple: true, accept: "video/*,.mkv,.mts,.m2ts", hidden: true,
      onchange: () => { this.add([...this.files.files]); this.files.value = ""; } });
    this.cameraButton = h("button", { type: "button", hidden: !hasCamera(), onclick: () => this.openCamera() }, "Use the camera");
    this.examples = h("div.examples");
    this.drop = h("div.drop", {},
      h("strong", {}, "Drop the videos of one performance here"),
      h("span.soft", {}, "One view, or up to eight that show the same moments: worn by the performer, or watching them."),
      h("div.row.actions", {}, h("button.primary", { type: "button", onclick: () => this.files.click() }, "Choose videos"),
        this.cameraButton, this.files));
    return h("div.chooser", {}, this.drop, this.examples);
  }

  panel() {
    this.list = h("ul.views");
    this.message = h("p.message", { hidden: true, role: "status" });
    this.former = h("p.message.former", { hidden: true, role: "status" },
      "The answer below is about the views as they were before; press Score again.");
    this.scoreButton = h("button.primary.large", { type: "button", onclick: () => this.score() }, "Score");
    this.alignButton = h("button", { type: "button", onclick: () => this.align() }, "Align by sound");
    this.clearButton = h("button", { type: "button", onclick: () => this.clear() }, "Start over");
    this.progress = h("progress", { "aria-label": "Progress", max: 1 });
    this.doing = h("span.soft", { ariaLive: "polite" });
    this.cancelButton = h("button", { type: "button", onclick: () => this.cancel() }, "Cancel");
    this.foot = h("div.row.foot", {}, this.scoreButton, this.alignButton, this.clearButton, this.progress, this.doing, this.cancelButton);
    return h("div", {}, this.list, this.message, this.former, this.foot);
  }

  /** A drop counts anywhere on the tab: beside the frame, the browser would open the file in place of the page. */
  onDrag(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    const isHere = this.offsetParent !== null; // not behind another tab
    this.drop.classList.toggle("over", isHere && event.type === "dragover");
    if (event.type === "drop" && isHere) this.addDropped([...event.dataTransfer.items]);
  }

  addDropped(items) {
    const folder = items.map((item) => item.webkitGetAsEntry?.()).find((entry) => entry?.isDirectory);
    this.add(items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile()).filter(Boolean));
    if (folder) this.say(`${folder.name} is a folder; open it and drop the videos that are in it.`);
  }

  openCamera() {
    this.cameraButton.disabled = true;
    const camera = new Camera({ onFile: (file) => this.add([file]), onEnd: () => { this.cameraButton.disabled = false; } });
    this.drop.after(camera.node);
  }

  add(files) {
    this.setFolded(false);
    const most = this.value.max_views, numLeft = most - this.rows.size;
    for (const file of files.slice(0, numLeft)) {
      this.sendFile(this.addRow(crypto.randomUUID?.() ?? `v${Math.random().toString(36).slice(2)}`, file.name), file);
    }
    const numOut = files.length - numLeft;
    this.say(numOut > 0 ? `At most ${most} views are scored together; the last ${numOut === 1 ? "file was" : `${numOut} files were`} left out.` : "");
    this.refresh();
  }

  addRow(id, file) {
    const row = new ViewRow(id, file, { onEdit: () => this.edit(), onRemove: (each) => this.remove(each) });
    this.rows.set(id, row);
    this.list.append(row.node);
    return row;
  }

  async sendFile(row, file) {
    const { sent, abort } = upload(file, (share) => row.showUpload(share));
    row.abort = abort;
    try {
      const path = await sent;
      if (this.rows.has(row.id)) this.send("added", { path, row: row.id });
    } catch (error) {
      row.fail(error.message);
    }
    row.abort = null;
    this.refresh();
  }

  remove(row) {
    row.abort?.();
    this.dropRow(row.id);
    this.ask("removed", { row: row.id });
    this.refresh();
  }

  dropRow(id) {
    this.removed.add(id);
    this.rows.get(id)?.node.remove();
    this.rows.delete(id);
  }

  /** Send what the person wants; what was said before is about something else now. */
  ask(type, detail) {
    this.say("");
    this.send(type, detail);
  }

  edit() { this.ask("edited", { rows: this.edited() }); }
  align() { this.begin("align", "listening to the views"); }
  score() { this.begin("score", "starting"); }

  begin(type, what) {
    this.ask(type, { rows: this.edited() });
    this.show({ busy: { place: 0, what, share: 0, seconds_left: null } });
  }

  tryExample(id) {
    for (const row of [...this.rows.keys()]) this.dropRow(row);
    this.ask("example", { id });
    this.show({ busy: { place: 0, what: "making the example", share: 0, seconds_left: null } });
  }

  clear() {
    for (const row of [...this.rows.values()]) { row.abort?.(); this.dropRow(row.id); }
    this.ask("clear", {});
    this.show({ views: [], busy: null, answer: "", is_former: false });
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
    if (value.number < this.number) return; // overtaken on its way by a newer one
    this.number = value.number ?? this.number;
    const isNewAnswer = value.answer && value.answer !== this.value.answer;
    this.value = { ...this.value, ...value };
    for (const view of value.views ?? []) {
      if (this.removed.has(view.id)) continue;
      (this.rows.get(view.id) ?? this.addRow(view.id, view.file)).show(view);
    }
    if (value.message) this.say(value.message);
    this.refresh();
    this.askLater();
    if (isNewAnswer && !this.value.is_former) this.setFolded(true);
  }

  /** A value that was overtaken may have taken the place of the newer one: ask while a view seems to be worked on. */
  askLater() {
    clearTimeout(this.asking);
    const isWorking = [...this.rows.values()].some((row) => row.isKnown && row.state === "working");
    if (isWorking && !this.value.busy) this.asking = setTimeout(() => this.send("edited", { rows: this.edited() }), ASK_SECONDS * 1000);
  }

  setFolded(isFolded) {
    this.isFolded = isFolded;
    this.refresh();
    if (isFolded) this.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  refresh() {
    const rows = [...this.rows.values()];
    const { busy, answer, examples } = this.value;
    const ready = rows.filter((row) => row.state === "ready");
    const isWorking = rows.some((row) => row.state === "working");
    this.classList.toggle("has-views", rows.length > 0 || Boolean(busy));
    this.classList.toggle("is-folded", this.isFolded && Boolean(answer) && !busy);
    this.summary.textContent = summary(ready, rows.filter((row) => row.state === "failed"));
    this.scoreButton.hidden = this.clearButton.hidden = Boolean(busy);
    this.scoreButton.disabled = isWorking || ready.length === 0;
    this.scoreButton.textContent = answer ? "Score again" : "Score";
    this.alignButton.hidden = Boolean(busy) || ready.length < 2 || !ready.every((row) => row.hasSound);
    this.progress.hidden = this.cancelButton.hidden = this.doing.hidden = !busy;
    this.former.hidden = !this.value.is_former || Boolean(busy);
    document.body.classList.toggle("former-answer", !this.former.hidden);
    this.foot.hidden = rows.length === 0 && !busy;
    this.showExamples(examples, rows.length > 0 || Boolean(busy));
    if (busy) this.showBusy(busy);
  }

  showBusy(busy) {
    if (busy.place > 0) this.progress.removeAttribute("value");
    else this.progress.value = busy.share;
    this.doing.textContent = stepText(busy);
  }

  showExamples(examples, isHidden) {
    this.examples.hidden = isHidden;
    if (this.examples.childElementCount || !examples.length) return;
    this.examples.append(h("h3", {}, "Or try one of these"),
      h("div.cards", {}, examples.map(([id, label, note]) =>
        h("button.example", { type: "button", onclick: () => this.tryExample(id) },
          h("strong", {}, label), h("span.soft.small", {}, note)))));
  }
}

/** "2 views: ego, exo1; one file could not be read". */
function summary(ready, failed) {
  const names = ready.map((row) => row.name.value).join(", ");
  const views = ready.length === 1 ? `One view: ${names}` : `${ready.length} views: ${names}`;
  if (!failed.length) return views;
  return `${views}; ${failed.length === 1 ? "one file" : `${failed.length} files`} could not be read`;
}

customElements.define("coach-views", CoachViews);
