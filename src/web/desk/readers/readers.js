// While something is being done, what the page says of it comes anew each second. Without this the page does it itself.
"use strict";
const look = async () => {
  const here = document.getElementById("progress");
  if (!here || !here.dataset.running) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("progress");
    if (now) here.replaceWith(document.importNode(now, true));
  } catch {
    // The next look may do.
  }
  setTimeout(look, 1000);
};
setTimeout(look, 1000);
