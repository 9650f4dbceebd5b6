/** The chat: messages, reactions, and the field to write in. */
import { MESSAGE_CHARS_MAX } from "../core/contract.js";
import { messageExcess, REACTIONS } from "../models/chat.js";
import { el, put, submitted, syncList } from "./dom.js";
import { icon } from "./icons.js";

const NEAR_THE_END_PX = 80;
const COMPOSING = 229;

/**
 * The chat's view. `actions.sendMessage(text)` resolves to whether the message was sent. It also needs `react(emoji)`
 * and `setMode(mode)`.
 */
export function chatView(actions, t) {
  const lines = el("ol", { class: "lines", tabindex: "0", "aria-label": t("chat.title") });
  const empty = el("p", { class: "empty" });
  let follows = true;
  const toTheEnd = () => {
    if (follows) lines.scrollTop = lines.scrollHeight;
  };
  lines.addEventListener("scroll", () => {
    follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_THE_END_PX;
  });
  // A keyboard or a turned phone takes room. Without this, the newest message would be out of sight.
  new ResizeObserver(toTheEnd).observe(lines);
  const reactions = reactionBar(actions, t);
  const composer = composerForm(actions, t);
  const modes = modeChoice(actions, t);
  const root = el(
    "section",
    { class: "panel panel-chat", "aria-labelledby": "chat-title", "data-part": "chat" },
    el(
      "header",
      { class: "panel-head" },
      el("h2", { id: "chat-title", class: "panel-title", text: t("chat.title") }),
      modes.root,
    ),
    el("div", { class: "lines-box" }, lines, empty),
    reactions.root,
    composer.root,
  );
  return {
    root,
    draw(model) {
      const newest = model.lines.at(-1);
      const grown = newest !== undefined && newest.id !== lines.dataset.newest;
      syncList(lines, model.lines, lineRow);
      put(empty, { text: model.empty ?? "", hidden: model.empty === null });
      put(lines, { hidden: model.empty !== null, "data-newest": newest?.id ?? null });
      if (grown) follows ||= newest.isMine;
      if (grown) toTheEnd();
      reactions.draw(model);
      composer.draw(model);
      modes.draw(model.modes);
    },
  };
}

/** One message; also the wall's. */
export function lineRow(line) {
  const root = el(
    "li",
    { class: `line${line.isMine ? " line-mine" : ""}` },
    el("span", { class: `line-name ink-${line.hue}`, text: line.name, dir: "auto" }),
    el("span", { class: "line-text", text: line.text, dir: "auto" }),
  );
  return { root, draw: () => {} };
}

function reactionBar(actions, t) {
  const buttons = REACTIONS.map((emoji) =>
    el("button", {
      type: "button",
      class: "reaction",
      text: emoji,
      "aria-label": t("chat.react", { emoji }),
      on: { click: () => actions.react(emoji) },
    }),
  );
  const root = el("div", { class: "reactions", role: "group", "aria-label": t("chat.reactions") }, ...buttons);
  return {
    root,
    draw(model) {
      for (const button of buttons) put(button, { disabled: !model.canReact });
    },
  };
}

function composerForm(actions, t) {
  const excessNote = el("span", { class: "char-excess", id: "char-excess", role: "status" });
  const field = el("textarea", {
    id: "message",
    name: "message",
    class: "field composer-field",
    rows: "1",
    autocomplete: "off",
    enterkeyhint: "send",
    dir: "auto",
    "aria-label": t("chat.message"),
    "aria-describedby": "char-excess",
    on: { input: () => check(), keydown: (event) => sendOnEnter(event) },
  });
  const button = el(
    "button",
    { type: "submit", class: "icon-button icon-button-main", "aria-label": t("chat.send"), title: t("chat.send") },
    icon("send"),
  );
  const root = el("form", { class: "composer", on: { submit: submitted(send) } }, field, excessNote, button);
  let canSpeak = true;

  function check() {
    const excess = messageExcess(field.value);
    put(excessNote, { text: excess === 0 ? "" : t("chat.tooLong", { n: excess, max: MESSAGE_CHARS_MAX }) });
    put(button, { disabled: !canSpeak || excess > 0 });
  }

  function sendOnEnter(event) {
    // Safari marks the Enter that ends a Japanese word by this number alone.
    if (event.keyCode === COMPOSING) return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  }

  async function send() {
    const text = field.value.trim();
    if (text === "" || !canSpeak || messageExcess(text) > 0) return;
    field.value = "";
    check();
    const isSaid = await actions.sendMessage(text);
    // A message that was not sent goes back into the field, unless it holds another text by now.
    if (!isSaid && field.value === "") field.value = text;
    check();
  }

  return {
    root,
    draw(model) {
      canSpeak = model.canSpeak;
      put(field, { disabled: !canSpeak, placeholder: model.placeholder });
      check();
    },
  };
}

function modeChoice(actions, t) {
  const options = el("div", { class: "segments" });
  const root = el(
    "div",
    { class: "mode", role: "group", "aria-label": t("chat.mode") },
    el("span", { class: "label", text: t("chat.mode") }),
    options,
  );
  return {
    root,
    draw(modes) {
      put(root, { hidden: modes === null });
      syncList(options, modes ?? [], (mode) => {
        const button = el("button", {
          type: "button",
          class: "segment",
          "data-mode": mode.id,
          on: { click: () => actions.setMode(mode.id) },
        });
        return { root: button, draw: (item) => put(button, { text: item.label, "aria-pressed": String(item.chosen) }) };
      });
    },
  };
}
