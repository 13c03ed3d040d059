// What the elements of the page share: times in words, coming into sight, sending a file.

/** 75.25 -> "1:15.3", 3.5 -> "3.5 s". */
export function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}

/** How far work is: "2 before you, about 12 s left", or what is being done and how long it takes. */
export function stepText({ place, what, seconds_left: left }, waiter = "you") {
  const said = place > 0 ? `${place} before ${waiter}` : what;
  if (left === null || left === undefined) return said;
  return `${said}, about ${left < 90 ? `${Math.max(1, Math.round(left))} s` : `${Math.round(left / 60)} min`} left`;
}

/** Call `then` each time the element becomes visible, or would if one scrolled to it. */
export function onShown(element, then) {
  let isShown = false;
  new IntersectionObserver((entries) => {
    const isNow = entries.some((entry) => entry.isIntersecting);
    if (isNow && !isShown) then();
    isShown = isNow;
  }, { rootMargin: "4000px 0px" }).observe(element);
}

/** Send a file: `sent` resolves to the server's name of it, or rejects with a sentence for people. */
export function upload(file, onProgress) {
  const request = new XMLHttpRequest();
  const sent = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText)[0]);
      else if (request.status === 401) reject(new Error("You are not logged in any more; reload the page."));
      else reject(new Error(request.responseText || "The upload was refused."));
    };
    request.onerror = () => reject(new Error("The upload broke off; is the server still running?"));
    request.onabort = () => reject(new Error("The upload was cancelled."));
  });
  const form = new FormData();
  form.append("files", file, file.name);
  request.open("POST", "gradio_api/upload");
  request.send(form);
  return { sent, abort: () => request.abort() };
}
