// Sending one file to the server, with progress and an end that the person may choose.

/** Resolves to the server's name of the file; rejects with a sentence for people. */
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
