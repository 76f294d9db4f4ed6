// While very many sign up, a form is taken when this machine has worked for it. Without a script, waiting does.
document.querySelector('form[data-work]').addEventListener('submit', async (event) => {
  const form = event.target, button = event.submitter;
  // Browsers count only over https, and on this machine.
  if (!crypto.subtle || form.elements.nonce.value || (button && button.name === 'action')) return;
  event.preventDefault();
  const bits = Number(form.dataset.work), encoder = new TextEncoder();
  const start = `${form.elements.token.value}:${form.elements.address.value.trim()}:`;
  for (let nonce = 0; ; nonce++) {
    const hash = new DataView(await crypto.subtle.digest('SHA-256', encoder.encode(start + nonce)));
    if (Math.clz32(hash.getUint32(0)) >= bits) {
      form.elements.nonce.value = nonce;
      // Not requestSubmit, which Chromium passes over after an await.
      form.submit();
      return;
    }
  }
});
