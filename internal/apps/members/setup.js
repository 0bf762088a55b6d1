// Takes the token out of the link, so that nobody has to copy it, and shows what
// is wrong beside the form. Without this script the form works as it is.

const form = document.getElementById("setup");
const alert = document.getElementById("alert");
const token = location.hash.replace(/^#(t=)?/, "");

if (token !== "") {
  form.elements.token.value = token;
  document.getElementById("token-field").hidden = true;
  history.replaceState(null, "", location.pathname); // out of the address bar and the history
}

const show = document.getElementById("show");
document.getElementById("show-field").hidden = false;
show.addEventListener("change", () => {
  form.elements.password.type = show.checked ? "text" : "password";
});

function say(text) {
  alert.textContent = text;
  alert.hidden = false;
  alert.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/setup", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (answer.ok) {
      location.replace("/setup");
      return;
    }
    const refusal = await answer.json();
    const details = (refusal.details ?? []).map((d) => `${d.field} ${d.message}`);
    say(details.length > 0 ? details.join(". ") : refusal.message);
  } catch {
    say("The server does not answer. Is it running?");
  }
  button.disabled = false;
});
