// Comforts only: every page works without this file.
"use strict";
(() => {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) {
        setTimeout(() => { button.disabled = true; }, 0);
      }
    });
  }
  // A file is sent with its progress shown; what comes back takes the place of the page.
  for (const form of document.querySelectorAll("form[data-upload]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const data = new FormData(form, event.submitter);
      const shown = form.querySelector("[data-progress]");
      const [bar, said] = [shown.querySelector("progress"), shown.querySelector("[data-said]")];
      const buttons = form.querySelectorAll("button");
      const free = (is) => { for (const button of buttons) button.disabled = !is; shown.hidden = is; };
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.responseType = "document";
      request.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = 100 * e.loaded / e.total; });
      request.upload.addEventListener("load", () => { bar.removeAttribute("value"); said.textContent = "Regels lezen en controleren"; });
      request.addEventListener("load", () => {
        const [fresh, old] = [request.response?.querySelector("main"), document.querySelector("main")];
        if (!fresh) { location.reload(); return; }
        document.title = request.response.title;
        old.replaceWith(document.adoptNode(fresh));
        fresh.focus();
        scrollTo(0, 0);
      });
      request.addEventListener("error", () => { free(true); shown.hidden = false; bar.value = 0; said.textContent = "Het versturen brak af. Probeer het opnieuw."; });
      free(false);
      request.send(data);
    });
  }
  // A filter that is empty does not belong in the address.
  for (const form of document.querySelectorAll("form[method=get]")) {
    form.addEventListener("submit", () => {
      for (const field of form.querySelectorAll("input, select")) {
        if (field.value === "") field.disabled = true;
      }
    });
  }
})();
