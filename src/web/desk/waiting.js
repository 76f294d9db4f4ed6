// A page that waits for something comes again by itself, and a countdown counts.
(() => {
  const waiting = document.querySelector("[data-again]");
  if (waiting) setTimeout(() => location.reload(), 1000 * Number(waiting.dataset.again));
  const countdown = document.querySelector("[data-seconds]");
  if (!countdown) return;
  const ends = Date.now() + 1000 * Number(countdown.dataset.seconds);
  const tick = setInterval(() => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left > 0) { countdown.textContent = left; return; }
    clearInterval(tick);
    setTimeout(() => location.reload(), 500);
  }, 250);
})();
