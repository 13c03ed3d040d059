// Pictures of a video at given instants, drawn by the browser from the copy that it shows anyway.

const queues = new Map(); // address -> the end of what is being drawn from it

/** Draw the picture of a video at `seconds` into a canvas, one after the other for each video. */
export function pictureAt(canvas, url, seconds) {
  const before = queues.get(url) ?? Promise.resolve(null);
  const next = before.then((video) => draw(canvas, video ?? open(url), seconds)).catch(() => null);
  queues.set(url, next);
  return next;
}

function open(url) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
  return video;
}

async function draw(canvas, video, seconds) {
  if (video.readyState < 1) await once(video, "loadedmetadata");
  video.currentTime = Math.min(Math.max(seconds, 0), Math.max(video.duration - 0.05, 0));
  await once(video, "seeked");
  const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  canvas.getContext("2d").drawImage(video, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  return video;
}

function once(target, type) {
  return new Promise((resolve, reject) => {
    target.addEventListener(type, resolve, { once: true });
    target.addEventListener("error", () => reject(target.error), { once: true });
  });
}
