// A click on a demo person fills the form in; without scripts one types. The button below the form still signs in.
document.addEventListener("click", (event) => {
  const person = event.target.closest("[data-sign-in]");
  if (!person) return;
  const form = document.querySelector("form.form");
  form.elements.login.value = person.dataset.signIn;
  form.elements.password.value = person.closest("[data-password]").dataset.password;
  form.querySelector("button[type=submit]").focus();
});
