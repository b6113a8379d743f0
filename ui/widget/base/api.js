// The one place that talks to the server. A failed call rejects with an Error whose message is fit to be shown.
async function call(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (cause) {
    throw new Error("The server does not answer. Is thud still running? Nothing you saved is lost.", { cause });
  }
  if (response.ok) return response.json();
  const body = await response.json().catch(() => ({}));
  throw new Error(body.error || `The server answered ${response.status}. Reload the page and try again.`);
}

export const get = (url, options = {}) => call(url, options);
export const post = (url, body = {}) =>
  call(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
export const upload = (url, files) => {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return call(url, { method: "POST", body: form });
};
