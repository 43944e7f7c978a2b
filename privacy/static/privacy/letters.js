/* The editor of a letter works without this: placeholders can be typed and the preview is a button. With it, a
   placeholder is put where the cursor was, and the preview follows the text. */
(() => {
  "use strict";
  const form = document.getElementById("letter-form");
  if (!form) return;
  const fields = [form.elements.subject, form.elements.body];
  let last = form.elements.body;
  for (const field of fields) field.addEventListener("focus", () => { last = field; });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (!button) return;
    last.setRangeText(button.dataset.insert, last.selectionStart, last.selectionEnd, "end");
    last.focus();
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });

  let waiting = 0, asked = 0;
  async function refresh() {
    const mine = ++asked;
    const data = new FormData(form);
    data.set("preview", "1");
    try {
      const answer = await fetch(location.href, { method: "POST", body: data, credentials: "same-origin" });
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = page.getElementById("letter-preview");
      if (shown && mine === asked) document.getElementById("letter-preview").replaceChildren(...shown.childNodes);
    } catch {
      /* Without a connection the preview stays as it was; the button says so by the browser's own page. */
    }
  }
  for (const field of fields) field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 700);
  });
})();
