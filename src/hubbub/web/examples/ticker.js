/** A party's chat in twenty lines. docs/client.md says how to try it. */

import { connect } from "../client.js";

const [status, joinForm, sendForm, messages] = document.querySelectorAll("#status, #join, #send, #messages");
const client = connect({ server: new URLSearchParams(location.search).get("server") ?? undefined });

client.on("change", ({ phase, party, trouble, over }) => {
  const why = over?.reason ?? trouble?.reason;
  status.textContent = [phase, why, party && `${party.guestCount} guests`].filter(Boolean).join(", ");
  sendForm.hidden = phase !== "live";
  messages.replaceChildren(
    ...(party?.messages ?? []).map(({ name, text }) => {
      const line = document.createElement("li");
      line.textContent = `${name}: ${text}`;
      return line;
    }),
  );
});

const onSubmit = (form, submit) =>
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(Object.fromEntries(new FormData(form))).catch((refusal) => (status.textContent = refusal.message));
  });
onSubmit(joinForm, ({ code, name }) => client.join(code, { name }));
onSubmit(sendForm, ({ text }) => client.sendMessage(text).then(() => sendForm.reset()));
