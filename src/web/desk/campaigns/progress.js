// Keeps the panel of a campaign up to date while it goes out. Half an hour without anybody is enough.
(() => {
  const panel = document.querySelector("[data-live]");
  if (!panel || !window.EventSource) return;
  const source = new EventSource(panel.dataset.live);
  source.addEventListener("progress", (event) => {
    const told = JSON.parse(event.data);
    if (told.state !== panel.dataset.state) {
      source.close();
      location.reload();
      return;
    }
    for (const element of panel.querySelectorAll("[data-of]")) {
      const text = told[element.dataset.of];
      if (text === undefined) continue;
      if (element.tagName === "PROGRESS") element.value = Number(text);
      else if (element.textContent !== text) element.textContent = text;
    }
  });
  setTimeout(() => source.close(), 30 * 60 * 1000);
})();
