// Asking in the back office. What somebody types stands in no address, and so in no web server's log: the search box of
// the menu (templates/unfold/helpers/command.html) and the lists (templates/admin/staff/list_box.html) are posted by
// themselves, fields with a choice of rows by what follows.
document.addEventListener("DOMContentLoaded", () => {
  window.django?.jQuery?.ajaxPrefilter((asked, _given, call) => {
    if (!new URL(asked.url, location.href).pathname.endsWith("/autocomplete/")) return;
    asked.type = "POST";
    call.setRequestHeader("X-CSRFToken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  });
});

// The first hit is chosen as soon as it is there, so that Enter opens it; Enter before that opens it when it comes.
let awaited = "";
document.addEventListener("htmx:after-swap", (event) => {
  if (event.target.id !== "command-results") return;
  const box = Alpine.$data(event.target);
  box.items = event.target.querySelectorAll("li.group");
  box.totalItems = box.items.length;
  box.currentIndex = box.totalItems ? 1 : 0;
  // A hit is a link or, where many fit, the button of a form that posts the words to their list.
  box.selectItem = (_remembered, elsewhere = false) => {
    const chosen = box.items[box.currentIndex - 1]?.querySelector("a, button");
    if (!chosen) return;
    (chosen.form ?? chosen).target = elsewhere ? "_blank" : "";
    chosen.click();
  };
  box.searchTerm = event.detail.requestConfig.parameters.s; // which the field may have left behind meanwhile
  if (awaited && awaited === box.searchTerm) box.selectItem(false);
});
document.addEventListener(
  "keydown",
  (event) => {
    if (event.target.id !== "search-input-command") return;
    awaited = "";
    if (event.key !== "Enter" || Alpine.$data(event.target).searchTerm === event.target.value) return;
    // What stands below still answers what was typed before.
    event.preventDefault();
    event.stopPropagation();
    awaited = event.target.value;
  },
  true,
);
