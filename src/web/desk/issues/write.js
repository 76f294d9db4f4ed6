// Saves a month while somebody writes it, and lets summaries be dragged. Without it, the buttons do the same.
"use strict";
(() => {
  const form = document.querySelector("form.writing");
  const status = document.querySelector(".saving");
  if (!form || !status) return;
  const from = form.elements.namedItem("from");
  const say = (word) => { status.textContent = form.dataset[word]; };
  const now = () => new URLSearchParams(new FormData(form)).toString();
  let saved = now(), timer = 0, busy = false, stopped = false;

  const save = async () => {
    if (busy || stopped) return;
    const sent = now();
    if (sent === saved) return say("saved");
    busy = true;
    say("saving");
    let wait = 0;
    try {
      const answer = await fetch(form.action, {
        method: "POST", credentials: "same-origin", redirect: "error",
        headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: sent + "&by=itself",
      });
      if (answer.status === 409) {
        stopped = true;
        say("meanwhile");
      } else if (answer.ok) {
        from.value = (await answer.json()).version;
        const field = new URLSearchParams(sent);
        field.set("from", from.value);
        saved = field.toString();
        say(now() === saved ? "saved" : "unsaved");
        if (now() !== saved) wait = 2000;
      } else {
        throw new Error(String(answer.status));
      }
    } catch {
      say("failed");
      wait = 15000;
    }
    busy = false;
    if (wait) later(wait);
  };
  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(save, wait);
  };
  const changed = () => {
    if (stopped) return;
    say("unsaved");
    later(2000);
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", () => { stopped = true; clearTimeout(timer); saved = null; });
  addEventListener("beforeunload", (event) => {
    if (saved !== null && now() !== saved) event.preventDefault();
  });

  // A summary is dragged by its handle; the order of the form is the order of the summaries.
  let dragged = null;
  const number = () => form.querySelectorAll(".summary .place").forEach((place, at) => { place.textContent = at + 1; });
  for (const handle of form.querySelectorAll(".handle")) {
    const summary = handle.closest(".summary");
    handle.addEventListener("pointerdown", () => { summary.draggable = true; });
    summary.addEventListener("dragstart", (event) => {
      dragged = summary;
      event.dataTransfer.effectAllowed = "move";
      summary.classList.add("dragged");
    });
    summary.addEventListener("dragend", () => {
      summary.draggable = false;
      summary.classList.remove("dragged");
      dragged = null;
      number();
      changed();
    });
    summary.addEventListener("dragover", (event) => {
      if (!dragged || dragged === summary) return;
      event.preventDefault();
      // Summaries are taller than the window: to be over one is enough to change places with it.
      const isAbove = dragged.compareDocumentPosition(summary) & Node.DOCUMENT_POSITION_PRECEDING;
      summary.parentNode.insertBefore(dragged, isAbove ? summary : summary.nextSibling);
    });
  }
})();
