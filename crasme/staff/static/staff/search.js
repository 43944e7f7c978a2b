// The search box asks by POST: an address that somebody types there stands in no URL, and so in no web server's log.
document.addEventListener("htmx:configRequest", (event) => {
  const asked = event.detail;
  if (asked.elt.id !== "search-input-command") return;
  asked.verb = "post";
  asked.useUrlParams = false;
  asked.headers["Content-Type"] = "application/x-www-form-urlencoded";
  asked.headers["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]").value;
});
