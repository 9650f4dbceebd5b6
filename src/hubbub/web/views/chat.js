/** What is said, reactions, and the field to speak. */
import { REACTIONS, TEXT_CHARS_MAX, charsOver } from "../models/chat.js";
import { el, keepList, put, submitted } from "./dom.js";
import { icon } from "./icons.js";

const NEAR_THE_END_PX = 80;
const COMPOSING = 229;

/** The chat's view; `act.speak(text)` resolves to whether it was said, `act.react(emoji)`, `act.setMode(mode)`. */
export function chatView(act, say) {
  const lines = el("ol", { class: "lines", tabindex: "0", "aria-label": say("chat.title") });
  const empty = el("p", { class: "empty" });
  let follows = true;
  const toTheEnd = () => {
    if (follows) lines.scrollTop = lines.scrollHeight;
  };
  lines.addEventListener("scroll", () => {
    follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_THE_END_PX;
  });
  // A keyboard that comes up or a phone that is turned takes room: who read the newest goes on reading it.
  new ResizeObserver(toTheEnd).observe(lines);
  const reactions = reactionBar(act, say);
  const composer = composerForm(act, say);
  const modes = modeChoice(act, say);
  const root = el(
    "section",
    { class: "panel panel-chat", "aria-labelledby": "chat-title", "data-part": "chat" },
    el(
      "header",
      { class: "panel-head" },
      el("h2", { id: "chat-title", class: "panel-title", text: say("chat.title") }),
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
      keepList(lines, model.lines, lineRow);
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

function reactionBar(act, say) {
  const buttons = REACTIONS.map((emoji) =>
    el("button", {
      type: "button",
      class: "reaction",
      text: emoji,
      "aria-label": say("chat.react", { emoji }),
      on: { click: () => act.react(emoji) },
    }),
  );
  const root = el("div", { class: "reactions", role: "group", "aria-label": say("chat.reactions") }, ...buttons);
  return {
    root,
    draw(model) {
      for (const button of buttons) put(button, { disabled: !model.canReact });
    },
  };
}

function composerForm(act, say) {
  const over = el("span", { class: "over", id: "over", role: "status" });
  const field = el("textarea", {
    id: "message",
    name: "message",
    class: "field composer-field",
    rows: "1",
    autocomplete: "off",
    enterkeyhint: "send",
    dir: "auto",
    "aria-label": say("chat.message"),
    "aria-describedby": "over",
    on: { input: () => check(), keydown: (event) => sendOnEnter(event) },
  });
  const button = el(
    "button",
    { type: "submit", class: "icon-button icon-button-main", "aria-label": say("chat.send"), title: say("chat.send") },
    icon("send"),
  );
  const root = el("form", { class: "composer", on: { submit: submitted(send) } }, field, over, button);
  let canSpeak = true;

  function check() {
    const excess = charsOver(field.value);
    put(over, { text: excess === 0 ? "" : say("chat.tooLong", { n: excess, max: TEXT_CHARS_MAX }) });
    put(button, { disabled: !canSpeak || excess > 0 });
  }

  function sendOnEnter(event) {
    // Safari tells of the Enter that ends the writing of a Japanese word by this number alone.
    if (event.keyCode === COMPOSING) return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  }

  async function send() {
    const text = field.value.trim();
    if (text === "" || !canSpeak || charsOver(text) > 0) return;
    field.value = "";
    check();
    const isSaid = await act.speak(text);
    // What was not said goes back into the field, unless something else is being written there by now.
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

function modeChoice(act, say) {
  const options = el("div", { class: "segments" });
  const root = el(
    "div",
    { class: "mode", role: "group", "aria-label": say("chat.mode") },
    el("span", { class: "label", text: say("chat.mode") }),
    options,
  );
  return {
    root,
    draw(modes) {
      put(root, { hidden: modes === null });
      keepList(options, modes ?? [], (mode) => {
        const button = el("button", {
          type: "button",
          class: "segment",
          "data-mode": mode.id,
          on: { click: () => act.setMode(mode.id) },
        });
        return { root: button, draw: (item) => put(button, { text: item.label, "aria-pressed": String(item.chosen) }) };
      });
    },
  };
}
