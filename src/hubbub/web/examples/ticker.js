/** A party's chat in twenty lines. docs/client.md tells how to try it. */

import { connect } from "../client.js";

const [standing, door, mouth, said] = document.querySelectorAll("#standing, #door, #mouth, #said");
const client = connect({ server: new URLSearchParams(location.search).get("server") ?? undefined });

client.on("change", ({ phase, party, trouble, over }) => {
  const why = over?.reason ?? trouble?.reason;
  standing.textContent = [phase, why, party && `${party.guestCount} guests`].filter(Boolean).join(", ");
  mouth.hidden = phase !== "live";
  said.replaceChildren(
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
    submit(Object.fromEntries(new FormData(form))).catch((refusal) => (standing.textContent = refusal.message));
  });
onSubmit(door, ({ code, name }) => client.join(code, { name }));
onSubmit(mouth, ({ text }) => client.sendMessage(text).then(() => mouth.reset()));
